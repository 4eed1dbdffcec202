import type { Kevent } from '../abi/types.ts';
import { EV_DISABLE, EV_RECEIPT, EV_SYSFLAGS } from './constants.ts';
import type { Epoll } from './epoll.ts';
import type { Inotify } from './inotify.ts';
import type { InnerQueue } from './nested.ts';
import type { Timers } from './timers.ts';

/** The owner of an event of the queue's epoll. */
export interface EpollSource {
  /** epoll_wait(2) has reported `events` for it. Must not wait itself. */
  ready(events: number): void;
}

/** The members of the queue that its knotes use. */
export interface Host {
  /** Appends an active knote to the list, unless the list contains it. */
  enqueue(knote: Knote): void;
  /**
   * Completes a kevent(2) call of the thread in which JavaScript was stopped. Code that makes a knote active outside of
   * kevent(2) calls it first.
   */
  repair(): void;
  /** The epoll instance that is the queue's own descriptor. */
  readonly readers: Epoll;
  /** The epoll instance for EVFILT_WRITE. null, and errno() is set, if it cannot be created. */
  writers(): Epoll | null;
  /** The queue's timers. null, and errno() is set, if they cannot be created. */
  timers(): Timers | null;
  /** An inotify instance of the isolate, which the queue watches from now on. null, and errno() is set, on failure. */
  inotify(): Inotify | null;
  /** Returns a number for epoll's data that identifies `source` until {@link Host.forgetKey}. */
  newKey(source: EpollSource): number;
  forgetKey(key: number): void;
  /** The knotes of all filters on a descriptor. */
  on(fd: number): Knote[];
  /** The number of knotes that can become active only while Node's loop turns. */
  loopBound: number;
  /** The queues that READ knotes watch. */
  readonly inner: Set<InnerQueue>;
  /** Deletes a knote. */
  drop(knote: Knote): void;
}

/*
 * JavaScript can be stopped by a vm timeout, by Ctrl-C in the REPL, or by a stack overflow. V8 stops it only at the entry of
 * a function, also of a built-in one such as Map.prototype.set(), and at the repetition of a loop. It then runs no `catch` and
 * no `finally`. So nothing can stop code that only assigns and makes system calls through koffi. The files in this folder rely
 * on that. An operation that needs more than one such sequence is either repeatable or recorded before it starts
 * (`Queue.repair()`).
 */

/**
 * A knote: the registration of (ident, filter) in one queue. Each filter is a subclass, as it is a `struct filterops` in
 * a BSD kernel. Changes call attach(), change() and detach(), and a fetch calls event().
 *
 * A knote is *active* while there may be something to report. The queue has a list of the active knotes, in the order in
 * which they became active. At the fetch, event() decides whether to report.
 */
export abstract class Knote {
  readonly queue: Host;
  readonly ident: number | bigint;
  readonly filter: number;
  /** The flags of the first EV_ADD. Its mode (EV_CLEAR, EV_ONESHOT, EV_DISPATCH) never changes. */
  flags: number;
  /** fflags, data and udata of the last change. */
  fflags: number;
  data: number | bigint;
  udata: number | bigint;
  disabled: boolean;
  /** The fields to report, set by event(). */
  outFflags = 0;
  outData: number | bigint = 0;
  outFlags = 0;
  /** The neighbours in the queue's list of active knotes. `queued` is true while the list contains the knote. */
  previous: Knote | null = null;
  next: Knote | null = null;
  queued = false;
  /** The knote became active while it was disabled. EV_ENABLE puts it in the list. */
  pending = false;
  /** The knote was deleted, and must not be reported. */
  gone = false;

  constructor(queue: Host, change: Kevent) {
    this.queue = queue;
    this.ident = change.ident;
    this.filter = change.filter;
    // Events return the flags of the first EV_ADD, as on macOS and OpenBSD, without those that concern only that change.
    this.flags = change.flags & ~(EV_DISABLE | EV_RECEIPT | EV_SYSFLAGS);
    this.fflags = change.fflags;
    this.data = change.data;
    this.udata = change.udata;
    this.disabled = (change.flags & EV_DISABLE) !== 0;
  }

  /**
   * Starts watching. Called once, before any other method. Returns 0, or an errno after it has undone its work. If
   * JavaScript was stopped in it, the queue calls detach().
   */
  abstract attach(): number;

  /** Applies a later change. `adding`: the change has EV_ADD. Returns 0 or an errno. */
  change(change: Kevent, _adding: boolean): number {
    this.fflags = change.fflags;
    this.data = change.data;
    this.udata = change.udata;
    return 0;
  }

  /**
   * Checks whether the condition holds. Called after a change or EV_ENABLE, where kqueue_register() of a kernel runs the
   * filter. The default leaves the check to event() at the next fetch.
   */
  recheck(): void {
    this.activate();
  }

  /** The knote was disabled. A filter that would still wake the queue stops here. */
  pause(): void {}

  /** Stops watching. Must be repeatable, and complete after an attach() that was stopped at any point. */
  abstract detach(): void;

  /** After JavaScript was stopped at any point: makes the knote active if it has, or may have, something to report. */
  recover(): void {
    this.recheck();
  }

  /**
   * Returns whether the condition holds now. If so, sets outFlags, outFflags and outData. Called at the fetch, so a
   * level-triggered condition that no longer holds is not reported.
   */
  abstract event(): boolean;

  /** Whether rearm() causes a new edge while the condition holds. A knote without edges stays in the list. */
  get edged(): boolean {
    return false;
  }

  /**
   * Ensures that a level-triggered knote, which is about to be reported, is checked again while its condition holds.
   * Returns false if ident is no longer the registered file.
   */
  rearm(): boolean {
    return this.alive();
  }

  /** Resets the state after delivery, for EV_CLEAR. */
  clear(): void {}

  /** Whether ident is still the registered file. Only a descriptor can be closed without notice, and its number reused. */
  alive(): boolean {
    return true;
  }

  /** Makes the knote active, because there may be something to report. */
  activate(): void {
    if (this.gone) return;
    if (this.disabled) this.pending = true;
    else this.queue.enqueue(this);
  }
}
