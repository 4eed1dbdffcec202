// A clock that a test can stop. The library keeps performance.now() as it is when it is imported, so import this file first.

import type { TestContext } from 'node:test';

const real = performance.now.bind(performance);
let stopped: { now: number } | undefined;
performance.now = () => stopped?.now ?? real();

/** Stops the clock until the test ends. From now on the test says what time it is. */
export function stopClock(t: TestContext): { now: number } {
  const clock = { now: 1000 };
  stopped = clock;
  t.after(() => (stopped = undefined));
  return clock;
}
