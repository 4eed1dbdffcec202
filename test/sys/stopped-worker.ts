// In a worker: stops the making of a queue and of a waker at each point, and reports the descriptors that are left.

import { parentPort } from 'node:worker_threads';
import { descriptors } from '../helpers/descriptors.ts';
import { interrupted, interruptible } from '../helpers/interruptible.ts';

const library = await interruptible();
// The first call opens what the library keeps.
const first = new library.Kqueue();
first.waker(1);
first.close();
const before = descriptors().length;
let [points, stopped] = [0, true];
while (stopped) {
  points++;
  const made: InstanceType<typeof library.Kqueue>[] = [];
  stopped = interrupted(library, points, 'overflow', () => {
    made[0] = new library.Kqueue();
    made[0].waker(1);
  });
  made[0]?.close();
  new library.Kqueue().close();
}
parentPort?.postMessage({ points, left: descriptors().length - before });
