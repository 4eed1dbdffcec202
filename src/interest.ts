import { Buffer } from 'node:buffer';
import { fileURLToPath } from 'node:url';
import { types } from 'node:util';
import { checkNotes, type ProcNote, type ReadNote, type VnodeNote } from './notes.ts';
import { type SignalName, signalName, signalNumber } from './signals.ts';
import { checkInteger, checkOptionNames, INT_MAX, outOfRange, wrongType } from './sys/check.ts';
import { jsonOf } from './sys/names.ts';

const UINT16_MAX = 2 ** 16 - 1;
const UINT32_MAX = 2 ** 32 - 1;
const UINT64_MAX = 2n ** 64n - 1n;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** What every builder takes. */
export interface InterestOptions<Token> {
  /** EV_CLEAR: report each change of state once, and not for as long as the state lasts. */
  readonly clear?: boolean | undefined;
  /** EV_ONESHOT: gone after it was reported once. */
  readonly oneshot?: boolean | undefined;
  /** EV_DISPATCH: disabled after it was reported once, until `registration.enable()`. */
  readonly dispatch?: boolean | undefined;
  /** EV_DISABLE: registered, but silent until `registration.enable()`. */
  readonly disabled?: boolean | undefined;
  /** Any value; it comes back as `event.token`. */
  readonly token?: Token;
}

/** Whether a builder made it; {@link Made} sets it. */
export let isInterest: (value: unknown) => value is Interest;

/**
 * Marks what a builder has checked, so that register() need not check it again and takes nothing else. By the private
 * field the compiler knows it too, from a copy or from what was made by hand.
 */
class Made {
  readonly #made = true;

  static {
    Object.defineProperty(Made, 'name', { value: 'Interest' });
    isInterest = (value): value is Interest => typeof value === 'object' && value !== null && #made in value;
  }

  constructor(fields: object) {
    Object.assign(this, fields);
    Object.freeze(this);
  }

  /** For JSON.stringify(): an integer beyond 2^53 is a string. */
  toJSON(): Record<string, unknown> {
    return Object.fromEntries(Object.entries(this).map(([name, value]) => [name, jsonOf(value)]));
  }
}

/** What all interests have: which filter, which thing it watches, and how. */
export interface InterestBase<Filter extends string, Token> extends Made {
  /** The builder that made it. */
  readonly filter: Filter;
  /** EV_CLEAR. */
  readonly clear: boolean;
  /** EV_ONESHOT. */
  readonly oneshot: boolean;
  /** EV_DISPATCH. */
  readonly dispatch: boolean;
  /** EV_DISABLE, at first. */
  readonly disabled: boolean;
  /** What its events have as their token; undefined if none was given. */
  readonly token: Token | undefined;
}

