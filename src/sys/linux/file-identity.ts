import { libc, statOf } from './syscalls.ts';

const F_SETOWN = 8;
const F_GETOWN = 9;

/** The file that was last registered under each number, in any queue of the thread. */
const registered = new Map<number, FileIdentity>();

/**
 * Which open file a descriptor number was. A number and an inode do not identify it: after close(2) and open(2) of the
 * same path both are the same. So the open file is marked as owned by this process (fcntl(2), F_SETOWN). The kernel keeps
 * that with the open file, and a file that is opened again lacks it. The owner gets the signals of O_ASYNC and of leases,
 * so an owner that somebody else has set stays. Only the inode is compared then, and for O_PATH, which has no owner.
 *
 * All queues of the thread share the identity of a number. Once a look has found another file there, the identity is
 * invalid in each of them, also after a queue has marked the new file.
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

  /** null where the descriptor is closed. */
  static of(fd: number): FileIdentity | null {
    const known = registered.get(fd);
    // This look comes before the mark, which would make a file that was opened again look like the one before.
    if (known?.same(fd) === true) return known;
    const stat = statOf(fd);
    // EBADF: statx(2) gives no other error for a valid buffer.
    if (stat === undefined) return null;
    if (libc.fcntl(fd, F_GETOWN, 0) === 0) libc.fcntl(fd, F_SETOWN, process.pid);
    const marked = libc.fcntl(fd, F_GETOWN, 0) === process.pid;
    const identity = new FileIdentity(stat.device, stat.inode, marked);
    registered.set(fd, identity);
    return identity;
  }

  /** Whether `fd` still is that file. False once is false for ever. */
  same(fd: number): boolean {
    if (registered.get(fd) !== this) return false;
    if (this.#isAt(fd)) return true;
    registered.delete(fd);
    return false;
  }

  #isAt(fd: number): boolean {
    if (this.#marked && libc.fcntl(fd, F_GETOWN, 0) !== process.pid) return false;
    const stat = statOf(fd);
    return stat?.device === this.#device && stat.inode === this.#inode;
  }
}
