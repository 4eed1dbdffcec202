/** The C types of the members of `struct kevent` and `struct timespec`, by koffi's names. */
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

/** A C struct as its header declares it. koffi must compute the same `size` and `align`. */
export interface StructData {
  /** sizeof, in bytes, on a 64-bit system. */
  readonly size: number;
  /** _Alignof, in bytes, on a 64-bit system. */
  readonly align: number;
  /** The largest alignment of a member, in bytes: `#pragma pack(n)`. Absent if the header has no such pragma. */
  readonly pack?: number;
  /** Members in the order of the header. */
  readonly fields: Readonly<Record<string, CType>>;
}

/** The names of all ABIs. Each exists on every machine. */
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

type Numbers<Name extends string> = { readonly [_ in Name]: number };

/** Constants by name. The named ones have the same numbers on every system. */
export type CommonConstants = Numbers<string> &
  Numbers<`EV_${'ADD' | 'DELETE' | 'ENABLE' | 'DISABLE' | 'ONESHOT' | 'CLEAR' | 'RECEIPT' | 'DISPATCH' | 'ERROR' | 'EOF'}`> &
  Numbers<`NOTE_${'FFCOPY' | 'FFCTRLMASK' | 'TRIGGER'}`>;

/** Constants by name. The named ones exist on every system. */
export type Constants = CommonConstants &
  Numbers<`EVFILT_${'READ' | 'WRITE' | 'VNODE' | 'PROC' | 'SIGNAL' | 'TIMER' | 'USER'}`>;

/** The differences between systems that this library handles. */
export interface Quirks {
  /** EV_RECEIPT gives one counted EV_ERROR record for each change. If false, each change that can fail needs its own call. */
  readonly receipts: boolean;
  /** The call writes a record for each failed change, even past nevents. */
  readonly errorsPastNevents: boolean;
  /** A PROC knote without NOTE_EXIT is deleted when the process exits, and nothing is reported. */
  readonly silentExit: boolean;
  /** A VNODE knote reports only the notes of its first EV_ADD. */
  readonly fixedVnodeNotes: boolean;
  /** The longest wait of one call, in milliseconds. */
  readonly longestWait: number;
  /** The longest period or delay of a timer, in milliseconds. */
  readonly longestTimer: number;
  /** The system limits the depth of queues that watch queues, and refuses a queue that is too deep. */
  readonly nestingLimit: boolean;
  /** Constants that the header defines, and that the kqueue ignores or handles wrongly. */
  readonly unsupported: readonly string[];
  /** For the name of an errno: the limits that an administrator can raise if a change fails with it. */
  readonly limits: Readonly<Record<string, string>>;
}

/** One system's headers of kqueue(2), and how its kernel differs. Only data, with nothing computed. */
export interface AbiData {
  readonly name: AbiName;
  /** The system's usual name. */
  readonly title: string;
  /** The oldest release that this library supports. Absent for a table that is a layout only. */
  readonly oldestRelease?: string;
  /** For each constant that a supported or recent release lacks: the first release that has it. */
  readonly since: Readonly<Record<string, string>>;
  readonly kevent: StructData;
  readonly timespec: StructData;
  /** The symbol that the C library exports for each call. */
  readonly symbols: { readonly kqueue: string; readonly kevent: string; readonly close: string };
  /** The C type of nchanges and nevents. */
  readonly counts: 'int' | 'size_t';
  /** Whether bindKqueue() accepts the table. The others are layouts only. */
  readonly bindable: boolean;
  /** Each `EV_*`, `EVFILT_*`, `NOTE_*` (and `KEVENT_FLAG_*`) of `<sys/event.h>`. */
  readonly constants: Constants;
  readonly quirks: Quirks;
}

/** The six fields of one `struct kevent`. A value read from a list is a number if that is exact, and a bigint otherwise. */
export interface Kevent {
  /** `uintptr_t`: a descriptor, a process ID, a signal number or a timer's number, as the filter defines. */
  readonly ident: number | bigint;
  /** `int16_t` (`uint32_t` on NetBSD): an EVFILT_* constant. */
  readonly filter: number;
  /** `uint16_t` (`uint32_t` on NetBSD): EV_* bits. */
  readonly flags: number;
  /** `uint32_t`: NOTE_* bits. A negative number, which JavaScript's `|` gives for bit 31, means the same 32 bits. */
  readonly fflags: number;
  /** `int64_t` or `intptr_t`: a number of bytes, a period or an errno, as the filter and the flags define. */
  readonly data: number | bigint;
  /** `void *`: comes back unchanged with each event. */
  readonly udata: number | bigint;
}
