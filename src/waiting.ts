import { createWatcher, type Watcher } from './loop.ts';
import { clearImmediate, clearTimeout, now, setImmediate, setTimeout } from './sys/runtime.ts';
import type { Sys } from './sys/sys.ts';

/** The part of an AbortSignal that `wait()` uses. The AbortSignals of Node and of the DOM both have it. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** One wait, and how to end it. */
interface PendingWait<Event> {
  /** The largest number of events to return. Undefined for no limit. */
  readonly max?: number | undefined;
  /** Milliseconds. Undefined waits forever. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignalLike | undefined;
  /** Gets the events, or none when the timeout expires. */
  resolve(events: Event[]): void;
  reject(error: unknown): void;
  /** The queue was closed. */
  closed(): void;
}

/** The longest time that setTimeout() accepts, in milliseconds. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** The one wait that a queue may have at a time, and its watcher, timer and signal. */
export class Waiting<Event> {
  readonly #sys: Sys;
  readonly #kq: number;
  /** Fetches events without waiting. */
  readonly #fetch: (max: number | undefined) => Event[];
  #watcher: Watcher | undefined;
  #wait: PendingWait<Event> | undefined;
  /** Whether begin() has finished, so that the caller has the promise of the wait. */
  #begun = false;
  /** The wait that was pending when the queue was closed. */
  #waitAtClose: PendingWait<Event> | undefined;
  /** The listener of the wait's signal. */
  #abort: (() => void) | undefined;
  #ref = true;
  /** When the timeout expires, on the clock of now(). */
  #deadline = 0;
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

  begin(wait: PendingWait<Event>): void {
    // A begin() that was stopped leaves a wait whose promise no caller has.
    this.end();
    this.#watcher ??= createWatcher(this.#sys, this.#kq, this.#ref, this.#look);
    this.#wait = wait;
    if (wait.signal !== undefined) this.#listen(wait, wait.signal);
    if (wait.timeout !== undefined && wait.timeout !== Number.POSITIVE_INFINITY) this.#startTimer(wait.timeout);
    // Last, because the loop spins if the watcher is started and no wait fetches the events.
    this.#watcher.start();
    this.#begun = true;
  }

  #listen(wait: PendingWait<Event>, signal: AbortSignalLike): void {
    this.#abort = (): void => {
      // end() may have been stopped before it removed this listener.
      if (this.#wait !== wait) return;
      this.end();
      wait.reject(signal.reason);
    };
    signal.addEventListener('abort', this.#abort);
  }

  #startTimer(timeout: number): void {
    this.#deadline = now() + timeout;
    if (timeout > 0) {
      this.#sleep(timeout);
      return;
    }
    // Not immediately even for 0: a loop of such waits would keep the event loop from timers and I/O.
    this.#turn = setImmediate(this.#expire);
    if (!this.#ref) this.#turn.unref();
  }

  /** A call is about to begin that may take what the watcher has seen and then be stopped. So look again after the call. */
  lookSoon(): void {
    if (this.#begun) setImmediate(this.#look);
  }

  /** Sets whether a pending wait keeps the process running. */
  setRef(ref: boolean): void {
    this.#ref = ref;
    this.#watcher?.setRef(ref);
    const pending = this.#timer ?? this.#turn;
    if (ref) pending?.ref();
    else pending?.unref();
  }

  /** Stops watching. `reportClosed()` ends the pending wait later. */
  close(): void {
    const wait = this.#begun ? this.#wait : undefined;
    this.#waitAtClose ??= wait;
    this.end();
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  /** Ends the wait that was pending at close(). By now the queue is closed. */
  reportClosed(): void {
    this.#waitAtClose?.closed();
  }

  /** Ends the wait and leaves its promise pending. */
  end(): void {
    const wait = this.#wait;
    const abort = this.#abort;
    if (wait === undefined) return;
    this.#begun = false;
    this.#wait = undefined;
    this.#abort = undefined;
    this.#watcher?.stop();
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#timer = undefined;
    this.#turn = undefined;
    if (abort !== undefined) wait.signal?.removeEventListener('abort', abort);
  }

  readonly #look = (): void => {
    const wait = this.#wait;
    if (wait === undefined) return;
    if (!this.#begun) {
      // The begin() of this wait was stopped, and its watcher would go on.
      this.end();
      return;
    }
    let events: Event[];
    try {
      events = this.#fetch(wait.max);
    } catch (error) {
      this.end();
      wait.reject(error);
      return;
    }
    if (events.length === 0) return;
    this.end();
    wait.resolve(events);
  };

  #sleep(ms: number): void {
    this.#timer = setTimeout(this.#expire, Math.min(Math.ceil(ms), LONGEST_TIMEOUT));
    if (!this.#ref) this.#timer.unref();
  }

  readonly #expire = (): void => {
    this.#timer = undefined;
    this.#turn = undefined;
    // Node's timers may fire up to a millisecond early.
    const left = this.#deadline - now();
    if (left > 0) {
      this.#sleep(left);
      return;
    }
    const wait = this.#wait;
    // The watcher may fire in the same turn as the timer. So look once more.
    this.#look();
    if (wait === undefined || this.#wait !== wait) return;
    this.end();
    wait.resolve([]);
  };
}
