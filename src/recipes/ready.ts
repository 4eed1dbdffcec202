import { type ReadEvent, read, type WriteEvent, write } from '../index.ts';
import { once } from './once.ts';
import type { TimeoutOptions } from './options.ts';

/**
 * Waits until a descriptor can be read: bytes are there, a connection waits, or the other side is gone. It reads nothing.
 * Do not close the descriptor while you wait. Abort the signal first, because no kernel reports the close.
 *
 * @example
 * ```ts
 * const { bytes, eof } = await readable(fd, { timeout: 1000 });
 * ```
 *
 * @returns the event: `bytes`, how many bytes there are, and `eof`, whether the other side is gone
 * @throws (rejects with) KqueueError EBADF: the descriptor is closed
 * @throws (rejects with) KqueueError EINVAL: the descriptor cannot be watched
 * @throws (rejects with) Error with code ETIMEDOUT: it is not readable within `timeout` milliseconds
 * @throws (rejects with) the signal's reason: the signal is aborted
 * @throws (rejects with) TypeError, RangeError: an argument is invalid
 */
export async function readable(fd: number, options: TimeoutOptions = {}): Promise<ReadEvent> {
  return (await once(read(fd), options)) as ReadEvent;
}

/**
 * Waits until a descriptor can be written: there is space, or the other side is gone. It writes nothing. Do not close the
 * descriptor while you wait. Abort the signal first, because no kernel reports the close.
 *
 * @example
 * ```ts
 * const { bytes } = await writable(fd, { signal: AbortSignal.timeout(1000) });
 * ```
 *
 * @returns the event: `bytes`, how many bytes of space there are, and `eof`, whether the other side is gone
 * @throws (rejects with) KqueueError EBADF: the descriptor is closed
 * @throws (rejects with) KqueueError EPIPE: the reader of the pipe is gone, on some systems
 * @throws (rejects with) KqueueError EINVAL: the descriptor cannot be watched
 * @throws (rejects with) Error with code ETIMEDOUT: it is not writable within `timeout` milliseconds
 * @throws (rejects with) the signal's reason: the signal is aborted
 * @throws (rejects with) TypeError, RangeError: an argument is invalid
 */
export async function writable(fd: number, options: TimeoutOptions = {}): Promise<WriteEvent> {
  return (await once(write(fd), options)) as WriteEvent;
}
