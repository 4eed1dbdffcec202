let main: boolean | undefined;

/** Whether this is the process's main thread. Asked when it matters: to import worker_threads costs a millisecond. */
export function isMainThread(): boolean {
  main ??= process.getBuiltinModule('node:worker_threads').isMainThread;
  return main;
}
