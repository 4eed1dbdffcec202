// The book's express example, second of three: the system-call API. The calls, their arguments and their -1 are those of the
// man page. The library has the declarations and layouts that delayed-requests-koffi.ts writes down itself.

import { setImmediate } from 'node:timers/promises';
import {
  close,
  EV_ADD,
  EV_ENABLE,
  EV_ONESHOT,
  EV_SET,
  EVFILT_READ,
  errno,
  errnoName,
  KeventList,
  kevent,
  kqueue,
} from 'kqueue-ffi/sys';
import { startDelayServer, unit } from './delay-server-process.ts';
import { closeConnection, openConnection, send } from './tcp.ts';

function check(call: string, result: number): number {
  if (result === -1) throw new Error(`${call}: ${errnoName(errno())}`);
  return result;
}

const server = await startDelayServer();
const start = performance.now();

const kq = check('kqueue', kqueue());

const change = new KeventList(1);
for (let i = 1; i <= 5; i++) {
  const delay = (5 - i) * unit;
  const fd = openConnection(server.port);
  send(fd, `GET /${delay}/request-${i} HTTP/1.1\r\nHost: localhost\r\n\r\n`);

  // Register mode: a changelist of one record, and no eventlist.
  EV_SET(change, 0, fd, EVFILT_READ, EV_ADD | EV_ENABLE | EV_ONESHOT, 0, 0, i);
  check('kevent', kevent(kq, change, 1, null, 0, null));
  console.log(`REGISTERED: ${i}  answer after ${delay} ms  ${change}`);
}

const events = new KeventList(10);
for (let owed = 5; owed > 0; ) {
  // Wait mode: no changelist, room for ten events, and no timeout.
  const n = kevent(kq, null, 0, events, events.length, null);
  if (n === -1 && errnoName(errno()) === 'EINTR') {
    // A signal arrived. Its handlers in JavaScript run when the event loop turns, and a blocked call prevents that.
    await setImmediate();
    continue;
  }
  check('kevent', n);
  const records = String(events).split('\n'); // one line for each record
  for (let i = 0; i < n; i++) {
    // The program reads nothing from the socket. It shows the notification only.
    console.log(`RECEIVED: ${events.udata(i)}  after ${Math.round(performance.now() - start)} ms  ${records[i]}`);
    closeConnection(events.ident(i));
    owed--;
  }
}

check('close', close(kq));
console.log('FINISHED');
await server.stop();
