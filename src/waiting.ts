import { createWatcher, type Watcher } from './loop.ts';
import { clearImmediate, clearTimeout, now, setImmediate, setTimeout } from './sys/runtime.ts';
import type { Sys } from './sys/sys.ts';

/** As much of an AbortSignal as is used: the DOM's and Node's both are one. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Somebody who waits, and how to tell him. */
export interface Waiter<Event> {
  /** As many events as he takes; undefined for as many as there are. */
  readonly max: number | undefined;
  /** Milliseconds; undefined for ever. */
  readonly timeout: number | undefined;
  readonly signal: AbortSignalLike | undefined;
  /** Some events; none when the time is over. */
  done(events: Event[]): void;
  fail(error: unknown): void;
  /** The queue was closed. */
  closed(): void;
}

/** The longest time that setTimeout() takes. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** The one waiter that a queue may have, with all that must be undone when his wait ends. */
export class Waiting<Event> {
  readonly #sys: Sys;
  readonly #kq: number;
  /** Fetches what is there, and does not wait. */
  readonly #fetch: (max: number | undefined) => Event[];
  #watcher: Watcher | undefined;
  #waiter: Waiter<Event> | undefined;
  /** Whether begin() has come to its end: the caller has the promise of the waiter. */
  #begun = false;
  /** Who waited when the queue was closed. */
  #dismissed: Waiter<Event> | undefined;
  /** What his signal calls: of his own, as one that is not Node's may call it even after his wait. */
  #abort: (() => void) | undefined;
  #held = true;
  /** On the clock of performance.now(). */
  #end = 0;
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;

  constructor(sys: Sys, kq: number, fetch: (max: number | undefined) => Event[]) {
    this.#sys = sys;
    this.#kq = kq;
    this.#fetch = fetch;
  }

  get pending(): boolean {
    return this.#begun;
  }

  begin(waiter: Waiter<Event>): void {
    // What is left of a begin() that was stopped, whose promise nobody has.
    this.#finish();
    this.#watcher ??= createWatcher(this.#sys, this.#kq, this.#held, this.#look);
    this.#waiter = waiter;
    this.#prepare(waiter);
    // Last: a watcher that nobody answers keeps the loop busy.
    if (this.#waiter === waiter) this.#watcher.watch();
    this.#begun = this.#waiter === waiter;
  }

  /** A call that may take what the watcher has seen, and be stopped then, is about to begin: look again after it. */
  hurry(): void {
    if (this.#begun) setImmediate(this.#look);
  }

  #prepare(waiter: Waiter<Event>): void {
    const { timeout, signal } = waiter;
    if (signal !== undefined) {
      const abort = (): void => {
        if (this.#waiter !== waiter) return;
        this.#finish();
        try {
          waiter.fail(signal.reason);
        } catch (error) {
          waiter.fail(error);
        }
      };
      this.#abort = abort;
      try {
        signal.addEventListener('abort', abort);
      } catch (error) {
        if (this.#waiter === waiter) this.#finish();
        throw error;
      }
      // It is the caller's code, and may have ended the wait.
      if (this.#waiter !== waiter) return;
    }
    if (timeout === undefined || timeout === Number.POSITIVE_INFINITY) return;
    this.#end = now() + timeout;
    // Not at once even for 0: a loop of such waits would leave timers and I/O no turn.
    if (timeout > 0) this.#sleep(timeout);
    else {
      this.#turn = setImmediate(this.#expire);
      if (!this.#held) this.#turn.unref();
    }
  }

  /** Ends the wait without telling the waiter. */
  cancel(): void {
    this.#finish();
  }

  hold(held: boolean): void {
    this.#held = held;
    this.#watcher?.hold(held);
    const pending = this.#timer ?? this.#turn;
    if (held) pending?.ref();
    else pending?.unref();
  }

  /** Nothing is watched any more. */
  close(): void {
    const waiter = this.#begun ? this.#waiter : undefined;
    this.#dismissed ??= waiter;
    this.#finish();
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  /** The queue is closed altogether: tells who waited. */
  dismiss(): void {
    this.#dismissed?.closed();
  }

  #finish(): Waiter<Event> | undefined {
    const waiter = this.#waiter;
    const abort = this.#abort;
    if (waiter === undefined) return undefined;
    this.#begun = false;
    this.#waiter = undefined;
    this.#abort = undefined;
    this.#watcher?.rest();
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#timer = undefined;
    this.#turn = undefined;
    try {
      if (abort !== undefined) waiter.signal?.removeEventListener('abort', abort);
    } catch {
      // The caller's code: it must cost nobody the events that were fetched, nor the word that the queue was closed.
    }
    return waiter;
  }

  readonly #look = (): void => {
    const waiter = this.#waiter;
    if (waiter === undefined || !this.#begun) return;
    let events: Event[];
    try {
      events = this.#fetch(waiter.max);
    } catch (error) {
      this.#finish();
      waiter.fail(error);
      return;
    }
    if (events.length === 0) return;
    this.#finish();
    waiter.done(events);
  };

  #sleep(ms: number): void {
    this.#timer = setTimeout(this.#expire, Math.min(Math.ceil(ms), LONGEST_TIMEOUT));
    if (!this.#held) this.#timer.unref();
  }

  readonly #expire = (): void => {
    this.#timer = undefined;
    this.#turn = undefined;
    // Node's timers may be early by part of a millisecond.
    const left = this.#end - now();
    if (left > 0) {
      this.#sleep(left);
      return;
    }
    const waiter = this.#waiter;
    // A last look: what came in the same turn as the end of the time is not left lying.
    this.#look();
    if (waiter === undefined || this.#waiter !== waiter) return;
    this.#finish();
    waiter.done([]);
  };
}
