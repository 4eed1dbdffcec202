import { Buffer } from 'node:buffer';
import { fileURLToPath } from 'node:url';
import { types } from 'node:util';
import { checkNotes, type ProcNote, type ReadNote, type VnodeNote } from './notes.ts';
import { type SignalName, signalName, signalNumber } from './signals.ts';
import { common } from './sys/abi/common.ts';
import { check64, checkInteger, checkOptionNames, INT_MAX, outOfRange, wrongType } from './sys/check.ts';
import { jsonOf } from './sys/names.ts';

const UINT16_MAX = 2 ** 16 - 1;
const UINT32_MAX = 2 ** 32 - 1;

/** The options that every builder takes. */
export interface InterestOptions<Token> {
  /**
   * EV_CLEAR: reports each change of state once (edge-triggered). By default an event is level-triggered: it is reported
   * again as long as the condition holds.
   */
  readonly clear?: boolean | undefined;
  /** EV_ONESHOT: reports one event, then the registration ends. */
  readonly oneshot?: boolean | undefined;
  /**
   * EV_DISPATCH: reports one event, then disables the registration until you call `registration.enable()`. NetBSD ignores it for
   * timer(), signal() and `clear`.
   */
  readonly dispatch?: boolean | undefined;
  /** EV_DISABLE: registers, but reports nothing until you call `registration.enable()`. */
  readonly disabled?: boolean | undefined;
  /** Any value of your own. Each event has it as `event.token`. */
  readonly token?: Token;
}

/** The options of {@link read}. */
export interface ReadOptions<Token> extends InterestOptions<Token> {
  /**
   * NOTE_LOWAT: the number of bytes that a socket must have received before the event is reported, 1 or more.
   * register() throws a RangeError on a system without NOTE_LOWAT.
   */
  readonly lowat?: number | undefined;
  /**
   * The notes (NOTE_*) that make a regular file at its end readable too. register() throws a RangeError on other systems.
   *
   * - `eof`: OpenBSD
   * - `file_poll`: FreeBSD, which does not repeat the note in the event
   */
  readonly on?: readonly ReadNote[] | undefined;
}

/** The options of {@link write}. */
export interface WriteOptions<Token> extends InterestOptions<Token> {
  /**
   * NOTE_LOWAT: the number of bytes that a socket must have space for before the event is reported, 1 or more.
   * register() throws a RangeError on a system without NOTE_LOWAT.
   */
  readonly lowat?: number | undefined;
}

/** The options of {@link vnode}. */
export interface VnodeOptions<Token> extends InterestOptions<Token> {
  /**
   * The notes (NOTE_*) to report, at least one. register() throws a RangeError for a note that the system does not have.
   *
   * - `delete`: a name of the file was removed
   * - `write`: the contents were written, or an entry of the directory was added, removed or renamed
   * - `extend`: the file became larger
   * - `attrib`: the metadata changed, such as mode, owner or times
   * - `link`: the number of hard links changed, or a subdirectory was made or removed
   * - `rename`: the file was renamed
   * - `revoke`: access was revoked, or the file system was unmounted. Not with libkqueue
   * - `truncate`: the file was truncated (OpenBSD, Linux)
   * - `open`: a process opened the file (FreeBSD, NetBSD 10, Linux)
   * - `close`: a process closed a descriptor that was open for reading only (FreeBSD, NetBSD 10, Linux)
   * - `close_write`: a process closed a descriptor that was open for writing (FreeBSD, NetBSD 10, Linux)
   * - `read`: a process read the contents (FreeBSD, NetBSD 10, Linux)
   * - `funlock`: a process unlocked the file (macOS)
   * - `lease_downgrade`: a lease is to be downgraded (macOS)
   * - `lease_release`: a lease is to be released (macOS)
   */
  readonly on: readonly VnodeNote[];
}

