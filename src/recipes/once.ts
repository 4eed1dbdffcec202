import { type Interest, type KqueueEvent, timer } from '../index.ts';
import { freshIdent, hold, join, type Listener, leave, look, release } from './dispatcher.ts';
import { checkOptions, checkTimeout, type TimeoutOptions } from './options.ts';

/** Milliseconds: 2^31 - 1 seconds, the longest timeout of poll() too. */
const LONGEST = (2 ** 31 - 1) * 1000;

/** The first event of the interest. */
export function once(interest: Interest, options: TimeoutOptions): Promise<KqueueEvent> {
  return new Promise((resolve, reject) => {
    checkOptions(options, 'timeout');
    const { signal, timeout } = options;
    checkTimeout(timeout);
    if (signal?.aborted) throw signal.reason;
    // A kernel timer. It is at least 1 millisecond, because no kernel takes 0.
    const time =
      timeout === undefined || timeout === Number.POSITIVE_INFINITY
        ? undefined
        : timer(freshIdent(), { after: Math.min(Math.max(1, Math.ceil(timeout)), LONGEST) });

    let waits = true;
    const end = (): void => {
      waits = false;
      signal?.removeEventListener('abort', abort);
      release(listener);
      leave(interest, listener);
      if (time !== undefined) leave(time, clock);
    };
    const fail = (error: unknown): void => {
      end();
      reject(error);
    };
    const abort = (): void => fail(signal?.reason);
    const listener: Listener = {
      event: (event) => {
        end();
        resolve(event);
      },
      fail,
    };
    const clock: Listener = {
      event: () => {
        // The kernel may have reported the timer before an event that came earlier.
        look();
        if (waits) fail(timeoutError(interest, timeout));
      },
      fail,
    };

    try {
      join(interest, listener);
      if (time !== undefined) join(time, clock);
    } catch (error) {
      fail(error);
      return;
    }
    hold(listener);
    signal?.addEventListener('abort', abort);
  });
}

function timeoutError({ filter, ident }: Interest, timeout: number | undefined): Error {
  const error = new Error(`ETIMEDOUT: no event of ${filter} ${ident} within ${timeout} ms`);
  return Object.assign(error, { code: 'ETIMEDOUT' });
}
