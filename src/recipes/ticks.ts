import { timer } from '../index.ts';
import { type Changes, changes } from './changes.ts';
import { freshIdent, join, leave } from './dispatcher.ts';
import { checkOptions, type RecipeOptions } from './options.ts';

export interface TickOptions extends RecipeOptions {
  /** Milliseconds from one tick to the next, more than 0. Fractions count where the system has a finer unit. */
  readonly every: number;
}

/** Reports that one or more periods of a timer have ended. */
export interface Tick {
  /** The number of periods since the start, 1 for the first tick. It grows by more than 1 if periods were missed. */
  readonly count: number;
  /** The number of periods between the last tick and this one that ended while your program was not waiting. */
  readonly missed: number;
}

/**
 * Iterates over the periods of a kernel timer, from the call on. The kernel counts the periods, so a slow consumer learns
 * how many it missed, and the ticks do not drift.
 *
 * @example
 * ```ts
 * for await (const { count, missed } of ticks({ every: 250 })) {
 *   if (missed > 0) console.log(`${missed} periods too late`);
 *   if (count >= 10) break;
 * }
 * ```
 *
 * @throws RangeError: `every` is a fraction, and this system has no unit that is finer than a millisecond
 * @throws TypeError, RangeError: another option is invalid
 * @throws (next() rejects with) the signal's reason: the signal is aborted
 */
export function ticks(options: TickOptions): Changes<Tick> {
  checkOptions(options, 'every');
  const interest = timer(freshIdent(), { every: options.every });
  let count = 0;
  let periods = 0;
  return changes<Tick>(
    {
      open: (listener) => join(interest, listener),
      event: (event) => {
        periods += event.data;
      },
      take: () => {
        if (periods === 0) return undefined;
        const missed = periods - 1;
        count += periods;
        periods = 0;
        return { count, missed };
      },
      close: (listener) => leave(interest, listener),
    },
    options.signal,
  );
}
