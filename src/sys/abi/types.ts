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

/** What a system's kqueue(2) does differently from the others, where this library has to know it. */
export interface Quirks {
  /** EV_RECEIPT gives one counted EV_ERROR record for each change. False: a failure shows only in a call of its own. */
  readonly receipts: boolean;
  /** The call writes a record for each failed change, however small nevents is. */
  readonly errorsPastNevents: boolean;
  /** A VNODE knote never reports a note that was not there when it was made. */
  readonly fixedVnodeNotes: boolean;
  /** The longest that one call may wait, in milliseconds. */
  readonly longestWait: number;
  /** The longest period or delay of a timer, in milliseconds. */
  readonly longestTimer: number;
  /** The system counts how deep queues watch queues, and refuses a queue that is too deep. */
  readonly nestingLimit: boolean;
  /** Constants that the header has, and that the kqueue ignores or gets wrong. */
  readonly unsupported: readonly string[];
  /** What can be raised when a change fails with the errno of that name. */
  readonly limits: Readonly<Record<string, string>>;
}

/** What one system's headers say about kqueue(2), and what its kernel does differently. Facts only: nothing here is computed. */
export interface AbiData {
  readonly name: AbiName;
  /** What people call the system. */
  readonly title: string;
  /** The oldest release that this library supports. Absent for a layout to look at. */
  readonly oldestRelease?: string;
  /** The release that brought a constant, where a release without it is in use. */
  readonly since: Readonly<Record<string, string>>;
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
  readonly quirks: Quirks;
}

/** The six fields of one `struct kevent`; numbers are exact while they are safe integers, bigints beyond. */
export interface Kevent {
  /** `uintptr_t`: a descriptor, process, signal or timer number: what the filter takes it for. */
  readonly ident: number | bigint;
  /** `int16_t` (`uint32_t` on NetBSD): EVFILT_*. */
  readonly filter: number;
  /** `uint16_t` (`uint32_t` on NetBSD): EV_*. */
  readonly flags: number;
  /** `uint32_t`: NOTE_*. Written, the negative number that `|` makes of bit 31 is taken for the same 32 bits. */
  readonly fflags: number;
  /** `int64_t` or `intptr_t`: bytes, milliseconds, an errno: what the filter takes it for. */
  readonly data: number | bigint;
  /** `void *`: passed through untouched. */
  readonly udata: number | bigint;
}
