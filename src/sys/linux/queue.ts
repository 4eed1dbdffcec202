import { closeUnowned, createOwn, createTracked, release, unowned } from '../descriptor.ts';
import type { KeventList } from '../kevent-list.ts';
import type { Timespec } from '../timespec.ts';
import { now } from './clock.ts';
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
import type { Change, Host, Knote, Source, Word } from './knote.ts';
import { waitWithLoop } from './loop-wait.ts';
import type { Pending } from './nested.ts';
import { createPipe, drain } from './pipe.ts';
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
/** So many looks that find nothing may follow each other without a proof that the queue still is one. */
const VAIN = 64;

/** A timeout in seconds; less than 0 where it is invalid. */
function secondsOf({ sec, nsec }: Timespec): number {
  return sec < 0 || nsec < 0 || nsec > 999_999_999 ? -1 : sec + nsec / 1e9;
}

function isOpen(fd: Word): boolean {
  return libc.fcntl(Number(fd), F_GETFD, 0) !== -1;
}

/** The queue whose kevent(2) has not returned. When another call begins, JavaScript was stopped in that one. */
let underway: Queue | null = null;

/** Completes what a call has begun in which JavaScript was stopped. */
export function repair(): void {
  underway?.resume();
  closeUnowned();
}

/**
 * One kqueue. Its descriptor is an epoll instance in which every descriptor is watched edge-triggered: an edge makes the
 * knote active, and the list of active knotes decides in which order they are looked at. A level-triggered knote that is
 * reported is rearmed, which makes an edge of what still holds. So a descriptor that was closed while a duplicate lives,
 * which epoll goes on reporting and can no longer forget, costs one look an edge and no more.
 *
 * Beside the descriptors, the epoll watches, each from the first need on: a second epoll for EVFILT_WRITE (one epoll
 * holds a descriptor once, and an edge to read must not look like one to write), a timerfd for the earliest of all
 * timers, inotify, and an eventfd that is readable while knotes are active, so that the queue's own descriptor is.
 */
export class Queue implements Host, Pending {
  readonly readers: Epoll;
  loopBound = 0;
  readonly inner: Set<Pending> = new Set();
  /** Whether it was dismantled, or its descriptor was found to have been closed behind its back. */
  closed = false;
  #writers: Epoll | null = null;
  #writersReady = false;
  #timers: Timers | null = null;
  #inotify: Inotify | null = null;
  #inotifyReady = false;
  /** The eventfd, its number in epoll's data, and whether it is readable. */
  bell: number;
  readonly #bellName: number;
  #ringing = false;
  /**
   * A knote became active since the eventfd was last written, and epoll knows nothing of it. Whoever watches the queue
   * edge-triggered must be told again. Of what epoll reported, the queue's own descriptor has had its edge already.
   */
  #news = false;
  /** How many looks in turn found nothing. */
  #vain = 0;
  /** For each ident both ends of a pipe: the one to read, the one to write. */
  readonly #wakefds: Map<number, number[]> = new Map();
  readonly #knotes: Map<number, Map<Word, Knote>> = new Map();
  /** The active knotes, in the order in which they became so. */
  #first: Knote | null = null;
  #last: Knote | null = null;
  #active = 0;
  /** The knote that is being attached or dropped. */
  #changing: Knote | null = null;
  /** The knotes that the call under way has written records of, and how many of them know it: see #deliver(). */
  #reported: Knote[] = [];
  #records = 0;
  #delivered = 0;
  /** Knotes that were reported by a call that did not return, and how many of them the call under way has repeated. */
  #unreturned: Knote[] = [];
  #repeated = 0;
  /** What the numbers in epoll's data stand for. None is used twice, so a stale event finds nothing. */
  readonly #sources: Map<number, Source> = new Map();
  #nextName = 1;
  readonly #ready = (name: number, events: number): void => this.#sources.get(name)?.ready(events);

  private constructor(readers: Epoll, bell: number) {
    this.readers = readers;
    this.bell = bell;
    this.#bellName = this.name({ ready: () => {} });
  }