/** The options of {@link proc}. */
export interface ProcOptions<Token> extends InterestOptions<Token> {
  /**
   * The notes (NOTE_*) to report, at least one. The default is `['exit']`. register() throws a RangeError for a note that the
   * system does not have. Linux has `exit` only.
   *
   * - `exit`: the process exited
   * - `fork`: the process called fork(2) (macOS, BSDs)
   * - `exec`: the process called execve(2) (macOS, BSDs)
   * - `track`: also watch the children of the process (BSDs)
   * - `signal`: a signal was sent to the process (macOS)
   * - `reap`: the parent of the process waited for it (macOS)
   * - `exitstatus`: require the exit status (macOS). register() throws EACCES if you may not have the status. With `exit`
   *   alone, the event has the status if you may have it
   * - `exit_detail`: report why the process was killed (macOS)
   */
  readonly on?: readonly ProcNote[] | undefined;
}

/** When a timer expires: exactly one of `every`, `after` and `at`. */
export type OneOfEveryAfterAt =
  | {
      /** The period in milliseconds, greater than 0. The timer expires again and again. */
      readonly every: number;
      readonly after?: undefined;
      readonly at?: undefined;
    }
  | {
      /** The delay in milliseconds from register() on, greater than 0. The timer expires once. */
      readonly after: number;
      readonly every?: undefined;
      readonly at?: undefined;
    }
  | {
      /**
       * NOTE_ABSTIME: the time of the system clock, as a Date or in milliseconds since 1970. The timer expires once. A time
       * in the past expires immediately.
       */
      readonly at: number | Date;
      readonly every?: undefined;
      readonly after?: undefined;
    };

/** The other options of {@link timer}. register() throws a RangeError for an option that the system does not have. */
export interface TimerOptions<Token> extends InterestOptions<Token> {
  /** NOTE_CRITICAL (macOS): the system does not delay the timer to save power. */
  readonly critical?: boolean | undefined;
  /** NOTE_BACKGROUND (macOS): the system may delay the timer further to save power. */
  readonly background?: boolean | undefined;
  /** NOTE_MACH_CONTINUOUS_TIME (macOS): the time goes on while the machine sleeps. */
  readonly continuous?: boolean | undefined;
}

/** The fields of `struct kevent` for {@link raw}. An absent field is 0. */
export interface RawFields<Token> {
  /** What the filter watches, for example a descriptor. An unsigned integer of up to 64 bits. */
  readonly ident: number | bigint;
  /** The filter: an EVFILT_* constant of `kqueue-ffi/sys`. A constant that the system does not have is undefined. */
  readonly filter: number;
  /** The EV_* flags. register() adds EV_ADD and EV_RECEIPT, and EV_ENABLE unless you give EV_DISABLE. */
  readonly flags?: number | undefined;
  /** The NOTE_* bits. `|` makes a negative number of bit 31 (NOTE_EXIT, NOTE_FFCOPY), which stands for the same 32 bits. */
  readonly fflags?: number | undefined;
  /** A value for the filter. A signed integer of up to 64 bits. */
  readonly data?: number | bigint | undefined;
  /** A value of your own, unsigned, of up to 64 bits. Each event has it as `event.udata`. */
  readonly udata?: number | bigint | undefined;
  /** Any value of your own. Each event has it as `event.token`. */
  readonly token?: Token;
}

/** Reports whether a builder made the value. {@link BuiltInterest} sets this function. */
export let isInterest: (value: unknown) => value is Interest;

/**
 * An interest that a builder has checked, so that register() does not check it again. Copies and objects made by hand do not
 * have the private field. The compiler rejects them, and so does {@link isInterest}.
 */
class BuiltInterest {
  readonly #madeByBuilder = true;

  static {
    // The name that console.log() shows.
    Object.defineProperty(BuiltInterest, 'name', { value: 'Interest' });
    isInterest = (value): value is Interest => typeof value === 'object' && value !== null && #madeByBuilder in value;
  }

