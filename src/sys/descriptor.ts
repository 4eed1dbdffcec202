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

/*
 * JavaScript may be stopped by terminate(), a timeout of node:vm, or Ctrl-C in the REPL. V8 stops it at the entry of a function,
 * also of a built-in one such as Set.prototype.add(), and at the repetition of a loop. It does not stop it at a foreign call. So no
 * function is called between a foreign call that opens or closes a descriptor and the assignment that records it. That is why
 * these are arrays.
 */

/**
 * Descriptors that were opened and that no object owns yet. -1 stands for one that is not open yet, or not any more. The code that
 * stores the newest number in its object also removes it here, with `unowned.length--`. A number that remains was opened by
 * code that was stopped.
 */
export const unowned: number[] = [];

/** Closes the descriptors that stopped code opened, for example code stopped by a timeout of node:vm. */
export function closeUnowned(): void {
  while (unowned.length > 0) {
    const fd = unowned[unowned.length - 1] as number;
    if (fd !== -1) release(fd);
    unowned.length--;
  }
}

/** At the number of each descriptor that Node's fs opened: true. fs must also close it, because Node keeps a list in a worker. */
const openedByFs: boolean[] = [];

/** At the number of each descriptor that no caller may register: true. That is all that the library opened, but for queues. */
const own: boolean[] = [];

/** Whether the library opened `fd` for itself and has not closed it. The caller may have closed the number nevertheless. */
export function isOwn(fd: number): boolean {
  return own[fd] === true;
}

/**
 * Makes a descriptor that does not leak when its worker is terminated, and appends it to {@link unowned}. `create` is
 * a foreign call that returns a descriptor, or -1 and `koffi.errno()`.
 *
 * When a worker is terminated, Node closes only the descriptors that fs opened there. So in a worker the descriptor moves
 * onto a number that fs opened. On the main thread it keeps its number.
 */
export function createTracked(create: () => number): number {
  const { fcntl, dup2, dup3, close } = bind();
  const slot = isMainThread() ? -1 : openSlot();
  // `create` may append other descriptors.
  const at = unowned.length;
  unowned[at] = slot;
  if (slot !== -1) openedByFs[slot] = true;
  let fd = create();
  // dup2(2) clears close-on-exec, so a child that another thread starts at that moment inherits the descriptor. That is
  // why Linux uses dup3(2). Elsewhere the descriptor is a kqueue, which a child of fork(2) does not inherit (kqueue(2)).
  // macOS has no dup3().
  const moved = slot !== -1 && fd !== -1 && (dup3 === undefined ? dup2(fd, slot) : dup3(fd, slot, O_CLOEXEC)) !== -1;
  if (moved) {
    if (dup3 === undefined) fcntl(slot, F_SETFD, 'int', FD_CLOEXEC);
    close(fd);
    fd = slot;
  } else if (slot !== -1) {
    unowned[at] = fd;
    openedByFs[slot] = false;
    closeSync(slot);
    // The slot may have taken the last free number. A second failure also sets errno for the caller.
    if (fd === -1) fd = create();
  }
  unowned[at] = fd;
  if (fd === -1) {
    unowned.length = at;
    return -1;
  }
  openedByFs[fd] = moved;
  // The kernel has just assigned this number, so the earlier descriptor of that number is closed.
  own[fd] = false;
  return fd;
}

/** Opens a number through fs. Returns -1 if none is free. A descriptor that gets no slot leaks if its worker is terminated. */
function openSlot(): number {
  try {
    return openSync('/dev/null', 'r');
  } catch (error) {
    if (!['EMFILE', 'ENFILE'].includes((error as NodeJS.ErrnoException).code as string)) throw error;
    return -1;
  }
}

/** As {@link createTracked}, for a descriptor that no caller may register. {@link release} closes it. */
export function createOwn(create: () => number): number {
  const fd = createTracked(create);
  if (fd !== -1) own[fd] = true;
  return fd;
}

/** Throws every error but EBADF: the number was already closed. */
function ignoreClosed(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'EBADF') throw error;
}

/** Closes a descriptor that fs opened. Returns 0, or undefined for any other number. */
export function closeByFs(fd: number): 0 | undefined {
  if (openedByFs[fd] !== true) return undefined;
  try {
    closeSync(fd);
  } catch (error) {
    ignoreClosed(error);
  }
  openedByFs[fd] = false;
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
  if (copy !== -1) unowned.length--;
  return copy;
}

/** Sets the close-on-exec flag of an open descriptor (fcntl(2), F_SETFD), which cannot fail. */
export function setCloseOnExec(fd: number): void {
  bind().fcntl(fd, F_SETFD, 'int', FD_CLOEXEC);
}

/** Closes a descriptor made by {@link duplicate}, {@link createOwn} or {@link createTracked}. */
export function release(fd: number): void {
  const { close } = bind();
  const at = unowned.lastIndexOf(fd);
  if (closeByFs(fd) === undefined) close(fd);
  own[fd] = false;
  if (at !== -1) unowned[at] = -1;
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
   * open(2), through fs instead of libc, because Node closes the files that fs opened in a terminated worker. The descriptor is in
   * {@link unowned}.
   * @throws the error of openSync()
   */
  constructor(path: string | Uint8Array) {
    this.fd = openSync(path as string | Buffer, FOR_EVENTS);
    unowned[unowned.length] = this.fd;
    openedByFs[this.fd] = true;
    const { dev, ino } = fstatSync(this.fd, { bigint: true });
    this.#device = dev;
    this.#inode = ino;
  }

  /** Closes the file, unless its number is already closed or belongs to another file. */
  close(): void {
    try {
      const { dev, ino } = fstatSync(this.fd, { bigint: true });
      if (dev === this.#device && ino === this.#inode) closeByFs(this.fd);
    } catch (error) {
      ignoreClosed(error);
    }
  }
}
