import { Buffer } from 'node:buffer';
import { constants as os } from 'node:os';
import { compile, impliesExitStatus } from './compile.ts';
import { closedError, KqueueError } from './error.ts';
import { type Interest, isInterest, notAnInterest, type VnodeInterest } from './interest.ts';
import type { Leftover } from './leftover.ts';
import { neededReleases, reachedLimit } from './notes.ts';
import type { Registration, UserRegistration } from './registration.ts';
import { holdSignal } from './signals.ts';
import type { Kevent } from './sys/abi/types.ts';
import { checkInteger, outOfRange, wrongType } from './sys/check.ts';
import { OpenedFile } from './sys/descriptor.ts';
import { EV_SET, KeventList } from './sys/kevent-list.ts';
import { describeRecord, inspectAs, jsonOf } from './sys/names.ts';
import type { Sys } from './sys/sys.ts';
import { Timespec } from './sys/timespec.ts';

const { EACCES, EBADF, EINTR, EINVAL, ENOENT } = os.errno;
const NOW = new Timespec(0, 0);
/** Lists for more changes than this are not kept. */
const MANY = 1024;

/** Slot numbers take the lower 24 bits of udata, generations the 29 above: together a safe integer. */
const SLOT_BITS = 24;
const SLOT_MASK = 2 ** SLOT_BITS - 1;
const GENERATIONS = 2 ** 29;

/** One record of a changelist. Its errno is 0 until it was sent, and 0 afterwards if it was applied. */
interface Change extends Kevent {
  readonly interest: Interest;
  errno: number;
}

/** A {@link Registration}, with what only the queue needs to know. */
export class Knote<Token = unknown> implements Registration<Token> {
  readonly knotes: Knotes<never>;
  readonly interest: Interest<Token>;
  /** The record that registers it. `flags` is its mode: EV_CLEAR, EV_ONESHOT, EV_DISPATCH. */
  readonly kevent: { -readonly [Field in keyof Kevent]: Kevent[Field] };
  active = true;
  /** With NOTE_TRACK: the processes that live and are reported under its udata, its own among them. */
  readonly tracked: Set<number> | undefined;
  /** What register() opened for a path. Undefined once it is known that somebody else has closed it. */
  file: OpenedFile | undefined;
  /** How often its EV_DELETE was sent. From the second time on ENOENT does not say that somebody closed the file. */
  deletions = 0;
  /** Ends the hold on a signal's action. */
  readonly #releaseSignal: (() => void) | undefined;

  constructor(
    knotes: Knotes<never>,
    interest: Interest<Token>,
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

  /** It is no longer registered: gives back what it held. */
  end(): void {
    if (!this.active) return;
    // It closes nothing twice: stopped in between, this is done again.
    this.file?.close();
    this.active = false;
    this.#releaseSignal?.();
  }

  enable(): void {
    // Without EV_ADD, which starts a timer over and registers again what is gone.
    this.knotes.modify(this, this.knotes.flag('EV_ENABLE'));
  }

  disable(): void {
    this.knotes.modify(this, this.knotes.flag('EV_DISABLE'));
  }

  unregister(): void {
    this.knotes.remove([this]);
  }

  [Symbol.dispose](): void {
    if (!this.knotes.closed) this.unregister();
  }

  /** For JSON.stringify(): filter, ident and token, the path where there is one, and whether it is active. */
  toJSON(): Record<string, unknown> {
    const { interest, kevent, active } = this;
    const path = interest.filter === 'vnode' ? interest.path : undefined;
    return { filter: interest.filter, ident: jsonOf(kevent.ident), path, active, token: jsonOf(interest.token) };
  }

  /** `registration { READ fd=5, CLEAR }`; `registration (ended) { ... }` */
  toString(): string {
    const record = describeRecord(this.knotes.sys.abi, { ...this.kevent, udata: 0 });
    return `registration${this.active ? '' : ' (ended)'} ${record}`;
  }

  static {
    inspectAs(Knote, String);
  }
}

/** A {@link UserRegistration}. */
class UserKnote<Token = unknown> extends Knote<Token> implements UserRegistration<Token> {
  trigger(fflags?: number): void {
    // The flags are 0: in a change EV_CLEAR takes a trigger back.
    this.knotes.modify(this, 0, triggerNotes(this.knotes, fflags));
  }
}

/**
 * What is registered with one queue: adds, removes, changes and finds its knotes.
 *
 * The kernel carries udata from a change to its events. Here it is a slot number and the slot's generation, so a udata from
 * before the slot was given to another knote finds nothing.
 */
export class Knotes<Token> {
  readonly sys: Sys;
  closed = false;
  readonly #kq: number;
  readonly #leftover: Leftover<Token>;
  readonly #slots: (Knote | undefined)[] = [];
  readonly #generations: number[] = [];
  readonly #freeSlots: number[] = [];
  readonly #byFilter: Map<number, Map<number | bigint, Knote>> = new Map();
  /** Made by an add() that has not ended: where it was stopped, nobody knows whether the kernel has them. */
  readonly #unsettled: Set<Knote> = new Set();
  /** What was opened for a knote that is not made yet. */
  #opened: OpenedFile | undefined;
  // Kept from call to call.
  #changes: KeventList;
  #receipts: KeventList;