/** EVFILT_READ: see {@link read}. */
export interface ReadInterest<Token = unknown> extends InterestBase<'read', Token> {
  /** The descriptor. */
  readonly ident: number;
  /** Bytes that must be there; undefined for any. */
  readonly lowat: number | undefined;
  /** NOTE_*: what to report beside readiness. */
  readonly on: readonly ReadNote[];
}
/** EVFILT_WRITE: see {@link write}. */
export interface WriteInterest<Token = unknown> extends InterestBase<'write', Token> {
  /** The descriptor. */
  readonly ident: number;
  /** Bytes of space that there must be; undefined for any. */
  readonly lowat: number | undefined;
}
/** EVFILT_VNODE: see {@link vnode}. */
export interface VnodeInterest<Token = unknown> extends InterestBase<'vnode', Token> {
  /** The descriptor; undefined if a path is watched, which register() opens. */
  readonly ident: number | undefined;
  /** The path; undefined if a descriptor is watched. A URL is turned into a path, and bytes are decoded as UTF-8. */
  readonly path: string | undefined;
  /** The path as it was given, where it was bytes that are not UTF-8. */
  readonly bytes: Uint8Array | undefined;
  /** NOTE_*: what to report. */
  readonly on: readonly VnodeNote[];
}
/** EVFILT_PROC: see {@link proc}. */
export interface ProcInterest<Token = unknown> extends InterestBase<'proc', Token> {
  /** The process. */
  readonly ident: number;
  /** NOTE_*: what to report. */
  readonly on: readonly ProcNote[];
}
/** EVFILT_SIGNAL: see {@link signal}. */
export interface SignalInterest<Token = unknown> extends InterestBase<'signal', Token> {
  /** The signal's number. */
  readonly ident: number;
  /** Its name. */
  readonly signal: SignalName;
}
/** EVFILT_TIMER: see {@link timer}. */
export interface TimerInterest<Token = unknown> extends InterestBase<'timer', Token> {
  /** A number of the program's own; a bigint beyond 2^53. */
  readonly ident: number | bigint;
  /** Milliseconds from one expiration to the next. */
  readonly every: number | undefined;
  /** Milliseconds from now. */
  readonly after: number | undefined;
  /** Milliseconds since 1970. */
  readonly at: number | undefined;
  /** NOTE_CRITICAL. */
  readonly critical: boolean;
  /** NOTE_BACKGROUND. */
  readonly background: boolean;
  /** NOTE_MACH_CONTINUOUS_TIME. */
  readonly continuous: boolean;
}
/** EVFILT_USER: see {@link user}. */
export interface UserInterest<Token = unknown> extends InterestBase<'user', Token> {
  /** A number of the program's own; a bigint beyond 2^53. */
  readonly ident: number | bigint;
}
/** Any filter: see {@link raw}. */
export interface RawInterest<Token = unknown> extends InterestBase<'raw', Token> {
  /** What the filter takes it for; a bigint beyond 2^53. */
  readonly ident: number | bigint;
  /** EVFILT_*. */
  readonly evfilt: number;
  /** EV_*. */
  readonly flags: number;
  /** NOTE_*. */
  readonly fflags: number;
  /** What the filter takes it for. */
  readonly data: number | bigint;
  /** Comes back as `event.udata`. */
  readonly udata: number | bigint;
}

/** What to watch, as a builder describes it. Nothing happens until `kq.register()`. */
export type Interest<Token = unknown> =
  | ReadInterest<Token>
  | WriteInterest<Token>
  | VnodeInterest<Token>
  | ProcInterest<Token>
  | SignalInterest<Token>
  | TimerInterest<Token>
  | UserInterest<Token>
  | RawInterest<Token>;

const COMMON: readonly (keyof InterestOptions<unknown>)[] = ['clear', 'oneshot', 'dispatch', 'disabled', 'token'];
const withCommon = (...own: string[]): ReadonlySet<string> => new Set([...own, ...COMMON]);
/** The options that each builder takes. */
const optionsOf: Readonly<Record<Interest['filter'], ReadonlySet<string>>> = {
  read: withCommon('lowat', 'on'),
  write: withCommon('lowat'),
  vnode: withCommon('on'),
  proc: withCommon('on'),
  signal: withCommon(),
  timer: withCommon('every', 'after', 'at', 'critical', 'background', 'continuous'),
  user: withCommon(),
  raw: withCommon(),
};
const RAW_FIELDS: ReadonlySet<string> = new Set([
  'ident',
  'filter',
  'flags',
  'fflags',
  'data',
  'udata',
  'token',
] satisfies (keyof RawFields<unknown>)[]);

/** The options that all builders share, checked, with the builder's own fields: an interest. */
function make<I extends Interest>(
  filter: I['filter'],
  options: InterestOptions<I['token']>,
  fields: Omit<I, keyof InterestBase<string, unknown>>,
): I {
  checkOptionNames('options', options, optionsOf[filter]);
  const { clear = false, oneshot = false, dispatch = false, disabled = false, token } = options;
  for (const [name, value] of Object.entries({ clear, oneshot, dispatch, disabled })) {
    if (typeof value !== 'boolean') throw wrongType(name, 'a boolean', value);
  }
  return new Made({ filter, ...fields, clear, oneshot, dispatch, disabled, token }) as unknown as I;
}

function checkFd(fd: number): number {
  checkInteger('fd', fd, 0, INT_MAX);
  return fd;
}

/** Throws unless `value` fits the C type; numbers must be safe integers. */
function check64(argument: string, value: number | bigint, min: bigint, max: bigint): void {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw outOfRange(argument, 'a safe integer, or a bigint', value);
  }
  if (typeof value !== 'number' && typeof value !== 'bigint') throw wrongType(argument, 'a number or a bigint', value);
  if (value < min || value > max) throw outOfRange(argument, `an integer from ${min} to ${max}`, value);
}