  constructor(fields: object) {
    Object.assign(this, fields);
    Object.freeze(this);
  }

  /** For JSON.stringify(). An integer beyond 2^53 becomes a string. */
  toJSON(): Record<string, unknown> {
    return Object.fromEntries(Object.entries(this).map(([name, value]) => [name, jsonOf(value)]));
  }
}

/** Makes the TypeError for a value that no builder made. */
export function notAnInterest(argument: string, expected: string, value: unknown): TypeError {
  const isArray = Array.isArray(value);
  const hint = isArray ? 'pass each one as an argument of its own' : 'copies are not accepted';
  const isObject = typeof value === 'object' && value !== null;
  return wrongType(argument, `${expected} made by read(), timer(), ...`, value, isObject ? hint : undefined);
}

/** The properties of all interests. */
interface InterestBase<Filter extends string, Token> extends BuiltInterest {
  /** The name of the builder. */
  readonly filter: Filter;
  /** EV_CLEAR: reports each change of state once. */
  readonly clear: boolean;
  /** EV_ONESHOT: ends after one event. */
  readonly oneshot: boolean;
  /** EV_DISPATCH: is disabled after one event. */
  readonly dispatch: boolean;
  /** EV_DISABLE: is disabled at first. */
  readonly disabled: boolean;
  /** The token of the events, or undefined if none was given. */
  readonly token: Token | undefined;
}

/** An interest in EVFILT_READ, made by {@link read}. */
export interface ReadInterest<Token = unknown> extends InterestBase<'read', Token> {
  /** The file descriptor. */
  readonly ident: number;
  /** The bytes that must be there, or undefined for any number. */
  readonly lowat: number | undefined;
  /** The notes. */
  readonly on: readonly ReadNote[];
}
/** An interest in EVFILT_WRITE, made by {@link write}. */
export interface WriteInterest<Token = unknown> extends InterestBase<'write', Token> {
  /** The file descriptor. */
  readonly ident: number;
  /** The bytes that there must be space for, or undefined for any number. */
  readonly lowat: number | undefined;
}
/** An interest in EVFILT_VNODE, made by {@link vnode}. */
export interface VnodeInterest<Token = unknown> extends InterestBase<'vnode', Token> {
  /** The file descriptor, or undefined for a path, which register() opens. */
  readonly ident: number | undefined;
  /** The path, or undefined for a descriptor. A URL is converted to a path, and bytes are decoded as UTF-8. */
  readonly path: string | undefined;
  /** The original bytes of a path that is not UTF-8, otherwise undefined. */
  readonly bytes: Uint8Array | undefined;
  /** The notes. */
  readonly on: readonly VnodeNote[];
}
/** An interest in EVFILT_PROC, made by {@link proc}. */
export interface ProcInterest<Token = unknown> extends InterestBase<'proc', Token> {
  /** The process ID. */
  readonly ident: number;
  /** The notes. */
  readonly on: readonly ProcNote[];
}
/** An interest in EVFILT_SIGNAL, made by {@link signal}. */
export interface SignalInterest<Token = unknown> extends InterestBase<'signal', Token> {
  /** The number of the signal. */
  readonly ident: number;
  /** The name of the signal. */
  readonly signal: SignalName;
}
/** An interest in EVFILT_TIMER, made by {@link timer}. */
export interface TimerInterest<Token = unknown> extends InterestBase<'timer', Token> {
  /** The number that you chose. A bigint beyond 2^53. */
  readonly ident: number | bigint;
  /** The period in milliseconds. */
  readonly every: number | undefined;
  /** The delay in milliseconds. */
  readonly after: number | undefined;
  /** The time in milliseconds since 1970. */
  readonly at: number | undefined;
  /** NOTE_CRITICAL. */
  readonly critical: boolean;
  /** NOTE_BACKGROUND. */
  readonly background: boolean;
  /** NOTE_MACH_CONTINUOUS_TIME. */
  readonly continuous: boolean;
}
/** An interest in EVFILT_USER, made by {@link user}. */
export interface UserInterest<Token = unknown> extends InterestBase<'user', Token> {
  /** The number that you chose. A bigint beyond 2^53. */
  readonly ident: number | bigint;
}
/** An interest in any filter, made by {@link raw}. */
export interface RawInterest<Token = unknown> extends InterestBase<'raw', Token> {
  /** What the filter watches. A bigint beyond 2^53. */
  readonly ident: number | bigint;
  /** The filter: EVFILT_*. */
  readonly evfilt: number;
  /** The EV_* flags. */
  readonly flags: number;
  /** The NOTE_* bits. */
  readonly fflags: number;
  /** A value for the filter. */
  readonly data: number | bigint;
  /** A value of your own: `event.udata`. */
  readonly udata: number | bigint;
}

