import { EV_DISABLE, EV_RECEIPT, EV_SYSFLAGS } from './constants.ts';
import type { Epoll } from './epoll.ts';
import type { Inotify } from './inotify.ts';
import type { Pending } from './nested.ts';
import type { Timers } from './timers.ts';

/** ident, data and udata: exact as a number while it is a safe integer, as a bigint beyond. */
export type Word = number | bigint;

/** One change of a changelist, read out of its record. */
export interface Change {
  ident: Word;
  filter: number;
  flags: number;
  fflags: number;
  data: Word;
  udata: Word;
}

/** Whatever an event of the queue's epoll belongs to. */
export interface Source {
  /** epoll_wait(2) reported `events` of it. Must not wait for anything itself. */
  ready(events: number): void;
}

/** The queue, as its knotes see it. */
export interface Host {
  /** Puts an active knote at the end of the list, unless it is in it. */
  enlist(knote: Knote): void;
  /**
   * Completes what a kevent(2) call of the thread has begun in which JavaScript was stopped. Whatever makes knotes active
   * outside of kevent(2) calls it first.
   */
  repair(): void;
  /** The epoll that is the queue's own descriptor. */
  readonly readers: Epoll;
  /** The epoll in which EVFILT_WRITE watches; null and errno() when it cannot be made. */
  writers(): Epoll | null;
  /** The queue's timers; null and errno() when they cannot be had. */
  timers(): Timers | null;
  /** An inotify of the isolate, from now on watched by the queue; null and errno() when it cannot be had. */
  inotify(): Inotify | null;
  /** A number for epoll's data that stands for `source` until {@link Host.forget}. */
  name(source: Source): number;
  forget(name: number): void;
  /** The knotes of all filters on a descriptor. */
  on(fd: number): Knote[];
  /** How many knotes can only become active while Node's loop turns. */
  loopBound: number;
  /** The queues that READ knotes watch. */
  readonly inner: Set<Pending>;
  /** Removes a knote. */
  drop(knote: Knote): void;
}

/*
 * JavaScript can be stopped: by a vm timeout, by Ctrl-C in the REPL, by a stack overflow. V8 stops it where a function is
 * entered and where a loop starts over, and nowhere else, and runs no `catch` and no `finally`. So a sequence of assignments,
 * of calls to built-in functions and of system calls is not divided, from where a called function returns to the next call of
 * another JavaScript function. The files here rely on that. What needs more than one such sequence can be done again, or
 * is written down before: see `Queue.repair()`.
 */

/**
 * A knote: what is registered under (ident, filter) in one queue. Each filter is a subclass, as each is a `struct
 * filterops` in a kernel: attach, touch and detach when changes come, and event to find out what to report.
 *
 * A knote is *active* while there may be something to report. Active knotes stand in the queue's list, in the order in
 * which they became so, and event() decides when they are fetched.
 */
export abstract class Knote {
  readonly queue: Host;
  readonly ident: Word;
  readonly filter: number;
  /** The flags of the EV_ADD that made it: its mode (EV_CLEAR, EV_ONESHOT, EV_DISPATCH) for life. */
  flags: number;
  /** What was asked: fflags and data of the last change. */
  fflags: number;
  data: Word;
  udata: Word;
  disabled: boolean;
  /** What to report, as event() left it. */
  outFflags = 0;
  outData: Word = 0;
  outFlags = 0;
  /** Neighbours in the queue's list of active knotes; `listed` says whether it stands there. */
  previous: Knote | null = null;
  next: Knote | null = null;
  listed = false;
  /** It became active while it was disabled: EV_ENABLE puts it in the list. */
  pending = false;
  /** It was detached: nothing may report it any more. */
  gone = false;

  constructor(queue: Host, change: Change) {
    this.queue = queue;
    this.ident = change.ident;
    this.filter = change.filter;
    // Returned flags echo the first EV_ADD, as on macOS and OpenBSD; never those that only concern that one change.
    this.flags = change.flags & ~(EV_DISABLE | EV_RECEIPT | EV_SYSFLAGS);
    this.fflags = change.fflags;
    this.data = change.data;
    this.udata = change.udata;
    this.disabled = (change.flags & EV_DISABLE) !== 0;
  }

  /**
   * Starts watching; called once, before anything else. 0 or an errno, and then nothing may be left behind. Where
   * JavaScript was stopped in it, detach() is called.
   */
  abstract attach(): number;

  /** Takes what a later change of this knote brings; `adding` when it has EV_ADD. 0 or an errno. */
  change(change: Change, _adding: boolean): number {
    this.fflags = change.fflags;
    this.data = change.data;
    this.udata = change.udata;
    return 0;
  }

  /**
   * The knote was changed or enabled: look whether its condition holds, as kqueue_register does by running the
   * filter. By default: let event() find out at the next fetch.
   */
  touch(): void {
    this.activate();
  }

  /** The knote is disabled from now on: a filter that would go on waking the queue stops here. */
  pause(): void {}

  /** Stops watching. Called again where JavaScript was stopped in it, and after an attach() that was stopped anywhere. */
  abstract detach(): void;

  /** JavaScript was stopped somewhere: makes the knote active again, if it has or may have something to report. */
  recover(): void {
    this.touch();
  }

  /**
   * Whether the condition holds now, and if so what to report, in outFlags, outFflags and outData. Called when the knote
   * is fetched, so a level-triggered condition that has passed is not reported.
   */
  abstract event(): boolean;

  /** Whether rearm() leads to another edge while the condition holds. A knote without edges stays in the list. */
  get edged(): boolean {
    return false;
  }

  /**
   * A level-triggered knote is about to be reported: sees to it that the knote is looked at again while its condition
   * holds. False when ident no longer is what was registered.
   */
  rearm(): boolean {
    return this.alive();
  }

  /** The event was handed out: what EV_CLEAR resets. */
  clear(): void {}

  /**
   * Whether ident still is what was registered. Only a descriptor can be closed, and its number be another file, behind
   * the queue's back.
   */
  alive(): boolean {
    return true;
  }

  /** There may be something to report. */
  activate(): void {
    if (this.gone) return;
    if (this.disabled) this.pending = true;
    else this.queue.enlist(this);
  }
}
