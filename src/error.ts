import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import type { Interest } from './interest.ts';
import type { Kevent } from './sys/abi/types.ts';
import { errnoName, jsonOf } from './sys/names.ts';

/** What a {@link KqueueError} knows beside its errno. */
export interface KqueueErrorDetails {
  /** What the call was about, as the message shows it: a record, a path. */
  readonly about?: string | undefined;
  /** The record of the change. */
  readonly change?: Kevent | undefined;
  /** What was to be registered, unregistered or changed. */
  readonly interest?: Interest | undefined;
  /** The path that was to be opened. */
  readonly path?: string | undefined;
}

/**
 * A system call that failed, in the shape of Node's own errors. `code` is what to test: ENOENT where no such knote is
 * registered, EBADF for a closed descriptor or a closed queue, ESRCH for a process that does not exist, EINVAL for a
 * filter that the descriptor or the system does not have, EACCES for a process that one may not watch, ENOMEM. On Linux
 * ENOSPC and EMFILE name the limit of inotify in the message. See the ERRORS of kqueue(2).
 */
export class KqueueError extends Error {
  /** The errno's name: `ENOENT`. */
  readonly code: string;
  /** The errno as Node's errors have it, negative: `util.getSystemErrorName(errno)` is `code`. */
  readonly errno: number;
  /** The call that failed: `kevent`, `kqueue`, `open`; `write`, `wakefd` or `fcntl` of a Waker; `sigaction` of signal(). */
  readonly syscall: string;
  /** The record of the change that failed, as it was handed to kevent(2); undefined if it was not about one. */
  readonly change: Kevent | undefined;
  /** What was to be registered, unregistered or changed; undefined if it was not about one. */
  readonly interest: Interest | undefined;
  /** The path that could not be opened; undefined if there was none. */
  readonly path: string | undefined;

  static {
    // Where Error has its own, so that it is no property of every error.
    Object.defineProperty(KqueueError.prototype, 'name', { value: 'KqueueError', configurable: true, writable: true });
    // esbuild makes _KqueueError of a class that names itself, and console.log() believes that.
    Object.defineProperty(KqueueError, 'name', { value: 'KqueueError', configurable: true });
  }

  /** @param errno the number of errno(2), positive */
  constructor(errno: number, syscall: string, { about, change, interest, path }: KqueueErrorDetails = {}) {
    const code = errnoName(errno);
    const text = getSystemErrorMap().get(-errno)?.[1];
    super(`${code}:${text === undefined ? '' : ` ${text},`} ${syscall}${about === undefined ? '' : ` ${about}`}`);
    this.code = code;
    this.errno = -errno;
    this.syscall = syscall;
    this.change = change;
    this.interest = interest;
    this.path = path;
  }

  /** For JSON.stringify(): without the interest, whose token may be anything. An integer beyond 2^53 is a string. */
  toJSON(): Record<string, unknown> {
    const { name, message, code, errno, syscall, change, path } = this;
    const record = change && Object.fromEntries(Object.entries(change).map(([field, value]) => [field, jsonOf(value)]));
    return { name, message, code, errno, syscall, change: record, path };
  }
}

/** What every call on a closed queue throws. */
export function closedError(interest?: Interest): KqueueError {
  return new KqueueError(constants.errno.EBADF, 'kevent', { about: '(the queue is closed)', interest });
}
