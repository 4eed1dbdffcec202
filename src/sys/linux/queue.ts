import type { Kevent } from '../abi/types.ts';
import { closeUnowned, createOwn, createTracked, release, unowned } from '../descriptor.ts';
import type { KeventList } from '../kevent-list.ts';
import type { Timespec } from '../timespec.ts';
import { monotonicTime } from './clock.ts';
import {
  EV_ADD,
  EV_CLEAR,
  EV_DELETE,
  EV_DISABLE,
  EV_DISPATCH,
  EV_ENABLE,
  EV_ERROR,
  EV_ONESHOT,
  EV_RECEIPT,
  EV_SYSFLAGS,
  EVFILT_PROC,
  EVFILT_USER,
  EVFILT_WRITE,
  NOTE_LOWAT,
} from './constants.ts';
import { isPrivate } from './descriptor-knote.ts';
import { asKqueueErrno, EPOLLET, EPOLLIN, Epoll, FOREIGN, finishEvents, LONGEST_WAIT } from './epoll.ts';
import { descriptorFilters, filters } from './filters.ts';
import { Inotify } from './inotify.ts';
import type { EpollSource, Host, Knote } from './knote.ts';
import { waitWithLoop } from './loop-wait.ts';
import type { InnerQueue } from './nested.ts';
import { createPipe, drain } from './pipe.ts';
import { ProcKnote } from './proc.ts';
import { hasUnsettledListeners, settleListeners } from './signal.ts';
import {
  EBADF,
  EEXIST,
  EINTR,
  EINVAL,
  ENOENT,
  errno,
  libc,
  POLLIN,
  pollNow,
  scratch,
  scratchAddress,
} from './syscalls.ts';
import { Timers } from './timers.ts';
import { UserKnote } from './user.ts';

const EFD_CLOEXEC_NONBLOCK = 0o2004000;
const F_GETFD = 1;
const INT_MAX = 2 ** 31 - 1;
/** After this many empty polls in a row, kevent(2) proves again that the descriptor is the queue. */
const MAX_UNPROVEN = 64;

/** A timeout in seconds. Negative if the timeout is invalid. */
function secondsOf({ sec, nsec }: Timespec): number {
  return sec < 0 || nsec < 0 || nsec > 999_999_999 ? -1 : sec + nsec / 1e9;
}

function isOpen(fd: number | bigint): boolean {
  return libc.fcntl(Number(fd), F_GETFD, 0) !== -1;
}

/** The queue whose kevent(2) has not returned. If another call finds it set, JavaScript was stopped in that kevent(2). */
let underway: Queue | null = null;

/** Completes a call in which JavaScript was stopped. */
export function repair(): void {
  underway?.resume();
  closeUnowned();
}

/**
 * One kqueue. Its descriptor is an epoll instance, which watches every descriptor edge-triggered. An edge makes a knote
 * active. A fetch checks the active knotes in the order in which they became active. A level-triggered knote is rearmed when
 * it is reported. That causes a new edge if the condition still holds.
 *
 * If a descriptor is closed while a duplicate is open, epoll still reports it, and nothing can remove it. With edges, such a
 * descriptor costs one check for each edge.
 *
 * The epoll instance also watches descriptors of the queue itself. All but the last are created when they are needed:
 * - a second epoll instance for EVFILT_WRITE, because an instance has one watch for each descriptor, and its edges do not
 *   distinguish reading from writing,
 * - a timerfd for the earliest of all timers,
 * - an inotify instance,
 * - a pipe for each {@link Queue.wakefd},
 * - the readiness eventfd, which is readable while knotes are active, so that the queue's own descriptor is readable too.
 */
