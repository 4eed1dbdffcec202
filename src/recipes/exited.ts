import { type ExitStatus, type ProcEvent, proc } from '../index.ts';
import { once } from './once.ts';
import type { TimeoutOptions } from './options.ts';

/**
 * Waits until a process exits. It need not be a child of this process. Any number of waits for one process, and for
 * several processes, can be pending. On Linux each process that is waited for takes a file descriptor.
 *
 * @example
 * ```ts
 * const status = await exited(pid, { timeout: 5000 });
 * console.log(status?.code ?? status?.signal ?? 'unknown');
 * ```
 *
 * @param pid 1 or more
 * @returns the exit status, or undefined where the system does not report it for this process
 * @throws (rejects with) KqueueError ESRCH: no such process, or it has exited already
 * @throws (rejects with) KqueueError EACCES: this process may not watch it
 * @throws (rejects with) KqueueError EMFILE: this process has no file descriptor left
 * @throws (rejects with) Error with code ETIMEDOUT: the process still runs after `timeout` milliseconds
 * @throws (rejects with) the signal's reason: the signal is aborted
 * @throws (rejects with) TypeError, RangeError: an argument is invalid
 */
export async function exited(pid: number, options: TimeoutOptions = {}): Promise<ExitStatus | undefined> {
  return ((await once(proc(pid), options)) as ProcEvent).exitStatus;
}
