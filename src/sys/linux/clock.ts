import { clockTime } from './syscalls.ts';

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;

/** CLOCK_MONOTONIC in nanoseconds, the clock that timerfd_create(2) uses here. */
export function monotonicTime(): number {
  return clockTime(CLOCK_MONOTONIC);
}

/**
 * CLOCK_REALTIME in nanoseconds since 1970. performance.timeOrigin with performance.now() does not serve, because it misses
 * changes of the clock and the time that the machine slept. Date.now() has only milliseconds, and test frameworks replace it.
 */
export function wallClockTime(): number {
  return clockTime(CLOCK_REALTIME);
}
