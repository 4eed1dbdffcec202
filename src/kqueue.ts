/// <reference lib="esnext.disposable" preserve="true" />
import { constants as constantsOfOpen, openSync } from 'node:fs';
import { constants } from 'node:os';
import { compile, impliesExitStatus } from './change.ts';
import { closedError, KqueueError } from './error.ts';
import { eventOf, type KqueueEvent, kindsOf } from './event.ts';
import { type Interest, isInterest, user } from './interest.ts';
import { createWatcher, type Watcher } from './loop.ts';
import { type Host, Knote, type Registration, type Registrations, UserKnote } from './registration.ts';
import { holdSignal } from './signals.ts';
import { checkInteger, INT_MAX, outOfRange, wrongType } from './sys/check.ts';
import { inspectAs } from './sys/inspect.ts';
import { EV_SET, KeventList } from './sys/kevent-list.ts';
import { describeKevent } from './sys/names.ts';
import { defaultSys, unavailableReason } from './sys/select.ts';
import type { Sys } from './sys/sys.ts';
import { Timespec } from './sys/timespec.ts';
import { KnoteTable } from './table.ts';
import { Gate, Waker, wakerHandle } from './waker.ts';

const { EACCES, EBADF, EINTR, ENOENT } = constants.errno;

/** As many events as one call fetches, unless told otherwise. */
const BATCH = 1024;
/** The list begins this long: most queues never have more ready at once. */
const SMALL_BATCH = 64;
/** DragonFly panics where one call loops a million times: it waits in slices, of this many milliseconds. */
const DRAGONFLY_SLICE = 60_000;
/** setTimeout takes no more. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;
/** open(2) on macOS: for events only, so that the volume can still be unmounted. */
const O_EVTONLY = 0x8000;

/** The AbortSignal of every runtime, as far as wait() uses it. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** How long to wait, and for how much. */
export interface PollOptions {
  /** Milliseconds; fractions count. Absent: for ever. 0: look and return. More than 2^31 - 1 seconds is cut to that. */
  readonly timeout?: number | undefined;
  /** How many events at most, 1 or more; what is left over comes first next time. Absent: 1,024. */
  readonly max?: number | undefined;
}

/** As {@link PollOptions}, and how to give up. */
export interface WaitOptions extends PollOptions {
  /** Rejects with the signal's reason when it is aborted. No event is lost by that. */
  readonly signal?: AbortSignalLike | undefined;
}

interface Waiter {
  readonly max: number | undefined;
  settle(events: KqueueEvent<never>[]): void;
  fail(error: unknown): void;
}

/**
 * A kqueue(2): what is registered with it, it reports.
 *
 * ```ts
 * using kq = new Kqueue();
 * kq.register(read(fd), timer(1, { every: 250 }));
 * for await (const event of kq) console.log(`${event}`);
 * ```
 *
 * After close() every call throws KqueueError EBADF. What is wrong with an argument is a TypeError or a RangeError before
 * anything reaches the kernel.
 */
export class Kqueue<Token = unknown> implements AsyncIterable<KqueueEvent<Token>> {
  readonly #sys: Sys;
  readonly #fd: number;
  readonly #table: KnoteTable = new KnoteTable();
  readonly #gate: Gate = new Gate();
  readonly #kinds: ReturnType<typeof kindsOf>;
  readonly #host: Host;
  /** One record for single changes; grown for register(). */
  #changes: KeventList;
  #events: KeventList;
  readonly #timespec: Timespec = new Timespec(0, 0);
  readonly #now: Timespec = new Timespec(0, 0);
  /** Fetched, and not handed out yet. */
  #left: KqueueEvent<Token>[] = [];
  #watcher: Watcher | undefined;
  #waiter: Waiter | undefined;
  #held = true;
  #closed = false;

  static {
    inspectAs(Kqueue, String);
  }

  /** Whether there is a kqueue on this machine. Loads koffi. */
  static get available(): boolean {
    return unavailableReason() === undefined;
  }

