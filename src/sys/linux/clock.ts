import { clockTime } from './syscalls.ts';

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;

/** CLOCK_MONOTONIC, in nanoseconds: the clock of timerfd_create(2). */
export function now(): number {
  return clockTime(CLOCK_MONOTONIC);
}

/**
 * CLOCK_REALTIME, in nanoseconds since 1970, as it is now. performance.timeOrigin and the time since then do not include
 * that the clock was set or that the machine slept. Date.now() counts whole milliseconds, and test frameworks replace it.
 */
export function wallClock(): number {
  return clockTime(CLOCK_REALTIME);
}
