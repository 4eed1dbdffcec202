/// <reference lib="esnext.disposable" preserve="true" />
import { constants as os } from 'node:os';
import { closedError, KqueueError } from './error.ts';
import { type EventType, eventOf, eventTypesOf, type KqueueEvent } from './event.ts';
import { type Interest, isInterest, notAnInterest, user } from './interest.ts';
import { type Knote, Knotes } from './knotes.ts';
import { Leftover } from './leftover.ts';
import type { Registration, Registrations } from './registration.ts';
import { checkInteger, checkOptionNames, INT_MAX, outOfRange, wrongType } from './sys/check.ts';
import { KeventList } from './sys/kevent-list.ts';
import { isAbi } from './sys/layout.ts';
import { inspectAs } from './sys/names.ts';
import { isMainThread, now } from './sys/runtime.ts';
import { defaultSys, unavailableReason } from './sys/select.ts';
import type { Sys } from './sys/sys.ts';
import { Timespec } from './sys/timespec.ts';
import { type AbortSignalLike, Waiting } from './waiting.ts';
import { Gate, Waker, wakerHandle } from './waker.ts';

const { EBADF, EINTR, ENOENT } = os.errno;
const QUEUE_OPTIONS: ReadonlySet<string> = new Set(['sys']);
const POLL_OPTIONS: ReadonlySet<string> = new Set(['timeout', 'max'] satisfies (keyof PollOptions)[]);
const WAIT_OPTIONS: ReadonlySet<string> = new Set(['timeout', 'max', 'signal'] satisfies (keyof WaitOptions)[]);
const NOW = new Timespec(0, 0);
/** Events that one call fetches at most: at first, and when there are always more. */
const [FEW, MANY] = [64, 1024];
/** The longest wait of one kevent(2) call in a worker, in milliseconds: terminate(), and process.exit() of the main thread, take effect between two calls only. */
const WORKER_SLICE = 100;

/** How long to wait, and for how much. */
export interface PollOptions {
  /** Milliseconds; fractions count. Absent, or Infinity: for ever. 0: look and return. */
  readonly timeout?: number | undefined;
  /** How many events at most, 1 or more. One call gives no more than 1,024; the rest comes next. */
  readonly max?: number | undefined;
}

/** As {@link PollOptions}, and how to give up. */
export interface WaitOptions extends PollOptions {
  /** An AbortSignal: rejects with its reason when it is aborted. No event is lost by that. */
  readonly signal?: AbortSignalLike | undefined;
}

/**
 * A kqueue(2): what is registered with it, it reports.
 *
 * ```ts
 * using kq = new Kqueue<string>();
 * kq.register(read(fd, { token: 'socket' }), timer(1, { every: 250 }));
 * for await (const event of kq) console.log(`${event}`, event.token);
 * ```
 *
 * poll() blocks the thread, wait() and iteration do not. After close() every call throws KqueueError EBADF. What is wrong
 * with an argument is a TypeError or a RangeError before anything reaches the kernel.
 *
 * @typeParam Token what its registrations' tokens are
 */
export class Kqueue<Token = unknown> {
  readonly #sys: Sys;
  readonly #eventTypes: Map<number, EventType>;
  readonly #knotes: Knotes<Token>;
  readonly #waiting: Waiting<KqueueEvent<Token>>;
  readonly #timeout: Timespec = new Timespec(0, 0);
  #fd: number;
  /** The list that the next call fetches into. Undefined while a call has it: a listener may call poll() meanwhile. */
  #events: KeventList | undefined;
  /** What kevent(2) has written: `#decoded` of `#fetched` records have become events. */
  #batch: KeventList | undefined;
  #fetched = 0;
  #decoded = 0;
  /** The knote whose last event was decoded. */
  #ended: Knote | undefined;
  readonly #leftover: Leftover<Token> = new Leftover(() => this.#decode());
  /** The descriptor that close() has yet to close. -1: it is closed, and something else is to be done. */
  #closing: number | undefined;
  /** Whether that descriptor was the queue when close() began. */
  #isOurs: boolean | undefined;
  #gate: Gate | undefined;
  /** Of the waker that was asked for without one. */
  #wakerIdent: number | undefined;

