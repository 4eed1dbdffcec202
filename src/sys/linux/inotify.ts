import { createOwn, release, unowned } from '../descriptor.ts';
import { koffi } from '../koffi.ts';
import { EINVAL, ENOENT, errno, libc } from './syscalls.ts';

export const IN_ACCESS = 0x001;
export const IN_MODIFY = 0x002;
export const IN_ATTRIB = 0x004;
export const IN_CLOSE_WRITE = 0x008;
export const IN_CLOSE_NOWRITE = 0x010;
export const IN_OPEN = 0x020;
const IN_MOVED_FROM = 0x040;
const IN_MOVED_TO = 0x080;
const IN_CREATE = 0x100;
export const IN_DELETE = 0x200;
export const IN_MOVE_SELF = 0x800;
export const IN_Q_OVERFLOW = 0x4000;
export const IN_IGNORED = 0x8000;
export const IN_ISDIR = 0x4000_0000;
/** Events of the entries of a directory, which are changes of the directory itself. */
export const ENTRIES: number = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
const IN_MASK_ADD = 0x2000_0000;
const IN_CLOEXEC_NONBLOCK = 0o2004000;

/** The receiver of the events of one inode. */
export interface InodeWatcher {
  /** The IN_* bits that it requests. */
  readonly mask: number;
  /**
   * Some of them happened. IN_Q_OVERFLOW: events were lost, so anything may have happened. IN_IGNORED: the kernel has
   * removed the watch, and anything may have happened since. {@link Inotify.renew} continues the watch after both.
   */
  changed(mask: number): void;
}

/** The watch of one inode. */
interface InodeWatch {
  readonly watchers: Set<InodeWatcher>;
  /** The IN_* bits that the kernel was asked for. */
  asked: number;
}

/** The most queues that share an instance. epoll refuses a file that is in too many epoll instances: 100, if they are nested. */
const SHARE = 64;
const BYTES = 65_536;
const words = new Int32Array(new ArrayBuffer(BYTES));
/*
 * Events that were read and not delivered yet: the words from `at` to `end`, of the instance `reader`. If JavaScript is
 * stopped, for example by a timeout of node:vm, the next drain() delivers them.
 */
let reader: Inotify | null = null;
let at = 0;
let end = 0;

/**
 * An inotify(7) instance. Several queues of the isolate share it, because a user may have only 128 by default. Each inode has
 * one watch in an instance, so the watchers of an inode share that too.
 */
export class Inotify {
  fd: number;
  /** By watch descriptor. The kernel does not use a number twice. */
  readonly #watches = new Map<number, InodeWatch>();
  /** The watch descriptor of each watcher, in an object, because an assignment cannot be stopped. -1 before it is known. */
  readonly #numbers = new Map<InodeWatcher, { number: number }>();

  private constructor(fd: number) {
    this.fd = fd;
  }

  static readonly #instances = new Set<Inotify>();
  static #address = 0;
  #users = 0;