/** What to watch, as one of the builders describes it. Nothing is watched until `kq.register()`. */
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
/** The names of the options of each builder. */
const optionsOf: Readonly<Record<Exclude<Interest['filter'], 'raw'>, ReadonlySet<string>>> = {
  read: withCommon('lowat', 'on'),
  write: withCommon('lowat'),
  vnode: withCommon('on'),
  proc: withCommon('on'),
  signal: withCommon(),
  timer: withCommon('every', 'after', 'at', 'critical', 'background', 'continuous'),
  user: withCommon(),
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

/**
 * Makes an interest of the options that all builders share, which it checks, and of the builder's own fields. It also reports
 * options that are null. So a builder reads its own options with `?.`.
 */
function build<I extends Exclude<Interest, RawInterest>>(
  filter: I['filter'],
  options: InterestOptions<I['token']>,
  fields: Omit<I, keyof InterestBase<string, unknown>>,
): I {
  checkOptionNames('options', options, optionsOf[filter]);
  const { clear = false, oneshot = false, dispatch = false, disabled = false, token } = options;
  checkBooleans({ clear, oneshot, dispatch, disabled });
  return new BuiltInterest({ filter, ...fields, clear, oneshot, dispatch, disabled, token }) as unknown as I;
}

function checkFd(fd: number): number {
  checkInteger('fd', fd, 0, INT_MAX);
  return fd;
}

/** Checks a uintptr_t. A bigint that is a safe integer becomes a number, so that a knote has one key only. */
function checkIdent(ident: number | bigint): number | bigint {
  check64('ident', ident, false);
  return ident <= Number.MAX_SAFE_INTEGER ? Number(ident) : ident;
}

function checkLowat(lowat: number | undefined): number | undefined {
  if (lowat !== undefined) checkInteger('lowat', lowat, 1, INT_MAX);
  return lowat;
}

function checkBooleans(options: Readonly<Record<string, boolean>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (typeof value !== 'boolean') throw wrongType(name, 'a boolean', value);
  }
}

/**
 * Describes an interest in a file descriptor that can be read (EVFILT_READ of kqueue(2)).
 *
 * The event is reported when bytes are there, when a connection waits on a listening socket, or when the other side has
 * closed (`event.eof`). A regular file is readable while its offset is not at its end, and a nested kqueue while it has
 * events.
 *
 * @param fd an integer of 0 or more
 * @throws TypeError if an argument has the wrong type
 * @throws RangeError if a number is out of range
 * @example
 * const [registration] = kq.register(read(fd, { token: 'socket' }));
 */
export function read<Token = never>(fd: number, options: ReadOptions<Token> = {}): ReadInterest<Token> {
  return build<ReadInterest<Token>>('read', options, {
    ident: checkFd(fd),
    lowat: checkLowat(options?.lowat),
    on: checkNotes('read', options?.on, []),
  });
}