export class Queue implements Host, InnerQueue {
  readonly readers: Epoll;
  loopBound = 0;
  readonly inner: Set<InnerQueue> = new Set();
  /** Whether it was dismantled, or a call found that its descriptor was closed without close(). */
  closed = false;
  #writers: Epoll | null = null;
  #writersReady = false;
  #timers: Timers | null = null;
  #inotify: Inotify | null = null;
  #inotifyReady = false;
  /** The readiness eventfd, its key in epoll's data, and whether it is readable. */
  readinessFd: number;
  readonly #readinessKey: number;
  #isReadable = false;
  /**
   * A knote became active since the readiness eventfd was last written, and not by an event of epoll. An edge-triggered
   * watcher of the queue then needs a new edge. For an event of epoll, the queue's descriptor has had its edge already.
   */
  #news = false;
  /** expireTimers() is in progress, or was stopped. Then the event that had called it calls it again. */
  #expiring = false;
  /** The number of empty polls since the last proof that the descriptor is the queue. */
  #unproven = 0;
  /** For each ident the two ends of a pipe: the reading end, the writing end. */
  readonly #wakefds: Map<number, number[]> = new Map();
  readonly #knotes: Map<number, Map<number | bigint, Knote>> = new Map();
  /** The list of active knotes, in the order in which they became active. */
  #first: Knote | null = null;
  #last: Knote | null = null;
  #active = 0;
  /** The knote that is being attached or dropped. */
  #changing: Knote | null = null;
  /** The knotes whose records the current call has written. #deliver() has run for the first `#delivered` of them. */
  #reported: Knote[] = [];
  #records = 0;
  #delivered = 0;
  /** The knotes that a stopped call has reported. The current call has repeated the first `#repeated` of them. */
  #unreturned: Knote[] = [];
  #repeated = 0;
  /** The sources by their keys in epoll's data. No key is used twice, so a stale event finds no source. */
  readonly #sources: Map<number, EpollSource> = new Map();
  #nextKey = 1;
  readonly #ready = (key: number, events: number): void => this.#sources.get(key)?.ready(events);

  private constructor(readers: Epoll, readinessFd: number) {
    this.readers = readers;
    this.readinessFd = readinessFd;
    this.#readinessKey = this.newKey({ ready: () => {} });
  }

