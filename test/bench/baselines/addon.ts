// kevent(2) through the addon written by hand, and a struct kevent read and written by hand: nothing is checked, and there
// is nothing between the loop and the call.

import { createRequire } from 'node:module';
import { defaultSys } from '../../../src/sys/index.ts';
import { nativeOf, type Setting } from '../setting.ts';

interface Addon {
  open(library: string, symbol: string): number;
  address(array: Int32Array): number;
  withArrays(
    kq: number,
    changes: Int32Array | null,
    nchanges: number,
    events: Int32Array | null,
    nevents: number,
    timeout: Int32Array | null,
  ): number;
  withAddresses(
    kq: number,
    changes: number,
    nchanges: number,
    events: number,
    nevents: number,
    timeout: number,
  ): number;
}

/** The addon, on the library that this process measures; undefined where it has none in C or nothing was compiled. */
export function addon({ addon: path, kqueue }: Setting): Addon | undefined {
  // NetBSD's record is of another shape, and this file reads one shape only.
  if (path === undefined || kqueue === 'linux' || kqueue === 'netbsd') return undefined;
  const loaded = createRequire(import.meta.url)(path) as Addon;
  const native = nativeOf();
  if (loaded.open(native.library, native.kevent) !== 0) throw new Error(`no kevent in ${native.library}`);
  return loaded;
}

/** Words from one record to the next. In each: ident 0, filter and flags 2, fflags 3, data 4, udata 6. */
export function stride(): number {
  return defaultSys().abi.kevent.size / 4;
}
