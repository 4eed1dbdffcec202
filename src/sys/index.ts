/**
 * The system-call API: kqueue(2) in TypeScript, with the names, the argument order and the -1 and errno of the man page.
 *
 * @module
 */

import { defaultSys, unavailableReason } from './default-sys.ts';
import type { KeventList } from './kevent-list.ts';
import type { Timespec } from './timespec.ts';

export type { AbiName, Constants, CType, Kevent, Quirks } from './abi/types.ts';
export * from './constants.ts';
export { abi } from './default-abi.ts';
export { defaultSys, unavailableReason } from './default-sys.ts';
export { EV_SET, KeventList } from './kevent-list.ts';
export { type Abi, abis, type Field, type Layout } from './layout.ts';
export { errnoName, filterName, flagNames, noteNames } from './names.ts';
export { bindKqueue } from './native.ts';
export type { Binding, Sys } from './sys.ts';
export { Timespec } from './timespec.ts';
export { traceSys } from './trace.ts';

/** Whether there is a kqueue on this machine. Loads koffi. */
export function available(): boolean {
  return unavailableReason() === undefined;
}

/**
 * kqueue(2): makes a queue and returns its descriptor, which is close-on-exec.
 *
 * Returns -1 and sets {@link errno} on failure:
 * - EMFILE: the process has too many open descriptors.
 * - ENFILE: the system has too many open files.
 * - ENOMEM: the kernel has no memory left.
 *
 * @throws Error there is no kqueue on this machine, with the reason
 *
 * @example
 * ```ts
 * const kq = kqueue();
 * if (kq === -1) throw new Error(`kqueue: ${errnoName(errno())}`);
 * ```
 */
export function kqueue(): number {
  return defaultSys().kqueue();
}

/**
 * kevent(2): applies the first `nchanges` records of `changelist`, in order, and then fetches at most `nevents` events into
 * `eventlist`. One list may serve as both.
 *
 * If there is no event, the call blocks its thread up to `timeout`. null waits forever, and zero does not wait. With `nevents`
 * 0 the call returns immediately. In a worker, terminate() and the main thread's process.exit() wait for the end of the call.
 * Use a short timeout there and repeat the call, as poll() of the high-level API does.
 *
 * Returns the number of records written, or 0 when the timeout expires. A failed change becomes a record with EV_ERROR in
 * flags and the errno in data. The call then applies the later changes, fetches nothing and does not wait. If `eventlist`
 * has no room for that record, the call returns -1, and the later changes are not applied.
 *
 * Returns -1 and sets {@link errno} on failure:
 * - EBADF: `kq` is not a queue.
 * - EINTR: a signal ended the wait. All changes were applied.
 * - EINVAL: the timeout is invalid.
 * - The errno of a failed change, if its record has no room. Examples are EBADF (closed descriptor), EINVAL (invalid filter),
 *   ENOENT (no such knote) and ESRCH (no such process).
 *
 * @throws TypeError an argument has the wrong type, or a list has another ABI
 * @throws RangeError `kq` is not a C int, or a count is negative or greater than the length of its list
 *
 * @example
 * ```ts
 * const list = new KeventList(1);
 * EV_SET(list, 0, fd, EVFILT_READ, EV_ADD, 0, 0, 0);
 * const n = kevent(kq, list, 1, list, 1, new Timespec(5, 0));
 * if (n === -1) throw new Error(`kevent: ${errnoName(errno())}`);
 * if (n === 1) console.log(list.get(0)); // an event, or the error of the change
 * ```
 */
export function kevent(
  kq: number,
  changelist: KeventList | null,
  nchanges: number,
  eventlist: KeventList | null,
  nevents: number,
  timeout: Timespec | null,
): number {
  return defaultSys().kevent(kq, changelist, nchanges, eventlist, nevents, timeout);
}

/**
 * close(2): closes a queue with all its knotes, or any other descriptor.
 *
 * Returns 0, or -1 and sets {@link errno}: EBADF if `fd` is not an open descriptor.
 *
 * @throws TypeError `fd` is not a number
 * @throws RangeError `fd` is not a C int
 *
 * @example
 * ```ts
 * const kq = kqueue();
 * try {
 *   // ...
 * } finally {
 *   close(kq);
 * }
 * ```
 */
export function close(fd: number): number {
  return defaultSys().close(fd);
}

/**
 * Returns the errno(2) of the last failed call of kqueue(), kevent() or close() of this module, or 0 if none has failed.
 * Each failed call saves it immediately, so code that runs after the call cannot change it. Success does not reset it.
 *
 * @example
 * ```ts
 * if (close(fd) === -1 && errno() === os.constants.errno.EBADF) console.log('already closed');
 * ```
 */
export function errno(): number {
  return defaultSys().errno();
}