  constructor(sys: Sys, kq: number, leftover: Leftover<Token>) {
    this.sys = sys;
    this.#kq = kq;
    this.#leftover = leftover;
    this.#changes = new KeventList(1, sys.abi);
    this.#receipts = new KeventList(1, sys.abi);
  }

  /** The number of an EV_* flag. All systems have those that are asked for here. */
  flag(name: 'EV_ADD' | 'EV_DELETE' | 'EV_ENABLE' | 'EV_DISABLE' | 'EV_CLEAR' | 'EV_RECEIPT'): number {
    return this.sys.abi.constants[name] as number;
  }

  // Finding

  get(filter: number, ident: number | bigint): Knote | undefined {
    return this.#byFilter.get(filter)?.get(ident);
  }

  /** The knote that reported an event. */
  find(filter: number, ident: number | bigint, udata: number): Knote | undefined {
    // Exact even where udata is beyond the safe integers: no udata of ours is.
    const knote = this.#slots[udata & SLOT_MASK];
    if (knote !== undefined && knote.kevent.udata === udata && knote.kevent.filter === filter) {
      // NOTE_TRACK makes the kernel attach a knote to each child, with a copy of the parent's udata.
      if (knote.kevent.ident === ident || knote.tracked !== undefined) return knote;
    }
    // The udata of raw() is the caller's. That of user() may be an older one, which a waker in another thread sent.
    const named = this.get(filter, ident);
    return named?.interest.filter === 'raw' || named?.interest.filter === 'user' ? named : undefined;
  }

  // Adding

