/// <reference lib="esnext.disposable" preserve="true" />
import { constants as os } from 'node:os';
import { closedError, KqueueError } from './error.ts';
import { type EventType, eventOf, eventTypesOf, type KqueueEvent } from './event.ts';
import { type Interest, isInterest, notAnInterest, user } from './interest.ts';
import { type Knote, Knotes } from './knotes.ts';
import { Leftover } from './leftover.ts';
import type { Registration, Registrations } from './registration.ts';
import { checkInteger, checkOptionNames, INT_MAX, outOfRange, wrongType } from './sys/check.ts';
import { defaultSys, unavailableReason } from './sys/default-sys.ts';
import { KeventList } from './sys/kevent-list.ts';
import { isAbi } from './sys/layout.ts';
import { inspectAs } from './sys/names.ts';
import { isMainThread, now } from './sys/runtime.ts';
import type { Sys } from './sys/sys.ts';
import { NO_WAIT, Timespec } from './sys/timespec.ts';
import { type AbortSignalLike, Waiting } from './waiting.ts';
import { ActiveWakes, Waker, wakerHandle } from './waker.ts';

const { EBADF, EINTR, ENOENT } = os.errno;
const QUEUE_OPTIONS: ReadonlySet<string> = new Set(['sys']);
const POLL_OPTIONS: ReadonlySet<string> = new Set(['timeout', 'max'] satisfies (keyof PollOptions)[]);
const WAIT_OPTIONS: ReadonlySet<string> = new Set(['timeout', 'max', 'signal'] satisfies (keyof WaitOptions)[]);
/** The number of events that one kevent(2) call has room for: at first, and at most. */
const [FIRST_ROOM, LARGEST_ROOM] = [64, 1024];
/**
 * The longest wait of one kevent(2) call in a worker, in milliseconds. terminate() and process.exit() of the main thread take
 * effect only between two calls.
 */
const WORKER_SLICE = 100;

/**
 * The queues of this thread by descriptor. For each `Sys`, because a library may have descriptors of its own. A new queue has
 * the number of an older one only if other code has closed that.
 */
const queues = new WeakMap<Sys, Map<number, WeakRef<Kqueue>>>();

/** The options of {@link Kqueue.poll}. */
export interface PollOptions {
  /**
   * The longest time to wait, in milliseconds, 0 or more. Fractions count. With 0 the call does not wait. By default, and with
   * Infinity, it waits forever.
   */
  readonly timeout?: number | undefined;
  /** The largest number of events to return, 1 or more. One call returns at most 1,024. The next call returns the rest. */
  readonly max?: number | undefined;
}

/** The options of {@link Kqueue.wait}. */
export interface WaitOptions extends PollOptions {
  /** An AbortSignal. When it is aborted, the promise rejects with its reason. No event is lost. */
  readonly signal?: AbortSignalLike | undefined;
}

/** The options of {@link Kqueue}. */
export interface KqueueOptions {
  /** The kqueue to use, made by bindKqueue() of `kqueue-ffi/sys`. The default is that of the running system. */
  readonly sys?: Sys | undefined;
}

/** The queue of a constructor in which JavaScript was stopped. No caller has it, so the next constructor closes it. */
let unfinished: { readonly sys: Sys; readonly fd: number } | undefined;

/**
 * A queue of kernel events: kqueue(2). It reports events of what is registered with it.
 *
 * poll() blocks the thread. wait() and iteration do not. After close() every call throws KqueueError EBADF. For a wrong argument a
 * call throws a TypeError or a RangeError before it calls the kernel.
 *
 * @typeParam Token the type of the tokens of its registrations
 * @example
 * using kq = new Kqueue<string>();
 * kq.register(read(fd, { token: 'socket' }), timer(1, { every: 250 }));
 * for await (const event of kq) console.log(`${event}`, event.token);
 */
