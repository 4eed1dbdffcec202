/// <reference lib="esnext.disposable" preserve="true" />
import { proc } from '../index.ts';
import { join, type Listener, leave } from './dispatcher.ts';
import { checkOptions, invalid, type RecipeOptions } from './options.ts';

export interface ExitWithParentOptions extends RecipeOptions {
  /**
   * The process to watch. Default: `process.ppid`. A parent that ends before the call is replaced by another process. To be
   * safe from that, let the parent pass its pid, for example as an argument, and give it here.
   */
  readonly pid?: number | undefined;
  /** Called when the parent has ended. Default: `process.exit()`, which in a worker ends the worker only. */
  readonly onEnd?: (() => void) | undefined;
}

/** The watch that exitWithParent() starts. */
export interface ParentWatch {
  /** Stops watching the parent. */
  close(): void;
  /** As close(). */
  [Symbol.dispose](): void;
}

/**
 * Ends this process, or calls `onEnd`, when its parent ends, however the parent ends. It does not keep this process running.
 * `onEnd` runs once, and never before this function has returned. An abort of the signal stops the watch.
 *
 * @example
 * ```ts
 * exitWithParent({ onEnd: () => server.close() });
 * ```
 *
 * @throws KqueueError EACCES: this process may not watch its parent
 * @throws TypeError, RangeError: an option is invalid
 */
export function exitWithParent(options: ExitWithParentOptions = {}): ParentWatch {
  checkOptions(options, 'pid', 'onEnd');
  const { signal, pid, onEnd = (): never => process.exit() } = options;
  if (typeof onEnd !== 'function') throw invalid('onEnd', 'a function', onEnd);
  const interest = proc(pid ?? process.ppid);

  let watches = !signal?.aborted;
  const close = (): void => {
    watches = false;
    signal?.removeEventListener('abort', close);
    leave(interest, listener);
  };
  const end = (): void => {
    // In a promise, so that an error of onEnd is the caller's and reaches no other recipe.
    Promise.resolve().then(() => {
      if (!watches) return;
      close();
      onEnd();
    });
  };
  const fail = (error: unknown): void => {
    close();
    // No promise of the caller can report it, so it becomes an unhandled rejection.
    Promise.reject(error);
  };
  const listener: Listener = { event: end, fail };

  if (watches) {
    try {
      join(interest, listener);
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ESRCH') throw error;
      end();
    }
    // The parent may have ended before it was registered. Then another process is the parent, or has its pid.
    if (pid === undefined && process.ppid !== interest.ident) end();
    signal?.addEventListener('abort', close);
  }
  return { close, [Symbol.dispose]: close };
}
