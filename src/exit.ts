import { setImmediate } from './sys/runtime.ts';

/**
 * Calls `end` when the process emits 'exit', which means that the JavaScript of this thread ends. A program can emit 'exit' too.
 * If the event loop turns after it, `resume` is called. If a program removes the listener, as `removeAllListeners()` does, `end` is
 * called too, because the thread may end before the loop turns. In the next turn the listener is added again.
 */
export function atExit(end: () => void, resume: () => void): void {
  const listener = (): void => {
    end();
    setImmediate(() => {
      listen();
      resume();
    });
  };
  const removed = (_event: string | symbol, what: unknown): void => {
    if (what === listener) listener();
  };
  const listen = (): void => {
    if (process.listenerCount('exit', listener) === 0) process.on('exit', listener);
    if (process.listenerCount('removeListener', removed) === 0) process.on('removeListener', removed);
  };
  listen();
}