  /** As {@link Kqueue.register}. */
  add(interests: readonly Interest<Token>[]): Knote<Token>[] {
    // An argument that is wrong, or that this system lacks, is found before the first file is opened.
    const kevents = interests.map((interest) => compile(interest, this.sys.abi));
    checkNames(interests, kevents);
    // Of calls that were stopped: there are none in a program that stops none.
    const abandoned = this.#unsettled.size === 0 ? [] : [...this.#unsettled];
    const failures: unknown[] = [];
    const additions: { knote: Knote<Token>; previous: Knote | undefined; changes: Change[] }[] = [];
    for (const [i, interest] of interests.entries()) {
      try {
        const knote = this.#make(interest, kevents[i] as Kevent);
        const { filter, ident } = knote.kevent;
        const settled = this.get(filter, ident);
        const stopped = abandoned.filter(({ kevent }) => kevent.filter === filter && kevent.ident === ident).at(-1);
        const changes = this.#additionOf(knote, settled, stopped);
        additions.push({ knote, previous: settled ?? stopped, changes });
      } catch (error) {
        failures.push(error);
      }
    }
    try {
      this.#send(additions.flatMap(({ changes }) => changes));
      // macOS refuses the status of a process that is not ours (EACCES), and not its exit.
      const { NOTE_EXITSTATUS = 0 } = this.sys.abi.constants;
      const refused = additions.filter(({ knote, changes }) => {
        return NOTE_EXITSTATUS !== 0 && changes.at(-1)?.errno === EACCES && impliesExitStatus(knote.interest);
      });
      for (const one of refused) {
        one.knote.kevent.fflags = (one.knote.kevent.fflags & ~NOTE_EXITSTATUS) >>> 0;
        one.changes = this.#additionOf(one.knote, one.previous);
      }
      this.#send(refused.flatMap(({ changes }) => changes));
    } catch (error) {
      // Anything else stopped it somewhere, and the kernel may have the knotes.
      if (!(error instanceof KqueueError)) throw error;
      // The call failed as a whole: somebody closed the queue's descriptor.
      for (const { knote, previous, changes } of additions) this.#settle(knote, previous, changes, EBADF);
      throw error;
    }
    for (const { knote, previous, changes } of additions) {
      const added = changes.at(-1) as Change;
      this.#settle(knote, previous, changes, added.errno);
      if (added.errno !== 0) failures.push(this.#errorOf(added));
    }
    throwAll(failures);
    return additions.map(({ knote }) => knote);
  }

  /** Makes a knote, opens or holds what it needs, and gives it a slot. */
  #make(interest: Interest<Token>, kevent: Kevent): Knote<Token> {
    let file: OpenedFile | undefined;
    let releaseSignal: (() => void) | undefined;
    this.#opened?.close();
    this.#opened = undefined;
    if (interest.filter === 'vnode' && interest.path !== undefined) {
      file = open(interest, interest.path);
      this.#opened = file;
    }
    if (interest.filter === 'signal' && !this.sys.handlesSignals) {
      try {
        releaseSignal = holdSignal(interest.signal);
      } catch {
        throw new KqueueError(EINVAL, 'sigaction', { about: interest.signal, interest });
      }
    }
    const Class = interest.filter === 'user' ? UserKnote : Knote;
    const knote = new Class<Token>(this as unknown as Knotes<never>, interest, kevent, file, releaseSignal);
    if (interest.filter !== 'raw') {
      const slot = this.#freeSlots.pop() ?? this.#slots.length;
      const generation = ((this.#generations[slot] ?? 0) % (GENERATIONS - 1)) + 1;
      this.#slots[slot] = knote;
      this.#generations[slot] = generation;
      knote.kevent.udata = generation * 2 ** SLOT_BITS + slot;
    }
    this.#unsettled.add(knote);
    this.#opened = undefined;
    return knote;
  }

  /** The changes that register a knote. The last one is its EV_ADD. */
  #additionOf(knote: Knote, settled: Knote | undefined, stopped?: Knote): Change[] {
    const { interest, kevent } = knote;
    const disabled = interest.filter === 'raw' ? (interest.flags & this.flag('EV_DISABLE')) !== 0 : interest.disabled;
    // On every kernel EV_ADD alone leaves a disabled knote disabled, whatever the man pages say.
    const flags = this.flag('EV_ADD') | kevent.flags | this.flag(disabled ? 'EV_DISABLE' : 'EV_ENABLE');
    const previous = settled ?? stopped;
    if (previous === undefined) return [changeOf(knote, flags)];
    // The kernel may have the one or the other, or no knote.
    const isUnknown = stopped !== undefined && (stopped.kevent.flags !== kevent.flags || settled === undefined);
    // The deletion may fail with ENOENT: the previous knote has gone with its descriptor, which no kernel reports.
    if (isUnknown || this.#mustBeNew(kevent, previous.kevent)) {
      return [changeOf(knote, this.flag('EV_DELETE')), changeOf(knote, flags)];
    }
    // A later EV_CLEAR takes the trigger of a user event back, and the knote has the mode already.
    return [changeOf(knote, interest.filter === 'user' ? flags & ~this.flag('EV_CLEAR') : flags)];
  }

  /** Whether the previous knote must be deleted first, because no change turns it into this one. */
  #mustBeNew(kevent: Kevent, previous: Kevent): boolean {
    const { quirks, constants } = this.sys.abi;
    // No kernel changes the mode of a knote.
    if (kevent.flags !== previous.flags) return true;
    // DragonFly does not restart a timer that runs.
    if (kevent.filter === constants['EVFILT_TIMER']) return true;
    const moreNotes = (kevent.fflags & ~previous.fflags) !== 0;
    return quirks.fixedVnodeNotes && kevent.filter === constants['EVFILT_VNODE'] && moreNotes;
  }

  /** A knote that was added takes the name (filter, ident) from the previous one. One that was not added ends. */
  #settle(knote: Knote, previous: Knote | undefined, changes: readonly Change[], errno: number): void {
    const deleted = changes.length > 1;
    // The kernel had no such knote: somebody closed the file, and the number may be a file of somebody else.
    if (deleted && changes[0]?.errno === ENOENT && previous !== undefined) previous.file = undefined;
    if (errno !== 0) {
      this.forget(knote);
      if (previous !== undefined && (deleted || errno === EBADF)) this.forget(previous);
      return;
    }
    const { filter, ident } = knote.kevent;
    this.#leftover.drop((one) => one === previous || isRegisteredAnew(one, knote));
    if (previous !== undefined) {
      // Both have the same number, so only one of them may close it.
      knote.file ??= previous.file;
      previous.file = undefined;
      this.forget(previous);
    }
    let byIdent = this.#byFilter.get(filter);
    if (byIdent === undefined) {
      byIdent = new Map();
      this.#byFilter.set(filter, byIdent);
    }
    byIdent.set(ident, knote);
    this.#unsettled.delete(knote);
  }