/** uintptr_t: a timer's or a user event's number. Bigints that are safe integers become numbers: one key for one knote. */
function checkIdent(ident: number | bigint): number | bigint {
  check64('ident', ident, 0n, UINT64_MAX);
  return ident <= Number.MAX_SAFE_INTEGER ? Number(ident) : ident;
}

function checkLowat(lowat: number | undefined): void {
  if (lowat !== undefined) checkInteger('lowat', lowat, 1, INT_MAX);
}

function checkFlag(argument: string, value: boolean): void {
  if (typeof value !== 'boolean') throw wrongType(argument, 'a boolean', value);
}

/**
 * A descriptor that can be read: bytes are there, a connection waits on a listening socket, the other side is gone
 * (`event.eof`), a regular file's offset is not at its end, a nested kqueue has events. EVFILT_READ of kqueue(2).
 *
 * Options of its own: `lowat`, how many bytes must be there (NOTE_LOWAT, sockets); `on`: `eof` (OpenBSD) or `file_poll`
 * (FreeBSD), to be told of a regular file at its end too.
 *
 * @throws TypeError, RangeError for a descriptor that is no C int of 0 or more, and for options of another form
 */
export function read<Token = never>(
  fd: number,
  options: InterestOptions<Token> & {
    readonly lowat?: number | undefined;
    readonly on?: readonly ReadNote[] | undefined;
  } = {},
): ReadInterest<Token> {
  checkLowat(options?.lowat);
  return make<ReadInterest<Token>>('read', options, {
    ident: checkFd(fd),
    lowat: options?.lowat,
    on: checkNotes('read', options?.on, []),
  });
}

/**
 * A descriptor that can be written: there is space, or the other side is gone (`event.eof`). EVFILT_WRITE of kqueue(2).
 * `lowat`: how many bytes of space there must be (NOTE_LOWAT, sockets).
 *
 * @throws TypeError, RangeError for a descriptor that is no C int of 0 or more, and for options of another form
 */
export function write<Token = never>(
  fd: number,
  options: InterestOptions<Token> & { readonly lowat?: number | undefined } = {},
): WriteInterest<Token> {
  checkLowat(options?.lowat);
  return make<WriteInterest<Token>>('write', options, { ident: checkFd(fd), lowat: options?.lowat });
}

/** A `file:` URL: the URL of Node and that of the DOM both are one. */
export interface FileUrl {
  readonly href: string;
  readonly protocol: string;
  readonly pathname: string;
}

/** What Node's fs takes as a path. A Buffer is a Uint8Array. */
export type Path = string | Uint8Array | FileUrl;

/** A path as {@link VnodeInterest} has it; undefined for what is not a path. */
function pathOf(target: unknown): { path: string; bytes: Uint8Array | undefined } | undefined {
  if (typeof target === 'string') return { path: target, bytes: undefined };
  if (types.isUint8Array(target)) {
    const bytes = Buffer.from(target);
    const path = bytes.toString();
    return { path, bytes: bytes.equals(Buffer.from(path)) ? undefined : bytes };
  }
  const { href, protocol } = (target ?? {}) as Partial<FileUrl>;
  // As Node's fs does, which has its own errors for a URL that is not a file's.
  if (typeof href === 'string' && typeof protocol === 'string') return { path: fileURLToPath(href), bytes: undefined };
  return undefined;
}

/**
 * Changes of a file or directory: an open descriptor of it, or a path as Node's `fs` takes it, which register() opens
 * (O_EVTONLY on macOS, so that its volume can still be unmounted) and whose descriptor the registration owns. It is the
 * file that is watched, not its name: go on with a new registration after `rename` or `delete`. EVFILT_VNODE of kqueue(2).
 * More notes than asked for may come. Without `clear` the event repeats.
 *
 * A note that the system does not have makes register() throw a RangeError that names the systems that have it.
 *
 * @throws TypeError, RangeError for a descriptor that is no C int of 0 or more, an empty `on`, options of another form; the
 * errors of url.fileURLToPath() for a URL that is not a file's
 */