/**
 * Describes an interest in a file descriptor that can be written (EVFILT_WRITE of kqueue(2)).
 *
 * The event is reported when there is space for bytes, or when the other side has closed (`event.eof`).
 *
 * @param fd an integer of 0 or more
 * @throws TypeError if an argument has the wrong type
 * @throws RangeError if a number is out of range
 * @example
 * kq.register(write(fd, { oneshot: true })); // reports once that the socket has space
 */
export function write<Token = never>(fd: number, options: WriteOptions<Token> = {}): WriteInterest<Token> {
  return build<WriteInterest<Token>>('write', options, { ident: checkFd(fd), lowat: checkLowat(options?.lowat) });
}

/** A `file:` URL. The URL classes of Node and of the DOM both have these properties. */
export interface FileUrl {
  readonly href: string;
  readonly protocol: string;
  readonly pathname: string;
}

/** A path, in each form that Node's `fs` accepts. A Buffer is a Uint8Array. */
export type Path = string | Uint8Array | FileUrl;

/** Converts a path to the form that {@link VnodeInterest} has. Returns undefined if `target` is not a path. */
function pathOf(target: unknown): { path: string; bytes: Uint8Array | undefined } | undefined {
  if (typeof target === 'string') return { path: target, bytes: undefined };
  if (types.isUint8Array(target)) {
    const bytes = Buffer.from(target);
    const path = bytes.toString();
    return { path, bytes: bytes.equals(Buffer.from(path)) ? undefined : bytes };
  }
  const { href, protocol } = (target ?? {}) as Partial<FileUrl>;
  // fileURLToPath() throws Node's own error for a URL that is not a file: URL.
  if (typeof href === 'string' && typeof protocol === 'string') return { path: fileURLToPath(href), bytes: undefined };
  return undefined;
}

function isValidPath(path: string): boolean {
  return path !== '' && !path.includes('\0');
}

/**
 * Describes an interest in changes of a file or a directory (EVFILT_VNODE of kqueue(2)).
 *
 * register() opens a path, and the registration closes it. On macOS it is opened with O_EVTONLY, so the volume can still be
 * unmounted. The file is watched, not its name: register again after `rename` or `delete`. An event may have more notes than
 * you asked for. Without `clear` the event repeats.
 *
 * @param target a path, as Node's `fs` accepts it, or a file descriptor: an integer of 0 or more
 * @throws TypeError if an argument has the wrong type, `on` is empty or has an unknown note, or the path is invalid. For a URL
 * that is not a `file:` URL it is the error of url.fileURLToPath()
 * @throws RangeError if a number is out of range
 * @example
 * kq.register(vnode('/etc/hosts', { on: ['write', 'delete', 'rename'], clear: true }));
 */
export function vnode<Token = never>(target: number | Path, options: VnodeOptions<Token>): VnodeInterest<Token> {
  const path = pathOf(target);
  if (path !== undefined && !isValidPath(path.path)) {
    throw wrongType('path', 'a path that is not empty and has no null character', path.path);
  }
  if (path === undefined && typeof target !== 'number') {
    throw wrongType('target', 'a path (a string, a Uint8Array or a file: URL) or a file descriptor', target);
  }
  return build<VnodeInterest<Token>>('vnode', options, {
    ident: path === undefined ? checkFd(target as number) : undefined,
    path: path?.path,
    bytes: path?.bytes,
    on: checkNotEmpty(checkNotes('vnode', options?.on)),
  });
}

function checkNotEmpty<Note extends string>(on: readonly Note[]): readonly Note[] {
  if (on.length === 0) throw wrongType('on', 'at least one note', on);
  return on;
}

/**
 * Describes an interest in a process (EVFILT_PROC of kqueue(2)). The process does not have to be your child.
 *
 * By default its exit is reported, with `event.exitStatus` where the system reports the status. The BSDs and macOS also report
 * fork(2) and execve(2). For a process that does not exist register() throws ESRCH. On macOS, OpenBSD and NetBSD it throws
 * ESRCH for a zombie too. For a process that you may not watch it throws EACCES.
 *
 * Without `exit` in `on`, the BSDs report the exit nevertheless. FreeBSD reports it because register() asks it to.
 *
 * @param pid an integer of 1 or more
 * @throws TypeError if an argument has the wrong type, or `on` is empty or has an unknown note
 * @throws RangeError if a number is out of range
 * @example
 * kq.register(proc(pid));
 * for await (const event of kq) if (event.filter === 'proc' && event.exited) console.log(event.exitStatus);
 */
