import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import type { Interest } from './interest.ts';
import type { Kevent } from './sys/abi/types.ts';
import { errnoName, jsonOf } from './sys/names.ts';

const { EBADF, ENOENT } = constants.errno;

/** What a {@link KqueueError} has in addition to its errno. */
export interface KqueueErrorDetails {
  /** The record or the path of the call, as text for the message. */
  readonly about?: string | undefined;
  /** The record of the change that failed. */
  readonly change?: Kevent | undefined;
  /** The interest of the change that failed. */
  readonly interest?: Interest | undefined;
  /** The path that could not be opened. */
  readonly path?: string | undefined;
}

/**
 * The error of a system call that failed. It has the properties of Node's own system errors. Test `code`:
 *
 * - ENOENT: the knote is not registered, or the file of a path does not exist
 * - EBADF: the descriptor or the queue is closed
 * - ESRCH: the process does not exist
 * - EACCES: you may not watch the process, or not open the path
 * - EINVAL: the descriptor or the system does not support the filter
 * - ENOMEM: there is not enough memory
 * - ENOSPC, EMFILE: a limit is reached. On Linux the message names the limit of inotify
 *
 * See ERRORS in kqueue(2).
 *
 * @example
 * try {
 *   kq.register(proc(pid));
 * } catch (error) {
 *   if (!(error instanceof KqueueError && error.code === 'ESRCH')) throw error;
 * }
 */
export class KqueueError extends Error {
  /** The name of the errno, such as `ENOENT`. */
  readonly code: string;
  /** The negative errno, as in Node's errors. `util.getSystemErrorName(errno)` returns `code`. */
  readonly errno: number;
  /** The call that failed: `kevent`, `kqueue`, `open`, or for a Waker `write` or `wakefd`. */
  readonly syscall: string;
  /** The record of the change that failed, as kevent(2) got it. Undefined if no change failed. */
  readonly change: Kevent | undefined;
  /** The interest of the change that failed. Undefined if no change failed. */
  readonly interest: Interest | undefined;
  /** The path that could not be opened. Undefined if no path was opened. */
  readonly path: string | undefined;

  static {
    // On the prototype, as Error has it, so that an error has no own property `name`.
    Object.defineProperty(KqueueError.prototype, 'name', { value: 'KqueueError', configurable: true, writable: true });
    // esbuild renames a class that refers to itself to _KqueueError, and console.log() shows that name.
    Object.defineProperty(KqueueError, 'name', { value: 'KqueueError', configurable: true });
  }

  /** @param errno the positive number, as in errno(2) */
  constructor(errno: number, syscall: string, { about, change, interest, path }: KqueueErrorDetails = {}) {
    const code = errnoName(errno);
    // ERRORS in kqueue(2): "The event could not be found to be modified or deleted." The text of errno(2) is about files.
    const isUnknownKnote = syscall === 'kevent' && errno === ENOENT;
    const text = isUnknownKnote ? 'not registered' : getSystemErrorMap().get(-errno)?.[1];
    super(`${code}:${text === undefined ? '' : ` ${text},`} ${syscall}${about === undefined ? '' : ` ${about}`}`);
    this.code = code;
    this.errno = -errno;
    this.syscall = syscall;
    this.change = change;
    this.interest = interest;
    this.path = path;
  }

  /** For JSON.stringify(). The interest is left out, as its token may be any value. An integer beyond 2^53 becomes a string. */
  toJSON(): Record<string, unknown> {
    const { name, message, code, errno, syscall, change, path } = this;
    const record = change && Object.fromEntries(Object.entries(change).map(([field, value]) => [field, jsonOf(value)]));
    return { name, message, code, errno, syscall, change: record, path };
  }
}

/** Makes the error that every call on a closed queue throws. */
export function closedError(interest?: Interest): KqueueError {
  return new KqueueError(EBADF, 'kevent', { about: '(the queue is closed)', interest });
}