  /** Whether there is a kqueue on this machine; `unavailableReason()` of `kqueue-ffi/sys` says why not. Loads koffi. */
  static get available(): boolean {
    return unavailableReason() === undefined;
  }

  static {
    inspectAs(Kqueue, String);
  }

  /**
   * kqueue(2): makes a queue. Close it, or declare it with `using`: one that is merely forgotten keeps its descriptor.
   *
   * @param options `sys`: the kqueue to use, from bindKqueue() of `kqueue-ffi/sys`; the running system's if absent
   * @throws KqueueError EMFILE, ENFILE, ENOMEM; Error where there is no kqueue, saying what to do
   */
  constructor(options: { readonly sys?: Sys | undefined } = {}) {
    checkOptionNames('options', options, QUEUE_OPTIONS);
    // Not by `??`: a null is a mistake, and another queue than was meant is a poor answer to it.
    const sys = options.sys === undefined ? defaultSys() : options.sys;
    if (typeof sys?.kevent !== 'function' || !isAbi(sys.abi)) throw wrongType('sys', 'a Sys made by bindKqueue()', sys);
    this.#sys = sys;
    this.#eventTypes = eventTypesOf(sys.abi);
    this.#fd = sys.kqueue();
    if (this.#fd === -1) throw new KqueueError(sys.errno(), 'kqueue');
    this.#knotes = new Knotes(sys, this.#fd, this.#leftover);
    this.#waiting = new Waiting(sys, this.#fd, (max) => this.#take(max, 0));
  }

  /**
   * The queue's descriptor; -1 once it is closed. Another queue can watch it: `read(kq.fd)`. Only close() may close it. On
   * Linux no other thread may call kevent(2) on it: see waker().
   */
  get fd(): number {
    return this.#fd;
  }

  /** Whether close() was called. */
  get closed(): boolean {
    return this.#fd === -1;
  }

  /**
   * Adds knotes (EV_ADD), all in one kevent(2) call (libkqueue: in one each), or replaces those with the same ident and
   * filter: their token, and all else. It neither takes nor loses what is pending, but of timers, which start over, and of
   * what is registered anew with other `clear`, `oneshot` or `dispatch`. What was fetched of a registration that is replaced
   * and not handed out yet is dropped. NetBSD ignores vnode() notes that a knote did not have at first: the knote is then
   * deleted and added again (EV_DELETE, EV_ADD), and a pending note is lost.
   *
   * @returns a registration for each interest, in the same order
   * @throws TypeError, RangeError, before anything is registered, for what is no interest, and for filters, notes and units
   * that this system does not have, naming those that have them. KqueueError for the one change that failed, an
   * AggregateError of several; those that were good stay registered. EBADF: the descriptor, or the queue, is closed. EINVAL
   * (EOPNOTSUPP, ENODEV): the descriptor has no such filter. ESRCH, EACCES: proc(). ENOENT and others of open(2): vnode()
   * with a path. ENOMEM
   */
  // I keeps the type of each interest. Interest<Token> beside it gives a token that is written in place its type.
  register<const I extends readonly Interest<Token>[]>(...interests: I | readonly Interest<Token>[]): Registrations<I> {
    this.#mustBeOpen();
    for (const one of interests) if (!isInterest(one)) throw notAnInterest('interest', 'an interest', one);
    this.#waiting.hurry();
    return this.#knotes.add(interests) as readonly Registration<Token>[] as Registrations<I>;
  }

  /**
   * Removes knotes (EV_DELETE), all in one kevent(2) call: by registration, or by an interest with the same filter and
   * ident, or path. What was fetched of them and not handed out yet is dropped. That a registration has ended already is no
   * failure. Unregister a descriptor before you close it: close(2) ends its knotes, but an event that was fetched before is
   * still handed out.
   *
   * @throws TypeError for what is neither, and for a registration of another queue. KqueueError for the one that failed, an
   * AggregateError of several: ENOENT where an interest is not registered, EBADF where its descriptor is closed
   */
  unregister(...what: readonly (Interest | Registration)[]): void {
    this.#knotes.remove(what);
  }

  /**
   * Waits for events and blocks the thread meanwhile, Node's event loop included, as kevent(2) does. A wait that a signal
   * interrupts goes on with the rest of the time (EINTR). On Linux, Node's handlers count signals, and they run when the
   * event loop turns. While a signal is registered there, in this queue or in one that it watches, the wait also ends early,
   * with [], when the event loop has something to do. (In Bun and Deno, and in a program's first turn, after 0.1 seconds.)
   *
   * In a worker it waits in slices of at most 100 milliseconds, so that terminate() and process.exit() can end the worker.
   *
   * @returns at least one event, unless the time is over: then []
   * @throws KqueueError EBADF; TypeError, RangeError for options that are no such numbers
   */
  poll(options: PollOptions = {}): KqueueEvent<Token>[] {
    const { timeout, max } = checkOptions(options, POLL_OPTIONS);
    this.#mustBeOpen();
    if (this.#waiting.pending) this.#waiting.hurry();
    return this.#take(max, timeout);
  }

  /**
   * Waits for events without blocking anything: Node's own event loop watches the queue's descriptor, and no thread waits.
   * (Where that cannot be, with libkqueue, in a worker, in Bun and in Deno, it is looked at every 1 to 16 milliseconds.) One
   * wait at a time. It keeps the process running, unless unref() was called.
   *
   * @returns at least one event, unless the time is over: then []
   * @throws (rejects with) the signal's reason when it is aborted; an Error with code ERR_INVALID_STATE while another wait()
   * or iteration is waiting; KqueueError EBADF when the queue is, or gets, closed; TypeError, RangeError for other options
   */
  wait(options: WaitOptions = {}): Promise<KqueueEvent<Token>[]> {
    return new Promise((resolve, reject) => {
      const { timeout, max } = checkOptions(options, WAIT_OPTIONS);
      const { signal } = options;
      if (signal !== undefined && !isAbortSignal(signal)) throw wrongType('signal', 'an AbortSignal', signal);
      // Asked first: one that is not Node's may do anything meanwhile.
      const aborted = signal?.aborted;
      this.#mustBeFree();
      if (aborted) throw signal?.reason;
      this.#decode();
      if (!this.#leftover.empty) return resolve(this.#leftover.take(max));
      const closed = (): void => reject(closedError());
      this.#waiting.begin({ max, timeout, signal, done: resolve, fail: reject, closed });
    });
  }

  /**
   * Every event, one after the other, fetched as wait() does: until close(), which ends the iteration, or `break`. What was
   * fetched by then and not taken is what the next poll(), wait() or iteration gets first.
   *
   * @throws KqueueError EBADF where the queue is closed; next() rejects as wait() does
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<KqueueEvent<Token>> {
    this.#mustBeOpen();
    let ended = false;
    /** Answers a next() that waits. */
    let dismiss: (() => void) | undefined;
    const end = (): IteratorReturnResult<undefined> => {
      ended = true;
      return { done: true, value: undefined };
    };
    const iterator: AsyncIterableIterator<KqueueEvent<Token>> = {
      next: () =>
        new Promise((resolve, reject) => {
          if (ended || this.closed) return resolve(end());
          this.#mustBeFree();
          this.#decode();
          const value = this.#leftover.takeOne();
          if (value !== undefined) return resolve({ done: false, value });
          dismiss = (): void => resolve(end());
          this.#waiting.begin({
            max: undefined,
            timeout: undefined,
            signal: undefined,
            done: (events) => {
              dismiss = undefined;
              this.#leftover.keep(events);
              resolve({ done: false, value: this.#leftover.takeOne() as KqueueEvent<Token> });
            },
            fail: (error) => {
              dismiss = undefined;
              ended = true;
              reject(error);
            },
            closed: dismiss,
          });
        }),
      return: async () => {
        if (dismiss !== undefined && !this.closed) this.#waiting.cancel();
        dismiss?.();
        // The next to wait is somebody else: a second return() must not end that.
        dismiss = undefined;
        return end();
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /**
   * A waker for this queue, to be posted to other threads: see {@link Waker}. Its event is `{ filter: 'user', ident }`.
   *
   * @param ident of the user() that it fires, which is registered, with `clear`, unless it is already. Absent: one that is
   * free, the same each time. On Linux each ident keeps two descriptors until the queue is closed
   * @throws TypeError, RangeError for what is no safe integer of 0 or more; KqueueError as register(), and EMFILE; Error
   * where the `sys` of the queue cannot be reached from another thread
   */
  waker(ident?: number): Waker {
    this.#mustBeOpen();
    if (ident !== undefined) checkInteger('ident', ident, 0, Number.MAX_SAFE_INTEGER);
    const find = (one: number): Knote | undefined => this.#knotes.get(this.#sys.abi.constants['EVFILT_USER'] ?? 0, one);
    let fired = ident ?? this.#wakerIdent;
    if (fired === undefined) {
      fired = INT_MAX;
      while (find(fired) !== undefined) fired--;
      this.#wakerIdent = fired;
    }
    if (find(fired) === undefined) this.register(user(fired, { clear: true }));
    this.#gate ??= new Gate();
    return new Waker(wakerHandle(this.#sys, this.#fd, this.#gate, fired, find(fired)?.kevent.udata ?? 0));
  }

  /**
   * Keeps the process running while somebody waits: so it is at first.
   * @throws KqueueError EBADF where the queue is closed
   */
  ref(): this {
    this.#mustBeOpen();
    this.#waiting.hold(true);
    return this;
  }

  /**
   * Lets the process end while somebody waits.
   * @throws KqueueError EBADF where the queue is closed
   */
  unref(): this {
    this.#mustBeOpen();
    this.#waiting.hold(false);
    return this;
  }

  /**
   * close(2): ends the queue and all its registrations, rejects a pending wait() with KqueueError EBADF, ends an iteration.
   * On a closed queue it does nothing.
   */
  close(): void {
    if (this.#fd !== -1) {
      this.#closing = this.#fd;
      this.#fd = -1;
    }
    // Where JavaScript was stopped in close(), it goes on.
    const fd = this.#closing;
    if (fd === undefined) return;
    this.#waiting.close();
    this.#gate?.close();
    // Asked once: a queue that is half closed does not answer.
    this.#isOurs ??= this.#isQueue(fd);
    this.#knotes.close(this.#isOurs);
    if (this.#isOurs && fd !== -1) this.#sys.close(fd);
    this.#closing = -1;
    this.#leftover.clear();
    this.#waiting.dismiss();
    this.#closing = undefined;
  }

  /** Whether the number still is a queue's: closed underneath, it may be somebody else's file by now, which must stay open. */
  #isQueue(fd: number): boolean {
    // Without room for an event: it would be taken from whoever has the number.
    if (this.#sys.kevent(fd, null, 0, null, 0, NOW) !== -1) return true;
    // EBADF for a descriptor of another kind; ENOENT with libkqueue.
    return ![EBADF, ENOENT].includes(this.#sys.errno());
  }

  /** As close(). */
  [Symbol.dispose](): void {
    this.close();
  }

  /** As close(). */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** For JSON.stringify(). */
  toJSON(): Record<string, unknown> {
    return { fd: this.fd, closed: this.closed, kqueue: this.#sys.name };
  }

  /** `kqueue { fd=5, freebsd }` */
  toString(): string {
    return `kqueue { ${this.closed ? 'closed' : `fd=${this.#fd}`}, ${this.#sys.name} }`;
  }

  #mustBeOpen(): void {
    if (this.closed) throw closedError();
  }

  #mustBeFree(): void {
    this.#mustBeOpen();
    if (!this.#waiting.pending) return;
    const error = new Error(
      'another wait() or iteration of this queue is pending, and only one can be. ' +
        'A wait() that lost a Promise.race() is still pending: end it with its `signal`',
    );
    throw Object.assign(error, { code: 'ERR_INVALID_STATE' });
  }

  /** The events that are left over, or else what kevent(2) brings within `timeout`. */
  #take(max: number | undefined, timeout: number | undefined): KqueueEvent<Token>[] {
    // Of a call that was stopped.
    if (this.#batch !== undefined) this.#decode();
    return this.#leftover.empty ? this.#fetch(max, timeout) : this.#leftover.take(max);
  }

  /** kevent(2) without changes, timeout in milliseconds. */
  #fetch(max: number | undefined, timeout: number | undefined): KqueueEvent<Token>[] {
    let list = this.#events ?? new KeventList(FEW, this.#sys.abi);
    if (max !== undefined && max > list.length && list.length < MANY) {
      list = new KeventList(Math.min(max, MANY), this.#sys.abi);
    }
    this.#events = undefined;
    const n = this.#kevent(list, max === undefined ? list.length : Math.min(max, list.length), timeout);
    // JavaScript can be stopped where it calls a function or repeats a loop. There is no such place since kevent(2).
    if (n === 0) {
      this.#events = list;
      return [];
    }
    this.#batch = list;
    this.#fetched = n;
    this.#decoded = 0;
    this.#decode();
    // It was full: next time there is room for more.
    this.#events = n === list.length && n < MANY ? new KeventList(Math.min(n * 4, MANY), this.#sys.abi) : list;
    return this.#leftover.take(max);
  }

  #kevent(list: KeventList, room: number, timeout = Number.POSITIVE_INFINITY): number {
    const sys = this.#sys;
    const longest = isMainThread() ? sys.abi.quirks.longestWait : WORKER_SLICE;
    const waits = timeout > 0;
    const end = waits && timeout !== Number.POSITIVE_INFINITY ? now() + timeout : timeout;
    for (let left = timeout; ; left = waits ? Math.max(0, end - now()) : 0) {
      const slice = Math.min(left, longest);
      const time = slice === 0 ? NOW : slice === Number.POSITIVE_INFINITY ? null : this.#timeout.setMillis(slice);
      const n = sys.kevent(this.#fd, null, 0, list, room, time);
      // 0 before its time, and no EINTR, is the kqueue built in for Linux, which lets Node hear of a signal.
      if (n > 0 || (n === 0 && slice === left)) return n;
      if (n === -1 && sys.errno() !== EINTR) throw new KqueueError(sys.errno(), 'kevent');
    }
  }

  /** Makes events of the records that were fetched. A knote whose last event that was is forgotten. */
  #decode(): void {
    const list = this.#batch;
    if (list === undefined) return;
    this.#forgetEnded();
    const fetched = this.#fetched;
    for (let index = this.#decoded; index < fetched; ) {
      const filter = list.filter(index);
      const knote = this.#knotes.find(filter, identOf(list, index), list.udata(index));
      const event = eventOf<Token>(this.#eventTypes, list, index, filter, list.ident(index), knote);
      const isLast = knote !== undefined && this.#isLast(knote, event);
      this.#leftover.push(event);
      this.#decoded = ++index;
      if (isLast) {
        this.#ended = knote;
        this.#forgetEnded();
      }
    }
    this.#batch = undefined;
  }

  #forgetEnded(): void {
    if (this.#ended !== undefined) this.#knotes.forget(this.#ended);
    this.#ended = undefined;
  }

  /** Whether nothing more will come of the knote. */
  #isLast(knote: Knote, { flags, ident, filter, eof }: KqueueEvent): boolean {
    if (knote.tracked !== undefined) {
      // It lives on in the children that the kernel has attached it to.
      if (eof) knote.tracked.delete(ident);
      else knote.tracked.add(ident);
      return knote.tracked.size === 0;
    }
    // Kernels set EV_ONESHOT themselves where what was watched is gone, and have then deleted the knote.
    const { EV_ONESHOT = 0 } = this.#sys.abi.constants;
    return ((flags | knote.kevent.flags) & EV_ONESHOT) !== 0 || (filter === 'proc' && eof);
  }
}

/** A record's ident as a knote has it: a bigint only where a number does not hold it. */
function identOf(list: KeventList, index: number): number | bigint {
  const ident = list.ident(index);
  return Number.isSafeInteger(ident) ? ident : list.ident64(index);
}

function isAbortSignal(signal: AbortSignalLike): boolean {
  return typeof signal?.addEventListener === 'function' && typeof signal.removeEventListener === 'function';
}

/** The two options as they were checked: each is read once. */
function checkOptions(options: PollOptions, known: ReadonlySet<string>): PollOptions {
  checkOptionNames('options', options, known);
  const { timeout, max } = options;
  if (timeout !== undefined) {
    if (typeof timeout !== 'number') throw wrongType('timeout', 'a number of milliseconds', timeout);
    if (!(timeout >= 0)) throw outOfRange('timeout', 'milliseconds, 0 or more', timeout);
  }
  if (max !== undefined) checkInteger('max', max, 1, INT_MAX);
  return { timeout, max };
}
