/** CLOCK_MONOTONIC, in nanoseconds. Exact to a few of them: a double holds 104 days of nanoseconds to the unit. */
export function now(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
}
