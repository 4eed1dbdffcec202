import { isOwn } from '../descriptor.ts';
import { EV_CLEAR } from './constants.ts';
import { asKqueueErrno, EPOLLERR, EPOLLET, EPOLLHUP, type Epoll } from './epoll.ts';
import { FileIdentity } from './file-identity.ts';
import { type Change, type Host, Knote, type Source } from './knote.ts';
import { takeError } from './socket.ts';
import { EBADF, EEXIST, EINVAL, ELOOP, EPERM, errno, modeOf } from './syscalls.ts';

/** What a descriptor stands for, as far as filters tell them apart. */
export type Kind = 'socket' | 'pipe' | 'file' | 'directory' | 'device' | 'other';

const S_IFMT = 0o170000;
const S_IFIFO = 0o010000;
const kinds: ReadonlyMap<number, Kind> = new Map([
  [0o140000, 'socket'],
  [0o010000, 'pipe'],
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o060000, 'device'],
  [0o020000, 'device'],
]);

/** What epoll tells of whether it is asked for or not. */
const UNASKED = EPOLLERR | EPOLLHUP;

/** fstat(2), which says 0 of the size of a block device; eventfd and its like have no type at all. */
export function kindOf(fd: number): Kind {
  // 0: it was closed since. Whoever looks next finds that out by itself.
  return kinds.get(modeOf(fd) & S_IFMT) ?? 'other';
}

/**
 * Whether the library opened `fd` for itself: an eventfd, a timerfd, a pidfd, an inotify, an epoll or a pipe. The caller may
 * have closed the number and have opened another file on it. That file is the caller's, unless it is of one of these kinds
 * too: all of them but the pipe are anonymous inodes without a file type.
 */
export function isPrivate(fd: number): boolean {
  if (!isOwn(fd)) return false;
  const type = modeOf(fd) & S_IFMT;
  return type === 0 || type === S_IFIFO;
}

/**
 * A knote on a descriptor that epoll can watch, or on one that is always ready: epoll refuses regular files with EPERM.
 * Watched edge-triggered: an edge says that it is time to look.
 */
export abstract class DescriptorKnote extends Knote implements Source {
  readonly fd: number;
  /** What epoll said last. */
  revents = 0;
  /** Present where epoll refused: the file that fd was when it was registered. */
  protected file: FileIdentity | null = null;
  protected abstract readonly interest: number;
  /** so_error, once there was one. */
  protected error = 0;
  #epoll: Epoll | null = null;
  #name = 0;
  #kind: Kind | undefined;

  constructor(queue: Host, change: Change) {
    super(queue, change);
    this.fd = Number(change.ident);
  }

  /** Which of the queue's two epolls watches; null and errno() when it cannot be had. */
  protected abstract epoll(): Epoll | null;
  /** Starts watching what epoll refuses: 0 or an errno. */
  protected abstract attachFile(): number;
  protected abstract detachFile(): void;

  get kind(): Kind {
    if (this.#kind !== undefined) return this.#kind;
    const kind = kindOf(this.fd);
    // While the number is another file, that file's kind is no property of this knote: dup2(2) may bring its own file back.
    if (this.alive()) this.#kind = kind;
    return kind;
  }

  attach(): number {
    const epoll = this.epoll();
    if (epoll === null) return asKqueueErrno(errno());
    this.#epoll = epoll;
    this.#name = this.queue.name(this);
    const events = this.disabled ? EPOLLET : this.interest | EPOLLET;
    let error = epoll.add(this.fd, events, this.#name);
    // This very file was watched under this very number before, closed, and brought back by dup2(2).
    if (error === EEXIST) error = epoll.modify(this.fd, events, this.#name);
    if (error === 0) return 0;
    this.queue.forget(this.#name);
    this.#epoll = null;
    if (error !== EPERM) return asKqueueErrno(error);
    const file = FileIdentity.of(this.fd);
    if (file === null) return EBADF;
    this.file = file;
    error = this.kind === 'directory' ? EINVAL : this.attachFile();
    if (error === 0) this.activate();
    return error;
  }

  ready(events: number): void {
    this.revents = events;
    if (!this.disabled) this.activate();
    // Nobody wants to know until EV_ENABLE, which looks again: no edge needs to wake the queue till then. But an end or an
    // error is told unasked, and would be told again at once.
    else if ((events & UNASKED) === 0) this.#epoll?.modify(this.fd, EPOLLET, this.#name);
  }

  /** so_error for fflags. Linux gives it once, so whoever is told keeps it for the other filter's knote as well. */
  protected takeError(): void {
    // Nor from another socket that has the number now: its error is for whoever asks there.
    const error = this.alive() ? takeError(this.fd) : 0;
    if (error === 0) return;
    // Here first, before anything can be stopped: the kernel has forgotten it.
    this.error = error;
    this.shareError(error);
  }

  /** There is no end: the one that had an error, as of a connection that was refused, was over with a new connect(2). */
  protected forgetError(): void {
    // Unless the number is another file for now, whose state says nothing of this error.
    if (this.error !== 0 && this.alive()) this.shareError(0);
  }

  protected shareError(error: number): void {
    for (const knote of this.queue.on(this.fd)) if (knote instanceof DescriptorKnote) knote.error = error;
  }

  override touch(): void {
    if (this.#epoll !== null) this.#look(this.#epoll);
    else this.activate();
  }

  override get edged(): boolean {
    return this.#epoll !== null;
  }

  override rearm(): boolean {
    return this.#epoll === null ? super.rearm() : this.#look(this.#epoll);
  }

  /** To look again would be an edge for EV_CLEAR, and no news. That an edge is not lost is up to the queue. */
  override recover(): void {
    if (this.#epoll === null || (this.flags & EV_CLEAR) === 0) this.touch();
  }

  /**
   * EPOLL_CTL_MOD makes an edge of what holds now, as a first registration does. So epoll tells of a condition for as long
   * as it holds, and no longer. False where the number is another file by now, or none.
   */
  #look(epoll: Epoll): boolean {
    return !isPrivate(this.fd) && epoll.modify(this.fd, this.interest | EPOLLET, this.#name) === 0;
  }

  override alive(): boolean {
    if (this.#epoll === null) return this.file?.same(this.fd) === true;
    // Closed, and the library's own since: that one is in the epoll too.
    if (isPrivate(this.fd)) return false;
    // epoll knows a descriptor by number and open file. That it is here already is the answer wanted; EBADF says that the
    // number was closed; and success, that it is another file by now. Before it looks, the kernel counts how deep epolls are in
    // each other, and older ones let that grow beneath what is here: ELOOP says that it is one still.
    const error = this.#epoll.add(this.fd, EPOLLET, 0);
    if (error === EEXIST || error === ELOOP) return true;
    if (error === 0) this.#epoll.remove(this.fd);
    return false;
  }

  detach(): void {
    if (this.#epoll === null) {
      if (this.file !== null) this.detachFile();
      return;
    }
    // EBADF, ENOENT: closed since. epoll has forgotten it, or will with the last duplicate; its name finds nothing.
    if (!isPrivate(this.fd)) this.#epoll.remove(this.fd);
    this.queue.forget(this.#name);
  }
}
