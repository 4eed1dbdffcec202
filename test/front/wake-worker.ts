// A worker thread that wakes queues of the main thread, for waker.test.ts.

import { parentPort } from 'node:worker_threads';
import { Waker, type WakerHandle } from '../../src/index.ts';

/** What to wake, and how often at most: until the queue is closed. */
interface Order {
  readonly handle: WakerHandle;
  readonly times?: number;
}

parentPort?.on('message', ({ handle, times = 1 }: Order) => {
  const waker = new Waker(handle);
  let woken = true;
  for (let i = 0; woken && i < times; i++) woken = waker.wake();
  parentPort?.postMessage(woken ? 'woken' : 'closed');
});
parentPort?.postMessage('started');
