import { performance } from 'node:perf_hooks';
import * as timers from 'node:timers';

/*
 * Node's timer functions and its clock, captured when this library is imported. Test frameworks replace the globals, and
 * node:test also replaces the exports of node:timers. With a replaced function, a wait ends only when the test moves its
 * clock. The globals do not serve: in a simulated browser, setImmediate is missing and setTimeout returns a number.
 */

export const setImmediate: typeof timers.setImmediate = timers.setImmediate;
export const clearImmediate: typeof timers.clearImmediate = timers.clearImmediate;
export const setTimeout: typeof timers.setTimeout = timers.setTimeout;
export const clearTimeout: typeof timers.clearTimeout = timers.clearTimeout;

/** performance.now(): milliseconds of a monotonic clock. */
export const now: () => number = performance.now.bind(performance);

/** Whether libuv runs the event loop. Bun and Deno only imitate some of its functions, and some of them end the process. */
export const hasLibuv: boolean = process.versions['bun'] === undefined && process.versions['deno'] === undefined;

let main: boolean | undefined;

/** Whether this is the main thread of the process. Loads worker_threads at the first call, which takes a millisecond. */
export function isMainThread(): boolean {
  main ??= process.getBuiltinModule('node:worker_threads').isMainThread;
  return main;
}

/** An environment variable; undefined also in Deno without --allow-env for it. */
export function environment(name: 'KQUEUE_LIBRARY' | 'KQUEUE_TRACE'): string | undefined {
  try {
    return process.env[name];
  } catch {
    // Deno refuses with NotCapable. To the library such a variable is not set.
    return undefined;
  }
}
