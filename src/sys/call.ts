import { checkInt, INT_MAX, outOfRange, wrongType } from './check.ts';
import { KeventList } from './kevent-list.ts';
import type { Abi } from './layout.ts';
import { Timespec } from './timespec.ts';

/**
 * Checks the arguments of kevent(2) before the foreign call. koffi checks no range, and the kernel writes to any address
 * that it gets.
 */
export function checkCall(
  abi: Abi,
  kq: number,
  changelist: KeventList | null,
  nchanges: number,
  eventlist: KeventList | null,
  nevents: number,
  timeout: Timespec | null,
): void {
  checkInt('kq', kq);
  checkCount('nchanges', nchanges);
  checkCount('nevents', nevents);
  if (changelist !== null) checkList('changelist', changelist, abi, nchanges, 'nchanges');
  else if (nchanges !== 0) throw outOfRange('nchanges', '0, because changelist is null', nchanges);
  if (eventlist !== null) checkList('eventlist', eventlist, abi, nevents, 'nevents');
  else if (nevents !== 0) throw outOfRange('nevents', '0, because eventlist is null', nevents);
  if (timeout !== null && !(timeout instanceof Timespec)) throw wrongType('timeout', 'a Timespec or null', timeout);
}

/** NetBSD takes a size_t, so -1 would mean the whole address space there. No system defines a negative count. */
function checkCount(argument: string, count: number): void {
  checkInt(argument, count);
  if (count < 0) throw outOfRange(argument, `an integer from 0 to ${INT_MAX}`, count);
}

function checkList(argument: string, list: KeventList, abi: Abi, count: number, counted: string): void {
  if (!(list instanceof KeventList)) throw wrongType(argument, 'a KeventList or null', list);
  if (list.abi !== abi) {
    throw wrongType(argument, `a KeventList of the ABI ${abi.name}`, list.abi.name);
  }
  const room = list.length;
  if (count > room) {
    throw outOfRange(counted, `at most ${room}, the length of ${argument}`, count);
  }
}