export class Kqueue<Token = unknown> {
  readonly #sys: Sys;
  readonly #eventTypes: Map<number, EventType>;
  readonly #knotes: Knotes;
  readonly #waiting: Waiting<KqueueEvent<Token>>;
  readonly #timeout: Timespec = new Timespec(0, 0);
  #fd: number;
  /** The list that the next call fetches into. Undefined while a call uses it, because a listener may call poll() meanwhile. */
  #eventlist: KeventList | undefined;
  /** The records that kevent(2) has written. The first `#decoded` of `#fetched` records are events by now. */
  #batch: KeventList | undefined;
  #fetched = 0;
  #decoded = 0;
  /** The knote whose last event was decoded. It is to be forgotten. */
  #ended: Knote | undefined;
  readonly #leftover: Leftover<Token> = new Leftover(() => this.#decode());
  /** The descriptor that close() has still to close. -1 if it is closed and the other steps are left. Else undefined. */
  #closing: number | undefined;
  /** Whether that descriptor was still the queue when close() began. */
  #isOurs: boolean | undefined;
  #activeWakes: ActiveWakes | undefined;
  /** The ident that waker() chose when it was called without one. */
  #wakerIdent: number | undefined;

  /** Whether this machine has a kqueue. `unavailableReason()` of `kqueue-ffi/sys` says why not. Loads koffi. */
  static get available(): boolean {
    return unavailableReason() === undefined;
  }

  static {
    inspectAs(Kqueue, String);
  }

