import { setImmediate } from './sys/runtime.ts';

/**
 * Calls `end` when the process emits 'exit', which means that the JavaScript of this thread ends. A program can emit 'exit' too.
 * If the event loop turns after it, `resume` is called. Returns a function that listens again if a program has removed the
 * listener.
 */
export function atExit(end: () => void, resume: () => void): () => void {
  const listener = (): void => {
    end();
    setImmediate(resume);
  };
  const listen = (): void => {
    if (process.listenerCount('exit', listener) === 0) process.on('exit', listener);
  };
  listen();
  return listen;
}
