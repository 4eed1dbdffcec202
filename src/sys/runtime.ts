import { performance } from 'node:perf_hooks';
import * as timers from 'node:timers';

/*
 * Node's timer functions and its clock, as they are when this library is imported. Test frameworks replace the globals, and
 * node:test also the exports of node:timers. With a replaced function, a wait would not end before the test moves its clock.
 * Not the globals: where a test runs in a simulated browser, setImmediate is missing, and setTimeout returns a number.
 */

export const setImmediate: typeof timers.setImmediate = timers.setImmediate;
export const clearImmediate: typeof timers.clearImmediate = timers.clearImmediate;
export const setTimeout: typeof timers.setTimeout = timers.setTimeout;
export const clearTimeout: typeof timers.clearTimeout = timers.clearTimeout;

/** performance.now(): milliseconds on a clock that nobody sets. */
export const now: () => number = performance.now.bind(performance);

let main: boolean | undefined;

/** Whether this is the process's main thread. Asked when it matters: to import worker_threads costs a millisecond. */
export function isMainThread(): boolean {
  main ??= process.getBuiltinModule('node:worker_threads').isMainThread;
  return main;
}
