/**
 * How many milliseconds a test, a suite or a process may take. Only what hangs reaches this limit, also on a busy machine.
 * run.ts gives a whole file three times as long.
 */
export const LIMIT = 300_000;
