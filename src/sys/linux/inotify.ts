import { createOwn, release } from '../descriptor.ts';
import { koffi } from '../koffi.ts';
import { EINVAL, ENOENT, ENOMEM, ENOSPC, errno, libc } from './syscalls.ts';

export const IN_ACCESS = 0x001;
export const IN_MODIFY = 0x002;
export const IN_ATTRIB = 0x004;
export const IN_CLOSE_WRITE = 0x008;
export const IN_CLOSE_NOWRITE = 0x010;
export const IN_OPEN = 0x020;
export const IN_MOVED_FROM = 0x040;
export const IN_MOVED_TO = 0x080;
export const IN_CREATE = 0x100;
export const IN_DELETE = 0x200;
export const IN_DELETE_SELF = 0x400;
export const IN_MOVE_SELF = 0x800;
export const IN_UNMOUNT = 0x2000;
export const IN_Q_OVERFLOW = 0x4000;
export const IN_IGNORED = 0x8000;
export const IN_ISDIR = 0x4000_0000;
/** The directory itself changed: an entry came or went. */
export const ENTRIES: number = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
const IN_MASK_ADD = 0x2000_0000;
const IN_CLOEXEC_NONBLOCK = 0o2004000;

/** Somebody who watches one inode. */
export interface Watcher {
  /** The IN_* wanted. */
  readonly mask: number;
  /** Something of it happened, or IN_Q_OVERFLOW: anything may have. */
  changed(mask: number): void;
}

/** How many queues share an instance: epoll refuses a file that is in too many epolls, more than 100 if those are nested. */
const SHARE = 64;
const BYTES = 65_536;
const words = new Int32Array(new ArrayBuffer(BYTES));

/**
 * An inotify(7) instance for many queues of the isolate: a user may have 128. An inode has one watch in it, whoever asks
 * for it, so watchers of the same inode share.
 */
export class Inotify {
  readonly fd: number;
  readonly #watchers = new Map<number, Set<Watcher>>();
  readonly #watches = new Map<Watcher, number>();
  /** A watcher that is told may add another: not all in the buffer is told by then. */
  #draining = false;

  private constructor(fd: number) {
    this.fd = fd;
  }

  static readonly #instances = new Set<Inotify>();
  static #address = 0;
  #users = 1;

  /** An instance of the isolate, to be given back with {@link Inotify.leave}. null and errno() when it cannot be had. */
  static join(): Inotify | null {
    for (const instance of Inotify.#instances) {
      if (instance.#users === SHARE) continue;
      instance.#users++;
      return instance;
    }
    const fd = createOwn(() => libc.inotify_init1(IN_CLOEXEC_NONBLOCK));
    if (fd === -1) return null;
    if (Inotify.#address === 0) Inotify.#address = Number(koffi().address(words.buffer));
    const made = new Inotify(fd);
    Inotify.#instances.add(made);
    return made;
  }

  leave(): void {
    if (--this.#users > 0) return;
    release(this.fd);
    Inotify.#instances.delete(this);
  }

  /** Watches the file that is open as `fd`, whatever its names are, or with `/..` the directory it is in: 0 or an errno. */
  add(fd: number, watcher: Watcher, where: '' | '/..' = ''): number {
    // What happened until now is no news of a watcher that shares its inode's watch from now on.
    if (this.#watches.size > 0 && !this.#watches.has(watcher) && !this.#draining) this.drain();
    // The link in /proc leads to the open file itself, not to its name.
    const watch = libc.inotify_add_watch(this.fd, `/proc/self/fd/${fd}${where}`, watcher.mask | IN_MASK_ADD);
    if (watch === -1) {
      const error = errno();
      if (error === ENOSPC) return ENOMEM;
      // ENOENT is what kevent(2) says of a missing knote; here it means that /proc is not mounted.
      return error === ENOENT ? EINVAL : error;
    }
    let watchers = this.#watchers.get(watch);
    if (watchers === undefined) {
      watchers = new Set();
      this.#watchers.set(watch, watchers);
    }
    watchers.add(watcher);
    this.#watches.set(watcher, watch);
    return 0;
  }

  remove(watcher: Watcher): void {
    const watch = this.#watches.get(watcher);
    if (watch === undefined) return;
    this.#watches.delete(watcher);
    const watchers = this.#watchers.get(watch);
    watchers?.delete(watcher);
    if (watchers?.size !== 0) return;
    this.#watchers.delete(watch);
    // EINVAL: the inode is gone, and its watch with it.
    libc.inotify_rm_watch(this.fd, watch);
  }

  /** Reads all events there are, and hands each to the watchers of its inode, of whichever queue. */
  drain(): void {
    this.#draining = true;
    for (;;) {
      const bytes = libc.read(this.fd, Inotify.#address, BYTES);
      // EAGAIN: nothing is left. There is no other error for a good buffer on a descriptor of ours.
      if (bytes <= 0) break;
      // struct inotify_event { int wd; uint32_t mask, cookie, len; char name[len]; }, len a multiple of the alignment
      for (let at = 0; at < bytes / 4; ) {
        const [watch, mask, , length] = words.subarray(at, at + 4) as unknown as [number, number, number, number];
        // A name: it happened to an entry of the directory. That entries come and go concerns the directory, no more.
        if (length === 0 || (mask & ENTRIES) !== 0) this.#deliver(watch, mask);
        at += 4 + length / 4;
      }
    }
    this.#draining = false;
  }

  #deliver(watch: number, mask: number): void {
    if ((mask & IN_Q_OVERFLOW) !== 0) {
      for (const watcher of this.#watches.keys()) watcher.changed(mask);
      return;
    }
    const watchers = this.#watchers.get(watch);
    if (watchers === undefined) return;
    for (const watcher of watchers) if ((mask & (watcher.mask | IN_UNMOUNT)) !== 0) watcher.changed(mask);
    if ((mask & IN_IGNORED) === 0) return;
    this.#watchers.delete(watch);
    for (const watcher of watchers) this.#watches.delete(watcher);
  }
}
