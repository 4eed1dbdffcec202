// A worker thread that makes and closes queues with all that they open, again and again, until it is terminated.

import { parentPort } from 'node:worker_threads';
import { Kqueue, proc, read, timer, user, vnode, write } from '../../src/index.ts';

/** As many queues as are open at a time. */
const OPEN = 4;

const inner = new Kqueue();
const queues: Kqueue[] = [];
for (let i = 0; ; i++) {
  const kq = new Kqueue();
  queues.push(kq);
  kq.register(
    timer(1, { every: 60_000 }),
    user(2),
    vnode('.', { on: ['write'] }),
    proc(process.ppid),
    read(inner.fd),
    write(1, { disabled: true }),
  );
  const waker = kq.waker();
  if (i % 50 === 0) parentPort?.postMessage(waker);
  kq.poll({ timeout: 0 });
  if (queues.length === OPEN) queues.shift()?.close();
}
