/**
 * The C door: kqueue(2) spelled in TypeScript. The names, the argument order and the -1/errno of the man page.
 *
 * @module
 */

import type { KeventList } from './kevent-list.ts';
import { defaultSys, unavailableReason as reason } from './select.ts';
import type { Timespec } from './timespec.ts';

export type { AbiName, CType, Kevent, Quirks } from './abi/types.ts';
export * from './constants.ts';
export { abi } from './default.ts';
export { EV_SET, KeventList } from './kevent-list.ts';
export { type Abi, abis, type Field, type Layout } from './layout.ts';
export { errnoName, filterName, flagNames, noteNames } from './names.ts';
export { bindKqueue } from './native.ts';
export { defaultSys } from './select.ts';
export type { Binding, Sys } from './sys.ts';
export { Timespec } from './timespec.ts';
export { traceSys } from './trace.ts';

/** Why there is no kqueue on this machine; undefined where there is one. Loads koffi. */
export function unavailableReason(): string | undefined {
  return reason();
}

/** Whether there is a kqueue on this machine. Loads koffi. */
export function available(): boolean {
  return reason() === undefined;
}

/**
 * kqueue(2): makes a queue. Returns its descriptor, close-on-exec, or -1 and {@link errno}: EMFILE, ENFILE, ENOMEM.
 * @throws Error where there is no kqueue, saying why
 */
export function kqueue(): number {
  return defaultSys().kqueue();
}

/**
 * kevent(2): applies `nchanges` changes of `changelist`, in order, then fetches at most `nevents` events into
 * `eventlist`, waiting for them as `timeout` says: null for ever, zero not at all. One list may serve as both.
 *
 * Returns how many records were written, 0 when the time was over, or -1 and {@link errno}. A change that failed is a
 * record with EV_ERROR in flags and the errno in data, if there is room; then nothing is fetched and nothing waited for.
 * Without room the result is -1: changes in front of the failed one stay applied. EBADF: kq is closed. EINTR: a signal
 * came during the wait, all changes are applied. EINVAL: timeout or filter. ENOENT: no such knote. ESRCH: no such process.
 *
 * The call blocks its thread until it returns. In a worker, terminate() and the main thread's process.exit() wait for that
 * too. Give a short timeout there and call it again, as poll() of the high-level API does.
 *
 * @throws TypeError, RangeError for what is not of the call's form: counts that are negative or greater than their own list,
 * a list of another ABI
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
 * close(2): closes a queue, and with it all its knotes; or any other descriptor. 0, or -1 and {@link errno}: EBADF.
 * @throws TypeError, RangeError for what is no C int
 */
export function close(fd: number): number {
  return defaultSys().close(fd);
}

/** errno(3) of this door's last call that failed, saved by that call: nothing that ran since can have changed it. */
export function errno(): number {
  return defaultSys().errno();
}
