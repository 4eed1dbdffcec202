/// <reference lib="esnext.disposable" preserve="true" />
import { constants as open, openSync } from 'node:fs';
import { constants as os } from 'node:os';
import { type Change, compile, impliesExitStatus } from './change.ts';
import { closedError, KqueueError } from './error.ts';
import { eventOf, type Kind, type KqueueEvent, kindsOf } from './event.ts';
import { type Interest, isInterest, user } from './interest.ts';
import { Changer, errorOf, identOf, type Step, stepOf } from './receipts.ts';
import {
  type Host,
  Knote,
  type Registration,
  type RegistrationOf,
  type Registrations,
  UserKnote,
} from './registration.ts';
import { holdSignal } from './signals.ts';
import { checkInteger, INT_MAX, outOfRange, wrongType } from './sys/check.ts';
import { inspectAs } from './sys/inspect.ts';
import { KeventList } from './sys/kevent-list.ts';
import { isAbi } from './sys/layout.ts';
import { bindingOf } from './sys/native.ts';
import { defaultSys, unavailableReason } from './sys/select.ts';
import type { Sys } from './sys/sys.ts';
import { Timespec } from './sys/timespec.ts';
import { KnoteTable } from './table.ts';
import { type AbortSignalLike, Waiting } from './waiting.ts';
import { Gate, Waker, wakerHandle } from './waker.ts';

