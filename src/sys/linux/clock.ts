import { libc, scratch, scratchAddress } from './syscalls.ts';

const CLOCK_REALTIME = 0;

/** CLOCK_MONOTONIC, in nanoseconds. Exact to a few of them: a double holds 104 days of nanoseconds to the unit. */
export function now(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
}

/**
 * The wall clock, in nanoseconds since 1970, to the quarter of a microsecond. Date.now() has whole milliseconds, and
 * performance.timeOrigin is what the clock said when the process began: it has been set since, or the machine has slept.
 */
export function wallClock(): number {
  // Cannot fail. struct timespec { int64_t tv_sec; int64_t tv_nsec; }: seconds have 32 bits until 2106.
  libc.clock_gettime(CLOCK_REALTIME, scratchAddress);
  return ((scratch[0] as number) >>> 0) * 1e9 + (scratch[2] as number);
}