  /** A queue, whose descriptors are in {@link unowned}, or the errno for which it cannot be made: EMFILE, ENFILE, ENOMEM. */
  static create(): Queue | number {
    const readers = Epoll.create(createTracked);
    if (readers === null) return errno();
    const bell = createOwn(() => libc.eventfd(0, EFD_CLOEXEC_NONBLOCK));
    let error = bell === -1 ? errno() : 0;
    if (bell !== -1) {
      const queue = new Queue(readers, bell);
      error = readers.add(bell, EPOLLIN, queue.#bellName);
      if (error === 0) return queue;
      release(bell);
    }
    readers.close();
    return asKqueueErrno(error);
  }

  /** Whether its number still is this queue: another file may have it, if the queue was closed without close(). */
  isOpen(): boolean {
    return this.readers.isWatching(this.bell, EPOLLIN, this.#bellName);
  }

  get fd(): number {
    return this.readers.fd;
  }

  // What knotes ask for.

  name(source: Source): number {
    const name = this.#nextName++;
    this.#sources.set(name, source);
    return name;
  }

  forget(name: number): void {
    this.#sources.delete(name);
  }

  on(fd: number): Knote[] {
    return descriptorFilters.flatMap((filter) => this.#knotes.get(filter)?.get(fd) ?? []);
  }

  /** Watches a descriptor of the queue's own for as long as the queue lives. */
  #own(fd: number, events: number, ready: () => void): boolean {
    const name = this.name({ ready });
    let error = this.readers.add(fd, events, name);
    // JavaScript was stopped when it had been added.
    if (error === EEXIST) error = this.readers.modify(fd, events, name);
    if (error === 0) return true;
    this.forget(name);
    return false;
  }

  writers(): Epoll | null {
    if (this.#writers !== null) return this.#writers;
    const writers = Epoll.create(createOwn);
    if (writers === null) return null;
    if (!this.#own(writers.fd, EPOLLIN, () => (this.#writersReady = true))) {
      writers.close();
      return null;
    }
    this.#writers = writers;
    unowned.delete(writers.fd);
    return writers;
  }

  timers(): Timers | null {
    if (this.#timers !== null) return this.#timers;
    const timers = Timers.create();
    if (timers === null) return null;
    if (!this.#own(timers.fd, EPOLLIN | EPOLLET, () => {})) {
      timers.close();
      return null;
    }
    this.#timers = timers;
    unowned.delete(timers.fd);
    return timers;
  }

  inotify(): Inotify | null {
    if (this.#inotify !== null) return this.#inotify;
    const inotify = Inotify.find();
    if (inotify === null) return null;
    const watched = this.#own(inotify.fd, EPOLLIN | EPOLLET, () => (this.#inotifyReady = true));
    inotify.join();
    if (!watched) {
      inotify.leave();
      return null;
    }
    this.#inotify = inotify;
    return inotify;
  }

  enlist(knote: Knote): void {
    this.#news = true;
    if (!knote.listed) {
      knote.listed = true;
      knote.previous = this.#last;
      knote.next = null;
      if (this.#last === null) this.#first = knote;
      else this.#last.next = knote;
      this.#last = knote;
      this.#active++;
    }
    // The call under way settles at its end.
    if (underway !== this) this.#settle();
  }

  #unlist(knote: Knote): void {
    if (!knote.listed) return;
    knote.listed = false;
    if (knote.previous === null) this.#first = knote.next;
    else knote.previous.next = knote.next;
    if (knote.next === null) this.#last = knote.previous;
    else knote.next.previous = knote.previous;
    this.#active--;
  }

  /** Makes the queue's descriptor readable while knotes are active, and sets the timerfd. */
  #settle(): void {
    this.#timers?.arm();
    const ring = this.#active > 0;
    const again = ring && this.#news;
    this.#news = false;
    if (ring === this.#ringing && !again) return;
    scratch[0] = 1;
    scratch[1] = 0;
    // Neither can fail: 2^64 writes without a read are out of reach, and it is read when it is not 0.
    if (ring) libc.write(this.bell, scratchAddress, 8);
    else libc.read(this.bell, scratchAddress, 8);
    this.#ringing = ring;
  }

  // kevent(2).

  /**
   * Applies the changes, then fetches. The number of records, or minus an errno. EBADF: the descriptor was closed behind
   * the queue's back.
   */
  kevent(
    changelist: KeventList | null,
    nchanges: number,
    eventlist: KeventList | null,
    nevents: number,
    timeout: Timespec | null,
  ): number {
    if (underway !== null) repair();
    underway = this;
    const result = this.#kevent(changelist, nchanges, eventlist, nevents, timeout);
    this.#settle();
    // From here to the caller nothing can be stopped: what was written is reported now, and not before.
    underway = null;
    this.#records = 0;
    this.#delivered = 0;
    if (this.#repeated > 0) this.#unreturned = this.#unreturned.slice(this.#repeated);
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
    // Handlers of listeners, which run below, may change it.
    const seconds = timeout === null ? Number.POSITIVE_INFINITY : secondsOf(timeout);
    // First: no change may reach somebody else's epoll, nor a queue that is closed.
    let proven = nchanges > 0 || nevents === 0;
    if (proven && !this.isOpen()) return -this.#failure(FOREIGN);
    this.#news = false;
    let records = 0;
    let failure = 0;
    for (let i = 0; i < nchanges && failure === 0; i++) {
      const change: Change = (changelist as KeventList).get(i);
      const receipt = (change.flags & EV_RECEIPT) !== 0;
      const error = this.#apply(change);
      if (error === 0 && !receipt) continue;
      if (records < nevents) {
        const { ident, filter, fflags, udata } = change;
        (eventlist as KeventList).put(records++, ident, filter, EV_ERROR, fflags, error, udata);
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
   * JavaScript was stopped in the queue's last call. What was taken from the kernel is handed on, a change of a knote is
   * completed or taken back, and each knote is looked at again. Records that were written will be repeated.
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
          if (knote.listed) knote.pending = true;
          this.#unlist(knote);
          knote.pause();
        }
      }
    }
    this.#settle();
    underway = null;
    this.#unreturned = this.#unreturned.concat(this.#reported.slice(0, this.#records));
    this.#records = 0;
    this.#delivered = 0;
    this.#repeated = 0;
  }

  /**
   * Between the changes and the fetch, as after a call: 'newListener' and 'removeListener' handlers may call kevent(2) for
   * this queue too, and with the same eventlist.
   */
  #letListenersRun(eventlist: KeventList | null, count: number): void {
    const records = Array.from({ length: count }, (_, i) => (eventlist as KeventList).get(i));
    this.#settle();
    underway = null;
    settleListeners();
    underway = this;
    for (const [i, { ident, filter, flags, fflags, data, udata }] of records.entries()) {
      (eventlist as KeventList).put(i, ident, filter, flags, fflags, data, udata);
    }
  }

  /** The errno of a wait that failed with -1 or {@link FOREIGN}. */
  #failure(n: number): number {
    const error = n === FOREIGN ? EBADF : errno();
    // EINVAL: the number is another file by now, and no epoll.
    this.closed = error === EBADF || error === EINVAL;
    return this.closed ? EBADF : error;
  }

  /** Applies one change: 0 or an errno. */
  #apply(change: Change): number {
    const flags = change.flags & ~EV_SYSFLAGS;
    // Contradictions, as macOS settles them: EV_DELETE drops EV_ADD, EV_DISABLE drops EV_ENABLE.
    const adding = (flags & (EV_ADD | EV_DELETE)) === EV_ADD;
    const disabling = (flags & EV_DISABLE) !== 0;
    change.flags = flags;

    const Class = filters.get(change.filter);
    if (Class === undefined) return EINVAL;
    const descriptor = descriptorFilters.includes(change.filter);
    if (descriptor && !(typeof change.ident === 'number' && change.ident <= INT_MAX)) return EBADF;
    const knote = this.#find(change.filter, change.ident);
    const deleting = (flags & EV_DELETE) !== 0;
    if (this.#unreturned.length > 0 && (knote === undefined || deleting)) {
      // A one-shot that the caller has not seen is still there to be deleted.
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
      if (!knote.disabled) knote.pending = knote.listed;
      knote.disabled = true;
      this.#unlist(knote);
      knote.pause();
    } else if ((flags & EV_ENABLE) !== 0 && knote.disabled) this.#enable(knote);
    else if (!knote.disabled) knote.touch();
    return 0;
  }

  #enable(knote: Knote): void {
    // It stays disabled until the rest is done: stopped in between, this is another EV_ENABLE's to do.
    knote.touch();
    if (knote.pending) this.enlist(knote);
    knote.disabled = false;
    knote.pending = false;
  }

  /** Takes back a report that did not reach the caller. */
  #withdraw(filter: number, ident: Word): boolean {
    const rest = this.#unreturned.filter((knote) => knote.filter !== filter || knote.ident !== ident);
    const found = rest.length < this.#unreturned.length;
    this.#unreturned = rest;
    return found;
  }