  /**
   * kqueue(2): makes a queue.
   * @param options `sys`: the implementation to use, from bindKqueue() of `kqueue-ffi/sys`; the running system's if absent
   * @throws KqueueError EMFILE, ENFILE, ENOMEM; Error where there is no kqueue, saying why
   */
  constructor(options: { readonly sys?: Sys | undefined } = {}) {
    if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options);
    const sys = options.sys ?? defaultSys();
    if (typeof sys?.kevent !== 'function' || typeof sys.kqueue !== 'function') {
      throw wrongType('sys', 'what bindKqueue() gives', sys);
    }
    this.#sys = sys;
    this.#kinds = kindsOf(sys.abi);
    this.#changes = new KeventList(4, sys.abi);
    this.#events = new KeventList(SMALL_BATCH, sys.abi);
    this.#fd = sys.kqueue();
    if (this.#fd === -1) throw new KqueueError(sys.errno(), 'kqueue');
    this.#host = {
      abi: sys.abi,
      enable: (knote) => this.#alter(knote, this.#bit('EV_ENABLE')),
      disable: (knote) => this.#alter(knote, this.#bit('EV_DISABLE')),
      trigger: (knote, fflags) => this.#trigger(knote, fflags),
      unregister: (knote) => this.#unregister(knote),
      dispose: (knote) => {
        if (!this.#closed) this.#unregister(knote);
      },
    };
  }

  /** The queue's descriptor. Another kqueue can watch it: `read(kq.fd)`. Only close() may close it. */
  get fd(): number {
    return this.#fd;
  }

  /** Whether close() was called. */
  get closed(): boolean {
    return this.#closed;
  }

