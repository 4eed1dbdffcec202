// Stops a wait() at each of its points, half of them with an event. Then nothing keeps the process running.

import { countPoints, interrupted, interruptible } from '../helpers/interruptible.ts';

const library = await interruptible();
const queue = (triggered: boolean): InstanceType<typeof library.Kqueue> => {
  const kq = new library.Kqueue();
  const [event] = kq.register(library.user(1));
  if (triggered) event.trigger();
  return kq;
};
const counted = queue(true);
const points = countPoints(library, () => void counted.wait().catch(() => {}));
counted.close();
let stopped = 0;
for (let point = 1; point <= points; point++) {
  for (const triggered of [true, false]) {
    const kq = queue(triggered);
    if (interrupted(library, point, 'terminate', () => void kq.wait())) stopped++;
    // The last step has nothing that could be stopped, so this queue has a wait().
    else kq.unref();
  }
}
console.log(`${stopped} stopped`);
