import { closeSync, openSync } from 'node:fs';
import { koffi } from './koffi.ts';
import { isMainThread } from './thread.ts';

/** fcntl(2) F_DUPFD_CLOEXEC: one number a system. */
const F_DUPFD_CLOEXEC =
  { darwin: 67, freebsd: 17, openbsd: 10, netbsd: 12, dragonfly: 17, linux: 1030 }[process.platform as string] ?? -1;
const F_SETFD = 2;
const FD_CLOEXEC = 1;

type Fcntl = (fd: number, command: number, type: 'int', argument: number) => number;
interface Libc {
  fcntl: Fcntl;
  dup2(from: number, to: number): number;
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
    close: self.func('close', 'int', ['int']) as unknown as Libc['close'],
  };
  return libc;
}

/** Numbers that Node's fs knows of as this worker's, and must be told when they are closed. */
const tracked = new Set<number>();

/** The descriptors of this thread that no caller may register: all that the library opened, but for the queues themselves. */
const own = new Set<number>();

/** Takes the number of a descriptor that the library has just opened for itself. {@link release} gives it back. */
export function claim(fd: number): number {
  own.add(fd);
  return fd;
}

/** Whether the library opened `fd` for itself and has not closed it. Its owner may have closed it all the same. */
export function isClaimed(fd: number): boolean {
  return own.has(fd);
}

/**
 * Node closes, when a worker is terminated, the descriptors that fs opened there, and no others. So in a worker a
 * descriptor that a foreign call made is moved onto a number that fs opened. On the main thread it stays as it is.
 * Returns the number it has from now on; the old one is closed if it moved.
 */
export function trackInWorker(fd: number): number {
  // The kernel has just given the number away: what had it before is closed.
  own.delete(fd);
  if (isMainThread()) return fd;
  const { dup2, fcntl, close } = bind();
  let slot: number;
  try {
    slot = openSync('/dev/null', 'r');
  } catch {
    // No number left to move to (EMFILE): the descriptor works all the same, and only a terminated worker would leak it.
    return fd;
  }
  if (dup2(fd, slot) === -1 || fcntl(slot, F_SETFD, 'int', FD_CLOEXEC) === -1) {
    closeSync(slot);
    return fd;
  }
  close(fd);
  own.delete(slot);
  tracked.add(slot);
  return slot;
}

/** Closes a number that {@link trackInWorker} gave, through fs: 0. Undefined for any other number, which stays open. */
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
  const copy = bind().fcntl(fd, F_DUPFD_CLOEXEC, 'int', 3);
  return copy === -1 ? -1 : claim(trackInWorker(copy));
}

/** Closes a descriptor that {@link duplicate} or {@link trackInWorker} gave. */
export function release(fd: number): void {
  own.delete(fd);
  if (untrack(fd) === undefined) bind().close(fd);
}