export function proc<Token = never>(pid: number, options: ProcOptions<Token> = {}): ProcInterest<Token> {
  checkInteger('pid', pid, 1, INT_MAX);
  const on = checkNotEmpty<ProcNote>(checkNotes('proc', options?.on, ['exit']));
  return build<ProcInterest<Token>>('proc', options, { ident: pid, on });
}

/**
 * Describes an interest in a signal that is sent to this process, also if it is ignored (EVFILT_SIGNAL of kqueue(2)).
 *
 * The filter does not change the action of the signal. So the registration also installs a handler that does nothing, through
 * Node, and the default action does not end the process. Only the main thread can install a handler. In a worker, take care
 * of the action yourself. On Linux register() throws EINVAL in a worker, because there Node's handlers count the signals.
 *
 * @param signal a name of `os.constants.signals`, such as `SIGHUP`, or a number
 * @throws TypeError if an argument has the wrong type
 * @throws RangeError if the system does not have the signal, or the signal cannot be caught (SIGKILL, SIGSTOP)
 * @example
 * kq.register(signal('SIGHUP'));
 */
export function signal<Token = never>(
  signal: SignalName | number,
  options: InterestOptions<Token> = {},
): SignalInterest<Token> {
  if (typeof signal !== 'number' && typeof signal !== 'string') {
    throw wrongType('signal', 'the name or the number of a signal', signal);
  }
  const ident = typeof signal === 'number' ? signal : signalNumber(signal);
  const name = ident === undefined ? undefined : signalName(ident);
  if (ident === undefined || name === undefined || name === 'SIGKILL' || name === 'SIGSTOP') {
    throw outOfRange('signal', "a signal of this system that can be caught, such as 'SIGHUP'", signal);
  }
  return build<SignalInterest<Token>>('signal', options, { ident, signal: name });
}

/**
 * Describes a timer (EVFILT_TIMER of kqueue(2)). It expires each `every` milliseconds, once after `after` milliseconds, or once
 * at the time `at`.
 *
 * Fractions of a millisecond count: the timer then uses microseconds or nanoseconds. register() throws a RangeError if the
 * system does not have a unit that is fine enough. Registering the timer again restarts it.
 *
 * @param ident a number that you choose, an unsigned integer of up to 64 bits
 * @throws TypeError if an argument has the wrong type, or not exactly one of `every`, `after` and `at` is given
 * @throws RangeError if a time is not greater than 0, or a number is out of range
 * @example
 * kq.register(timer(1, { every: 250 }), timer(2, { after: 0.5 }), timer(3, { at: new Date('2030-01-01') }));
 */
export function timer<Token = never>(
  ident: number | bigint,
  options: OneOfEveryAfterAt & TimerOptions<Token>,
): TimerInterest<Token> {
  // The ident comes first, so that timer({ every: 250 }) is an error about the missing ident and not about the options.
  const checkedIdent = checkIdent(ident);
  checkOptionNames('options', options, optionsOf.timer);
  const { every, after, at, critical = false, background = false, continuous = false } = options;
  const given = Object.entries({ every, after, at }).filter(([, value]) => value !== undefined);
  const [name, value] = given[0] ?? [];
  if (name === undefined || given.length !== 1) {
    const names = given.map(([key]) => key).join(' and ') || 'none';
    throw wrongType('options', 'exactly one of every, after, at', names);
  }
  checkBooleans({ critical, background, continuous });
  return build<TimerInterest<Token>>('timer', options, {
    ident: checkedIdent,
    every: name === 'every' ? checkPeriod(name, value) : undefined,
    after: name === 'after' ? checkPeriod(name, value) : undefined,
    at: name === 'at' ? checkTime(value) : undefined,
    critical,
    background,
    continuous,
  });
}