  /** Returns an instance with room for one more {@link Inotify.join}. null, and errno() is set, if it cannot be created. */
  static find(): Inotify | null {
    for (const instance of Inotify.#instances) if (instance.#users < SHARE) return instance;
    const fd = createOwn(() => libc.inotify_init1(IN_CLOEXEC_NONBLOCK));
    if (fd === -1) return null;
    if (Inotify.#address === 0) Inotify.#address = Number(koffi().address(words.buffer));
    const made = new Inotify(fd);
    Inotify.#instances.add(made);
    unowned.length--;
    return made;
  }

  join(): void {
    this.#users++;
  }

  leave(): void {
    if (this.#users <= 1) this.#close();
    this.#users--;
  }

  #close(): void {
    if (this.fd !== -1) release(this.fd);
    this.fd = -1;
    Inotify.#instances.delete(this);
  }

  /** After JavaScript was stopped: delivers the remaining events, and closes an instance that no queue has joined. */
  static repair(): void {
    if (at < end) reader?.drain();
    for (const instance of Inotify.#instances) if (instance.#users === 0) instance.#close();
  }

  /**
   * Watches the file that is open as `fd`, whatever its names are. With `/..` it watches the parent of a directory instead. For
   * a watcher that exists, adds the bits of `mask`. Returns 0 or an errno: ENOSPC if the user has no watch left.
   */
  add(fd: number, watcher: InodeWatcher, where: '' | '/..' = '', mask: number = watcher.mask): number {
    const number = this.#numbers.get(watcher)?.number;
    const asked = number === undefined ? 0 : (this.#watches.get(number)?.asked ?? 0);
    // No second call, because it needs the permission to read the file, which the process may have lost.
    if ((mask & ~asked) === 0) return 0;
    // Delivers earlier events before this watcher, which may share the watch of its inode, can receive them.
    if (number === undefined && this.#numbers.size > 0) this.drain();
    return this.#watch(fd, watcher, where, mask);
  }

  /** Continues the watch of a live watcher after IN_Q_OVERFLOW or IN_IGNORED. */
  renew(fd: number, watcher: InodeWatcher, where: '' | '/..' = ''): void {
    // On failure (EACCES, ENOSPC) the watch is lost. No call is in progress that could return the error.
    this.#watch(fd, watcher, where, watcher.mask);
  }

  #watch(fd: number, watcher: InodeWatcher, where: string, mask: number): number {
    let entry = this.#numbers.get(watcher);
    if (entry === undefined) {
      entry = { number: -1 };
      this.#numbers.set(watcher, entry);
    }
    const before = entry.number;
    // The link in /proc leads to the open file itself, whatever its name is.
    const number = libc.inotify_add_watch(this.fd, `/proc/self/fd/${fd}${where}`, mask | IN_MASK_ADD);
    if (number === -1) {
      const error = errno();
      if (before === -1) this.#numbers.delete(watcher);
      // ENOENT means that /proc is not mounted. In kevent(2) it would mean that there is no knote.
      return error === ENOENT ? EINVAL : error;
    }
    entry.number = number;
    if (before !== number) this.#watches.get(before)?.watchers.delete(watcher);
    let watch = this.#watches.get(number);
    if (watch === undefined) {
      watch = { watchers: new Set(), asked: 0 };
      this.#watches.set(number, watch);
    }
    watch.watchers.add(watcher);
    watch.asked |= mask;
    return 0;
  }

  /** Repeatable after JavaScript was stopped in it, and complete after an add() that was stopped. */
  remove(watcher: InodeWatcher): void {
    const number = this.#numbers.get(watcher)?.number;
    if (number === undefined) return;
    const watch = this.#watches.get(number);
    watch?.watchers.delete(watcher);
    if (number !== -1 && (watch?.watchers.size ?? 0) === 0) {
      // EINVAL: the kernel has removed the watch with its inode.
      libc.inotify_rm_watch(this.fd, number);
      this.#watches.delete(number);
    }
    this.#numbers.delete(watcher);
  }

  /** Reads all events, and delivers each to the watchers of its inode, in all queues. */
  drain(): void {
    for (;;) {
      while (at < end) {
        // struct inotify_event { int wd; uint32_t mask, cookie, len; char name[len]; }, len a multiple of the alignment
        const [number, mask, , length] = words.subarray(at, at + 4) as unknown as [number, number, number, number];
        // An event with a name concerns an entry of a directory. Only ENTRIES are also changes of the directory.
        if (length === 0 || (mask & ENTRIES) !== 0) (reader as Inotify).#deliver(number, mask);
        at += 4 + length / 4;
      }
      reader = this;
      at = 0;
      // EAGAIN: no event is left. No other error is possible with a valid buffer and the library's own descriptor.
      end = libc.read(this.fd, Inotify.#address, BYTES) / 4;
      if (end <= 0) return;
    }
  }

  #deliver(number: number, mask: number): void {
    if ((mask & IN_Q_OVERFLOW) !== 0) {
      for (const watcher of this.#numbers.keys()) watcher.changed(mask);
      return;
    }
    const watch = this.#watches.get(number);
    if (watch === undefined) return;
    // A watcher that renews its watch removes itself from this set.
    for (const watcher of watch.watchers) if ((mask & (watcher.mask | IN_IGNORED)) !== 0) watcher.changed(mask);
    if ((mask & IN_IGNORED) === 0) return;
    // A renewal that was stopped may have left a watcher in both sets.
    for (const watcher of watch.watchers) {
      if (this.#numbers.get(watcher)?.number === number) this.#numbers.delete(watcher);
    }
    this.#watches.delete(number);
  }
}
