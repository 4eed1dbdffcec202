import { isFile, libc, statOf } from './syscalls.ts';

const F_SETOWN = 8;
const F_GETOWN = 9;

/** The last registered file of each number, in all queues of the thread. */
const registered = new Map<number, FileIdentity>();

/**
 * Identifies the open file of a descriptor. The number and the inode do not identify it, because both are the same after
 * close(2) and open(2) of the same path. So the open file is marked as owned by this process (fcntl(2), F_SETOWN). The kernel
 * stores the owner with the open file, and a file that is opened again has none.
 *
 * The owner gets the signals of O_ASYNC and of leases, so an owner that the program has set stays. Then only the inode is
 * compared. The same holds for O_PATH, which has no owner.
 *
 * All queues of the thread share the identity of a number. Once a check has found another file there, the identity is invalid
 * in all of them, even after a queue has marked the new file.
 */
export class FileIdentity {
  readonly #device: bigint;
  readonly #inode: bigint;
  readonly #marked: boolean;

  private constructor(device: bigint, inode: bigint, marked: boolean) {
    this.#device = device;
    this.#inode = inode;
    this.#marked = marked;
  }

  /** null if the descriptor is closed. */
  static of(fd: number): FileIdentity | null {
    const known = registered.get(fd);
    // Checked before the mark is set. With the mark, a file that was opened again would equal the file before.
    if (known?.same(fd) === true) return known;
    const stat = statOf(fd);
    // EBADF, the only error of statx(2) for a valid buffer.
    if (stat === undefined) return null;
    if (libc.fcntl(fd, F_GETOWN, 0) === 0) libc.fcntl(fd, F_SETOWN, process.pid);
    const marked = libc.fcntl(fd, F_GETOWN, 0) === process.pid;
    const identity = new FileIdentity(stat.device, stat.inode, marked);
    registered.set(fd, identity);
    return identity;
  }

  /** Whether `fd` is still that file. Once it has returned false, it always does. */
  same(fd: number): boolean {
    if (registered.get(fd) !== this) return false;
    if (this.#isAt(fd)) return true;
    registered.delete(fd);
    return false;
  }

  #isAt(fd: number): boolean {
    if (this.#marked && libc.fcntl(fd, F_GETOWN, 0) !== process.pid) return false;
    return isFile(fd, this.#device, this.#inode);
  }
}
