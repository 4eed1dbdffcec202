/// <reference lib="esnext.disposable" preserve="true" />
import { type AbortSignalLike, type Interest, type KqueueEvent, timer } from '../index.ts';
import { freshIdent, hold, join, type Listener, leave, release } from './dispatcher.ts';

/**
 * Milliseconds during which a file that gets the name may be unreadable. logrotate(8) and others create a file and set its
 * owner and mode after that. No kernel reports it, because the file cannot be opened and its directory does not change.
 */
const GRACE = 1000;

/**
 * An iteration that holds knotes and descriptors from the call on. `break`, close(), `using` and an abort end it. It keeps
 * the process running only while a next() waits.
 */
export interface Changes<T> extends AsyncIterableIterator<T> {
  /** Ends the iteration, also for a next() that waits. */
  close(): void;
  /** As close(). */
  [Symbol.dispose](): void;
  /** As close(). */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Where the values of an iteration come from. */
interface Source<T> {
  /** Registers knotes for the listener. */
  open(listener: Listener): void;
  /** Notes what the event says. Then take() is called, now or when the consumer asks for a value. */
  event?(event: KqueueEvent): void;
  /** Looks for a value. All that happened since the last look is one value. Undefined: nothing has happened. */
  take(): T | undefined | Promise<T | undefined>;
  /** Undoes open(). */
  close(listener: Listener): void;
}

export function changes<T>(source: Source<T>, signal: AbortSignalLike | undefined): Changes<T> {
  let closed = false;
  /** Why the iteration ended, until a next() has thrown it. */
  let failure: { readonly error: unknown } | undefined;
  /** Whether an event came since the last look. */
  let news = false;
  let wake: (() => void) | undefined;
  /** Ends GRACE. Undefined while the last look found nothing that is unreadable. */
  let retry: Interest | undefined;
  let graceIsOver = false;
  /** Settles when the calls of next() so far are answered. */
  let turn: Promise<unknown> = Promise.resolve();

  const close = (): void => {
    if (closed) return;
    closed = true;
    signal?.removeEventListener('abort', abort);
    endGrace();
    source.close(listener);
    wake?.();
  };
  const fail = (error: unknown): void => {
    if (closed) return;
    failure = { error };
    close();
  };
  const abort = (): void => fail(signal?.reason);
  const endGrace = (): void => {
    if (retry !== undefined) leave(retry, listener);
    retry = undefined;
    graceIsOver = false;
  };
  /** @throws the error, unless the file may become readable and GRACE is not over */
  const tolerate = (error: unknown): void => {
    if ((error as { code?: unknown }).code !== 'EACCES' || graceIsOver) throw error;
    if (retry !== undefined) return;
    retry = timer(freshIdent(), { after: GRACE });
    join(retry, listener);
  };
  const look = async (): Promise<T | undefined> => {
    try {
      const value = await source.take();
      endGrace();
      return value;
    } catch (error) {
      tolerate(error);
      return undefined;
    }
  };
  const listener: Listener = {
    event: (event) => {
      if (event.filter === retry?.filter && event.ident === retry.ident) graceIsOver = true;
      try {
        try {
          source.event?.(event);
        } catch (error) {
          tolerate(error);
        }
      } catch (error) {
        return fail(error);
      }
      news = true;
      wake?.();
    },
    fail,
  };
  /** Until an event comes or the iteration ends. */
  const wait = async (): Promise<void> => {
    hold(listener);
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
    wake = undefined;
    release(listener);
  };
  const take = async (): Promise<IteratorResult<T, undefined>> => {
    try {
      while (!closed) {
        news = false;
        const value = await look();
        if (value !== undefined && !closed) return { done: false, value };
        if (!news && !closed) await wait();
      }
    } catch (error) {
      fail(error);
    }
    if (failure !== undefined) {
      const { error } = failure;
      failure = undefined;
      throw error;
    }
    return { done: true, value: undefined };
  };

  if (signal?.aborted) throw signal.reason;
  try {
    source.open(listener);
  } catch (error) {
    source.close(listener);
    throw error;
  }
  signal?.addEventListener('abort', abort);
  const iterator: Changes<T> = {
    next: () => {
      const result = turn.then(take);
      turn = result.catch(() => {});
      return result;
    },
    return: async () => {
      close();
      return { done: true, value: undefined };
    },
    close,
    [Symbol.dispose]: close,
    [Symbol.asyncDispose]: async () => close(),
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}
