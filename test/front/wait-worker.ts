// A worker thread that waits on queues of its own until it is terminated, for waker.test.ts.

import { parentPort } from 'node:worker_threads';
import { Kqueue, timer, user, vnode } from '../../src/index.ts';

for (let i = 0; i < 3; i++) {
  const kq = new Kqueue();
  kq.register(timer(1, { every: 60_000 }), user(2), vnode('.', { on: ['write'] }));
  kq.wait();
}
parentPort?.postMessage('waiting');
