import type { Kevent } from '../abi/types.ts';
import { isOwn } from '../descriptor.ts';
import { EV_CLEAR } from './constants.ts';
import { asKqueueErrno, EPOLLERR, EPOLLET, EPOLLHUP, type Epoll } from './epoll.ts';
import { FileIdentity } from './file-identity.ts';
import { type EpollSource, type Host, Knote } from './knote.ts';
import { takeError } from './socket.ts';
import { EBADF, EEXIST, EINVAL, ELOOP, EPERM, errno, modeOf } from './syscalls.ts';

/** The file types that the filters distinguish. */
type FileType = 'socket' | 'pipe' | 'file' | 'directory' | 'device' | 'other';

const S_IFMT = 0o170000;
const S_IFIFO = 0o010000;
const fileTypes: ReadonlyMap<number, FileType> = new Map([
  [0o140000, 'socket'],
  [0o010000, 'pipe'],
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o060000, 'device'],
  [0o020000, 'device'],
]);

/** Events that epoll always reports, even if they are not requested. */
const UNASKED = EPOLLERR | EPOLLHUP;

/** The type of the open file. `other` for a file without a type, such as an eventfd. */
export function fileTypeOf(fd: number): FileType {
  // modeOf() returns 0 for a closed descriptor. The next call on it fails.
  return fileTypes.get(modeOf(fd) & S_IFMT) ?? 'other';
}

/**
 * Whether the library opened `fd` for itself: an eventfd, a timerfd, a pidfd, an inotify or epoll instance, or a pipe. The
 * caller may have closed the number and opened another file on it. That file is taken for the library's only if it has such
 * a type too. All of them except the pipe are anonymous inodes without a file type.
 */
export function isPrivate(fd: number): boolean {
  if (!isOwn(fd)) return false;
  const type = modeOf(fd) & S_IFMT;
  return type === 0 || type === S_IFIFO;
}

/**
 * A knote on a descriptor. epoll watches it edge-triggered, and an edge means that the descriptor must be checked. epoll refuses
 * files that are always ready, such as regular files, with EPERM.
 */
export abstract class DescriptorKnote extends Knote implements EpollSource {
  readonly fd: number;
  /** The last events that epoll reported. */
  revents = 0;
  /** The registered file, if epoll refuses it. */
  protected file: FileIdentity | null = null;
  protected abstract readonly interest: number;
  /** The last error of the socket (SO_ERROR), or 0. */
  protected error = 0;
  #epoll: Epoll | null = null;
  #key = 0;
  #fileType: FileType | undefined;

  constructor(queue: Host, change: Kevent) {
    super(queue, change);
    this.fd = Number(change.ident);
  }

  /** The one of the queue's two epoll instances that watches. null, and errno() is set, if it cannot be created. */
  protected abstract epoll(): Epoll | null;
  /** Starts watching a file that epoll refuses. Returns 0 or an errno. */
  protected abstract attachFile(): number;
  protected abstract detachFile(): void;

  get fileType(): FileType {
    if (this.#fileType !== undefined) return this.#fileType;
    const type = fileTypeOf(this.fd);
    // Not stored while the number is another file, because dup2(2) may bring the registered file back.
    if (this.alive()) this.#fileType = type;
    return type;
  }

  attach(): number {
    const epoll = this.epoll();
    if (epoll === null) return asKqueueErrno(errno());
    this.#epoll = epoll;
    this.#key = this.queue.newKey(this);
    const events = this.disabled ? EPOLLET : this.interest | EPOLLET;
    let error = epoll.add(this.fd, events, this.#key);
    // The same file was watched under the same number, then closed, and dup2(2) has brought it back.
    if (error === EEXIST) error = epoll.modify(this.fd, events, this.#key);
    if (error === 0) return 0;
    this.queue.forgetKey(this.#key);
    this.#epoll = null;
    if (error !== EPERM) return asKqueueErrno(error);
    const file = FileIdentity.of(this.fd);
    if (file === null) return EBADF;
    this.file = file;
    error = this.fileType === 'directory' ? EINVAL : this.attachFile();
    if (error === 0) this.activate();
    return error;
  }

  ready(events: number): void {
    this.revents = events;
    if (!this.disabled) this.activate();
    // While the knote is disabled, no edge needs to wake the queue, because EV_ENABLE checks again. Not after an end or an
    // error: epoll always reports them, and this change would cause a new edge.
    else if ((events & UNASKED) === 0) this.#epoll?.modify(this.fd, EPOLLET, this.#key);
  }

  /** Reads the socket's error (SO_ERROR) for fflags. That clears it, so the knotes of both filters store it. */
  protected takeSocketError(): void {
    // Not the error of another socket that has the number now.
    const error = this.alive() ? takeError(this.fd) : 0;
    if (error === 0) return;
    // Stored before JavaScript can be stopped, because the kernel no longer has it.
    this.error = error;
    this.shareError(error);
  }

  /** Drops the stored error. Called when there is no end, for example after a new connect(2) of a refused socket. */
  protected forgetError(): void {
    // Not while the number is another file, whose state does not concern this error.
    if (this.error !== 0 && this.alive()) this.shareError(0);
  }

  protected shareError(error: number): void {
    for (const knote of this.queue.on(this.fd)) if (knote instanceof DescriptorKnote) knote.error = error;
  }

  override recheck(): void {
    if (this.#epoll !== null) this.#look(this.#epoll);
    else this.activate();
  }

  override get edged(): boolean {
    return this.#epoll !== null;
  }

  override rearm(): boolean {
    return this.#epoll === null ? super.rearm() : this.#look(this.#epoll);
  }

  /** Not with EV_CLEAR, for which a recheck would be a new edge without a new event. The queue itself loses no edge. */
  override recover(): void {
    if (this.#epoll === null || (this.flags & EV_CLEAR) === 0) this.recheck();
  }

  /**
   * EPOLL_CTL_MOD causes an edge if the condition holds, as EPOLL_CTL_ADD does. So epoll reports a condition as long as it
   * holds, and no longer. Returns false if the number is closed or is now another file.
   */
  #look(epoll: Epoll): boolean {
    return !isPrivate(this.fd) && epoll.modify(this.fd, this.interest | EPOLLET, this.#key) === 0;
  }

  override alive(): boolean {
    if (this.#epoll === null) return this.file?.same(this.fd) === true;
    // The number was closed, and the library has opened one of its own descriptors on it. epoll watches that one too.
    if (isPrivate(this.fd)) return false;
    // epoll identifies a descriptor by number and open file.
    // - EEXIST: it is still the registered file.
    // - EBADF: the number is closed.
    // - Success: the number is now another file.
    // - ELOOP: still the registered file. The kernel checks the nesting depth first, and older kernels let it grow in an
    //   instance that is already watched.
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
    // EBADF, ENOENT: closed since. epoll forgets the file with its last duplicate. Until then, its key finds no source.
    if (!isPrivate(this.fd)) this.#epoll.remove(this.fd);
    this.queue.forgetKey(this.#key);
  }
}
