// kevent(2) through koffi with nothing around it: six numbers that nobody checks, three of them addresses.

import koffi from 'koffi';
import { defaultSys } from '../../../src/sys/index.ts';
import { nativeOf, type Setting } from '../setting.ts';

type Call = (kq: number, changes: number, nchanges: number, events: number, nevents: number, timeout: number) => number;

/** On the library that this process measures, and the address of memory for it; undefined where it has none in C. */
export function koffiNumbers({ kqueue }: Setting): { call: Call; address(bytes: ArrayBuffer): number } | undefined {
  if (kqueue === 'linux') return undefined;
  const native = nativeOf();
  const { counts } = defaultSys().abi;
  const lib = koffi.load(native.library === '' ? null : native.library);
  const types = ['int', 'uintptr_t', counts, 'uintptr_t', counts, 'uintptr_t'];
  return {
    call: lib.func(native.kevent, 'int', types) as unknown as Call,
    address: (bytes) => Number(koffi.address(bytes)),
  };
}