export function vnode<Token = never>(
  target: number | Path,
  options: InterestOptions<Token> & { readonly on: readonly VnodeNote[] },
): VnodeInterest<Token> {
  const path = pathOf(target);
  if (path?.path === '' || path?.path.includes('\0')) throw wrongType('path', 'a path', path.path);
  const on = checkNotes('vnode', options?.on);
  if (on.length === 0) throw wrongType('on', 'at least one note', on);
  return make<VnodeInterest<Token>>('vnode', options, {
    ident: path === undefined ? checkFd(target as number) : undefined,
    path: path?.path,
    bytes: path?.bytes,
    on,
  });
}

/**
 * A process: its exit (`event.exitStatus` where the system tells), and on the BSDs and macOS its fork(2) and execve(2). It
 * need not be a child. EVFILT_PROC of kqueue(2). register() reports ESRCH for a process that does not exist (or is a
 * zombie: macOS, OpenBSD, NetBSD) and EACCES for one that may not be watched.
 *
 * Where `on` has no `exit`, OpenBSD, NetBSD and DragonFly report the exit all the same. FreeBSD does not, and the registration
 * stays active although its knote is gone: ask for `exit` too.
 *
 * @param pid 1 or more
 * @throws TypeError, RangeError for another pid, an empty `on`, options of another form
 */
export function proc<Token = never>(
  pid: number,
  options: InterestOptions<Token> & { readonly on?: readonly ProcNote[] | undefined } = {},
): ProcInterest<Token> {
  checkInteger('pid', pid, 1, INT_MAX);
  const on = checkNotes('proc', options?.on, ['exit']);
  if (on.length === 0) throw wrongType('on', 'at least one note', on);
  return make<ProcInterest<Token>>('proc', options, { ident: pid, on });
}

/**
 * Deliveries of a signal to this process, ignored ones too. EVFILT_SIGNAL of kqueue(2). The kernel's filter leaves the
 * signal's action as it is; so, while it is registered, a handler that does nothing is kept installed through Node, and the
 * default action kills nobody. (Only the main thread can do that: in a worker, see to it yourself; on Linux, where Node's
 * handlers are what counts, register() reports EINVAL there.)
 *
 * @param signal a name, as `os.constants.signals` has it (`SIGHUP`), or its number
 * @throws TypeError, RangeError for what is no signal of this system, and for SIGKILL and SIGSTOP, which nobody can catch
 */
export function signal<Token = never>(
  signal: SignalName | number,
  options: InterestOptions<Token> = {},
): SignalInterest<Token> {
  if (typeof signal !== 'number' && typeof signal !== 'string') {
    throw wrongType('signal', "a signal's name or number", signal);
  }
  const ident = typeof signal === 'number' ? signal : signalNumber(signal);
  const name = ident === undefined ? undefined : signalName(ident);
  if (ident === undefined || name === undefined || name === 'SIGKILL' || name === 'SIGSTOP') {
    throw outOfRange('signal', 'a signal of this system that can be caught', signal);
  }
  return make<SignalInterest<Token>>('signal', options, { ident, signal: name });
}

/** When a timer expires: exactly one of the three. */
export type TimerTimes =
  /** Periodically: milliseconds, more than 0. */
  | { readonly every: number; readonly after?: undefined; readonly at?: undefined }
  /** Once: milliseconds from now, more than 0. */
  | { readonly after: number; readonly every?: undefined; readonly at?: undefined }
  /** Once, at a time of the wall clock: milliseconds since 1970, or a Date. One in the past expires at once. */
  | { readonly at: number | Date; readonly every?: undefined; readonly after?: undefined };

/** How exact a timer is to be. Each is an error where the system does not have it. */
export interface TimerOptions<Token> extends InterestOptions<Token> {
  /** NOTE_CRITICAL (macOS): not to be coalesced with others. */
  readonly critical?: boolean | undefined;
  /** NOTE_BACKGROUND (macOS): to be coalesced generously. */
  readonly background?: boolean | undefined;
  /** NOTE_MACH_CONTINUOUS_TIME (macOS): goes on while the machine sleeps. */
  readonly continuous?: boolean | undefined;
}

/**
 * A timer: `{ every }` so many milliseconds, once `{ after }` so many, or once `{ at }` a time. Fractions count: what is no
 * whole number of milliseconds goes down in microseconds or nanoseconds, and where the system has no unit that fine,
 * register() throws a RangeError. Registering it again starts it over. EVFILT_TIMER of kqueue(2).
 *
 * @param ident a number of your own, unsigned, up to 64 bits
 * @throws TypeError, RangeError for times that are not more than 0, for none or two of the three, for another ident
 */
