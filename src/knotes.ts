import { Buffer } from 'node:buffer';
import { constants as os } from 'node:os';
import { compile, impliesExitStatus } from './compile.ts';
import { closedError, KqueueError } from './error.ts';
import { type Interest, isInterest, notAnInterest, type VnodeInterest } from './interest.ts';
import type { Leftover } from './leftover.ts';
import { neededReleases, reachedLimit } from './notes.ts';
import type { Registration, UserRegistration } from './registration.ts';
import { holdSignal } from './signals.ts';
import type { Constants, Kevent } from './sys/abi/types.ts';
import { checkInteger, outOfRange, wrongType } from './sys/check.ts';
import { closeUnowned, OpenedFile, unowned } from './sys/descriptor.ts';
import { KeventList } from './sys/kevent-list.ts';
import { describeRecord, inspectAs, jsonOf } from './sys/names.ts';
import type { Sys } from './sys/sys.ts';
import { NO_WAIT } from './sys/timespec.ts';

const { EACCES, EBADF, EINTR, EINVAL, ENOENT } = os.errno;
/** Lists with room for more changes than this are not kept for the next call. */
const LARGEST_KEPT_LIST = 1024;

/** The slot number is the lower 24 bits of udata, and the generation the 29 bits above. Together they are a safe integer. */
const SLOT_BITS = 24;
const SLOT_MASK = 2 ** SLOT_BITS - 1;
const GENERATIONS = 2 ** 29;

/** One record of a changelist. Its errno is 0 before the kernel answers, and stays 0 if the change was applied. */
interface Change extends Kevent {
  readonly interest: Interest;
  errno: number;
}

/** A {@link Registration}, with the data that its queue needs. */
export class Knote implements Registration {
  readonly knotes: Knotes;
  readonly interest: Interest;
  /** The record that registers the knote. `flags` is its mode: EV_CLEAR, EV_ONESHOT and EV_DISPATCH. */
  readonly kevent: { -readonly [Field in keyof Kevent]: Kevent[Field] };
  active = true;
  /** With NOTE_TRACK: the running processes that are reported with this knote's udata, its own process included. */
  readonly tracked: Set<number> | undefined;
  /** The file that register() opened for a path. Undefined after it turned out that other code has closed it. */
  file: OpenedFile | undefined;
  /** How often its EV_DELETE was sent. From the second time on, ENOENT does not mean that other code closed the file. */
  deletions = 0;
  /** Removes the signal handler of {@link holdSignal}. */
  readonly #releaseSignal: (() => void) | undefined;

  constructor(
    knotes: Knotes,
    interest: Interest,
    kevent: Kevent,
    file: OpenedFile | undefined,
    releaseSignal: (() => void) | undefined,
  ) {
    this.knotes = knotes;
    this.interest = interest;
    const { ident, filter, flags, fflags, data, udata } = kevent;
    this.kevent = { ident: file?.fd ?? ident, filter, flags, fflags, data, udata };
    this.tracked = interest.filter === 'proc' && interest.on.includes('track') ? new Set([interest.ident]) : undefined;
    this.file = file;
    this.#releaseSignal = releaseSignal;
  }

  /** Ends the registration, and closes and releases what it has. */
  end(): void {
    if (!this.active) return;
    // If JavaScript is stopped between these steps, end() is called again. The file is closed only once.
    this.file?.close();
    this.file = undefined;
    this.active = false;
    this.#releaseSignal?.();
  }

  enable(): void {
    // Without EV_ADD, which would restart a timer and register again what has ended.
    this.knotes.modify(this, this.knotes.constants.EV_ENABLE);
  }

  disable(): void {
    this.knotes.modify(this, this.knotes.constants.EV_DISABLE);
  }

  unregister(): void {
    this.knotes.remove([this]);
  }

  [Symbol.dispose](): void {
    if (!this.knotes.closed) this.unregister();
  }

  /** For JSON.stringify(): filter, ident, path, whether the registration is active, and token. */
  toJSON(): Record<string, unknown> {
    const { interest, kevent, active } = this;
    const path = interest.filter === 'vnode' ? interest.path : undefined;
    return { filter: interest.filter, ident: jsonOf(kevent.ident), path, active, token: jsonOf(interest.token) };
  }

