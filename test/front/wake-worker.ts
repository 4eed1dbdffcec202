// A worker thread that wakes queues of the main thread, for waker.test.ts.

import { parentPort } from 'node:worker_threads';
import { Waker, type WakerHandle } from '../../src/index.ts';

/** What to wake, how often, and until which error. */
interface Order {
  readonly handle: WakerHandle;
  readonly times?: number;
  readonly until?: string;
}

parentPort?.on('message', ({ handle, times = 1, until }: Order) => {
  const waker = new Waker(handle);
  try {
    for (let i = 0; until !== undefined || i < times; i++) waker.wake();
    parentPort?.postMessage('woken');
  } catch (error) {
    parentPort?.postMessage((error as NodeJS.ErrnoException).code);
  }
});
parentPort?.postMessage('started');