export function timer<Token = never>(
  ident: number | bigint,
  options: TimerTimes & TimerOptions<Token>,
): TimerInterest<Token> {
  checkOptionNames('options', options, optionsOf.timer);
  const { every, after, at, critical = false, background = false, continuous = false } = options;
  const given = Object.entries({ every, after, at }).filter(([, value]) => value !== undefined);
  const [name, value] = given[0] ?? [];
  if (name === undefined || given.length !== 1) {
    const what = given.map(([key]) => key).join(' and ') || 'none';
    throw wrongType('options', 'one of every, after, at', what);
  }
  const time = types.isDate(value) ? value.getTime() : (value as number);
  if (typeof time !== 'number') throw wrongType(name, name === 'at' ? 'a Date or a number' : 'a number', value);
  // Kernels fire at once, once, at every tick or not at all for 0, and one of them may panic for less.
  if (!Number.isFinite(time) || (name !== 'at' && time <= 0)) {
    throw outOfRange(name, name === 'at' ? 'a time' : 'milliseconds, more than 0', time);
  }
  checkFlag('critical', critical);
  checkFlag('background', background);
  checkFlag('continuous', continuous);
  return make<TimerInterest<Token>>('timer', options, {
    ident: checkIdent(ident),
    every,
    after,
    at: name === 'at' ? time : undefined,
    critical,
    background,
    continuous,
  });
}

/**
 * An event of the program's own: `registration.trigger()` fires it, from another thread a `Waker`. Without `clear`,
 * `oneshot` or `dispatch` it repeats once fired. EVFILT_USER of kqueue(2); OpenBSD has it from 7.8, NetBSD from 10 on.
 *
 * @param ident a number of your own, unsigned, up to 64 bits
 * @throws TypeError, RangeError for another ident and for options of another form
 */
export function user<Token = never>(ident: number | bigint, options: InterestOptions<Token> = {}): UserInterest<Token> {
  return make<UserInterest<Token>>('user', options, { ident: checkIdent(ident) });
}

/** The fields of `struct kevent`, as {@link raw} takes them. What is left out is 0. */
export interface RawFields<Token> {
  /** What the filter takes it for: unsigned, 64 bits. */
  readonly ident: number | bigint;
  /** EVFILT_*. */
  readonly filter: number;
  /** EV_*: EV_ADD and EV_RECEIPT are added, EV_ENABLE too unless EV_DISABLE is there. */
  readonly flags?: number | undefined;
  /** NOTE_*. The negative number that `|` makes of bit 31 (NOTE_EXIT, NOTE_FFCOPY) is taken for the same 32 bits. */
  readonly fflags?: number | undefined;
  /** What the filter takes it for: signed, 64 bits. */
  readonly data?: number | bigint | undefined;
  /** Comes back as `event.udata`. */
  readonly udata?: number | bigint | undefined;
  /** Any value; it comes back as `event.token`. */
  readonly token?: Token;
}

/**
 * Any filter, with the fields of `struct kevent` as kqueue(2) has them. The numbers are those of the queue's ABI.
 *
 * @throws TypeError, RangeError for a field that does not fit its C type, and for EV_DELETE among the flags
 */
export function raw<Token = never>(fields: RawFields<Token>): RawInterest<Token> {
  checkOptionNames('fields', fields, RAW_FIELDS);
  const { ident, filter, flags = 0, fflags = 0, data = 0, udata = 0, token } = fields;
  check64('ident', ident, 0n, UINT64_MAX);
  checkInteger('filter', filter, -(2 ** 15), 2 ** 15 - 1);
  checkInteger('flags', flags, 0, UINT16_MAX);
  checkInteger('fflags', fflags, -(2 ** 31), UINT32_MAX);
  check64('data', data, INT64_MIN, INT64_MAX);
  check64('udata', udata, 0n, UINT64_MAX);
  // One number on all systems.
  if ((flags & 2) !== 0) throw outOfRange('flags', 'no EV_DELETE (2), which is unregister()', flags);
  return make<RawInterest<Token>>('raw', token === undefined ? {} : { token }, {
    ident: checkIdent(ident),
    evfilt: filter,
    flags,
    fflags: fflags >>> 0,
    data,
    udata,
  });
}
