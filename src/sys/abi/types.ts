/** The C types that occur in `struct kevent` and `struct timespec`, as koffi spells them. */
export type CType =
  | 'int16_t'
  | 'uint16_t'
  | 'uint32_t'
  | 'int64_t'
  | 'uint64_t'
  | 'intptr_t'
  | 'uintptr_t'
  | 'long'
  | 'void *'
  | 'uint64_t[2]'
  | 'uint64_t[4]';

/** A C struct as its header declares it. `size` and `align` are what a 64-bit compiler gives; koffi must agree. */
export interface StructData {
  /** sizeof, in bytes, on a 64-bit system. */
  readonly size: number;
  /** _Alignof, in bytes, on a 64-bit system. */
  readonly align: number;
  /** The greatest alignment of a member, in bytes: `#pragma pack(n)`. Absent where the header has no such pragma. */
  readonly pack?: number;
  /** Members in the order of the header. */
  readonly fields: Readonly<Record<string, CType>>;
}

/** Every ABI that is known, whatever system this runs on. */
export type AbiName =
  | 'darwin'
  | 'darwin64'
  | 'freebsd'
  | 'freebsd11'
  | 'openbsd'
  | 'netbsd'
  | 'dragonfly'
  | 'linux'
  | 'libkqueue';

/** What one system's headers say about kqueue(2). Facts only: nothing here is computed. */
export interface AbiData {
  readonly name: AbiName;
  readonly kevent: StructData;
  readonly timespec: StructData;
  /** The names under which the C library exports the calls. */
  readonly symbols: { readonly kqueue: string; readonly kevent: string; readonly close: string };
  /** The C type of nchanges and nevents. */
  readonly counts: 'int' | 'size_t';
  /** Whether bindKqueue() takes it. The others are layouts to look at. */
  readonly bindable: boolean;
  /** Every `EV_*`, `EVFILT_*`, `NOTE_*` (and `KEVENT_FLAG_*`) of `<sys/event.h>`. */
  readonly constants: Readonly<Record<string, number>>;
}
