import { libc, scratch, scratchAddress } from './syscalls.ts';

const CLOCK_REALTIME = 0;

/** CLOCK_MONOTONIC, in nanoseconds. Exact to a few of them: a double holds 104 days of nanoseconds to the unit. */
export function now(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
}

/**
 * CLOCK_REALTIME, in nanoseconds since 1970, as it is now: performance.timeOrigin and what has passed since do not know that
 * the clock was set, or that the machine slept. Date.now() does, and counts whole milliseconds.
 */
export function wallClock(): number {
  // Cannot fail. struct timespec { int64_t tv_sec; int64_t tv_nsec; }
  libc.clock_gettime(CLOCK_REALTIME, scratchAddress);
  const [low, high, nanoseconds] = scratch as unknown as [number, number, number];
  return (high * 2 ** 32 + (low >>> 0)) * 1e9 + nanoseconds;
}
