import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { koffi } from './koffi.ts';
import { isMainThread } from './runtime.ts';

/** fcntl(2) F_DUPFD_CLOEXEC has a different number on each system. */
const F_DUPFD_CLOEXEC =
  { darwin: 67, freebsd: 17, openbsd: 10, netbsd: 12, dragonfly: 17, linux: 1030 }[process.platform as string] ?? -1;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const linux = process.platform === 'linux';
/** For dup3(2): the number of asm-generic/fcntl.h of Linux. */
const O_CLOEXEC = 0o2000000;

type Fcntl = (fd: number, command: number, type: 'int', argument: number) => number;
interface Libc {
  fcntl: Fcntl;
  dup2(from: number, to: number): number;
  dup3: ((from: number, to: number, flags: number) => number) | undefined;
  close(fd: number): number;
}
let libc: Libc | undefined;

function bind(): Libc {
  if (libc !== undefined) return libc;
  const self = koffi().load(null);
  libc = {
    // arm64 macOS passes variadic arguments on the stack, so fcntl(2) must be declared variadic.
    fcntl: self.func('fcntl', 'int', ['int', 'int', '...']) as unknown as Fcntl,
    dup2: self.func('dup2', 'int', ['int', 'int']) as unknown as Libc['dup2'],
    dup3: linux ? (self.func('dup3', 'int', ['int', 'int', 'int']) as unknown as Libc['dup3']) : undefined,
    close: self.func('close', 'int', ['int']) as unknown as Libc['close'],
  };
  return libc;
}

/**
 * Descriptors that were just opened and that no object owns yet. The code that stores the number in its object also
 * deletes it here, with no function call between the two. A number that remains was opened by code that was stopped.
 */
export const unowned: Set<number> = new Set();

/** Closes the descriptors that stopped code opened, for example code stopped by a timeout of node:vm. */
export function closeUnowned(): void {
  for (const fd of unowned) release(fd);
}

/** Numbers that Node's fs opened in this worker. fs must also close them, because Node keeps a list of them. */
const tracked = new Set<number>();

/** This thread's descriptors that no caller may register: all that the library opened, except the queues themselves. */
const own = new Set<number>();

/** Whether the library opened `fd` for itself and has not closed it. The caller may have closed the number nevertheless. */
export function isOwn(fd: number): boolean {
  return own.has(fd);
}

/**
 * Makes a descriptor that does not leak when its worker is terminated, and puts it into {@link unowned}. `create` is
 * a foreign call that returns a descriptor, or -1 and `koffi.errno()`.
 *
 * When a worker is terminated, Node closes only the descriptors that fs opened there. So in a worker the descriptor moves
 * onto a number that fs opened. On the main thread it keeps its number.
 */
export function createTracked(create: () => number): number {
  const fd = isMainThread() ? create() : createInWorker(create);
  if (fd !== -1) unowned.add(fd);
  // The kernel has just assigned this number, so the earlier descriptor of that number is closed.
  own.delete(fd);
  return fd;
}

/** As {@link createTracked}, for a descriptor that no caller may register. {@link release} closes it. */
export function createOwn(create: () => number): number {
  const fd = createTracked(create);
  if (fd !== -1) own.add(fd);
  return fd;
}

function createInWorker(create: () => number): number {
  const { fcntl, dup2, dup3, close } = bind();
  let slot: number;
  try {
    slot = openSync('/dev/null', 'r');
  } catch {
    // EMFILE: no number to move to. The descriptor works, but leaks if the worker is terminated.
    return create();
  }
  // terminate() takes effect where JavaScript enters a function or repeats a loop. That is the entry of `create`, and
  // then not before the end of this function. So a terminated worker leaks nothing between these calls.
  const fd = create();
  // The slot may have taken the last free number. A second failure also sets errno for the caller.
  if (fd === -1) {
    closeSync(slot);
    return create();
  }
  // dup2(2) clears close-on-exec, so a child that another thread starts at that moment inherits the descriptor. That is
  // why Linux uses dup3(2). Elsewhere the descriptor is a kqueue, which a child of fork(2) does not inherit (kqueue(2)).
  // macOS has no dup3().
  if ((dup3 === undefined ? dup2(fd, slot) : dup3(fd, slot, O_CLOEXEC)) === -1) {
    closeSync(slot);
    return fd;
  }
  if (dup3 === undefined) fcntl(slot, F_SETFD, 'int', FD_CLOEXEC);
  close(fd);
  tracked.add(slot);
  return slot;
}

/** Closes a number that fs opened in a worker for {@link createTracked}. Returns 0, or undefined for any other number. */
export function untrack(fd: number): 0 | undefined {
  if (!tracked.delete(fd)) return undefined;
  try {
    closeSync(fd);
  } catch {
    // EBADF: the number is already closed.
  }
  return 0;
}

/**
 * A private duplicate of `fd`, close-on-exec (fcntl(2), F_DUPFD_CLOEXEC). It keeps the open file alive when `fd` itself is
 * closed. {@link release} closes it. Returns -1 and sets `koffi.errno()` on failure.
 */
export function duplicate(fd: number): number {
  // At least 3, because a duplicate must not become a standard stream that the process has closed.
  const { fcntl } = bind();
  const copy = createOwn(() => fcntl(fd, F_DUPFD_CLOEXEC, 'int', 3));
  unowned.delete(copy);
  return copy;
}

/** Closes a descriptor made by {@link duplicate}, {@link createOwn} or {@link createTracked}. */
export function release(fd: number): void {
  own.delete(fd);
  if (untrack(fd) === undefined) bind().close(fd);
  unowned.delete(fd);
}

/** macOS, <sys/fcntl.h>: opens for events only, so that the volume can still be unmounted. */
const O_EVTONLY = process.platform === 'darwin' ? 0x8000 : constants.O_RDONLY;
/** Without O_NONBLOCK, opening a FIFO blocks until a writer opens it, even with O_EVTONLY (XNU, fifo_vnops.c, fifo_open). */
const FOR_EVENTS = O_EVTONLY | constants.O_NONBLOCK;

/** A file that this library opened for events only. Its number does not identify it, because the caller may close it. */
export class OpenedFile {
  readonly fd: number;
  readonly #device: bigint;
  readonly #inode: bigint;

  /**
   * open(2), through fs instead of libc, because Node closes the files that fs opened in a terminated worker.
   * @throws the error of openSync()
   */
  constructor(path: string | Uint8Array) {
    this.fd = openSync(path as string | Buffer, FOR_EVENTS);
    const { dev, ino } = fstatSync(this.fd, { bigint: true });
    this.#device = dev;
    this.#inode = ino;
  }

  /** Closes the file, unless its number is already closed or belongs to another file. */
  close(): void {
    try {
      const { dev, ino } = fstatSync(this.fd, { bigint: true });
      if (dev === this.#device && ino === this.#inode) closeSync(this.fd);
    } catch {
      // EBADF: the number is already closed.
    }
  }
}