  /** Returns `registration { READ fd=5, CLEAR }` or `registration (ended) { ... }`. */
  toString(): string {
    const record = describeRecord(this.knotes.sys.abi, { ...this.kevent, udata: 0 });
    return `registration${this.active ? '' : ' (ended)'} ${record}`;
  }

  static {
    inspectAs(Knote, String);
  }
}

/** A knote that add() registers. */
interface Addition {
  readonly knote: Knote;
  /** The knote with the same filter and ident, which this one replaces. */
  readonly previous: Knote | undefined;
  /** The EV_DELETE of the previous knote, if it must be deleted first. */
  readonly deletion: Change | undefined;
  /** The EV_ADD of the knote. */
  change: Change;
}

/** A {@link UserRegistration}. */
class UserKnote extends Knote implements UserRegistration {
  trigger(fflags?: number): void {
    // The flags are 0, because EV_CLEAR in a change resets the trigger.
    this.knotes.modify(this, 0, triggerNotes(this.knotes.constants, fflags));
  }
}

/**
 * The knotes of one queue. Adds, removes, changes and finds them.
 *
 * The kernel copies the udata of a knote to its events. Here a udata is a slot number and the generation of the slot. So an old
 * udata finds nothing after the slot was reused.
 *
 * JavaScript can be stopped inside each of these methods, as by a vm timeout. `#unsettled` and {@link unowned} hold what such a
 * call has left, so that the next call and close() find it.
 */
export class Knotes {
  readonly sys: Sys;
  readonly constants: Constants;
  closed = false;
  readonly #kq: number;
  readonly #leftover: Leftover<unknown>;
  readonly #slots: (Knote | undefined)[] = [];
  readonly #generations: number[] = [];
  readonly #freeSlots: number[] = [];
  readonly #byFilter: Map<number, Map<number | bigint, Knote>> = new Map();
  /** The knotes of an add() that has not returned. If that add() was stopped, the kernel may or may not have them. */
  readonly #unsettled: Set<Knote> = new Set();
  // Lists that are reused in each call.
  #changes: KeventList;
  #receipts: KeventList;

  constructor(sys: Sys, kq: number, leftover: Leftover<unknown>) {
    this.sys = sys;
    this.constants = sys.abi.constants;
    this.#kq = kq;
    this.#leftover = leftover;
    this.#changes = new KeventList(1, sys.abi);
    this.#receipts = new KeventList(1, sys.abi);
  }

  // Finding

  get(filter: number, ident: number | bigint): Knote | undefined {
    const knote = this.#named(filter, ident);
    // A forget() that was stopped may have left an ended one.
    return knote?.active === true ? knote : undefined;
  }

