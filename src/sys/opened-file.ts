import { closeSync, constants, fstatSync, openSync } from 'node:fs';

/** macOS, <sys/fcntl.h>: for events only, so that the volume can still be unmounted. */
const O_EVTONLY = process.platform === 'darwin' ? 0x8000 : constants.O_RDONLY;
/** Without O_NONBLOCK the open of a FIFO sleeps until a writer comes, with O_EVTONLY too (XNU, fifo_open in fifo_vnops.c). */
const FLAGS = O_EVTONLY | constants.O_NONBLOCK;

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
    this.fd = openSync(path as string | Buffer, FLAGS);
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
