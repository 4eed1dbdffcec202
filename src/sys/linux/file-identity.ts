import { libc, statOf } from './syscalls.ts';

const F_SETOWN = 8;
const F_GETOWN = 9;

/**
 * Which file a descriptor was. Two looks at /etc/hosts are one inode, so an open file is marked: as owned by this
 * process, which fcntl(2) keeps with the open file and which a new open(2) lacks. The owner gets the signals of O_ASYNC
 * and of leases; who uses those has set it, and then the inode has to do.
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
    const stat = statOf(fd);
    // EBADF: statx(2) gives no other error for a valid buffer.
    if (stat === undefined) return null;
    // Fails on a descriptor of O_PATH, which has no owner.
    if (libc.fcntl(fd, F_GETOWN, 0) === 0) libc.fcntl(fd, F_SETOWN, process.pid);
    return new FileIdentity(stat.device, stat.inode, libc.fcntl(fd, F_GETOWN, 0) === process.pid);
  }

  /** Whether `fd` still is that file. */
  same(fd: number): boolean {
    if (this.#marked && libc.fcntl(fd, F_GETOWN, 0) !== process.pid) return false;
    const stat = statOf(fd);
    return stat?.device === this.#device && stat.inode === this.#inode;
  }
}
