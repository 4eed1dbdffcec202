// The book's express example, third of three: the high-level API. There are no counts, no -1 and no layouts. The event loop
// runs while the program waits. delayed-requests-sys.ts and delayed-requests-koffi.ts show the levels below.

import { Kqueue, read } from 'kqueue-ffi';
import { startDelayServer, unit } from './delay-server-process.ts';
import { closeConnection, openConnection, send } from './tcp.ts';

const server = await startDelayServer();
const start = performance.now();

const kq = new Kqueue<number>();

for (let i = 1; i <= 5; i++) {
  const delay = (5 - i) * unit;
  const fd = openConnection(server.port);
  send(fd, `GET /${delay}/request-${i} HTTP/1.1\r\nHost: localhost\r\n\r\n`);

  const [registration] = kq.register(read(fd, { oneshot: true, token: i }));
  console.log(`REGISTERED: ${i}  answer after ${delay} ms  ${registration}`);
}

for (let owed = 5; owed > 0; ) {
  for (const event of await kq.wait({ max: 10 })) {
    // The program reads nothing from the socket. It shows the notification only.
    console.log(`RECEIVED: ${event.token}  after ${Math.round(performance.now() - start)} ms  ${event}`);
    closeConnection(event.ident);
    owed--;
  }
}

kq.close();
console.log('FINISHED');
await server.stop();
