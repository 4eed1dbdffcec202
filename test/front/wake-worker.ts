// A worker thread that wakes a queue of the main thread, for waker.test.ts.

import { parentPort } from 'node:worker_threads';
import { Waker, type WakerHandle } from '../../src/index.ts';

parentPort?.on('message', (handle: WakerHandle) => {
  const waker = new Waker(handle);
  try {
    waker.wake();
    parentPort?.postMessage('woken');
  } catch (error) {
    parentPort?.postMessage((error as NodeJS.ErrnoException).code);
  }
});
parentPort?.postMessage('started');
