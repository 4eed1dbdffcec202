// A worker thread in which other code emits 'exit', for waker.test.ts.

import { parentPort } from 'node:worker_threads';
import { Kqueue } from '../../src/index.ts';

const kq = new Kqueue();
const waker = kq.waker();
process.emit('exit', 0);
const during = waker.wake();
setImmediate(() => {
  parentPort?.postMessage([during, waker.wake()]);
  kq.close();
});