  /**
   * Makes a queue (kqueue(2)). Call close(), or declare the queue with `using`. Garbage collection does not close its
   * descriptor.
   *
   * @throws TypeError if `options` has the wrong type
   * @throws KqueueError EMFILE or ENFILE if no descriptor is free
   * @throws KqueueError ENOMEM if there is not enough memory
   * @throws Error if this machine does not have a kqueue. The message says what to do
   */
  constructor(options: KqueueOptions = {}) {
    checkOptionNames('options', options, QUEUE_OPTIONS);
    // Not `??`, because null is a mistake and must not stand for the default.
    const sys = options.sys === undefined ? defaultSys() : options.sys;
    if (typeof sys?.kevent !== 'function' || !isAbi(sys.abi)) throw wrongType('sys', 'a Sys made by bindKqueue()', sys);
    this.#sys = sys;
    this.#eventTypes = eventTypesOf(sys.abi);
    unfinished?.sys.close(unfinished.fd);
    unfinished = undefined;
    this.#fd = sys.kqueue();
    if (this.#fd === -1) throw new KqueueError(sys.errno(), 'kqueue');
    unfinished = { sys, fd: this.#fd };
    this.#knotes = new Knotes(sys, this.#fd, this.#leftover);
    this.#waiting = new Waiting(sys, this.#fd, (max) => this.#take(max, 0));
    this.#takeNumber();
    unfinished = undefined;
  }

  /** Closes an older queue that had this descriptor. Its calls and its wait would act on this queue, and close() would close it. */
  #takeNumber(): void {
    let byNumber = queues.get(this.#sys);
    if (byNumber === undefined) {
      byNumber = new Map();
      queues.set(this.#sys, byNumber);
    }
    const older = byNumber.get(this.#fd)?.deref();
    byNumber.set(this.#fd, new WeakRef(this as unknown as Kqueue));
    if (older === undefined) return;
    older.#isOurs = false;
    older.close();
  }

  /**
   * The file descriptor of the queue, or -1 after close(). Another queue can watch it with `read(kq.fd)`. Close it only with
   * close(). On Linux no other thread can call kevent(2) on it. Use waker() instead.
   */
  get fd(): number {
    return this.#fd;
  }

  /** Whether close() was called. */
  get closed(): boolean {
    return this.#fd === -1;
  }

  /**
   * Registers interests (EV_ADD of kqueue(2)), all in one kevent(2) call. With libkqueue there is one call for each.
   *
   * An interest replaces the registration with the same filter and ident, its token included. Events that were fetched from that
   * registration and not returned yet are dropped. Pending events in the kernel stay, with three exceptions:
   *
   * - a timer restarts
   * - a registration whose `clear`, `oneshot` or `dispatch` changes is deleted and added again
   * - on NetBSD so is a vnode() registration with new notes, because NetBSD ignores them otherwise. A pending note is lost
   *
   * If a change fails, the others stay registered. Several failures are an AggregateError of KqueueErrors.
   *
   * @returns one registration for each interest, in the same order
   * @throws TypeError if an argument was not made by a builder. Nothing is registered
   * @throws RangeError if this system lacks a note or a unit, or two interests have the same filter and ident. Nothing is
   * registered
   * @throws KqueueError EBADF if the descriptor or the queue is closed
   * @throws KqueueError EINVAL, EOPNOTSUPP or ENODEV if the descriptor does not support the filter
   * @throws KqueueError ESRCH if the process of a proc() does not exist
   * @throws KqueueError EACCES if you may not watch the process of a proc()
   * @throws KqueueError ENOENT or another error of open(2) for the path of a vnode()
   * @throws KqueueError ENOMEM if there is not enough memory
   * @example
   * const [conn, tick] = kq.register(read(fd, { token: connection }), timer(1, { every: 250 }));
   */
  // I keeps the type of each interest. Interest<Token> gives a token that is written in place its type.
  register<const I extends readonly Interest<Token>[]>(...interests: I | readonly Interest<Token>[]): Registrations<I> {
    this.#mustBeOpen();
    for (const one of interests) if (!isInterest(one)) throw notAnInterest('interest', 'an interest', one);
    this.#waiting.lookSoon();
    return this.#knotes.add(interests) as readonly Registration[] as Registrations<I>;
  }

  /**
   * Removes registrations (EV_DELETE of kqueue(2)), all in one kevent(2) call. An interest removes the registration with the same
   * filter and ident or path.
   *
   * Events that were fetched from them and not returned yet are dropped. A registration that has ended already is not an error.
   * Unregister a descriptor before you close it. close(2) also ends the registration, but events that were fetched before are
   * still returned. Several failures are an AggregateError of KqueueErrors.
   *
   * @throws TypeError if an argument is not an interest and not a registration of this queue
   * @throws KqueueError ENOENT if an interest is not registered
   * @throws KqueueError EBADF if the descriptor of an interest, or the queue, is closed
   * @example
   * kq.unregister(conn, timer(1, { every: 250 }));
   */
  unregister(...what: readonly (Interest | Registration)[]): void {
    this.#knotes.remove(what);
  }

  /**
   * Waits for events and returns them (kevent(2)). It blocks the thread and with it Node's event loop.
   *
   * After a signal (EINTR) it waits for the rest of the time. On Linux, Node's handlers count signals, and they run when the
   * event loop turns. So while a signal() is registered, in this queue or in one that it watches, the wait may end early with
   * an empty array. It ends when the event loop has something to do. In Bun and Deno, and in the first turn of a program, it
   * ends after 0.1 seconds.
   *
   * In a worker it waits in slices of at most 100 milliseconds, so that terminate() and process.exit() can end the worker.
   *
   * @returns at least one event, or an empty array when the timeout expires
   * @throws TypeError if an option has the wrong type
   * @throws RangeError if a number is out of range
   * @throws KqueueError EBADF if the queue is closed
   * @example
   * for (const event of kq.poll({ timeout: 1000 })) console.log(event.filter, event.ident);
   */
  poll(options: PollOptions = {}): KqueueEvent<Token>[] {
    const { timeout, max } = checkOptions(options, POLL_OPTIONS);
    this.#mustBeOpen();
    this.#waiting.lookSoon();
    return this.#take(max, timeout);
  }

  /**
   * Waits for events and does not block. Node's event loop watches the descriptor of the queue, and no thread waits. A pending
   * wait keeps the process running, unless you call unref(). A queue has one pending wait at a time.
   *
   * With libkqueue, in a worker, in Bun and in Deno, the event loop cannot watch the descriptor. wait() then looks for events every
   * 1 to 16 milliseconds.
   *
   * @returns a promise of at least one event, or of an empty array when the timeout expires. It rejects with the errors below
   * @throws TypeError if an option has the wrong type
   * @throws RangeError if a number is out of range
   * @throws Error ERR_INVALID_STATE if another wait() or iteration of this queue is pending
   * @throws KqueueError EBADF if the queue is closed, or is being closed during the wait
   * @throws The reason of `signal` if it is aborted
   * @example
   * const [event] = await kq.wait({ signal: AbortSignal.timeout(1000) });
   */
  wait(options: WaitOptions = {}): Promise<KqueueEvent<Token>[]> {
    return new Promise((resolve, reject) => {
      const { timeout, max } = checkOptions(options, WAIT_OPTIONS);
      const { signal } = options;
      if (signal !== undefined && !isAbortSignal(signal)) throw wrongType('signal', 'an AbortSignal', signal);
      this.#mustBeFree();
      if (signal?.aborted) throw signal.reason;
      this.#decode();
      if (!this.#leftover.empty) {
        const events = this.#leftover.peek(max);
        resolve(events);
        // Last. If JavaScript is stopped before, the caller does not get the promise, and the events remain.
        this.#leftover.skip(events.length);
        return;
      }
      const closed = (): void => reject(closedError());
      this.#waiting.begin({ max, timeout, signal, resolve, reject, closed });
    });
  }

  /**
   * Iterates over all events, and waits for them as wait() does. The iteration ends with `break` or with close(). The next poll(),
   * wait() or iteration then returns first what was fetched and not returned.
   *
   * @throws KqueueError EBADF if the queue is closed. next() rejects with the errors of wait()
   * @example
   * for await (const event of kq) {
   *   if (event.filter === 'timer') break;
   * }
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<KqueueEvent<Token>> {
    this.#mustBeOpen();
    let ended = false;
    /** Resolves a next() that waits. */
    let endPending: (() => void) | undefined;
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
          const value = this.#leftover.first();
          if (value !== undefined) {
            resolve({ done: false, value });
            this.#leftover.skip(1);
            return;
          }
          endPending = (): void => resolve(end());
          this.#waiting.begin({
            resolve: (events) => {
              endPending = undefined;
              this.#leftover.keep(events);
              resolve({ done: false, value: this.#leftover.first() as KqueueEvent<Token> });
              this.#leftover.skip(1);
            },
            reject: (error) => {
              endPending = undefined;
              ended = true;
              reject(error);
            },
            closed: endPending,
          });
        }),
      return: async () => {
        if (endPending !== undefined && !this.closed) this.#waiting.end();
        endPending?.();
        // Another iteration may wait by then, and a second return() of this one must not end it.
        endPending = undefined;
        return end();
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /**
   * Makes a {@link Waker} for this queue, which can be posted to other threads. It fires the user event `ident`, and registers
   * it with `clear` if it is not registered yet.
   *
   * @param ident a safe integer of 0 or more. By default the queue chooses a free one, the same in each call. On Linux each
   * ident needs two descriptors until the queue is closed
   * @throws TypeError if `ident` is not a number
   * @throws RangeError if `ident` is not a safe integer of 0 or more
   * @throws KqueueError EMFILE if no descriptor is free, or another error of register()
   * @throws Error if the `sys` of the queue does not work in other threads
   * @example
   * worker.postMessage(kq.waker());
   */
  waker(ident?: number): Waker {
    this.#mustBeOpen();
    if (ident !== undefined) checkInteger('ident', ident, 0, Number.MAX_SAFE_INTEGER);
    const { EVFILT_USER } = this.#sys.abi.constants;
    const registered = (one: number): Knote | undefined => this.#knotes.get(EVFILT_USER, one);
    let fired = ident ?? this.#wakerIdent;
    if (fired === undefined) {
      fired = INT_MAX;
      while (registered(fired) !== undefined) fired--;
      this.#wakerIdent = fired;
    }
    if (registered(fired) === undefined) this.register(user(fired, { clear: true }));
    this.#activeWakes ??= new ActiveWakes();
    return new Waker(wakerHandle(this.#sys, this.#fd, this.#activeWakes, fired, registered(fired)?.kevent.udata ?? 0));
  }

  /**
   * Keeps the process running while a wait() or an iteration is pending. This is the default.
   * @throws KqueueError EBADF if the queue is closed
   * @example
   * kq.ref();
   */
  ref(): this {
    this.#mustBeOpen();
    this.#waiting.setRef(true);
    return this;
  }

  /**
   * Lets the process end while a wait() or an iteration is pending.
   * @throws KqueueError EBADF if the queue is closed
   * @example
   * const kq = new Kqueue().unref();
   */
  unref(): this {
    this.#mustBeOpen();
    this.#waiting.setRef(false);
    return this;
  }

  /**
   * Closes the queue (close(2)) and ends all its registrations. A pending wait() rejects with KqueueError EBADF, and an iteration
   * ends. On a closed queue it does nothing.
   * @example
   * kq.close();
   */
  close(): void {
    if (this.#fd !== -1) {
      this.#closing = this.#fd;
      this.#fd = -1;
    }
    // A close() that was stopped continues.
    const fd = this.#closing;
    if (fd === undefined) return;
    this.#waiting.close();
    this.#activeWakes?.close();
    // Once, because a queue that is half closed is not a queue for kevent(2).
    this.#isOurs ??= this.#isQueue(fd);
    this.#knotes.close(this.#isOurs);
    // A 'removeListener' handler has closed the queue meanwhile, and its number may be another file by now.
    if (this.#closing !== fd) return;
    if (this.#isOurs && fd !== -1) {
      queues.get(this.#sys)?.delete(fd);
      this.#sys.close(fd);
    }
    this.#closing = -1;
    this.#leftover.clear();
    this.#waiting.reportClosed();
    this.#closing = undefined;
  }

  /**
   * Reports whether the descriptor still is a queue. If other code has closed it, the number may be another file by now, which must
   * stay open.
   */
  #isQueue(fd: number): boolean {
    // No room for events, because it may be the queue of other code, which would lose them.
    if (this.#sys.kevent(fd, null, 0, null, 0, NO_WAIT) !== -1) return true;
    // kevent(2) reports EBADF for a descriptor that is not a queue, and libkqueue ENOENT.
    return ![EBADF, ENOENT].includes(this.#sys.errno());
  }

  /** Calls close(). For `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Calls close(). For `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** For JSON.stringify(): the descriptor, whether the queue is closed, and the name of the kqueue. */
  toJSON(): Record<string, unknown> {
    return { fd: this.fd, closed: this.closed, kqueue: this.#sys.name };
  }

  /** Returns the descriptor and the name of the kqueue: `kqueue { fd=5, freebsd }`. */
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
      'another wait() or iteration of this queue is pending, and a queue can have only one. ' +
        'A wait() that lost a Promise.race() is still pending. End it with its `signal`',
    );
    throw Object.assign(error, { code: 'ERR_INVALID_STATE' });
  }

  /** Returns the left-over events or, if there are none, events of kevent(2). */
  #take(max: number | undefined, timeout: number | undefined): KqueueEvent<Token>[] {
    // A call that was stopped has left records.
    if (this.#batch !== undefined) this.#decode();
    return this.#leftover.empty ? this.#fetch(max, timeout) : this.#leftover.take(max);
  }

  /** Calls kevent(2) without changes. The timeout is in milliseconds. */
  #fetch(max: number | undefined, timeout: number | undefined): KqueueEvent<Token>[] {
    let list = this.#eventlist ?? new KeventList(FIRST_ROOM, this.#sys.abi);
    if (max !== undefined && max > list.length && list.length < LARGEST_ROOM) {
      list = new KeventList(Math.min(max, LARGEST_ROOM), this.#sys.abi);
    }
    this.#eventlist = undefined;
    const n = this.#kevent(list, max === undefined ? list.length : Math.min(max, list.length), timeout);
    // JavaScript can be stopped where it calls a function or repeats a loop. There is none between kevent(2) and here.
    if (n === 0) {
      this.#eventlist = list;
      return [];
    }
    this.#batch = list;
    this.#fetched = n;
    this.#decoded = 0;
    this.#decode();
    // The list was full, so the next call has more room.
    const isFull = n === list.length && n < LARGEST_ROOM;
    this.#eventlist = isFull ? new KeventList(Math.min(n * 4, LARGEST_ROOM), this.#sys.abi) : list;
    return this.#leftover.take(max);
  }

  #kevent(list: KeventList, room: number, timeout = Number.POSITIVE_INFINITY): number {
    const sys = this.#sys;
    const longest = isMainThread() ? sys.abi.quirks.longestWait : WORKER_SLICE;
    const end = timeout === 0 || timeout === Number.POSITIVE_INFINITY ? timeout : now() + timeout;
    for (let left = timeout; ; left = Math.max(0, end - now())) {
      const slice = Math.min(left, longest);
      const time = slice === 0 ? NO_WAIT : slice === Number.POSITIVE_INFINITY ? null : this.#timeout.setMillis(slice);
      const n = sys.kevent(this.#fd, null, 0, list, room, time);
      // The built-in Linux kqueue may return 0 before the time, so that the caller lets Node's signal handlers run.
      if (n > 0 || (n === 0 && slice === left)) return n;
      if (n === -1 && sys.errno() !== EINTR) throw new KqueueError(sys.errno(), 'kevent');
    }
  }

  /** Makes events of the fetched records, and forgets each knote whose last event is among them. */
  #decode(): void {
    const list = this.#batch;
    if (list === undefined) return;
    this.#forgetEnded();
    // When forget() removes the last handler of a signal, a 'removeListener' handler may fetch, which decodes the rest.
    while (this.#batch === list && this.#decoded < this.#fetched) {
      const index = this.#decoded;
      const filter = list.filter(index);
      const ident = list.ident(index);
      const exact = Number.isSafeInteger(ident) ? ident : list.ident64(index);
      const knote = this.#knotes.find(filter, exact, list.udata(index));
      const event = eventOf<Token>(this.#eventTypes, list, index, filter, ident, knote);
      const isLast = knote !== undefined && this.#isLast(knote, event);
      this.#leftover.push(event);
      this.#decoded = index + 1;
      if (isLast) {
        this.#ended = knote;
        this.#forgetEnded();
      }
    }
    if (this.#batch === list) this.#batch = undefined;
  }

  #forgetEnded(): void {
    if (this.#ended !== undefined) this.#knotes.forget(this.#ended);
    this.#ended = undefined;
  }

  /** Reports whether the event is the last one of the knote. */
  #isLast(knote: Knote, { flags, ident, filter, eof }: KqueueEvent): boolean {
    if (knote.tracked !== undefined) {
      // NOTE_TRACK: the kernel has attached the knote to the children too. It ends with the last of them.
      if (eof) knote.tracked.delete(ident);
      else knote.tracked.add(ident);
      return knote.tracked.size === 0;
    }
    // A kernel also sets EV_ONESHOT if what was watched is gone. It has then deleted the knote.
    const { EV_ONESHOT } = this.#sys.abi.constants;
    return ((flags | knote.kevent.flags) & EV_ONESHOT) !== 0 || (filter === 'proc' && eof);
  }
}

function isAbortSignal(signal: AbortSignalLike): boolean {
  return typeof signal?.addEventListener === 'function' && typeof signal.removeEventListener === 'function';
}

/** Checks and returns the options that poll() and wait() share. Reads each once, because it may be a getter. */
function checkOptions(options: PollOptions, known: ReadonlySet<string>): PollOptions {
  checkOptionNames('options', options, known);
  const { timeout, max } = options;
  if (timeout !== undefined) {
    if (typeof timeout !== 'number') throw wrongType('timeout', 'a number of milliseconds', timeout);
    if (!(timeout >= 0)) throw outOfRange('timeout', 'a number of milliseconds, 0 or more', timeout);
  }
  if (max !== undefined) checkInteger('max', max, 1, INT_MAX);
  return { timeout, max };
}
