import { setImmediate } from './sys/runtime.ts';

/**
 * Calls `end` when the JavaScript of this thread ends: 'exit'. Anyone can emit that event. If the event loop turns after
 * all, `resume` is called. Returns a function that listens again, if someone has removed the listener.
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