  #named(filter: number, ident: number | bigint): Knote | undefined {
    return this.#byFilter.get(filter)?.get(ident);
  }

  /** Returns the knote that reported an event. */
  find(filter: number, ident: number | bigint, udata: number): Knote | undefined {
    // A udata that is not a safe integer is rounded, but cannot be equal to one of these knotes.
    const knote = this.#slots[udata & SLOT_MASK];
    if (knote !== undefined && knote.kevent.udata === udata && knote.kevent.filter === filter) {
      // NOTE_TRACK makes the kernel attach a knote to each child, with a copy of the parent's udata.
      if (knote.kevent.ident === ident || knote.tracked !== undefined) return knote;
    }
    // The udata of raw() is the caller's. That of user() may be old, because a waker in another thread sends the one it knows.
    const named = this.get(filter, ident);
    return named?.interest.filter === 'raw' || named?.interest.filter === 'user' ? named : undefined;
  }

  // Adding

  /** Implements `Kqueue.register()`. */
  add(interests: readonly Interest[]): Knote[] {
    // compile() throws for what is wrong or not supported. So it runs for all interests before the first file is opened.
    const kevents = interests.map((interest) => compile(interest, this.sys.abi));
    refuseDuplicates(interests, kevents);
    closeUnowned();
    // Knotes of earlier calls that were stopped. A program that stops no call has none.
    const stopped = this.#unsettled.size === 0 ? [] : [...this.#unsettled];
    const failures: unknown[] = [];
    const additions: Addition[] = [];
    for (const [i, interest] of interests.entries()) {
      try {
        additions.push(this.#prepare(interest, kevents[i] as Kevent, stopped));
      } catch (error) {
        failures.push(error);
      }
    }
    try {
      this.#send(additions.flatMap(({ deletion, change }) => (deletion === undefined ? change : [deletion, change])));
      this.#sendWithoutStatus(additions);
    } catch (error) {
      // After any other error it is unknown whether the kernel has the knotes.
      if (!(error instanceof KqueueError)) throw error;
      // The whole call failed, because other code closed the queue's descriptor.
      for (const addition of additions) this.#settle(addition, EBADF);
      throw error;
    }
    for (const addition of additions) {
      const { change } = addition;
      this.#settle(addition, change.errno);
      if (change.errno !== 0) failures.push(this.#errorOf(change));
    }
    throwAll(failures);
    return additions.map(({ knote }) => knote);
  }

  /** Makes a knote and the changes that register it. */
  #prepare(interest: Interest, record: Kevent, stopped: readonly Knote[]): Addition {
    const knote = this.#make(interest, record);
    const { filter, ident, flags: mode } = knote.kevent;
    const settled = this.#named(filter, ident);
    const uncertain = stopped.filter(({ kevent }) => kevent.filter === filter && kevent.ident === ident).at(-1);
    const previous = settled ?? uncertain;
    const { EV_ADD, EV_CLEAR, EV_DELETE, EV_DISABLE, EV_ENABLE } = this.constants;
    // EV_ENABLE too, because on every kernel EV_ADD alone leaves a disabled knote disabled. The man pages say otherwise.
    const flags = EV_ADD | mode | (interest.disabled ? EV_DISABLE : EV_ENABLE);
    if (previous === undefined) return { knote, previous, deletion: undefined, change: changeOf(knote, flags) };
    // The kernel may have the settled knote, the uncertain one, or none.
    const isUnknown = uncertain !== undefined && (settled === undefined || uncertain.kevent.flags !== mode);
    // The EV_DELETE may fail with ENOENT, because the previous knote may have ended with its descriptor. No kernel reports that.
    if (isUnknown || this.#mustBeNew(knote.kevent, previous.kevent)) {
      return { knote, previous, deletion: changeOf(knote, EV_DELETE), change: changeOf(knote, flags) };
    }
    // Without EV_CLEAR, which resets the trigger of a user event. The knote has the mode already.
    const change = changeOf(knote, interest.filter === 'user' ? flags & ~EV_CLEAR : flags);
    return { knote, previous, deletion: undefined, change };
  }

  /** Sends again, without NOTE_EXITSTATUS, what macOS refused with EACCES: the exit status of a process that is not ours. */
  #sendWithoutStatus(additions: readonly Addition[]): void {
    const { NOTE_EXITSTATUS } = this.constants;
    if (NOTE_EXITSTATUS === undefined) return;
    const refused = additions.filter(({ change }) => change.errno === EACCES && impliesExitStatus(change.interest));
    for (const addition of refused) {
      const { kevent } = addition.knote;
      kevent.fflags = (kevent.fflags & ~NOTE_EXITSTATUS) >>> 0;
      addition.change = changeOf(addition.knote, addition.change.flags);
    }
    this.#send(refused.map(({ change }) => change));
  }

  /** Makes a knote with a slot, opens its file, and installs its signal handler. */
  #make(interest: Interest, kevent: Kevent): Knote {
    let file: OpenedFile | undefined;
    let releaseSignal: (() => void) | undefined;
    if (interest.filter === 'vnode' && interest.path !== undefined) file = open(interest, interest.path);
    if (interest.filter === 'signal' && !this.sys.handlesSignals) releaseSignal = holdSignal(interest.signal);
    const Class = interest.filter === 'user' ? UserKnote : Knote;
    const knote = new Class(this, interest, kevent, file, releaseSignal);
    if (interest.filter !== 'raw') {
      const slot = this.#freeSlots.pop() ?? this.#slots.length;
      const generation = ((this.#generations[slot] ?? 0) % (GENERATIONS - 1)) + 1;
      this.#slots[slot] = knote;
      this.#generations[slot] = generation;
      knote.kevent.udata = generation * 2 ** SLOT_BITS + slot;
    }
    this.#unsettled.add(knote);
    if (file !== undefined) unowned.length--;
    return knote;
  }

  /** Reports whether the previous knote must be deleted first, because no change can convert it to the new one. */
  #mustBeNew(kevent: Kevent, previous: Kevent): boolean {
    const { EVFILT_TIMER, EVFILT_VNODE } = this.constants;
    // No kernel changes the mode of a knote.
    if (kevent.flags !== previous.flags) return true;
    // DragonFly does not restart a running timer.
    if (kevent.filter === EVFILT_TIMER) return true;
    const moreNotes = (kevent.fflags & ~previous.fflags) !== 0;
    return this.sys.abi.quirks.fixedVnodeNotes && kevent.filter === EVFILT_VNODE && moreNotes;
  }

  /** After a knote was added, it takes the place of the previous one. If the addition failed, the knote ends. */
  #settle({ knote, previous, deletion }: Addition, errno: number): void {
    // The kernel did not have the previous knote, because other code closed its file. The number may be another file by now.
    if (deletion?.errno === ENOENT && previous !== undefined) previous.file = undefined;
    if (errno !== 0) {
      this.forget(knote);
      if (previous !== undefined && (deletion !== undefined || errno === EBADF)) this.forget(previous);
      return;
    }
    const { filter, ident } = knote.kevent;
    this.#leftover.drop((one) => one === previous || isRegisteredAnew(one, knote));
    if (previous !== undefined) {
      // Both have the same descriptor, so only one of them may close it.
      knote.file ??= previous.file;
      previous.file = undefined;
      previous.end();
    }
    let byIdent = this.#byFilter.get(filter);
    if (byIdent === undefined) {
      byIdent = new Map();
      this.#byFilter.set(filter, byIdent);
    }
    // Replaced, not deleted first. A call that finds neither knote would delete the kernel's, with what it has to report.
    byIdent.set(ident, knote);
    if (previous !== undefined) this.forget(previous);
    this.#unsettled.delete(knote);
  }

  // Removing

  /** Ends a knote that the kernel does not have any more. It was deleted, or has reported its last event. */
  forget(knote: Knote): void {
    const { filter, ident, udata } = knote.kevent;
    const slot = Number(udata) & SLOT_MASK;
    // First, because forget() can be called again only while the knote has its slot.
    knote.end();
    if (this.#slots[slot] === knote) {
      this.#slots[slot] = undefined;
      // Not push(), because JavaScript can be stopped at a call, and the slot would be lost.
      this.#freeSlots[this.#freeSlots.length] = slot;
    }
    const byIdent = this.#byFilter.get(filter);
    if (byIdent?.get(ident) === knote) byIdent.delete(ident);
    this.#unsettled.delete(knote);
  }

  /** Implements `Kqueue.unregister()`. */
  remove(what: readonly (Interest | Registration)[]): void {
    this.#mustBeOpen();
    this.#leftover.complete();
    const { EV_DELETE } = this.constants;
    const failures: unknown[] = [];
    const removals: { change: Change; knote: Knote | undefined; mayBeGone: boolean }[] = [];
    for (const one of what) {
      if (one instanceof Knote) {
        if (one.knotes !== this) throw wrongType('registration', 'a registration of this queue', one);
        if (one.active) removals.push({ change: changeOf(one, EV_DELETE), knote: one, mayBeGone: true });
        continue;
      }
      if (!isInterest(one)) throw notAnInterest('what', 'a registration or an interest', one);
      const kevent = compile(one, this.sys.abi);
      const isPath = one.filter === 'vnode' && one.path !== undefined;
      const knote = isPath ? this.#byPath(one) : this.get(kevent.filter, kevent.ident);
      if (knote === undefined && isPath) {
        failures.push(new KqueueError(ENOENT, 'kevent', { about: `'${one.path}'`, interest: one }));
        continue;
      }
      // The kernel may have a knote that is unknown here, because it was added with the system-call API.
      const change = changeOf({ kevent: knote?.kevent ?? kevent, interest: one }, EV_DELETE);
      removals.push({ change, knote, mayBeGone: false });
    }
    for (const { knote } of removals) if (knote !== undefined) knote.deletions++;
    this.#send(removals.map(({ change }) => change));
    for (const { change, knote, mayBeGone } of removals) {
      const { errno } = change;
      const gone = errno === ENOENT || errno === EBADF;
      if (knote !== undefined && (gone || errno === 0)) this.#end(knote, errno);
      if (errno !== 0 && !(gone && mayBeGone)) failures.push(this.#errorOf(change));
    }
    // A one-shot registration has ended when it was fetched, but its event may be left over.
    this.#leftover.drop((registration) => what.includes(registration));
    throwAll(failures);
  }

  #byPath(interest: VnodeInterest): Knote | undefined {
    let found: Knote | undefined;
    for (const knote of this.#byFilter.get(this.constants.EVFILT_VNODE)?.values() ?? []) {
      if (!knote.active) continue;
      if (knote.interest === interest) return knote;
      if (isSamePath(knote.interest as VnodeInterest, interest)) found ??= knote;
    }
    return found;
  }

  /** Ends a knote whose EV_DELETE was applied, or of which a change failed with ENOENT or EBADF. Drops its events. */
  #end(knote: Knote, errno: number): void {
    if (errno === ENOENT && knote.deletions <= 1) knote.file = undefined;
    this.forget(knote);
    this.#leftover.drop((registration) => registration === knote);
  }

  /** Ends all knotes before the queue is closed. `isQueue` says whether the descriptor still is the queue. */
  close(isQueue: boolean): void {
    this.#leftover.complete();
    if (isQueue && !this.closed) {
      const withFile = [...this].filter(({ file }) => file !== undefined);
      const removals = withFile.map((knote) => ({ knote, change: changeOf(knote, this.constants.EV_DELETE) }));
      for (const { knote } of removals) knote.deletions++;
      this.#send(removals.map(({ change }) => change));
      // ENOENT: other code has closed the file, and the number may be another file by now.
      for (const { knote, change } of removals) {
        if (change.errno === ENOENT && knote.deletions === 1) knote.file = undefined;
      }
    }
    this.closed = true;
    for (const knote of this) knote.end();
    // And those of an add() that was stopped.
    for (const knote of this.#unsettled) knote.end();
    closeUnowned();
    this.#slots.length = 0;
    this.#byFilter.clear();
  }

  *[Symbol.iterator](): IterableIterator<Knote> {
    for (const byIdent of this.#byFilter.values()) yield* byIdent.values();
  }

  // Changing

  /** Sends one change of a registered knote. */
  modify(knote: Knote, flags: number, fflags: number = knote.kevent.fflags): void {
    this.#mustBeOpen(knote.interest);
    this.#leftover.complete();
    const change = changeOf(knote, flags, fflags);
    const { active } = knote;
    if (active) this.#sendOne(change);
    else change.errno = ENOENT;
    const { errno } = change;
    if (errno === 0) {
      if ((flags & this.constants.EV_DISABLE) !== 0) this.#leftover.drop((registration) => registration === knote);
      return;
    }
    // The knote has ended with its descriptor, or the queue with its own. A knote that ended before may have an event left over.
    if (active && (errno === ENOENT || errno === EBADF)) this.#end(knote, errno);
    throw this.#errorOf(change);
  }

  #mustBeOpen(interest?: Interest): void {
    if (this.closed) throw closedError(interest);
  }

  // Sending

  /** Sends one change. */
  #sendOne(change: Change): void {
    writeChange(this.#changes, 0, change, 0);
    // Without an eventlist the call fails if the change fails.
    if (this.sys.kevent(this.#kq, this.#changes, 1, null, 0, null) === -1) change.errno = this.sys.errno();
  }

  /**
   * Sends any number of changes in one call. With EV_RECEIPT the kernel fetches no events.
   * @throws KqueueError if the whole call fails, for example because the queue is closed
   */
  #send(changes: readonly Change[]): void {
    const count = changes.length;
    if (count === 0) return;
    if (!this.sys.abi.quirks.receipts) {
      for (const change of changes) this.#sendOne(change);
      return;
    }
    if (this.#changes.length < count) this.#makeLists(count);
    const [list, receipts] = [this.#changes, this.#receipts];
    const { EV_RECEIPT } = this.constants;
    for (let i = 0; i < count; i++) writeChange(list, i, changes[i] as Change, EV_RECEIPT);
    const n = this.sys.kevent(this.#kq, list, count, receipts, count, NO_WAIT);
    // Only waiting fails with EINTR, so all changes were applied.
    if (n === -1 && this.sys.errno() !== EINTR) throw new KqueueError(this.sys.errno(), 'kevent');
    // The kernel writes one receipt for each change, in the same order.
    for (let i = 0; i < n; i++) (changes[i] as Change).errno = receipts.data(i);
    if (count > LARGEST_KEPT_LIST) this.#makeLists(1);
  }

  #makeLists(count: number): void {
    this.#changes = new KeventList(count, this.sys.abi);
    this.#receipts = new KeventList(count, this.sys.abi);
  }

  #errorOf({ ident, filter, flags, fflags, data, udata, interest, errno }: Change): KqueueError {
    const change = { ident, filter, flags, fflags, data, udata };
    const { abi } = this.sys;
    const reason = errno === EINVAL ? neededReleases(abi, change) : reachedLimit(abi, errno);
    const about = describeRecord(abi, { ...change, udata: 0 }) + reason;
    return new KqueueError(errno, 'kevent', { about, change, interest });
  }
}

/** Makes a change of a knote. It has the whole record, because several kernels replace fflags, data and udata. */
function changeOf(
  { kevent, interest }: Pick<Knote, 'kevent' | 'interest'>,
  flags: number,
  fflags: number = kevent.fflags,
): Change {
  // Field by field, because spreading an object is several times slower.
  const { ident, filter, data, udata } = kevent;
  return { ident, filter, flags, fflags, data, udata, interest, errno: 0 };
}

/** Writes a change to a changelist. Its numbers fit, because a builder and compile() have checked them. */
function writeChange(list: KeventList, index: number, change: Change, moreFlags: number): void {
  const { ident, filter, flags, fflags, data, udata } = change;
  list.store(index, ident, filter, flags | moreFlags, fflags, data, udata);
}

/** Throws if two interests have the same filter and ident. The second would replace a knote that is not registered yet. */
function refuseDuplicates(interests: readonly Interest[], kevents: readonly Kevent[]): void {
  if (interests.length === 1) return;
  const keys = new Set<string>();
  for (const [i, { ident, filter }] of interests.entries()) {
    if (ident === undefined) continue;
    const key = `${kevents[i]?.filter} ${ident}`;
    if (keys.has(key)) throw outOfRange('interests', 'each filter and ident once', `${filter} ${ident} twice`);
    keys.add(key);
  }
}

/**
 * Reports whether `knote` registers again a one-shot that has ended, so that the left-over event is dropped. A restarted timer
 * must not expire because of its old time. The exit of a process is kept, because no kernel reports it again.
 */
function isRegisteredAnew(one: Registration, { interest, kevent }: Knote): boolean {
  if (one.active || interest.ident === undefined || interest.filter === 'proc') return false;
  return one.interest.ident === interest.ident && (one as Knote).kevent.filter === kevent.filter;
}

/** Compares the bytes too, because all bytes that are not UTF-8 decode to the same character. */
function isSamePath(one: VnodeInterest, other: VnodeInterest): boolean {
  const none = new Uint8Array();
  return one.path === other.path && Buffer.compare(one.bytes ?? none, other.bytes ?? none) === 0;
}

function open(interest: VnodeInterest, path: string): OpenedFile {
  try {
    return new OpenedFile(interest.bytes === undefined ? path : Buffer.from(interest.bytes));
  } catch (error) {
    const { errno } = error as NodeJS.ErrnoException;
    throw errno === undefined ? error : new KqueueError(-errno, 'open', { about: `'${path}'`, path, interest });
  }
}

/** Returns the fflags of a trigger. Bits without an operation get NOTE_FFCOPY, because NOTE_FFNOP would ignore them. */
function triggerNotes(constants: Constants, fflags: number | undefined): number {
  const { NOTE_FFCOPY, NOTE_FFCTRLMASK, NOTE_TRIGGER } = constants;
  if (fflags === undefined) return NOTE_TRIGGER;
  // `NOTE_FFCOPY | 5` is negative in JavaScript and stands for the same 32 bits.
  checkInteger('fflags', fflags, -(2 ** 31), 2 ** 32 - 1);
  return (fflags | NOTE_TRIGGER | ((fflags & NOTE_FFCTRLMASK) === 0 ? NOTE_FFCOPY : 0)) >>> 0;
}

function throwAll(failures: readonly unknown[]): void {
  if (failures.length === 0) return;
  if (failures.length === 1) throw failures[0];
  const messages = failures.map((error) => (error instanceof Error ? error.message : String(error)));
  throw new AggregateError(failures, `${failures.length} changes failed: ${messages.join('; ')}`);
}