function checkPeriod(argument: string, ms: unknown): number {
  if (typeof ms !== 'number') throw wrongType(argument, 'a number of milliseconds', ms);
  // For 0 a kernel fires immediately, once, at each tick or never. For less than 0 a kernel may panic.
  if (!Number.isFinite(ms) || ms <= 0) {
    throw outOfRange(argument, 'a finite number of milliseconds, greater than 0', ms);
  }
  return ms;
}

function checkTime(at: unknown): number {
  const ms = types.isDate(at) ? at.getTime() : at;
  if (typeof ms !== 'number') throw wrongType('at', 'a Date or a number of milliseconds since 1970', at);
  if (!Number.isFinite(ms)) throw outOfRange('at', 'a valid Date or a finite number of milliseconds since 1970', ms);
  return ms;
}

/**
 * Describes an event of your own (EVFILT_USER of kqueue(2)). `registration.trigger()` fires it, or a `Waker` from another
 * thread.
 *
 * Without `clear`, `oneshot` or `dispatch` the event repeats after it was fired. OpenBSD has the filter since 7.8, and NetBSD
 * since 10.
 *
 * @param ident a number that you choose, an unsigned integer of up to 64 bits
 * @throws TypeError if an argument has the wrong type
 * @throws RangeError if a number is out of range
 * @example
 * const [job] = kq.register(user(1, { clear: true }));
 * job.trigger();
 */
export function user<Token = never>(ident: number | bigint, options: InterestOptions<Token> = {}): UserInterest<Token> {
  return build<UserInterest<Token>>('user', options, { ident: checkIdent(ident) });
}

/**
 * Describes an interest in any filter, with the fields of `struct kevent` (kqueue(2)).
 *
 * The numbers are those of the queue's ABI. The constants of `kqueue-ffi/sys` are those of the running system.
 *
 * @throws TypeError if a field has the wrong type
 * @throws RangeError if a field does not fit its C type, or `flags` has EV_DELETE
 * @example
 * kq.register(raw({ ident: fd, filter: EVFILT_READ, flags: EV_CLEAR }));
 */
export function raw<Token = never>(fields: RawFields<Token>): RawInterest<Token> {
  checkOptionNames('fields', fields, RAW_FIELDS);
  const { ident, filter, flags = 0, fflags = 0, data = 0, udata = 0, token } = fields;
  const checkedIdent = checkIdent(ident);
  if (filter === undefined) {
    throw wrongType('filter', 'a number', filter, 'an EVFILT_* that this system does not have is undefined');
  }
  checkInteger('filter', filter, -(2 ** 15), 2 ** 15 - 1);
  checkInteger('flags', flags, 0, UINT16_MAX);
  checkInteger('fflags', fflags, -(2 ** 31), UINT32_MAX);
  check64('data', data, true);
  check64('udata', udata, false);
  const { EV_CLEAR, EV_DELETE, EV_DISABLE, EV_DISPATCH, EV_ONESHOT } = common.constants;
  if ((flags & EV_DELETE) !== 0) throw outOfRange('flags', `no EV_DELETE (${EV_DELETE}), which is unregister()`, flags);
  return new BuiltInterest({
    filter: 'raw',
    ident: checkedIdent,
    evfilt: filter,
    flags,
    fflags: fflags >>> 0,
    data,
    udata,
    clear: (flags & EV_CLEAR) !== 0,
    oneshot: (flags & EV_ONESHOT) !== 0,
    dispatch: (flags & EV_DISPATCH) !== 0,
    disabled: (flags & EV_DISABLE) !== 0,
    token,
  }) as unknown as RawInterest<Token>;
}
