import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { koffi } from './koffi.ts';
import { isMainThread } from './runtime.ts';

/** fcntl(2) F_DUPFD_CLOEXEC: one number a system. */
const F_DUPFD_CLOEXEC =
  { darwin: 67, freebsd: 17, openbsd: 10, netbsd: 12, dragonfly: 17, linux: 1030 }[process.platform as string] ?? -1;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const linux = process.platform === 'linux';
/** For dup3(2): the number of Linux. */
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
    // Variadic: arm64 macOS passes such arguments on the stack.
    fcntl: self.func('fcntl', 'int', ['int', 'int', '...']) as unknown as Fcntl,
    dup2: self.func('dup2', 'int', ['int', 'int']) as unknown as Libc['dup2'],
    dup3: linux ? (self.func('dup3', 'int', ['int', 'int', 'int']) as unknown as Libc['dup3']) : undefined,
    close: self.func('close', 'int', ['int']) as unknown as Libc['close'],
  };
  return libc;
}

/**
 * Descriptors that were just opened and that no object owns yet. Whoever stores the number in its object deletes it here,
 * without the call of a function between the two. What is left here was opened by code that was stopped.
 */
export const unowned: Set<number> = new Set();

/** Closes what was opened by code that was stopped, as by a vm timeout. */
export function closeUnowned(): void {
  for (const fd of unowned) release(fd);
}

/** Numbers that Node's fs knows of as this worker's, and must be told when they are closed. */
const tracked = new Set<number>();

/** The descriptors of this thread that no caller may register: all that the library opened, but for the queues themselves. */
const own = new Set<number>();

/** Whether the library opened `fd` for itself and has not closed it. Its owner may have closed it all the same. */
export function isClaimed(fd: number): boolean {
  return own.has(fd);
}

/**
 * Makes a descriptor with `create`, a foreign call that returns a descriptor, or -1 and `koffi.errno()`. When a worker is
 * terminated, Node closes the descriptors that fs opened there, and no others. So in a worker the descriptor is moved onto
 * a number that fs opened. On the main thread it stays as it is. The descriptor is in {@link unowned}.
 */
export function createTracked(create: () => number): number {
  const fd = isMainThread() ? create() : createInWorker(create);
  if (fd !== -1) unowned.add(fd);
  // The kernel has just given the number away: what had it before is closed.
  own.delete(fd);
  return fd;
}

/** As {@link createTracked}, for a descriptor that no caller may register. To be closed with {@link release}. */
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
    // EMFILE: no number to move to. The descriptor works all the same, and only a terminated worker leaks it.
    return create();
  }
  // terminate() takes effect where JavaScript enters a function or repeats a loop: when `create` is entered, and not
  // again before the end of this function. So a terminated worker does not leak between the calls.
  const fd = create();
  // The slot may have had the last free number. Called again, create() also leaves its errno for the caller.
  if (fd === -1) {
    closeSync(slot);
    return create();
  }
  // dup2(2) clears close-on-exec: a child that another thread starts at that moment inherits the descriptor. Elsewhere
  // what is moved is a kqueue, which a child of fork(2) does not inherit (kqueue(2)); macOS has no dup3().
  if ((dup3 === undefined ? dup2(fd, slot) : dup3(fd, slot, O_CLOEXEC)) === -1) {
    closeSync(slot);
    return fd;
  }
  if (dup3 === undefined) fcntl(slot, F_SETFD, 'int', FD_CLOEXEC);
  close(fd);
  tracked.add(slot);
  return slot;
}

/** Closes a number that {@link createTracked} gave, through fs: 0. Undefined for any other number, which stays open. */
export function untrack(fd: number): 0 | undefined {
  if (!tracked.delete(fd)) return undefined;
  try {
    closeSync(fd);
  } catch {
    // EBADF: somebody closed it underneath us, which is what was wanted.
  }
  return 0;
}

/**
 * A private duplicate of `fd`, close-on-exec (fcntl(2), F_DUPFD_CLOEXEC), to be closed with {@link release}. It keeps
 * the open file alive when `fd` itself is closed. -1 and `koffi.errno()` when it fails.
 */
export function duplicate(fd: number): number {
  // At least 3: a duplicate must not become the process's standard input when that was closed.
  const { fcntl } = bind();
  const copy = createOwn(() => fcntl(fd, F_DUPFD_CLOEXEC, 'int', 3));
  unowned.delete(copy);
  return copy;
}

/** Closes a descriptor that {@link duplicate}, {@link createOwn} or {@link createTracked} gave. */
export function release(fd: number): void {
  own.delete(fd);
  if (untrack(fd) === undefined) bind().close(fd);
  unowned.delete(fd);
}

/** macOS, <sys/fcntl.h>: for events only, so that the volume can still be unmounted. */
const O_EVTONLY = process.platform === 'darwin' ? 0x8000 : constants.O_RDONLY;
/** Without O_NONBLOCK the open of a FIFO sleeps until a writer comes, with O_EVTONLY too (XNU, fifo_open in fifo_vnops.c). */
const FOR_EVENTS = O_EVTONLY | constants.O_NONBLOCK;

/** A file that this library opened, for events only. Its number alone does not identify it: somebody may close that. */
export class OpenedFile {
  readonly fd: number;
  readonly #device: bigint;
  readonly #inode: bigint;

  /**
   * open(2), through fs and not through libc: Node closes what fs opened in a worker that is terminated.
   * @throws the error of openSync()
   */
  constructor(path: string | Uint8Array) {
    this.fd = openSync(path as string | Buffer, FOR_EVENTS);
    const { dev, ino } = fstatSync(this.fd, { bigint: true });
    this.#device = dev;
    this.#inode = ino;
  }

  /** Closes it, unless the number is closed already or is another file. */
  close(): void {
    try {
      const { dev, ino } = fstatSync(this.fd, { bigint: true });
      if (dev === this.#device && ino === this.#inode) closeSync(this.fd);
    } catch {
      // EBADF: somebody else has closed it.
    }
  }
}
