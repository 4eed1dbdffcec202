// A worker thread that waits on one descriptor again and again until it is terminated, for exit.test.ts.

import { parentPort, workerData } from 'node:worker_threads';
import { Kqueue, read } from '../../src/index.ts';

const kq = new Kqueue();
kq.register(read(workerData as number));
parentPort?.postMessage('waiting');
for (;;) await kq.wait();
