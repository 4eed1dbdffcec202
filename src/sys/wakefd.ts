import { bindLibc, EAGAIN, EBADF, errno, isFile, libc, scratchAddress, statOf } from './linux/syscalls.ts';

/** A descriptor of `Sys.wakefd`, as every thread of the process finds it. */
export interface Wakefd {
  readonly fd: number;
  /** Identify the file (fstat(2)). The pipe has an inode of its own. */
  readonly device: bigint;
  readonly inode: bigint;
}

/** Returns undefined if the descriptor is closed. */
export function wakefdOf(fd: number): Wakefd | undefined {
  const stat = statOf(fd);
  return stat && { fd, device: stat.device, inode: stat.inode };
}

/** Returns a function that wakes the queue. It returns 0 or an errno, which is EBADF if the queue is closed. */
export function writerTo({ fd, device, inode }: Wakefd): () => number {
  bindLibc();
  return () => {
    // A worker that is terminated closes its queues, and the number may be another file by now.
    if (!isFile(fd, device, inode)) return EBADF;
    // The byte has no meaning. EAGAIN: the pipe is full of wakes that were not fetched, so this wake is one of them.
    return libc.write(fd, scratchAddress, 1) === -1 && errno() !== EAGAIN ? errno() : 0;
  };
}
