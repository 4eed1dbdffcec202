import { Buffer } from 'node:buffer';
import { constants as open, openSync } from 'node:fs';
import { constants as os } from 'node:os';
import { type Change, compile, impliesExitStatus } from './change.ts';
import { KqueueError } from './error.ts';
import { type Interest, isInterest, type VnodeInterest } from './interest.ts';
import { Changer, errorOf, type Step, stepOf } from './receipts.ts';
import { type Host, Knote, OpenedFile, type Registration, UserKnote } from './registration.ts';
import { holdSignal } from './signals.ts';
import { checkInteger, wrongType } from './sys/check.ts';
import type { KeventList } from './sys/kevent-list.ts';
import { bindingOf } from './sys/native.ts';
import type { Sys } from './sys/sys.ts';
import { KnoteTable } from './table.ts';

const { EACCES, EBADF, EINVAL, ENOENT } = os.errno;
/** macOS, <sys/fcntl.h>: for events only, so that the volume can still be unmounted. */
const O_EVTONLY = process.platform === 'darwin' ? 0x8000 : open.O_RDONLY;
/** Without O_NONBLOCK the open of a FIFO sleeps until a writer comes, with O_EVTONLY too (XNU, fifo_open in fifo_vnops.c). */
const OPEN_FLAGS = O_EVTONLY | open.O_NONBLOCK;

/** The queue, as its registrar sees it. */
export interface Queue {
  /** Its descriptor; throws KqueueError EBADF where it is closed. */
  open(interest?: Interest): number;
  /** An event came in the place of a receipt. */
  fetched(list: KeventList, index: number): void;
  /** Drops the events that were fetched and not handed out yet, of those knotes. */
  unfetch(isOver: (knote: Knote) => boolean): void;
}

/** What is registered with one queue, and how it comes and goes. */
export class Registrar<Token> {
  readonly table: KnoteTable = new KnoteTable();
  readonly #sys: Sys;
  readonly #queue: Queue;
  readonly #host: Host;
  readonly #changer: Changer;
  #closed = false;

  constructor(sys: Sys, queue: Queue) {
    const { EV_DISABLE = 0, EV_ENABLE = 0 } = sys.abi.constants;
    this.#sys = sys;
    this.#queue = queue;
    this.#changer = new Changer(sys);
    this.#host = {
      abi: sys.abi,
      enable: (knote): void => this.#modify(knote, EV_ENABLE, knote.fflags),
      disable: (knote): void => this.#modify(knote, EV_DISABLE, knote.fflags),
      // flags 0: EV_CLEAR in a change would take the trigger back.
      trigger: (knote, fflags): void => this.#modify(knote, 0, triggerNotes(sys, fflags)),
      unregister: (knote): void => this.remove([knote]),
      dispose: (knote): void => {
        if (!this.#closed) this.remove([knote]);
      },
    };
  }

  /** As {@link Kqueue.register}. */
  add(interests: readonly Interest<Token>[]): Knote<Token>[] {
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
    let file: OpenedFile | undefined;
    let release: (() => void) | undefined;
    if (interest.filter === 'vnode' && interest.path !== undefined) {
      try {
        // fs, not libc: Node closes what fs has opened in a worker that is terminated.
        file = new OpenedFile(
          openSync(interest.bytes === undefined ? interest.path : Buffer.from(interest.bytes), OPEN_FLAGS),
        );
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
    const knote = new Class<Token>(this.#host, interest, change, file, release);
    knote.previous = this.table.add(knote);
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
    const { quirks, constants } = this.#sys.abi;
    // No kernel changes these flags of a knote that lives.
    if (change.mode !== previous.change.mode) return true;
    // DragonFly lets a running timer run on.
    if (change.filter === constants['EVFILT_TIMER']) return true;
    return quirks.fixedVnodeNotes && change.filter === constants['EVFILT_VNODE'] && (fflags & ~previous.fflags) !== 0;
  }

  /** macOS keeps the status of some processes to itself, but not that they exit: EACCES, and without it all is well. */
  #sendWithoutStatus(knotes: readonly Knote[], plans: Step[][]): void {
    const { NOTE_EXITSTATUS } = this.#sys.abi.constants;
    if (NOTE_EXITSTATUS === undefined) return;
    const again: Step[] = [];
    const sent = new Set<Knote | undefined>();
    for (const [i, knote] of knotes.entries()) {
      const refused = plans[i]?.at(-1)?.errno === EACCES && impliesExitStatus(knote.interest);
      // What is to replace such a one must come after it this time, too.
      if (!refused && !sent.has(knote.previous)) continue;
      if (refused) knote.fflags = (knote.fflags & ~NOTE_EXITSTATUS) >>> 0;
      sent.add(knote);
      const plan = this.#plan(knote);
      plans[i] = plan;
      again.push(...plan);
    }
    this.#send(again);
  }

  #send(steps: readonly Step[]): void {
    this.#changer.apply(this.#queue.open(), steps, (list, index) => this.#queue.fetched(list, index));
  }

  /** A knote that was added replaces the one before it; one that was not gives its place back, if that one still lives. */
  #settle(knote: Knote, plan: readonly Step[]): void {
    const added = plan.at(-1) as Step;
    const { previous } = knote;
    knote.previous = undefined;
    if (plan.length > 1 && plan[0]?.errno === ENOENT) previous?.disownFile();
    if (added.errno === 0) {
      this.#queue.unfetch((one) => one === previous || isSucceeded(one, knote));
      if (previous?.active === true) {
        knote.inherit(previous);
        this.forget(previous);
      }
      return;
    }
    // Deleted in front of it, whatever that said: ENOENT is no survivor either.
    const deleted = plan.length > 1;
    const stays = previous?.active === true && !deleted && added.errno !== EBADF;
    const heir = stays ? previous : undefined;
    // What was added after it, in the same call and under the same name, has taken not its place but that of its heir.
    for (let later = this.table.get(added.filter, knote.ident); later !== undefined; later = later.previous) {
      if (later.previous === knote) later.previous = heir;
    }
    this.table.remove(knote, heir);
    knote.end();
    if (previous !== undefined && !stays) this.forget(previous);
  }