const { EACCES, EBADF, EINTR, EINVAL, ENOENT } = os.errno;
/** O_EVTONLY on macOS: for events only, so that the volume can still be unmounted. Elsewhere a FIFO must not block. */
const OPEN_FLAGS = process.platform === 'darwin' ? 0x8000 : open.O_RDONLY | open.O_NONBLOCK;
const NOW = new Timespec(0, 0);
/** Events that one call fetches at most: at first, and when there are always more. */
const [FEW, MANY] = [64, 1024];
/** DragonFly panics where one call loops a million times: it waits in slices, of this many milliseconds. */
const DRAGONFLY_SLICE = 60_000;

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
  readonly #kinds: Map<number, Kind>;
  readonly #table: KnoteTable = new KnoteTable();
  readonly #host: Host;
  readonly #changer: Changer;
  readonly #waiting: Waiting<KqueueEvent<Token>>;
  readonly #timeout: Timespec = new Timespec(0, 0);
  #fd: number;
  #events: KeventList;
  /** Fetched and not handed out, from #next on. */
  #left: KqueueEvent<Token>[] = [];
  #next = 0;
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
    if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options);
    const sys = options.sys ?? defaultSys();
    if (typeof sys.kevent !== 'function' || !isAbi(sys.abi)) throw wrongType('sys', 'what bindKqueue() gives', sys);
    const { EV_DISABLE = 0, EV_ENABLE = 0 } = sys.abi.constants;
    this.#sys = sys;
    this.#kinds = kindsOf(sys.abi);
    this.#changer = new Changer(sys);
    this.#events = new KeventList(FEW, sys.abi);
    this.#host = {
      abi: sys.abi,
      enable: (knote): void => this.#modify(knote, EV_ENABLE, knote.fflags),
      disable: (knote): void => this.#modify(knote, EV_DISABLE, knote.fflags),
      // flags 0: EV_CLEAR in a change would take the trigger back.
      trigger: (knote, fflags): void => this.#modify(knote, 0, triggerNotes(sys, fflags)),
      unregister: (knote): void => this.unregister(knote),
      dispose: (knote): void => {
        if (!this.closed) this.unregister(knote);
      },
    };
    this.#fd = sys.kqueue();
    if (this.#fd === -1) throw new KqueueError(sys.errno(), 'kqueue');
    this.#waiting = new Waiting(sys, this.#fd, (max) =>
      this.#left.length > 0 ? this.#takeLeft(max) : this.#fetch(max, 0),
    );
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
   * Adds knotes (EV_ADD), all in one kevent(2) call (libkqueue: in one each), or replaces those with the same ident and filter: their token, and all
   * else. It neither takes nor loses what is pending, but of timers, which start over, and of what is registered anew with
   * other `clear`, `oneshot` or `dispatch`. Takes interests, or one iterable of them.
   *
   * @returns a registration for each interest, in the same order
   * @throws TypeError, RangeError, before anything is registered, for what is no interest, and for filters, notes and units
   * that this system does not have, naming those that have them. KqueueError for the one change that failed, an
   * AggregateError of several; those that were good stay registered. EBADF: the descriptor, or the queue, is closed. EINVAL
   * (EOPNOTSUPP, ENODEV): the descriptor has no such filter. ESRCH, EACCES: proc(). ENOENT and others of open(2): vnode()
   * with a path. ENOMEM
   */
  register<const I extends readonly Interest<Token>[]>(...interests: I): Registrations<I>;
  register<I extends Interest<Token>>(interests: Iterable<I>): RegistrationOf<I>[];
  register(...given: readonly unknown[]): Registration<Token>[] {
    this.#mustBeOpen();
    const interests = checkInterests<Token>(given);
    // Whatever is wrong with an argument, or missing in this system, is found before the first file is opened.
    const changes = interests.map((interest) => compile(interest, this.#sys.abi));
    const failures: unknown[] = [];
    const knotes: Knote<Token>[] = [];
    for (const [i, interest] of interests.entries()) {
      try {
        knotes.push(this.#prepare(interest, changes[i] as Change));
      } catch (error) {
        failures.push(error);
      }
    }
    const plans = knotes.map((knote) => this.#plan(knote));
    try {
      this.#send(plans.flat());
      this.#sendWithoutStatus(knotes, plans);
    } catch (error) {
      // The call failed as a whole: the queue's descriptor was closed underneath.
      for (const step of plans.flat()) step.errno = EBADF;
      for (const [i, knote] of knotes.entries()) this.#settle(knote, plans[i] as Step[]);
      throw error;
    }
    for (const [i, knote] of knotes.entries()) {
      const plan = plans[i] as Step[];
      this.#settle(knote, plan);
      const added = plan.at(-1) as Step;
      if (added.errno !== 0) failures.push(errorOf(this.#sys, added));
    }
    throwAll(failures);
    return knotes;
  }

  /** Opens and holds what a knote needs, and gives it its place in the table. */
  #prepare(interest: Interest<Token>, change: Change): Knote<Token> {
    let ownFd: number | undefined;
    let release: (() => void) | undefined;
    if (interest.filter === 'vnode' && interest.path !== undefined) {
      try {
        // fs, not libc: Node closes what fs has opened in a worker that is terminated.
        ownFd = openSync(interest.path, OPEN_FLAGS);
      } catch (error) {
        throw openError(error, interest.path, interest);
      }
    } else if (interest.filter === 'signal' && !hearsThroughNode(this.#sys)) {
      try {
        release = holdSignal(interest.signal);
      } catch {
        throw new KqueueError(EINVAL, 'sigaction', { about: interest.signal, interest });
      }
    }
    const Class = interest.filter === 'user' ? UserKnote : Knote;
    const knote = new Class<Token>(this.#host, interest, change, ownFd, release);
    knote.previous = this.#table.add(knote);
    return knote;
  }

  /** The changes that register a knote: the last one is its EV_ADD. */
  #plan(knote: Knote): Step[] {
    const { EV_ADD = 0, EV_CLEAR = 0, EV_DELETE = 0, EV_DISABLE = 0, EV_ENABLE = 0 } = this.#sys.abi.constants;
    const { interest, change, previous } = knote;
    const disabled = interest.filter === 'raw' ? (interest.flags & EV_DISABLE) !== 0 : interest.disabled;
    // Adding again enables nowhere, whatever the man pages say.
    const flags = EV_ADD | change.mode | (disabled ? EV_DISABLE : EV_ENABLE);
    if (previous === undefined) return [stepOf(knote, flags)];
    // ENOENT of the deletion does not matter: the knote before has gone with its descriptor, which no kernel tells.
    if (this.#mustBeNew(previous, knote)) return [stepOf(knote, EV_DELETE), stepOf(knote, flags)];
    // In a change of a user event EV_CLEAR would take a trigger back; and it is in the knote already.
    return [stepOf(knote, interest.filter === 'user' ? flags & ~EV_CLEAR : flags)];
  }

  /** Whether a knote cannot be had by changing the one of the same name, but only by deleting that first. */
  #mustBeNew(previous: Knote, { change, fflags }: Knote): boolean {
    const { name, constants } = this.#sys.abi;
    // No kernel changes these flags of a knote that lives.
    if (change.mode !== previous.change.mode) return true;
    // DragonFly lets a running timer run on; NetBSD stays deaf to notes that were not there at first.
    if (change.filter === constants['EVFILT_TIMER']) return true;
    return name === 'netbsd' && change.filter === constants['EVFILT_VNODE'] && (fflags & ~previous.fflags) !== 0;
  }

  /** macOS keeps the status of some processes to itself, but not that they exit: EACCES, and without it all is well. */
  #sendWithoutStatus(knotes: readonly Knote[], plans: Step[][]): void {
    const { NOTE_EXITSTATUS } = this.#sys.abi.constants;
    if (NOTE_EXITSTATUS === undefined) return;
    const again: Step[] = [];
    for (const [i, knote] of knotes.entries()) {
      if (plans[i]?.at(-1)?.errno !== EACCES || !impliesExitStatus(knote.interest)) continue;
      knote.fflags = (knote.fflags & ~NOTE_EXITSTATUS) >>> 0;
      const plan = this.#plan(knote);
      plans[i] = plan;
      again.push(...plan);
    }
    this.#send(again);
  }

  #send(steps: readonly Step[]): void {
    this.#changer.apply(this.#fd, steps, (list, index) => this.#left.push(this.#decode(list, index)));
    // Were they fetched while somebody waits, no watcher will tell him.
    if (this.#left.length > 0) this.#waiting.hurry();
  }

  /** A knote that was added replaces the one before it; one that was not gives its place back, if that one still lives. */
  #settle(knote: Knote, plan: readonly Step[]): void {
    const added = plan.at(-1) as Step;
    const { previous } = knote;
    knote.previous = undefined;
    if (added.errno === 0) {
      if (previous?.active === true) {
        knote.inherit(previous);
        this.#forget(previous);
      }
      return;
    }
    // Deleted in front of it, whatever that said: ENOENT is no survivor either.
    const deleted = plan.length > 1;
    const stays = previous?.active === true && !deleted && added.errno !== EBADF;
    const heir = stays ? previous : undefined;
    // What was added after it, in the same call and under the same name, has taken not its place but that of its heir.
    for (let later = this.#table.get(added.filter, knote.ident); later !== undefined; later = later.previous) {
      if (later.previous === knote) later.previous = heir;
    }
    this.#table.remove(knote, heir);
    knote.end();
    if (previous !== undefined && !stays) this.#forget(previous);
  }

  #forget(knote: Knote): void {
    this.#table.remove(knote);
    knote.end();
  }

  /**
   * Removes knotes (EV_DELETE), all in one kevent(2) call: by registration, or by an interest with the same filter and
   * ident, or path. What was fetched of them and not handed out yet is dropped. That a registration has ended already is no
   * failure.
   *
   * @throws TypeError for what is neither, and for a registration of another queue. KqueueError for the one that failed, an
   * AggregateError of several: ENOENT where an interest is not registered, EBADF where its descriptor is closed
   */
  unregister(...what: readonly (Interest | Registration)[]): void {
    this.#mustBeOpen();
    const failures: KqueueError[] = [];
    const removals = what.flatMap((one) => this.#removal(one, failures));
    this.#send(removals.map(({ step }) => step));
    for (const { step, knote, lenient } of removals) {
      // It is gone, and was before: with its descriptor.
      const gone = step.errno === ENOENT || step.errno === EBADF;
      if (knote !== undefined && (gone || step.errno === 0)) this.#drop(knote);
      if (step.errno !== 0 && !(gone && lenient)) failures.push(errorOf(this.#sys, step));
    }
    // A one-shot has ended when it was fetched, and is not to be heard of any more either.
    for (const one of what) if (one instanceof Knote) this.#unfetch(one);
    throwAll(failures);
  }

  #removal(one: Interest | Registration, failures: KqueueError[]): Removal[] {
    const { abi } = this.#sys;
    const { EV_DELETE = 0 } = abi.constants;
    if (one instanceof Knote) {
      if (one.host !== this.#host) throw wrongType('registration', 'one of this queue', one);
      return one.active ? [{ step: stepOf(one, EV_DELETE), knote: one, lenient: true }] : [];
    }
    if (!isInterest(one)) throw wrongType('what', 'interests and registrations', one);
    const { filter, data, fflags, leeway } = compile(one, abi);
    const { ident } = one;
    const knote = ident === undefined ? this.#byPath(one) : this.#table.get(filter, ident);
    if (knote !== undefined) return [{ step: stepOf(knote, EV_DELETE), knote, lenient: false }];
    if (ident === undefined) {
      failures.push(new KqueueError(ENOENT, 'kevent', { about: pathOf(one), interest: one }));
      return [];
    }
    // Somebody else may have added it, through the C door.
    const record = { ident, filter, flags: EV_DELETE, fflags, data, udata: 0, leeway };
    return [{ step: { ...record, interest: one, errno: 0, answered: false }, knote: undefined, lenient: false }];
  }

  #byPath(interest: Interest): Knote | undefined {
    let found: Knote | undefined;
    for (const knote of this.#table) {
      const own = knote.interest;
      if (own === interest) return knote;
      if (own.filter === 'vnode' && interest.filter === 'vnode' && own.path === interest.path) found ??= knote;
    }
    return found;
  }

  #drop(knote: Knote): void {
    this.#forget(knote);
    this.#unfetch(knote);
  }

  /** What was fetched of it and not handed out is not handed out any more. */
  #unfetch(knote: Knote): void {
    if (this.#left.length === 0) return;
    this.#left = this.#left.slice(this.#next).filter((event) => event.registration !== knote);
    this.#next = 0;
  }

  /** One change of a knote that lives. */
  #modify(knote: Knote, flags: number, fflags: number): void {
    this.#mustBeOpen(knote.interest);
    const step = stepOf(knote, flags, fflags);
    if (knote.active) this.#changer.applyOne(this.#fd, step);
    else step.errno = ENOENT;
    if (step.errno === 0) return;
    // Gone with its descriptor, or the queue with its own.
    if (step.errno === ENOENT || step.errno === EBADF) this.#drop(knote);
    throw errorOf(this.#sys, step);
  }

  /**
   * Waits for events and blocks the thread meanwhile, Node's event loop included, as kevent(2) does. A wait that a signal
   * interrupts goes on with the rest of the time (EINTR). On Linux, where Node's handlers count the signals that are
   * registered, it ends early instead, with [].
   *
   * @returns at least one event, unless the time is over: then []
   * @throws KqueueError EBADF; TypeError, RangeError for options that are no such numbers
   */
  poll(options: PollOptions = {}): KqueueEvent<Token>[] {
    const { timeout, max } = checkOptions(options);
    this.#mustBeOpen();
    return this.#left.length > 0 ? this.#takeLeft(max) : this.#fetch(max, timeout);
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
      const { timeout, max } = checkOptions(options);
      const { signal } = options;
      if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
        throw wrongType('signal', 'an AbortSignal', signal);
      }
      this.#mustBeFree();
      if (signal?.aborted) throw signal.reason;
      if (this.#left.length > 0) return resolve(this.#takeLeft(max));
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
          const value = this.#takeOne();
          if (value !== undefined) return resolve({ done: false, value });
          dismiss = (): void => resolve(end());
          this.#waiting.begin({
            max: undefined,
            timeout: undefined,
            signal: undefined,
            done: (events) => {
              dismiss = undefined;
              this.#left = events;
              this.#next = 0;
              resolve({ done: false, value: this.#takeOne() as KqueueEvent<Token> });
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
   * free, the same each time
   * @throws TypeError, RangeError for what is no safe integer of 0 or more; KqueueError as register(), and EMFILE; Error
   * where the `sys` of the queue cannot be reached from another thread
   */
  waker(ident?: number): Waker {
    this.#mustBeOpen();
    if (ident !== undefined) checkInteger('ident', ident, 0, Number.MAX_SAFE_INTEGER);
    const find = (one: number): Knote | undefined => this.#table.get(this.#sys.abi.constants['EVFILT_USER'] ?? 0, one);
    let fired = ident ?? this.#wakerIdent;
    if (fired === undefined) {
      fired = INT_MAX;
      while (find(fired) !== undefined) fired--;
      this.#wakerIdent = fired;
    }
    if (find(fired) === undefined) this.register([user(fired, { clear: true })]);
    this.#gate ??= new Gate();
    return new Waker(wakerHandle(this.#sys, this.#fd, this.#gate, fired, find(fired)?.udata ?? 0));
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
    if (this.closed) return;
    const fd = this.#fd;
    this.#fd = -1;
    const tell = this.#waiting.close();
    this.#gate?.close();
    // EBADF, which it may return: somebody closed the number underneath, which is what was wanted.
    this.#sys.close(fd);
    for (const knote of this.#table) knote.end();
    this.#table.clear();
    this.#left = [];
    this.#next = 0;
    tell();
  }

  /** As close(). */
  [Symbol.dispose](): void {
    this.close();
  }

  /** As close(). */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** `kqueue { fd=5, freebsd }` */
  toString(): string {
    return `kqueue { ${this.closed ? 'closed' : `fd=${this.#fd}`}, ${this.#sys.name} }`;
  }

  #mustBeOpen(interest?: Interest): void {
    if (this.#fd === -1) throw closedError(interest);
  }

  #mustBeFree(): void {
    this.#mustBeOpen();
    if (!this.#waiting.pending) return;
    const error = new Error('another wait() or iteration of this queue is waiting, and only one can');
    throw Object.assign(error, { code: 'ERR_INVALID_STATE' });
  }

  #takeOne(): KqueueEvent<Token> | undefined {
    const event = this.#left[this.#next++];
    if (this.#next >= this.#left.length) {
      this.#left = [];
      this.#next = 0;
    }
    return event;
  }

  #takeLeft(max = Number.POSITIVE_INFINITY): KqueueEvent<Token>[] {
    const events = this.#left.slice(this.#next, this.#next + max);
    this.#next += events.length;
    if (this.#next === this.#left.length) {
      this.#left = [];
      this.#next = 0;
    }
    return events;
  }

  /** kevent(2) without changes, timeout in milliseconds. */
  #fetch(max: number | undefined, timeout: number | undefined): KqueueEvent<Token>[] {
    let list = this.#events;
    if (max !== undefined && max > list.length && list.length < MANY) {
      list = new KeventList(Math.min(max, MANY), this.#sys.abi);
      this.#events = list;
    }
    const n = this.#kevent(list, max === undefined ? list.length : Math.min(max, list.length), timeout);
    const events: KqueueEvent<Token>[] = [];
    for (let i = 0; i < n; i++) events.push(this.#decode(list, i));
    // It was full: next time there is room for more.
    if (n === list.length && n < MANY) this.#events = new KeventList(Math.min(n * 4, MANY), this.#sys.abi);
    return events;
  }

  #kevent(list: KeventList, room: number, timeout = Number.POSITIVE_INFINITY): number {
    const sys = this.#sys;
    const longest = sys.abi.name === 'dragonfly' ? DRAGONFLY_SLICE : Number.POSITIVE_INFINITY;
    const waits = timeout > 0;
    const end = waits && timeout !== Number.POSITIVE_INFINITY ? performance.now() + timeout : timeout;
    for (let left = timeout; ; left = waits ? Math.max(0, end - performance.now()) : 0) {
      const slice = Math.min(left, longest);
      const time = slice === 0 ? NOW : slice === Number.POSITIVE_INFINITY ? null : this.#timeout.setMillis(slice);
      const n = sys.kevent(this.#fd, null, 0, list, room, time);
      // 0 before its time, and no EINTR, is the kqueue built in for Linux, which lets Node hear of a signal.
      if (n > 0 || (n === 0 && slice === left)) return n;
      if (n === -1 && sys.errno() !== EINTR) throw new KqueueError(sys.errno(), 'kevent');
    }
  }

  /** One record as an event. What its delivery has ended is forgotten. */
  #decode(list: KeventList, index: number): KqueueEvent<Token> {
    const filter = list.filter(index);
    const knote = this.#table.find(filter, identOf(list, index), list.udata(index));
    const event = eventOf<Token>(this.#kinds, list, index, filter, list.ident(index), knote);
    if (knote !== undefined && this.#isLast(knote, event)) this.#forget(knote);
    return event;
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
    return ((flags | knote.change.mode) & EV_ONESHOT) !== 0 || (filter === 'proc' && eof);
  }
}

/** A knote that is to be removed, or, where there is none in the table, a change that asks the kernel for it. */
interface Removal {
  readonly step: Step;
  readonly knote: Knote | undefined;
  /** Whether it does not matter if it is gone already. */
  readonly lenient: boolean;
}

/** Whether the kqueue listens to signals through Node itself, which keeps their default action off. */
function hearsThroughNode(sys: Sys): boolean {
  return sys.abi.name === 'linux' && bindingOf(sys) === undefined;
}

/** fflags of a trigger. Bits without an operation are copied: NOTE_FFNOP would lose them. */
function triggerNotes({ abi }: Sys, fflags: number | undefined): number {
  const { NOTE_FFCOPY = 0, NOTE_FFCTRLMASK = 0, NOTE_TRIGGER = 0 } = abi.constants;
  if (fflags === undefined) return NOTE_TRIGGER;
  checkInteger('fflags', fflags, 0, 2 ** 32 - 1);
  return (fflags | NOTE_TRIGGER | ((fflags & NOTE_FFCTRLMASK) === 0 ? NOTE_FFCOPY : 0)) >>> 0;
}

/** What register() was given, as a list of its own: an iterable may change while it is worked on. */
function checkInterests<Token>(given: readonly unknown[]): Interest<Token>[] {
  const expected = 'what read(), timer() and the like give';
  const [first] = given;
  let interests: readonly unknown[] = given;
  if (given.length === 1 && !isInterest(first)) {
    if (typeof first !== 'object' || first === null || !(Symbol.iterator in first)) {
      throw wrongType('interest', expected, first);
    }
    interests = [...(first as Iterable<unknown>)];
  }
  for (const one of interests) if (!isInterest(one)) throw wrongType('interest', expected, one);
  return interests as Interest<Token>[];
}

function checkOptions(options: PollOptions): PollOptions {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options);
  const { timeout, max } = options;
  if (timeout !== undefined) {
    if (typeof timeout !== 'number') throw wrongType('timeout', 'a number of milliseconds', timeout);
    if (!(timeout >= 0)) throw outOfRange('timeout', 'milliseconds, 0 or more', timeout);
  }
  if (max !== undefined) checkInteger('max', max, 1, INT_MAX);
  return options;
}

function pathOf(interest: Interest): string {
  return interest.filter === 'vnode' ? `'${interest.path}'` : '';
}

/** open(2)'s failure in the shape of all others. */
function openError(error: unknown, path: string, interest: Interest): unknown {
  const { errno } = error as NodeJS.ErrnoException;
  return errno === undefined ? error : new KqueueError(-errno, 'open', { about: `'${path}'`, path, interest });
}

function throwAll(failures: readonly unknown[]): void {
  if (failures.length === 0) return;
  if (failures.length === 1) throw failures[0];
  throw new AggregateError(failures, `${failures.length} changes failed: ${failures.map(messageOf).join('; ')}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