  /** Returns a queue, whose descriptors are in {@link unowned}, or an errno: EMFILE, ENFILE, ENOMEM. */
  static create(): Queue | number {
    const readers = Epoll.create(createTracked);
    if (readers === null) return errno();
    const readinessFd = createOwn(() => libc.eventfd(0, EFD_CLOEXEC_NONBLOCK));
    let error = readinessFd === -1 ? errno() : 0;
    if (readinessFd !== -1) {
      const queue = new Queue(readers, readinessFd);
      error = readers.add(readinessFd, EPOLLIN, queue.#readinessKey);
      if (error === 0) return queue;
      release(readinessFd);
    }
    readers.close();
    return asKqueueErrno(error);
  }

  /** Whether its descriptor is still this queue. If it was closed without close(), another file may have the number. */
  isOpen(): boolean {
    return this.readers.isWatching(this.readinessFd, EPOLLIN, this.#readinessKey);
  }

  get fd(): number {
    return this.readers.fd;
  }

  newKey(source: EpollSource): number {
    const key = this.#nextKey++;
    this.#sources.set(key, source);
    return key;
  }

  forgetKey(key: number): void {
    this.#sources.delete(key);
  }

  on(fd: number): Knote[] {
    return descriptorFilters.flatMap((filter) => this.#knotes.get(filter)?.get(fd) ?? []);
  }

  /** Watches a descriptor of the queue itself until the queue is closed. */
  #watchOwn(fd: number, events: number, ready: () => void): boolean {
    const key = this.newKey({ ready });
    let error = this.readers.add(fd, events, key);
    // An earlier call, in which JavaScript was stopped, has added it.
    if (error === EEXIST) error = this.readers.modify(fd, events, key);
    if (error === 0) return true;
    this.forgetKey(key);
    return false;
  }

  writers(): Epoll | null {
    if (this.#writers !== null) return this.#writers;
    const writers = Epoll.create(createOwn);
    if (writers === null) return null;
    if (!this.#watchOwn(writers.fd, EPOLLIN, () => (this.#writersReady = true))) {
      writers.close();
      return null;
    }
    this.#writers = writers;
    unowned.length--;
    return writers;
  }

  timers(): Timers | null {
    if (this.#timers !== null) return this.#timers;
    const timers = Timers.create();
    if (timers === null) return null;
    if (!this.#watchOwn(timers.fd, EPOLLIN | EPOLLET, () => {})) {
      timers.close();
      return null;
    }
    this.#timers = timers;
    unowned.length--;
    return timers;
  }

  inotify(): Inotify | null {
    if (this.#inotify !== null) return this.#inotify;
    const inotify = Inotify.find();
    if (inotify === null) return null;
    const watched = this.#watchOwn(inotify.fd, EPOLLIN | EPOLLET, () => (this.#inotifyReady = true));
    inotify.join();
    if (!watched) {
      inotify.leave();
      return null;
    }
    this.#inotify = inotify;
    return inotify;
  }

  enqueue(knote: Knote): void {
    this.#news = true;
    if (!knote.queued) {
      knote.queued = true;
      knote.previous = this.#last;
      knote.next = null;
      if (this.#last === null) this.#first = knote;
      else this.#last.next = knote;
      this.#last = knote;
      this.#active++;
    }
    // A kevent(2) of this queue, and expireTimers(), call #settle() before they return.
    if (underway !== this && !this.#expiring) this.#settle();
  }

  #dequeue(knote: Knote): void {
    if (!knote.queued) return;
    knote.queued = false;
    if (knote.previous === null) this.#first = knote.next;
    else knote.previous.next = knote.next;
    if (knote.next === null) this.#last = knote.previous;
    else knote.next.previous = knote.previous;
    this.#active--;
  }

  /** Makes the queue's descriptor readable if knotes are active, and sets the timerfd. */
  #settle(): void {
    this.#timers?.arm();
    const readable = this.#active > 0;
    const again = readable && this.#news;
    this.#news = false;
    if (readable === this.#isReadable && !again) return;
    scratch[0] = 1;
    scratch[1] = 0;
    // Neither call fails: the counter cannot reach 2^64 - 1, and it is read only when it is not 0.
    if (readable) libc.write(this.readinessFd, scratchAddress, 8);
    else libc.read(this.readinessFd, scratchAddress, 8);
    this.#isReadable = readable;
  }

  /** kevent(2). Returns the number of records, or a negative errno. EBADF: the descriptor was closed without close(). */
  kevent(
    changelist: KeventList | null,
    nchanges: number,
    eventlist: KeventList | null,
    nevents: number,
    timeout: Timespec | null,
  ): number {
    if (underway !== null || unowned.length > 0) repair();
    underway = this;
    const result = this.#kevent(changelist, nchanges, eventlist, nevents, timeout);
    this.#settle();
    const unreturned = this.#repeated > 0 ? this.#unreturned.slice(this.#repeated) : this.#unreturned;
    // Nothing can stop the code from here to the caller. So the records count as returned from here on, and not before.
    underway = null;
    this.#records = 0;
    this.#delivered = 0;
    this.#unreturned = unreturned;
    this.#repeated = 0;
    return result;
  }

  #kevent(
    changelist: KeventList | null,
    nchanges: number,
    eventlist: KeventList | null,
    nevents: number,
    timeout: Timespec | null,
  ): number {
    // Read first, because the handlers of listeners, which run below, may change the timeout.
    const seconds = timeout === null ? Number.POSITIVE_INFINITY : secondsOf(timeout);
    // Proven first, because no change may reach another epoll instance or a closed queue.
    let proven = nchanges > 0 || nevents === 0;
    if (proven && !this.isOpen()) return -this.#failure(FOREIGN);
    this.#news = false;
    let records = 0;
    let failure = 0;
    for (let i = 0; i < nchanges && failure === 0; i++) {
      const change = (changelist as KeventList).get(i);
      const receipt = (change.flags & EV_RECEIPT) !== 0;
      const error = this.#apply(change);
      if (error === 0 && !receipt) continue;
      if (records < nevents) {
        const { ident, filter, fflags, udata } = change;
        (eventlist as KeventList).store(records++, ident, filter, EV_ERROR, fflags, error, udata);
      } else failure = error;
    }
    if (hasUnsettledListeners()) {
      this.#letListenersRun(eventlist, records);
      if (this.closed) return -EBADF;
      proven = false;
    }
    if (failure !== 0) return -failure;
    if (records > 0 || nevents === 0) return records;
    const news = this.#news;
    const fetched = this.#fetch(eventlist as KeventList, nevents, seconds, proven);
    this.#news = news;
    return fetched;
  }

  repair(): void {
    repair();
  }

  /**
   * Continues after JavaScript was stopped in the queue's last call. Delivers the events that the kernel has returned,
   * completes or undoes the change of a knote, and checks each knote again. The next fetch repeats the records of that call.
   */
  resume(): void {
    finishEvents();
    Inotify.repair();
    if (!this.isOpen()) this.closed = true;
    if (this.closed) {
      this.#release();
      return;
    }
    if (this.#changing !== null) this.drop(this.#changing);
    if (this.#delivered < this.#records) {
      this.#deliver(this.#reported[this.#delivered] as Knote);
      this.#delivered = this.#records;
    }
    for (const byIdent of this.#knotes.values()) {
      for (const knote of byIdent.values()) {
        if (!knote.disabled) knote.recover();
        else {
          if (knote.queued) knote.pending = true;
          this.#dequeue(knote);
          knote.pause();
        }
      }
    }
    this.#settle();
    const unreturned = this.#unreturned.concat(this.#reported.slice(0, this.#records));
    // No function is called from here on, so this call is completed once, even if JavaScript is stopped in here too.
    underway = null;
    this.#unreturned = unreturned;
    this.#records = 0;
    this.#delivered = 0;
    this.#repeated = 0;
  }

  /**
   * Runs the 'newListener' and 'removeListener' handlers between the changes and the fetch. They may call kevent(2) on this
   * queue, with the same eventlist. So the queue is in the state as after a call, and the records are restored afterwards.
   */
  #letListenersRun(eventlist: KeventList | null, count: number): void {
    const records = Array.from({ length: count }, (_, i) => (eventlist as KeventList).get(i));
    this.#settle();
    underway = null;
    settleListeners();
    underway = this;
    for (const [i, { ident, filter, flags, fflags, data, udata }] of records.entries()) {
      (eventlist as KeventList).store(i, ident, filter, flags, fflags, data, udata);
    }
  }

  /** The errno of a wait that failed with -1 or {@link FOREIGN}. */
  #failure(n: number): number {
    const error = n === FOREIGN ? EBADF : errno();
    // EINVAL: the number is now a file that is not an epoll instance.
    this.closed = error === EBADF || error === EINVAL;
    return this.closed ? EBADF : error;
  }

  /** Applies one change. Returns 0 or an errno. */
  #apply(change: Kevent): number {
    const flags = change.flags & ~EV_SYSFLAGS;
    // As on macOS, EV_DELETE overrides EV_ADD, and EV_DISABLE overrides EV_ENABLE.
    const adding = (flags & (EV_ADD | EV_DELETE)) === EV_ADD;
    const disabling = (flags & EV_DISABLE) !== 0;

    const Class = filters.get(change.filter);
    if (Class === undefined) return EINVAL;
    const descriptor = descriptorFilters.includes(change.filter);
    if (descriptor && !(typeof change.ident === 'number' && change.ident <= INT_MAX)) return EBADF;
    const knote = this.#find(change.filter, change.ident);
    const deleting = (flags & EV_DELETE) !== 0;
    if (this.#unreturned.length > 0 && (knote === undefined || deleting)) {
      // For the caller, a one-shot that it has not received still exists.
      if (this.#withdraw(change.filter, change.ident) && knote === undefined && deleting) return 0;
    }
    if (knote === undefined) {
      if (descriptor && isPrivate(Number(change.ident))) return EBADF;
      if (adding) return this.#attach(Class, change, descriptor);
      return descriptor && !isOpen(change.ident) ? EBADF : ENOENT;
    }
    if (deleting) {
      this.drop(knote);
      return 0;
    }
    const error = knote.change(change, adding);
    if (error !== 0) return error;
    if (disabling) {
      if (!knote.disabled) knote.pending = knote.queued;
      knote.disabled = true;
      this.#dequeue(knote);
      knote.pause();
    } else if ((flags & EV_ENABLE) !== 0 && knote.disabled) this.#enable(knote);
    else if (!knote.disabled) knote.recheck();
    return 0;
  }

  #enable(knote: Knote): void {
    // `disabled` is reset last. If JavaScript is stopped before, a second EV_ENABLE does all of this again.
    knote.recheck();
    if (knote.pending) this.enqueue(knote);
    knote.disabled = false;
    knote.pending = false;
  }

  /** Withdraws a report that did not reach the caller. */
  #withdraw(filter: number, ident: number | bigint): boolean {
    const rest = this.#unreturned.filter((knote) => knote.filter !== filter || knote.ident !== ident);
    const found = rest.length < this.#unreturned.length;
    this.#unreturned = rest;
    return found;
  }

  /** Returns the knote. If its descriptor was closed since, deletes it and returns undefined. */
  #find(filter: number, ident: number | bigint): Knote | undefined {
    const knote = this.#knotes.get(filter)?.get(ident);
    if (knote === undefined || knote.alive()) return knote;
    this.drop(knote);
    return undefined;
  }

  #attach(Class: new (queue: Host, change: Kevent) => Knote, change: Kevent, descriptor: boolean): number {
    // Also deletes stale knotes of the other filters. After this one is attached, they could look valid.
    if (descriptor) for (const filter of descriptorFilters) this.#find(filter, change.ident);
    // If ident is closed, a descriptor that the queue opens below could get its number, and would be watched instead.
    const mark = (change.fflags & NOTE_LOWAT) !== 0 && this.#timers === null;
    const opens = change.filter === EVFILT_WRITE && (mark || this.#writers === null);
    if (opens && !isOpen(change.ident)) return EBADF;
    const knote = new Class(this, change);
    this.#changing = knote;
    const error = knote.attach();
    if (error !== 0) {
      knote.gone = true;
      this.#dequeue(knote);
      this.#changing = null;
      return error;
    }
    let byIdent = this.#knotes.get(change.filter);
    if (byIdent === undefined) {
      byIdent = new Map();
      this.#knotes.set(change.filter, byIdent);
    }
    byIdent.set(change.ident, knote);
    this.#changing = null;
    return 0;
  }

  drop(knote: Knote): void {
    this.#changing = knote;
    knote.gone = true;
    this.#dequeue(knote);
    const byIdent = this.#knotes.get(knote.filter);
    if (byIdent?.get(knote.ident) === knote) byIdent.delete(knote.ident);
    knote.detach();
    this.#changing = null;
  }

  /** `proven`: the descriptor is known to be this queue. */
  #fetch(eventlist: KeventList, nevents: number, seconds: number, proven: boolean): number {
    if (seconds < 0) return -EINVAL;
    if (this.#unreturned.length > 0) {
      const records = this.#repeat(eventlist, nevents);
      if (records > 0) return records;
    }
    let end = 0;
    let over = seconds === 0;
    let isQueue = proven;
    for (;;) {
      // Active knotes are checked before any wait.
      const found = this.#collect(0);
      if (found < 0) return -this.#failure(found);
      // An event of this queue is a proof. A fetch of knotes and a wait need one. An empty poll does not, and the proof takes
      // longer than the poll itself. So empty polls are proven only now and then.
      isQueue ||= found > 0;
      if (!isQueue && (this.#active > 0 || !over || ++this.#unproven === MAX_UNPROVEN)) {
        this.#unproven = 0;
        isQueue = this.isOpen();
        if (!isQueue) return -this.#failure(FOREIGN);
      }
      const records = this.#scan(eventlist, nevents);
      if (records > 0 || over) return records;
      this.#settle();
      const time = monotonicTime();
      if (end === 0) end = time + seconds * 1e9;
      const rest = (end - time) / 1e9;
      if (rest <= 0) return 0;
      if (this.needsLoop()) {
        const ended = waitWithLoop(this.fd, Math.min(rest, LONGEST_WAIT));
        // Node's handler counts the signal. It runs when the caller returns to the loop.
        if (ended === -1 && errno() !== EINTR) return -this.#failure(ended);
        over = ended !== 'queue' && !(ended === 'time' && rest > LONGEST_WAIT);
        continue;
      }
      const n = this.#collect(rest);
      // Not by the clock alone, because libfaketime may have stopped the clock.
      over = n === 0 && rest <= LONGEST_WAIT;
      if (n < 0) return -this.#failure(n);
    }
  }

  needsLoop(): boolean {
    if (this.loopBound > 0) return true;
    for (const queue of this.inner) if (queue.needsLoop()) return true;
    return false;
  }

  /** Waits for events of epoll, and makes knotes active. Returns 0 when the time expires, and -1, with errno() set, on failure. */
  #collect(seconds: number): number {
    const n = this.readers.wait(seconds, this.#ready);
    // Fetches the events that did not fit. An empty second read does not make this wait a timeout.
    for (let more = n; Epoll.full(more); ) more = this.readers.wait(0, this.#ready);
    if (n < 0) return n;
    // An inner queue whose timers ready() has expired is an event again, which must not count as a second one.
    if (n > 0 && this.inner.size > 0) while (Epoll.full(this.readers.wait(0, this.#ready)));
    if (this.#writersReady) {
      while (Epoll.full((this.#writers as Epoll).wait(0, this.#ready)));
      this.#writersReady = false;
    }
    if (this.#inotifyReady) {
      this.#inotify?.drain();
      this.#inotifyReady = false;
    }
    this.#timers?.run();
    return n;
  }

  /** Goes once through the active knotes, starting with the one that has been active longest, and writes their records. */
  #scan(eventlist: KeventList, nevents: number): number {
    const reported = this.#reported;
    let records = 0;
    for (let left = this.#active; left > 0 && records < nevents; left--) {
      const knote = this.#first as Knote;
      if (!knote.event()) {
        this.#dequeue(knote);
        continue;
      }
      const { ident, filter, flags, outFlags, outFflags, outData, udata } = knote;
      const level = (flags & (EV_ONESHOT | EV_DISPATCH | EV_CLEAR)) === 0;
      // A closed descriptor is not reported. Another file that has its number now is not reported either.
      if (level ? !knote.rearm() : !knote.alive()) {
        this.drop(knote);
        continue;
      }
      eventlist.store(records, ident, filter, flags | outFlags, outFflags, outData, udata);
      reported[records++] = knote;
      this.#records = records;
      this.#deliver(knote);
      this.#delivered = records;
    }
    return records;
  }

  /** Changes the knote after its report, by its mode. Repeatable after JavaScript was stopped in it. */
  #deliver(knote: Knote): void {
    const { flags } = knote;
    if ((flags & EV_ONESHOT) !== 0) {
      this.drop(knote);
      return;
    }
    this.#dequeue(knote);
    if ((flags & (EV_CLEAR | EV_DISPATCH)) === 0) {
      if (!knote.edged) this.enqueue(knote);
      return;
    }
    if ((flags & EV_CLEAR) !== 0) knote.clear();
    if ((flags & EV_DISPATCH) !== 0) {
      knote.disabled = true;
      knote.pause();
    }
  }

  /** Writes the records of a stopped call again. Level-triggered knotes are checked again instead. */
  #repeat(eventlist: KeventList, nevents: number): number {
    let records = 0;
    for (let at = 0; at < this.#unreturned.length && records < nevents; at++) {
      const { ident, filter, flags, outFlags, outFflags, outData, udata } = this.#unreturned[at] as Knote;
      if ((flags & (EV_ONESHOT | EV_DISPATCH | EV_CLEAR)) !== 0) {
        eventlist.store(records++, ident, filter, flags | outFlags, outFflags, outData, udata);
      }
      this.#repeated = at + 1;
    }
    return records;
  }

  /**
   * The number of knotes that may have something to report. Another queue that watches this one reports it as data. Events
   * that epoll has and this queue has not fetched count as one. A fetch here would be an edge for the other queue.
   */
  readyCount(): number {
    return this.#active > 0 ? this.#active : pollNow(this.fd, POLLIN) & POLLIN;
  }

  expireTimers(): void {
    for (const queue of this.inner) queue.expireTimers();
    if (this.#timers === null) return;
    // One #settle() for all.
    this.#expiring = true;
    this.#timers.run();
    this.#expiring = false;
    this.#settle();
  }

  takeStatuses(): void {
    for (const queue of this.inner) queue.takeStatuses();
    // Not by a fetch, which would be another event for the queue that watches this one.
    for (const knote of this.#knotes.get(EVFILT_PROC)?.values() ?? [])
      if (knote instanceof ProcKnote) knote.takeStatus();
  }

  /** `Sys.collectExits`. */
  collectExits(): void {
    for (const queue of this.inner) queue.takeStatuses();
    if (!this.#knotes.get(EVFILT_PROC)?.size) return;
    if (underway !== null) repair();
    underway = this;
    // The next kevent(2) reports a failure.
    this.#collect(0);
    this.#settle();
    underway = null;
  }

  /** `Sys.wakefd`. Returns -1, with errno() set, on failure. */
  wakefd(ident: number): number {
    const known = this.#wakefds.get(ident);
    if (known !== undefined) return known[1] as number;
    // Not an eventfd. All eventfds share one inode, and the kernel reuses the id of a closed one (fs/eventfd.c, eventfd_ida).
    // Each pipe has its own inode, so another thread can check that the number is still this pipe.
    const pipe = createPipe();
    if (pipe === null) return -1;
    const [reader, writer] = pipe;
    const watched = this.#watchOwn(reader, EPOLLIN | EPOLLET, () => {
      const knote = this.#knotes.get(EVFILT_USER)?.get(ident);
      if (knote instanceof UserKnote) knote.trigger();
      // Drained last. If JavaScript is stopped before, the event is reported again.
      drain(reader);
    });
    if (!watched) {
      release(writer);
      release(reader);
      return -1;
    }
    this.#wakefds.set(ident, [reader, writer]);
    unowned.length -= 2;
    return writer;
  }

  /** Deletes every knote and closes every descriptor, except that of the queue itself. */
  dismantle(): void {
    underway?.resume();
    underway = this;
    this.closed = true;
    this.#release();
  }

  /** Repeatable after JavaScript was stopped in it. */
  #release(): void {
    // The number is about to be closed, or is another file. In another epoll instance, nothing may be removed.
    this.readers.retire();
    if (this.#changing !== null) this.drop(this.#changing);
    for (const byIdent of this.#knotes.values()) for (const knote of byIdent.values()) this.drop(knote);
    this.#writers?.close();
    this.#writers = null;
    this.#timers?.close();
    this.#timers = null;
    this.#inotify?.leave();
    this.#inotify = null;
    // The writing end first, because a write to a pipe without a reader raises SIGPIPE.
    for (const ends of this.#wakefds.values()) for (; ends.length > 0; ends.length--) release(ends.at(-1) as number);
    this.#wakefds.clear();
    // Last, because it proves that the descriptor is the queue.
    if (this.readinessFd !== -1) release(this.readinessFd);
    this.readinessFd = -1;
    this.#isReadable = false;
    underway = null;
    this.#records = 0;
    this.#delivered = 0;
    this.#unreturned = [];
  }
}