  // Removing

  /** The kernel has no such knote any more: it was deleted, or has reported its last event. */
  forget(knote: Knote): void {
    // First: while it has its slot, this can be done again.
    knote.end();
    const { filter, ident, udata } = knote.kevent;
    const slot = Number(udata) & SLOT_MASK;
    if (this.#slots[slot] === knote) {
      this.#slots[slot] = undefined;
      this.#freeSlots.push(slot);
    }
    const byIdent = this.#byFilter.get(filter);
    if (byIdent?.get(ident) === knote) byIdent.delete(ident);
    this.#unsettled.delete(knote);
  }

  /** As {@link Kqueue.unregister}. */
  remove(what: readonly (Interest | Registration)[]): void {
    this.#mustBeOpen();
    this.#leftover.complete();
    const failures: unknown[] = [];
    const removals: { change: Change; knote: Knote | undefined; mayBeGone: boolean }[] = [];
    for (const one of what) {
      if (one instanceof Knote) {
        if ((one.knotes as unknown) !== this) throw wrongType('registration', 'a registration of this queue', one);
        if (one.active) removals.push({ change: changeOf(one, this.flag('EV_DELETE')), knote: one, mayBeGone: true });
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
      // A knote that is not known here may have been added through the system-call API.
      const record = knote?.kevent ?? kevent;
      const change = { ...record, flags: this.flag('EV_DELETE'), interest: one, errno: 0 };
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
    // A one-shot ends when it is fetched. Its event may still be left over.
    this.#leftover.drop((registration) => what.includes(registration));
    throwAll(failures);
  }

  #byPath(interest: VnodeInterest): Knote | undefined {
    let found: Knote | undefined;
    for (const knote of this.#byFilter.get(this.sys.abi.constants['EVFILT_VNODE'] as number)?.values() ?? []) {
      if (knote.interest === interest) return knote;
      if (isSamePath(knote.interest as VnodeInterest, interest)) found ??= knote;
    }
    return found;
  }

  /** A change was answered with 0 after an EV_DELETE, or with ENOENT or EBADF: the kernel has no such knote any more. */
  #end(knote: Knote, errno: number): void {
    if (errno === ENOENT && knote.deletions <= 1) knote.file = undefined;
    this.forget(knote);
    this.#leftover.drop((registration) => registration === knote);
  }

