// kevent(2) as koffi's documentation would have it: the struct is declared, koffi makes objects of what C wrote, and structs
// for C of objects.

import koffi from 'koffi';
import { nativeOf, type Setting } from '../setting.ts';

export interface KeventObject {
  ident: number;
  filter: number;
  flags: number;
  fflags: number;
  data: number;
  udata: number;
}

interface TimespecObject {
  tv_sec: number;
  tv_nsec: number;
}

interface KoffiStructs {
  /** Changes only. */
  change(kq: number, changes: readonly KeventObject[]): number;
  /** Events only, of which there may be `room`. */
  fetch(kq: number, room: number, timeout: TimespecObject): readonly KeventObject[];
}

/** On the library that this process measures; undefined where it has none in C. */
export function koffiStructs({ kqueue }: Setting): KoffiStructs | undefined {
  // The layout below is theirs.
  if (!['libkqueue', 'darwin', 'openbsd', 'dragonfly'].includes(kqueue)) return undefined;
  const native = nativeOf();
  const lib = koffi.load(native.library === '' ? null : native.library);
  const kevent = koffi.struct({
    ident: 'uintptr_t',
    filter: 'int16_t',
    flags: 'uint16_t',
    fflags: 'uint32_t',
    data: 'intptr_t',
    udata: 'uintptr_t',
  });
  const timespec = koffi.struct({ tv_sec: 'long', tv_nsec: 'long' });

  const call = lib.func(native.kevent, 'int', [
    'int',
    koffi.pointer(kevent),
    'int',
    'void *',
    'int',
    koffi.pointer(timespec),
  ]) as unknown as (
    kq: number,
    changelist: readonly KeventObject[] | null,
    nchanges: number,
    eventlist: unknown,
    nevents: number,
    timeout: TimespecObject | null,
  ) => number;

  // Of the ways that the documentation has for C to write an array of structs, the fastest: memory of koffi.alloc(), of
  // which as many are decoded as were written. `_Out_ kevent *` takes an array of objects, and converts all of them.
  const ROOM = 1024;
  const events = koffi.alloc(kevent, ROOM);
  return {
    change: (kq, changes) => call(kq, changes, changes.length, null, 0, null),
    fetch(kq, room, timeout) {
      const n = call(kq, null, 0, events, room, timeout);
      return n <= 0 ? [] : (koffi.decode(events, kevent, n) as KeventObject[]);
    },
  };
}