  #bit(name: string): number {
    return this.#sys.abi.constants[name] ?? 0;
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }

  /**
   * Registers what is to be watched, all in one kevent(2), and returns a registration for each. Registering what is
   * registered already replaces it, its token and its mode. Fetches no event and loses none.
   *
   * @throws KqueueError for one change that failed, an AggregateError of them for several; those that were good stay
   * applied. EBADF: no such descriptor. ESRCH: no such process. EINVAL: the descriptor has no such filter. ENOENT, EACCES:
   * a path. RangeError for a filter or a note that this system does not have, naming those that have it
   */
  register<const I extends readonly Interest<Token>[]>(...interests: I): Registrations<I>;
  register(interests: Iterable<Interest<Token>>): Registration<Token>[];
  register(...given: readonly (Interest<Token> | Iterable<Interest<Token>>)[]): Registration<Token>[] {
    this.#checkOpen();
    const interests: Interest<Token>[] = [];
    for (const one of given) {
      if (isInterest(one)) interests.push(one as Interest<Token>);
      else if (typeof one === 'object' && one !== null && Symbol.iterator in one) interests.push(...one);
      else throw wrongType('interest', 'what read(), timer() and the like give', one);
    }
    for (const one of interests) {
      if (!isInterest(one)) throw wrongType('interest', 'what read(), timer() and the like give', one);
    }
    // Whatever is wrong with an argument, or missing in this system, is found before the first of them goes down.
    const compiled = interests.map((interest) => compile(interest, this.#sys.abi));

    const errors: Error[] = [];
    const knotes: Knote<Token>[] = [];
    for (const [i, interest] of interests.entries()) {
      const change = compiled[i] as ReturnType<typeof compile>;
      let opened: number | undefined;
      if (interest.filter === 'vnode' && interest.path !== undefined) {
        try {
          opened = openForEvents(interest.path);
        } catch (error) {
          const { errno = -EBADF } = error as NodeJS.ErrnoException;
          const { path } = interest;
          errors.push(new KqueueError(-errno, 'open', { about: `'${path}'`, interest, path }));
          continue;
        }
      }
      const release = interest.filter === 'signal' ? holdSignal(interest.signal) : undefined;
      const Class = interest.filter === 'user' ? UserKnote : Knote;
      const knote = new Class<Token>(this.#host, interest, change, opened, release);
      knote.previous = this.#table.add(knote as Knote);
      knotes.push(knote);
    }
    this.#add(knotes as Knote[], errors);
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, `${errors.length} changes failed`);
    return knotes;
  }

  /** Sends the knotes down, in one call, and settles which of them are in the kernel; failures go to `errors`. */
  #add(knotes: readonly Knote[], errors: Error[]): void {
    if (knotes.length === 0) return;
    const list = this.#room(knotes.length * 2);
    const [add, remove, receipt] = [this.#bit('EV_ADD'), this.#bit('EV_DELETE'), this.#bit('EV_RECEIPT')];
    // The knote of each record, and whether the record takes its predecessor away.
    const sent: { readonly knote: Knote; readonly removes: boolean }[] = [];
    for (const knote of knotes) {
      const { previous } = knote;
      if (previous?.active && needsDeletion(previous, knote)) {
        EV_SET(list, sent.length, knote.ident, knote.change.filter, remove | receipt, 0, 0, 0);
        sent.push({ knote, removes: true });
      }
      const { interest, change } = knote;
      const disabled = interest.filter === 'raw' ? (interest.flags & this.#bit('EV_DISABLE')) !== 0 : interest.disabled;
      // Adding again enables nowhere, whatever the man pages say.
      const able = this.#bit(disabled ? 'EV_DISABLE' : 'EV_ENABLE');
      this.#write(list, sent.length, knote, add | able | receipt | change.mode);
      if (change.leeway !== undefined) list.ext(sent.length, 1, change.leeway);
      sent.push({ knote, removes: false });
    }
    const described = sent.map((_, i) => list.get(i));
    const n = this.#sys.kevent(this.#fd, list, sent.length, list, sent.length, this.#now);
    if (n === -1) {
      const errno = this.#sys.errno();
      for (const knote of knotes) this.#abandon(knote);
      throw new KqueueError(errno, 'kevent');
    }

    // A record for each change, in their order; a kernel that skips one has no error for it.
    const retry: Knote[] = [];
    const failed = new Map<Knote, { errno: number; index: number }>();
    let at = 0;
    for (let i = 0; i < n; i++) {
      const [filter, ident] = [list.filter(i), identOf(list, i)];
      while (at < sent.length && !(described[at]?.filter === filter && described[at]?.ident === ident)) at++;
      const record = sent[at];
      if (record === undefined) break;
      const errno = list.data(i);
      // ENOENT, EBADF of a deletion: it was gone already, with its descriptor or as a one-shot. That was wanted.
      if (errno !== 0 && !record.removes) failed.set(record.knote, { errno, index: at });
      if (errno === 0 && record.removes) record.knote.previous?.end();
      at++;
    }
    for (const knote of knotes) {
      const failure = failed.get(knote);
      if (failure === undefined) {
        this.#replace(knote);
        continue;
      }
      const { NOTE_EXITSTATUS } = this.#sys.abi.constants;
      const asked = NOTE_EXITSTATUS !== undefined && (knote.fflags & NOTE_EXITSTATUS) !== 0;
      if (failure.errno === EACCES && asked && impliesExitStatus(knote.interest)) {
        // macOS keeps the status of a process that is not ours to itself, but not that it exited.
        knote.fflags = (knote.fflags & ~NOTE_EXITSTATUS) >>> 0;
        retry.push(knote);
        continue;
      }
      this.#abandon(knote);
      const change = described[failure.index];
      const about = change === undefined ? '' : describeKevent(this.#sys.abi, { ...change, udata: 0 });
      errors.push(new KqueueError(failure.errno, 'kevent', { about, change, interest: knote.interest }));
    }
    this.#add(retry, errors);
  }

  /** It is in the kernel: the one that it replaced is not. */
  #replace(knote: Knote): void {
    const { previous } = knote;
    knote.previous = undefined;
    if (previous === undefined) return;
    this.#table.remove(previous);
    previous.end();
  }

  /** It is not in the kernel: the one before it has its place again, if it still lives. */
  #abandon(knote: Knote): void {
    const { previous } = knote;
    knote.previous = undefined;
    this.#table.remove(knote, previous?.active ? previous : undefined);
    if (previous !== undefined && !previous.active) this.#table.remove(previous);
    knote.end();
  }

  /** The change list, with room for `length` records: it answers too. */
  #room(length: number): KeventList {
    if (this.#changes.length < length) this.#changes = new KeventList(length, this.#sys.abi);
    return this.#changes;
  }

  /** The whole record of a knote: several kernels overwrite fflags, data and udata with whatever a change brings. */
  #write(list: KeventList, index: number, knote: Knote, flags: number, fflags: number = knote.fflags): void {
    EV_SET(list, index, knote.ident, knote.change.filter, flags, fflags, knote.change.data, knote.udata);
  }

  /** One change of a knote that is registered. */
  #alter(knote: Knote, flags: number, fflags?: number): void {
    this.#checkOpen();
    const list = this.#room(1);
    this.#write(list, 0, knote, flags, fflags);
    const change = list.get(0);
    const about = describeKevent(this.#sys.abi, { ...change, udata: 0 });
    const { interest } = knote;
    if (!knote.active) throw new KqueueError(ENOENT, 'kevent', { about, change, interest });
    if (this.#sys.kevent(this.#fd, list, 1, null, 0, null) !== -1) return;
    const errno = this.#sys.errno();
    // Its descriptor was closed: no kernel tells before it is asked.
    if (errno === ENOENT) this.#end(knote);
    throw new KqueueError(errno, 'kevent', { about, change, interest });
  }

  #trigger(knote: Knote, fflags: number | undefined): void {
    const { NOTE_TRIGGER = 0, NOTE_FFCOPY = 0, NOTE_FFCTRLMASK = 0, NOTE_FFLAGSMASK = 0 } = this.#sys.abi.constants;
    let bits = 0;
    if (fflags !== undefined) {
      checkInteger('fflags', fflags, -(2 ** 31), 2 ** 32 - 1);
      const operation = fflags & NOTE_FFCTRLMASK;
      bits = (fflags & NOTE_FFLAGSMASK) | (operation === 0 ? NOTE_FFCOPY : operation);
    }
    // flags 0: EV_CLEAR in a change would take the trigger back.
    this.#alter(knote, 0, (bits | NOTE_TRIGGER) >>> 0);
  }

  #unregister(knote: Knote): void {
    this.#checkOpen();
    if (!knote.active) return;
    try {
      this.#alter(knote, this.#bit('EV_DELETE'));
    } catch (error) {
      // ENOENT, EBADF: its descriptor was closed, and took it along. Not so where the queue itself is gone.
      const code = error instanceof KqueueError ? error.code : '';
      if (code !== 'ENOENT' && code !== 'EBADF') throw error;
    }
    this.#end(knote);
    if (this.#left.length > 0) this.#left = this.#left.filter((event) => event.registration !== knote);
  }

  #end(knote: Knote): void {
    this.#table.remove(knote);
    knote.end();
  }

  /**
   * EV_DELETE: takes registrations off the queue, by themselves or by what was registered: `kq.unregister(read(fd))`. What
   * ended already is no error when it is a registration.
   * @throws KqueueError ENOENT for an interest that is not registered; AggregateError for several
   */
  unregister(...what: readonly (Interest | Registration)[]): void {
    this.#checkOpen();
    const errors: Error[] = [];
    for (const one of what) {
      if (one instanceof Knote) {
        if (one.host !== this.#host) throw wrongType('registration', 'one of this queue', one);
        this.#unregister(one);
        continue;
      }
      if (!isInterest(one)) throw wrongType('interest', 'an interest or a registration', one);
      const { filter } = compile(one, this.#sys.abi);
      const knote = one.ident === undefined ? this.#byPath(one) : this.#table.get(filter, one.ident);
      if (knote !== undefined) this.#unregister(knote);
      else
        errors.push(new KqueueError(ENOENT, 'kevent', { about: `${one.filter} ${String(one.ident)}`, interest: one }));
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, `${errors.length} changes failed`);
  }

  #byPath(interest: Interest): Knote | undefined {
    for (const knote of this.#table) {
      if (knote.interest === interest) return knote;
      const { interest: own } = knote;
      if (own.filter === 'vnode' && interest.filter === 'vnode' && own.path === interest.path) return knote;
    }
    return undefined;
  }

  /**
   * Waits for events and blocks the thread meanwhile, as kevent(2) does; [] when the time is over. A wait that a signal
   * interrupts goes on (on Linux, where a signal() is registered, it ends early, with []: Node's handlers, which count
   * signals there, run when the event loop turns).
   * @throws KqueueError EBADF; TypeError, RangeError for options that are no such numbers
   */
  poll(options: PollOptions = {}): KqueueEvent<Token>[] {
    const { timeout, max } = checkOptions(options);
    this.#checkOpen();
    if (this.#left.length > 0) return this.#take(max);
    if (timeout === 0) return this.#fetch(this.#now, max);
    const end = timeout === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeout;
    const dragonfly = this.#sys.abi.name === 'dragonfly';
    let rest = timeout;
    for (;;) {
      const slice = dragonfly ? Math.min(rest ?? DRAGONFLY_SLICE, DRAGONFLY_SLICE) : rest;
      const time = slice === undefined ? null : this.#timespec.setMillis(slice);
      const events = this.#fetch(time, max);
      const over = !this.#interrupted && !(dragonfly && slice !== rest);
      if (events.length > 0 || over) return events;
      if (timeout === undefined) continue;
      rest = end - performance.now();
      if (rest <= 0) return this.#fetch(this.#now, max);
    }
  }

  /** Whether the last fetch was ended by a signal. */
  #interrupted = false;

  /** Fetches what there is; [] and #interrupted for EINTR. */
  #fetch(time: Timespec | null, max: number | undefined): KqueueEvent<Token>[] {
    const list = this.#events;
    const room = max === undefined ? list.length : Math.min(max, list.length);
    const n = this.#sys.kevent(this.#fd, null, 0, list, room, time);
    this.#interrupted = false;
    if (n === -1) {
      const errno = this.#sys.errno();
      if (errno !== EINTR) throw new KqueueError(errno, 'kevent');
      this.#interrupted = true;
      return [];
    }
    if (n === 0) return [];
    const events: KqueueEvent<Token>[] = new Array(n);
    for (let i = 0; i < n; i++) events[i] = this.#event(list, i);
    // It was full: next time there is room for more.
    if (n === list.length && n < BATCH) this.#events = new KeventList(Math.min(n * 4, BATCH), this.#sys.abi);
    return events;
  }

  #event(list: KeventList, index: number): KqueueEvent<Token> {
    const filter = list.filter(index);
    const ident = list.ident(index);
    const name = Number.isSafeInteger(ident) ? ident : list.ident64(index);
    const knote = this.#table.find(filter, name, list.udata(index));
    const event = eventOf<Token>(this.#kinds, list, index, filter, ident, knote);
    // Gone by its own: a one-shot, or a process that has exited (but not a child that NOTE_TRACK reports for its parent).
    if (knote !== undefined && this.#isLast(knote, event) && knote.ident === name) this.#end(knote);
    return event;
  }

  #isLast(knote: Knote, event: KqueueEvent<Token>): boolean {
    if ((knote.change.mode & this.#bit('EV_ONESHOT')) !== 0) return true;
    return event.filter === 'proc' && event.exited;
  }

  #take(max: number | undefined): KqueueEvent<Token>[] {
    if (max !== undefined && max < this.#left.length) return this.#left.splice(0, max);
    const events = this.#left;
    this.#left = [];
    return events;
  }

  /**
   * Waits for events without blocking anything: Node's own event loop watches the queue's descriptor, and no thread waits.
   * (Where the descriptor cannot be polled, with libkqueue, in Bun and in Deno, it looks every 1 to 16 ms.) Resolves with []
   * when the time is over. One at a time: a second one rejects with ERR_INVALID_STATE. Keeps the process running, unless
   * unref() was called.
   *
   * Rejects with the reason of `signal` when that is aborted; with KqueueError EBADF when the queue is, or gets, closed.
   */
  async wait(options: WaitOptions = {}): Promise<KqueueEvent<Token>[]> {
    const { timeout, max } = checkOptions(options);
    const { signal } = options;
    if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
      throw wrongType('signal', 'an AbortSignal', signal);
    }
    this.#checkOpen();
    if (this.#waiter !== undefined) throw alreadyWaiting();
    if (signal?.aborted) throw signal.reason;
    if (this.#left.length > 0) return this.#take(max);
    return this.#await(max, timeout, signal);
  }

  #await(max: number | undefined, timeout?: number, signal?: AbortSignalLike): Promise<KqueueEvent<Token>[]> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const done = (): void => {
        this.#waiter = undefined;
        this.#watcher?.rest();
        clearTimeout(timer);
        this.#timer = undefined;
        signal?.removeEventListener('abort', aborted);
      };
      const aborted = (): void => waiter.fail(signal?.reason);
      const waiter: Waiter = {
        max,
        settle: (events) => {
          done();
          resolve(events as KqueueEvent<Token>[]);
        },
        fail: (error) => {
          done();
          reject(error);
        },
      };
      this.#waiter = waiter;
      signal?.addEventListener('abort', aborted);
      try {
        this.#watcher ??= createWatcher(this.#sys, this.#fd, this.#held, this.#look);
        this.#watcher.watch();
      } catch (error) {
        waiter.fail(error);
        return;
      }
      if (timeout === undefined) return;
      const end = performance.now() + timeout;
      const tick = (): void => {
        const rest = end - performance.now();
        if (rest > 0) {
          timer = setTimeout(tick, Math.min(rest, LONGEST_TIMEOUT));
          this.#timer = timer;
          if (!this.#held) timer.unref();
        } else this.#look(true);
      };
      // In a turn of its own even when there is no time: who asks again and again must not starve others.
      timer = setTimeout(tick, Math.min(timeout, LONGEST_TIMEOUT));
      this.#timer = timer;
      if (!this.#held) timer.unref();
    });
  }

  /** The timeout of the wait under way, for ref() and unref(). */
  #timer: NodeJS.Timeout | undefined;

  /** Gives the waiter what there is, if there is something, or if its time is over. */
  readonly #look = (over = false): void => {
    const waiter = this.#waiter;
    if (waiter === undefined) return;
    try {
      const events = this.#fetch(this.#now, waiter.max);
      if (events.length > 0 || over) waiter.settle(events as KqueueEvent<never>[]);
    } catch (error) {
      waiter.fail(error);
    }
  };

  /** Every event, one after the other, until close() or `break`; what was fetched and not taken comes first next time. */
  [Symbol.asyncIterator](): AsyncIterableIterator<KqueueEvent<Token>> {
    const next = async (): Promise<IteratorResult<KqueueEvent<Token>>> => {
      if (ended || this.#closed) return { done: true, value: undefined };
      const ready = this.#left.shift();
      if (ready !== undefined) return { done: false, value: ready };
      if (this.#waiter !== undefined) throw alreadyWaiting();
      try {
        const events = await this.#await(undefined);
        const first = events.shift() as KqueueEvent<Token>;
        this.#left = this.#left.concat(events);
        return { done: false, value: first };
      } catch (error) {
        if (this.#closed) return { done: true, value: undefined };
        throw error;
      }
    };
    let ended = false;
    const iterator: AsyncIterableIterator<KqueueEvent<Token>> = {
      next,
      return: async () => {
        ended = true;
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /**
   * A waker for this queue, to be posted to other threads: see {@link Waker}. Its event is `{ filter: 'user', ident }`.
   * @param ident of the user event that it fires, registered here with `clear` unless there is one; a free one if absent
   * @throws KqueueError as register(); Error where the queue cannot be reached from another thread
   */
  waker(ident?: number): Waker {
    this.#checkOpen();
    const { EVFILT_USER } = this.#sys.abi.constants;
    if (ident !== undefined) checkInteger('ident', ident, 0, Number.MAX_SAFE_INTEGER);
    let free = ident ?? INT_MAX;
    if (ident === undefined) while (this.#table.get(EVFILT_USER ?? 0, free) !== undefined) free--;
    let knote = EVFILT_USER === undefined ? undefined : this.#table.get(EVFILT_USER, free);
    if (knote === undefined) {
      this.register([user(free, { clear: true })]);
      knote = this.#table.get(EVFILT_USER as number, free) as Knote;
    }
    return new Waker(wakerHandle(this.#sys, this.#fd, this.#gate, free, knote.udata));
  }

  /** Keeps the process running while somebody waits: the default. */
  ref(): this {
    return this.#hold(true);
  }

  /** Lets the process end while somebody waits. */
  unref(): this {
    return this.#hold(false);
  }

  #hold(held: boolean): this {
    this.#held = held;
    if (held) this.#timer?.ref();
    else this.#timer?.unref();
    this.#watcher?.hold(held);
    return this;
  }

  /** close(2): ends all registrations, rejects a pending wait() with KqueueError EBADF, ends an iteration. Once is enough. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#gate.close();
    const waiter = this.#waiter;
    this.#watcher?.close();
    this.#watcher = undefined;
    // EBADF: somebody closed it underneath, which is what was wanted.
    this.#sys.close(this.#fd);
    for (const knote of [...this.#table]) knote.end();
    this.#left = [];
    waiter?.fail(closedError());
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
    return `kqueue { ${this.#closed ? 'closed' : `fd=${this.#fd}`}, ${this.#sys.name} }`;
  }
}

/**
 * Whether a knote that lives must be deleted before it is added anew. No kernel changes EV_CLEAR, EV_ONESHOT or
 * EV_DISPATCH of one; DragonFly leaves a running timer alone, and NetBSD is deaf to notes that were not there at first.
 */
function needsDeletion(previous: Knote, { interest, change }: Knote): boolean {
  return change.mode !== previous.change.mode || interest.filter === 'timer' || interest.filter === 'vnode';
}

function identOf(list: KeventList, index: number): number | bigint {
  const ident = list.ident(index);
  return Number.isSafeInteger(ident) ? ident : list.ident64(index);
}

/** Through fs, so that Node closes it with the worker that it was opened in. */
function openForEvents(path: string): number {
  const { O_NONBLOCK = 0, O_RDONLY } = constantsOfOpen;
  return openSync(path, process.platform === 'darwin' ? O_EVTONLY : O_RDONLY | O_NONBLOCK);
}

function alreadyWaiting(): Error {
  return Object.assign(new Error('this queue has a waiter already'), { code: 'ERR_INVALID_STATE' });
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