  /** The queue is being closed. `isQueue` says whether its descriptor still is the queue. */
  close(isQueue: boolean): void {
    if (isQueue && !this.closed) {
      const removals = [...this]
        .filter(({ file }) => file !== undefined)
        .map((knote) => ({
          knote,
          change: changeOf(knote, this.flag('EV_DELETE')),
        }));
      for (const { knote } of removals) knote.deletions++;
      this.#send(removals.map(({ change }) => change));
      // Somebody closed the file, and the number may be a file of somebody else.
      for (const { knote, change } of removals) {
        if (change.errno === ENOENT && knote.deletions === 1) knote.file = undefined;
      }
    }
    this.closed = true;
    for (const knote of this) knote.end();
    // Those too that an add() has made which was stopped.
    for (const knote of this.#unsettled) knote.end();
    this.#opened?.close();
    this.#slots.length = 0;
    this.#byFilter.clear();
  }

  *[Symbol.iterator](): IterableIterator<Knote> {
    for (const byIdent of this.#byFilter.values()) yield* byIdent.values();
  }

  // Changing

  /** One change of a knote that is registered. */
  modify(knote: Knote, flags: number, fflags: number = knote.kevent.fflags): void {
    this.#mustBeOpen(knote.interest);
    this.#leftover.complete();
    const change = changeOf(knote, flags, fflags);
    const { active } = knote;
    if (active) this.#sendOne(change);
    else change.errno = ENOENT;
    const { errno } = change;
    if (errno === 0) {
      if ((flags & this.flag('EV_DISABLE')) !== 0) this.#leftover.drop((registration) => registration === knote);
      return;
    }
    // Gone with its descriptor, or the queue with its own. A knote that ended before may have an event left over.
    if (active && (errno === ENOENT || errno === EBADF)) this.#end(knote, errno);
    throw this.#errorOf(change);
  }

  #mustBeOpen(interest?: Interest): void {
    if (this.closed) throw closedError(interest);
  }

  // Sending

  /** One change in one call. */
  #sendOne(change: Change): void {
    write(this.#changes, 0, change, 0);
    // Without an eventlist the call itself fails when the change fails.
    if (this.sys.kevent(this.#kq, this.#changes, 1, null, 0, null) === -1) change.errno = this.sys.errno();
  }

  /**
   * Any number of changes in one call, with EV_RECEIPT, which keeps the kernel from fetching.
   * @throws KqueueError if the call fails as a whole, as it does on a closed queue
   */
  #send(changes: readonly Change[]): void {
    const count = changes.length;
    if (count === 0) return;
    if (!this.sys.abi.quirks.receipts) {
      for (const change of changes) this.#sendOne(change);
      return;
    }
    if (this.#changes.length < count) this.#grow(count);
    const [list, receipts] = [this.#changes, this.#receipts];
    const receipt = this.flag('EV_RECEIPT');
    for (let i = 0; i < count; i++) write(list, i, changes[i] as Change, receipt);
    const n = this.sys.kevent(this.#kq, list, count, receipts, count, NOW);
    // EINTR comes from waiting only: all changes were applied.
    if (n === -1 && this.sys.errno() !== EINTR) throw new KqueueError(this.sys.errno(), 'kevent');
    // One receipt for each change, in the same order.
    for (let i = 0; i < n; i++) (changes[i] as Change).errno = receipts.data(i);
    if (count > MANY) this.#grow(1);
  }

  #grow(count: number): void {
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

/** A change of a knote: its whole record, because several kernels overwrite fflags, data and udata with what comes. */
function changeOf({ kevent, interest }: Knote, flags: number, fflags: number = kevent.fflags): Change {
  // Field by field: an object that is spread costs several times as much.
  const { ident, filter, data, udata } = kevent;
  return { ident, filter, flags, fflags, data, udata, interest, errno: 0 };
}

function write(list: KeventList, index: number, change: Change, moreFlags: number): void {
  const { ident, filter, flags, fflags, data, udata } = change;
  EV_SET(list, index, ident, filter, flags | moreFlags, fflags, data, udata);
}

/** One call cannot register (filter, ident) twice: receipts would not say which of the two failed. */
function checkNames(interests: readonly Interest[], kevents: readonly Kevent[]): void {
  if (interests.length === 1) return;
  const names = new Set<string>();
  for (const [i, { ident, filter }] of interests.entries()) {
    if (ident === undefined) continue;
    const name = `${kevents[i]?.filter} ${ident}`;
    if (names.has(name)) throw outOfRange('interests', 'each filter and ident once', `${filter} ${ident} twice`);
    names.add(name);
  }
}

/**
 * Whether a one-shot that was fetched, and so has ended, is registered anew: a timer that starts over must not expire by an
 * event of its former time. The exit of a process stays, because nothing reports it again.
 */
function isRegisteredAnew(one: Registration, { interest, kevent }: Knote): boolean {
  if (one.active || interest.ident === undefined || interest.filter === 'proc') return false;
  return one.interest.ident === interest.ident && (one as Knote).kevent.filter === kevent.filter;
}

/** The bytes are compared too: all bytes that are not UTF-8 decode alike. */
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

/** fflags of a trigger. Bits without an operation are copied: NOTE_FFNOP would lose them. */
function triggerNotes({ sys }: Knotes<never>, fflags: number | undefined): number {
  const { NOTE_FFCOPY = 0, NOTE_FFCTRLMASK = 0, NOTE_TRIGGER = 0 } = sys.abi.constants;
  if (fflags === undefined) return NOTE_TRIGGER;
  // NOTE_FFCOPY | 5 is negative in JavaScript: the same 32 bits.
  checkInteger('fflags', fflags, -(2 ** 31), 2 ** 32 - 1);
  return (fflags | NOTE_TRIGGER | ((fflags & NOTE_FFCTRLMASK) === 0 ? NOTE_FFCOPY : 0)) >>> 0;
}

function throwAll(failures: readonly unknown[]): void {
  if (failures.length === 0) return;
  if (failures.length === 1) throw failures[0];
  const messages = failures.map((error) => (error instanceof Error ? error.message : String(error)));
  throw new AggregateError(failures, `${failures.length} changes failed: ${messages.join('; ')}`);
}