  /** Nothing more will come of it, and it is known to the kernel no longer. */
  forget(knote: Knote): void {
    this.table.remove(knote);
    knote.end();
  }

  /** As {@link Kqueue.unregister}. */
  remove(what: readonly (Interest | Registration)[]): void {
    this.#queue.open();
    const failures: KqueueError[] = [];
    const removals = what.flatMap((one) => this.#removal(one, failures));
    this.#send(removals.map(({ step }) => step));
    for (const { step, knote, lenient } of removals) {
      // It is gone, and was before: with its descriptor.
      const gone = step.errno === ENOENT || step.errno === EBADF;
      if (step.errno === ENOENT) knote?.disownFile();
      if (knote !== undefined && (gone || step.errno === 0)) this.#drop(knote);
      if (step.errno !== 0 && !(gone && lenient)) failures.push(errorOf(this.#sys, step));
    }
    // A one-shot has ended when it was fetched, and is not to be heard of any more either.
    for (const one of what) if (one instanceof Knote) this.#queue.unfetch((knote) => knote === one);
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
    const { filter, data, fflags } = compile(one, abi);
    const { ident } = one;
    const knote = ident === undefined ? this.#byPath(one) : this.table.get(filter, ident);
    if (knote !== undefined) return [{ step: stepOf(knote, EV_DELETE), knote, lenient: false }];
    if (ident === undefined) {
      failures.push(new KqueueError(ENOENT, 'kevent', { about: pathOf(one), interest: one }));
      return [];
    }
    // Somebody else may have added it, through the C door.
    const record = { ident, filter, flags: EV_DELETE, fflags, data, udata: 0 };
    return [{ step: { ...record, interest: one, errno: 0, answered: false }, knote: undefined, lenient: false }];
  }

  #byPath(interest: Interest): Knote | undefined {
    let found: Knote | undefined;
    for (const knote of this.table) {
      const own = knote.interest;
      if (own === interest) return knote;
      if (own.filter === 'vnode' && interest.filter === 'vnode' && isSamePath(own, interest)) found ??= knote;
    }
    return found;
  }

  #drop(knote: Knote): void {
    this.forget(knote);
    this.#queue.unfetch((one) => one === knote);
  }

  /** One change of a knote that lives. */
  #modify(knote: Knote, flags: number, fflags: number): void {
    const { EV_DISABLE = 0 } = this.#sys.abi.constants;
    const kq = this.#queue.open(knote.interest);
    const step = stepOf(knote, flags, fflags);
    const { active } = knote;
    if (active) this.#changer.applyOne(kq, step);
    else step.errno = ENOENT;
    if (step.errno === 0) {
      if ((flags & EV_DISABLE) !== 0) this.#queue.unfetch((one) => one === knote);
      return;
    }
    if (step.errno === ENOENT) knote.disownFile();
    // Gone with its descriptor, or the queue with its own. The last event of a knote that had ended before is still to come.
    if (active && (step.errno === ENOENT || step.errno === EBADF)) this.#drop(knote);
    throw errorOf(this.#sys, step);
  }

  /** Deletes the knotes of paths before the queue is closed: ENOENT shows which files were closed underneath. */
  deleteOwnFiles(kq: number): void {
    const steps = new Map<Knote, Step>();
    for (const knote of this.table) {
      if (knote.ownsFile) steps.set(knote, stepOf(knote, this.#sys.abi.constants['EV_DELETE'] ?? 0));
    }
    this.#changer.apply(kq, [...steps.values()], () => {});
    for (const [knote, { errno }] of steps) if (errno === ENOENT) knote.disownFile();
  }

  /** The queue is closed. */
  close(): void {
    this.#closed = true;
    for (const knote of this.table) knote.end();
    this.table.clear();
  }
}

/**
 * Whether a one-shot that was fetched, and so has ended, was registered again: a timer that starts over must not expire by
 * an event of its former time. The exit of a process stays, because nothing reports it again.
 */
function isSucceeded(ended: Knote, knote: Knote): boolean {
  const { ident, filter } = ended.interest;
  if (ended === knote || ident === undefined || filter === 'proc') return false;
  return ident === knote.interest.ident && ended.change.filter === knote.change.filter;
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
  // NOTE_FFCOPY | 5 is negative in JavaScript: the same 32 bits.
  checkInteger('fflags', fflags, -(2 ** 31), 2 ** 32 - 1);
  return (fflags | NOTE_TRIGGER | ((fflags & NOTE_FFCTRLMASK) === 0 ? NOTE_FFCOPY : 0)) >>> 0;
}

/** Bytes that are not UTF-8 all decode alike. */
function isSamePath(one: VnodeInterest, other: VnodeInterest): boolean {
  const none = new Uint8Array();
  return one.path === other.path && Buffer.compare(one.bytes ?? none, other.bytes ?? none) === 0;
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