  /** The knote, unless the descriptor it was on has been closed since: then it is gone, and whatever has the number now is new. */
  #find(filter: number, ident: Word): Knote | undefined {
    const knote = this.#knotes.get(filter)?.get(ident);
    if (knote === undefined || knote.alive()) return knote;
    this.drop(knote);
    return undefined;
  }

  #attach(Class: new (queue: Host, change: Change) => Knote, change: Change, descriptor: boolean): number {
    // The knotes of other filters on this number are looked at too, while it can still be told that they are stale.
    if (descriptor) for (const filter of descriptorFilters) this.#find(filter, change.ident);
    // What the queue is about to open for itself would get the number of a descriptor that is closed, and be watched for it.
    const mark = (change.fflags & NOTE_LOWAT) !== 0 && this.#timers === null;
    const opens = change.filter === EVFILT_WRITE && (mark || this.#writers === null);
    if (opens && !isOpen(change.ident)) return EBADF;
    const knote = new Class(this, change);
    this.#changing = knote;
    const error = knote.attach();
    if (error !== 0) {
      knote.gone = true;
      this.#unlist(knote);
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
    this.#unlist(knote);
    const byIdent = this.#knotes.get(knote.filter);
    if (byIdent?.get(knote.ident) === knote) byIdent.delete(knote.ident);
    knote.detach();
    this.#changing = null;
  }

  /** `proven`: the number is known to be this queue. */
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
      // What is active is looked at before anything is waited for.
      const found = this.#collect(0);
      if (found < 0) return -this.#failure(found);
      // An event of this queue proves it. Knotes that are fetched, and a wait, need the proof. Where neither comes, it would
      // take longer than the look itself, so then it is asked for now and then.
      isQueue ||= found > 0;
      if (!isQueue && (this.#active > 0 || !over || ++this.#vain === VAIN)) {
        this.#vain = 0;
        isQueue = this.isOpen();
        if (!isQueue) return -this.#failure(FOREIGN);
      }
      const records = this.#scan(eventlist, nevents);
      if (records > 0 || over) return records;
      this.#settle();
      const time = now();
      if (end === 0) end = time + seconds * 1e9;
      const rest = (end - time) / 1e9;
      if (rest <= 0) return 0;
      if (this.needsLoop()) {
        const ended = waitWithLoop(this.fd, Math.min(rest, LONGEST_WAIT));
        // A signal is counted by Node's handler, which runs when the caller lets the loop turn.
        if (ended === -1 && errno() !== EINTR) return -this.#failure(ended);
        over = ended !== 'queue' && !(ended === 'time' && rest > LONGEST_WAIT);
        continue;
      }
      const n = this.#collect(rest);
      // Not by the clock alone: a program that tests its own timers may have stopped it.
      over = n === 0 && rest <= LONGEST_WAIT;
      if (n < 0) return -this.#failure(n);
    }
  }

  needsLoop(): boolean {
    if (this.loopBound > 0) return true;
    for (const queue of this.inner) if (queue.needsLoop()) return true;
    return false;
  }

  /** Takes what epoll has, waiting for it if told to, and makes knotes active. 0: the wait was in vain; -1 and errno(): it failed. */
  #collect(seconds: number): number {
    const n = this.readers.wait(seconds, this.#ready);
    // What is left behind is taken too. That nothing is does not make the wait one that was in vain.
    for (let more = n; Epoll.full(more); ) more = this.readers.wait(0, this.#ready);
    if (n < 0) return n;
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

  /** Goes once through the active knotes, from the one that has waited longest, and writes down what they report. */
  #scan(eventlist: KeventList, nevents: number): number {
    const reported = this.#reported;
    let records = 0;
    for (let left = this.#active; left > 0 && records < nevents; left--) {
      const knote = this.#first as Knote;
      if (!knote.event()) {
        this.#unlist(knote);
        continue;
      }
      const { ident, filter, flags, outFlags, outFflags, outData, udata } = knote;
      const level = (flags & (EV_ONESHOT | EV_DISPATCH | EV_CLEAR)) === 0;
      // A closed descriptor is not reported, nor is another file that has its number now.
      if (level ? !knote.rearm() : !knote.alive()) {
        this.drop(knote);
        continue;
      }
      eventlist.put(records, ident, filter, flags | outFlags, outFflags, outData, udata);
      reported[records++] = knote;
      this.#records = records;
      this.#deliver(knote);
      this.#delivered = records;
    }
    return records;
  }

  /** What a report changes in its knote. Done again where it was stopped. */
  #deliver(knote: Knote): void {
    const { flags } = knote;
    if ((flags & EV_ONESHOT) !== 0) {
      this.drop(knote);
      return;
    }
    this.#unlist(knote);
    if ((flags & (EV_CLEAR | EV_DISPATCH)) === 0) {
      if (!knote.edged) this.enlist(knote);
      return;
    }
    if ((flags & EV_CLEAR) !== 0) knote.clear();
    if ((flags & EV_DISPATCH) !== 0) {
      knote.disabled = true;
      knote.pause();
    }
  }

  /** Writes the records again of a call that did not return. Those of level-triggered knotes are looked at anew instead. */
  #repeat(eventlist: KeventList, nevents: number): number {
    let records = 0;
    for (let at = 0; at < this.#unreturned.length && records < nevents; at++) {
      const { ident, filter, flags, outFlags, outFflags, outData, udata } = this.#unreturned[at] as Knote;
      if ((flags & (EV_ONESHOT | EV_DISPATCH | EV_CLEAR)) !== 0) {
        eventlist.put(records++, ident, filter, flags | outFlags, outFflags, outData, udata);
      }
      this.#repeated = at + 1;
    }
    return records;
  }

  /**
   * How many knotes may have something to report: what another queue that watches this one is told. What epoll has and was
   * not taken yet counts as one; to take it here would be an edge to that other queue, and no news.
   */
  pending(): number {
    return this.#active > 0 ? this.#active : pollNow(this.fd, POLLIN) & POLLIN;
  }

  /** {@link Sys.collectExits}. */
  collectExits(): void {
    if (!this.#knotes.get(EVFILT_PROC)?.size) return;
    if (underway !== null) repair();
    underway = this;
    // A failure is the next kevent(2)'s to report.
    this.#collect(0);
    this.#settle();
    underway = null;
  }

  /** {@link Sys.wakefd}: -1 and errno() when it cannot be had. */
  wakefd(ident: number): number {
    const known = this.#wakefds.get(ident);
    if (known !== undefined) return known[1] as number;
    // Not an eventfd: all eventfds are one inode, and the kernel gives the id of one that is gone to the next
    // (fs/eventfd.c, eventfd_ida). A pipe has an inode of its own, so another thread can tell whether it still is this one.
    const pipe = createPipe();
    if (pipe === null) return -1;
    const [reader, writer] = pipe;
    const watched = this.#own(reader, EPOLLIN | EPOLLET, () => {
      const knote = this.#knotes.get(EVFILT_USER)?.get(ident);
      if (knote instanceof UserKnote) knote.trigger();
      // Afterwards: where JavaScript is stopped in between, the event comes again.
      drain(reader);
    });
    if (!watched) {
      release(writer);
      release(reader);
      return -1;
    }
    this.#wakefds.set(ident, [reader, writer]);
    unowned.delete(reader);
    unowned.delete(writer);
    return writer;
  }

  /** Lets go of every knote and descriptor but the queue's own. */
  dismantle(): void {
    underway?.resume();
    underway = this;
    this.closed = true;
    this.#release();
  }

  /** Done again where it was stopped. */
  #release(): void {
    // The number is about to be closed, or is somebody else's: what is watched there must not be removed.
    this.readers.retire();
    if (this.#changing !== null) this.drop(this.#changing);
    for (const byIdent of this.#knotes.values()) for (const knote of byIdent.values()) this.drop(knote);
    this.#writers?.close();
    this.#writers = null;
    this.#timers?.close();
    this.#timers = null;
    this.#inotify?.leave();
    this.#inotify = null;
    // The end to write first: who writes to a pipe that has no reader gets a SIGPIPE.
    for (const ends of this.#wakefds.values()) for (; ends.length > 0; ends.length--) release(ends.at(-1) as number);
    this.#wakefds.clear();
    // Last, because it proves what the number is.
    if (this.bell !== -1) release(this.bell);
    this.bell = -1;
    this.#ringing = false;
    underway = null;
    this.#records = 0;
    this.#delivered = 0;
    this.#unreturned = [];
  }
}
