import { KqueueError } from './error.ts';
import { hasNote, notesIn, type ProcEventNote, type ReadNote, type VnodeNote } from './notes.ts';
import type { Registration, UserRegistration } from './registration.ts';
import { type SignalName, signalName } from './signals.ts';
import type { Kevent } from './sys/abi/types.ts';
import type { KeventList } from './sys/kevent-list.ts';
import type { Abi } from './sys/layout.ts';
import { describeRecord, inspectAs, jsonOf } from './sys/names.ts';

/** How a process ended, as in wait(2): it has either a `code` or a `signal`. */
export type ExitStatus =
  | {
      /** The process called exit(3) with this code. */
      readonly code: number;
      readonly signal?: undefined;
    }
  | {
      /** This signal killed the process. A number if Node has no name for the signal. */
      readonly signal: SignalName | number;
      readonly code?: undefined;
    };

/** What all events of one filter of one ABI have in common. */
export interface EventType {
  readonly abi: Abi;
  readonly evfilt: number;
  readonly filter: KqueueEvent['filter'];
  /** EV_EOF. */
  readonly eof: number;
  /** EV_ERROR. */
  readonly error: number;
}

/** The fields of a record as bigints. Only events that need them have them. */
interface ExactFields {
  readonly ident: bigint;
  readonly data: bigint;
  readonly udata: bigint;
}

let typeOf: (event: BaseEvent<unknown>) => EventType;

/** The properties of all events. */
abstract class BaseEvent<Token> {
  /** What the event is about: a descriptor, a process, a timer. Above 2^53 it is rounded, and `ident64` is exact. */
  readonly ident: number;
  /** The EV_* flags. Some systems also set the flags of the registration. So test single bits. */
  readonly flags: number;
  /** Depends on the filter: NOTE_* bits, an errno, or your own bits. */
  readonly fflags: number;
  /** Depends on the filter. Beyond 2^53 it is rounded, and `data64` is exact. */
  readonly data: number;
  readonly #type: EventType;
  readonly #registration: Registration | undefined;
  readonly #exact: ExactFields | undefined;

  static {
    typeOf = (event): EventType => event.#type;
    inspectAs(BaseEvent, String);
  }

  constructor(
    type: EventType,
    ident: number,
    flags: number,
    fflags: number,
    data: number,
    registration: Registration | undefined,
    exact: ExactFields | undefined,
  ) {
    this.ident = ident;
    this.flags = flags;
    this.fflags = fflags;
    this.data = data;
    this.#type = type;
    this.#registration = registration;
    this.#exact = exact;
  }

  /** The registration that reported the event. Undefined if the knote was not registered through this Kqueue. */
  get registration(): Registration<Token> | undefined {
    return this.#registration as Registration<Token> | undefined;
  }

  /** The token of the registration. Undefined if no token was given. */
  get token(): Token | undefined {
    return this.#registration?.interest.token as Token | undefined;
  }

  /** The filter's number in this ABI: EVFILT_*. */
  get evfilt(): number {
    return this.#type.evfilt;
  }

  /**
   * The udata of a raw() interest, or of a knote that was not registered through this Kqueue. 0 for all other events, whose
   * udata identifies the registration.
   */
  get udata(): number | bigint {
    if (this.#registration !== undefined && this.#registration.interest.filter !== 'raw') return 0;
    const { udata } = this.#exact as ExactFields;
    return udata <= Number.MAX_SAFE_INTEGER ? Number(udata) : udata;
  }

  /** The exact value of `ident`. */
  get ident64(): bigint {
    return this.#exact?.ident ?? BigInt(this.ident);
  }

  /** The exact value of `data`. */
  get data64(): bigint {
    return this.#exact?.data ?? BigInt(this.data);
  }

  /** Whether EV_EOF is set: the other side has closed, the process has exited, or access to the file was revoked. */
  get eof(): boolean {
    return (this.flags & this.#type.eof) !== 0;
  }

  /**
   * The error of what is watched: the errno of EV_ERROR, or the error of a socket that came with EV_EOF. No call throws this
   * error. Undefined if there is none.
   */
  get error(): KqueueError | undefined {
    const { filter, error } = this.#type;
    let errno = 0;
    if ((this.flags & error) !== 0) errno = this.data;
    else if (this.eof && (filter === 'read' || filter === 'write')) errno = this.fflags;
    return errno === 0
      ? undefined
      : new KqueueError(errno, 'kevent', { about: describeRecord(this.#type.abi, this.#record()) });
  }

  #record(): Kevent {
    const { ident64: ident, flags, fflags, data64: data, udata } = this;
    return { ident, filter: this.#type.evfilt, flags, fflags, data, udata };
  }

  /** For JSON.stringify(): the name of the filter, the record and the token. An integer beyond 2^53 becomes a string. */
  toJSON(): Record<string, unknown> {
    const { ident64, flags, fflags, data64, udata, token } = this;
    const record = { ident: jsonOf(ident64), flags, fflags, data: jsonOf(data64), udata: jsonOf(udata) };
    return { filter: this.#type.filter, ...record, token: jsonOf(token) };
  }

  /** Returns the record with names instead of numbers: `kevent { READ fd=5, ADD|ENABLE|CLEAR, data=12 }`. */
  toString(): string {
    return `kevent ${describeRecord(this.#type.abi, this.#record())}`;
  }
}

/** The event of `read()`: a file descriptor can be read. */
export class ReadEvent<Token = unknown> extends BaseEvent<Token> {
  get filter(): 'read' {
    return 'read';
  }
  /** The file descriptor. */
  get fd(): number {
    return this.ident;
  }
  /**
   * The number of bytes to read. For a listening socket, the number of connections that wait. For a regular file, its size
   * minus its offset, which may be negative. For a nested kqueue, the number of its events.
   */
  get bytes(): number {
    return this.data;
  }
  /**
   * Reports whether the note is set. With `eof` it returns false, because fflags is then an errno.
   * @example
   * if (event.filter === 'read') console.log(event.has('eof'));
   */
  has(note: ReadNote): boolean {
    return !this.eof && hasNote(typeOf(this).abi, this.fflags, note);
  }
}

/** The event of `write()`: a file descriptor can be written. */
export class WriteEvent<Token = unknown> extends BaseEvent<Token> {
  get filter(): 'write' {
    return 'write';
  }
  /** The file descriptor. */
  get fd(): number {
    return this.ident;
  }
  /** The number of bytes that there is space for. */
  get bytes(): number {
    return this.data;
  }
}

/** The event of `vnode()`: a file or directory has changed. */
export class VnodeEvent<Token = unknown> extends BaseEvent<Token> {
  get filter(): 'vnode' {
    return 'vnode';
  }
  /** The file descriptor. */
  get fd(): number {
    return this.ident;
  }
  /** The path that was registered, even if the file was renamed since. Undefined if a descriptor was registered. */
  get path(): string | undefined {
    const interest = this.registration?.interest;
    return interest?.filter === 'vnode' ? interest.path : undefined;
  }
  /** What has happened. There may be several notes, and more than you asked for. `on` of `VnodeOptions` says what each means. */
  get notes(): VnodeNote[] {
    const { abi, evfilt } = typeOf(this);
    return notesIn(abi, evfilt, this.fflags);
  }
  /**
   * Reports whether this has happened.
   * @example
   * if (event.filter === 'vnode' && event.has('delete')) event.registration?.unregister();
   */
  has(note: VnodeNote): boolean {
    return hasNote(typeOf(this).abi, this.fflags, note);
  }
}

/** The event of `proc()`: a process has exited, or has done something else that you asked for. */
export class ProcEvent<Token = unknown> extends BaseEvent<Token> {
  get filter(): 'proc' {
    return 'proc';
  }
  /** The process ID. For a `child` note, that of the child. */
  get pid(): number {
    return this.ident;
  }
  /** What has happened. There may be several notes. `on` of `ProcOptions` and {@link ProcEventNote} say what each means. */
  get notes(): ProcEventNote[] {
    const { abi, evfilt } = typeOf(this);
    return notesIn(abi, evfilt, this.fflags);
  }
  /**
   * Reports whether this has happened.
   * @example
   * if (event.filter === 'proc' && event.has('fork')) console.log(`${event.pid} has a child`);
   */
  has(note: ProcEventNote): boolean {
    return hasNote(typeOf(this).abi, this.fflags, note);
  }
  /** Whether the process has exited. OpenBSD, NetBSD and DragonFly report the exit even without `exit` in `on`. */
  get exited(): boolean {
    return this.eof || this.has('exit');
  }
  /** How the process ended. Undefined while it runs, and if the system does not report the status. */
  get exitStatus(): ExitStatus | undefined {
    if (!this.exited) return undefined;
    // On macOS `data` is a status only if NOTE_EXITSTATUS is set. The built-in Linux kqueue has -1 for an unknown status.
    const { NOTE_EXITSTATUS } = typeOf(this).abi.constants;
    if (this.data < 0 || (NOTE_EXITSTATUS !== undefined && (this.fflags & NOTE_EXITSTATUS) === 0)) return undefined;
    return exitStatus(this.data);
  }
  /** The ID of the parent process for a `child` note, otherwise undefined. */
  get parent(): number | undefined {
    return this.has('child') && !this.exited ? this.data : undefined;
  }
}

/** WIFEXITED, WEXITSTATUS and WTERMSIG of wait(2). They are the same on every system. */
function exitStatus(status: number): ExitStatus {
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff } : { signal: signalName(signal) ?? signal };
}

/** The event of `signal()`: a signal was sent to this process. */
export class SignalEvent<Token = unknown> extends BaseEvent<Token> {
  get filter(): 'signal' {
    return 'signal';
  }
  /** The name of the signal, or its number if Node has no name for it. */
  get signal(): SignalName | number {
    return signalName(this.ident) ?? this.ident;
  }
  /** How often the signal was sent since its last event. */
  get count(): number {
    return this.data;
  }
}

/** The event of `timer()`: a timer has expired. */
export class TimerEvent<Token = unknown> extends BaseEvent<Token> {
  get filter(): 'timer' {
    return 'timer';
  }
  /** How often the timer expired since its last event. */
  get expirations(): number {
    return this.data;
  }
}

/** The event of `user()`: it was triggered. */
export class UserEvent<Token = unknown> extends BaseEvent<Token> {
  get filter(): 'user' {
    return 'user';
  }
  /** The registration that reported the event. Undefined if the knote was not registered through this Kqueue. */
  override get registration(): UserRegistration<Token> | undefined {
    return super.registration as UserRegistration<Token> | undefined;
  }
  /** Your own 24 bits of fflags (NOTE_FFLAGSMASK), as trigger() set them. */
  get bits(): number {
    return this.fflags & 0xffffff;
  }
}

/** An event of a filter that does not have a builder. `evfilt` is its filter. */
export class RawEvent<Token = unknown> extends BaseEvent<Token> {
  get filter(): 'raw' {
    return 'raw';
  }
}

/**
 * One event of the kernel. `filter` says which type it is. An event of a raw() interest has the type of its filter's builder, if
 * the filter has one.
 */
export type KqueueEvent<Token = unknown> =
  | ReadEvent<Token>
  | WriteEvent<Token>
  | VnodeEvent<Token>
  | ProcEvent<Token>
  | SignalEvent<Token>
  | TimerEvent<Token>
  | UserEvent<Token>
  | RawEvent<Token>;

const classes = {
  read: ReadEvent,
  write: WriteEvent,
  vnode: VnodeEvent,
  proc: ProcEvent,
  signal: SignalEvent,
  timer: TimerEvent,
  user: UserEvent,
  raw: RawEvent,
} as const satisfies Readonly<Record<KqueueEvent['filter'], unknown>>;

const eventTypes = new WeakMap<Abi, Map<number, EventType>>();

/** Returns the event types of an ABI by EVFILT_*. There is one map for each ABI. */
export function eventTypesOf(abi: Abi): Map<number, EventType> {
  let known = eventTypes.get(abi);
  if (known !== undefined) return known;
  known = new Map();
  eventTypes.set(abi, known);
  for (const filter of Object.keys(classes) as (keyof typeof classes)[]) {
    const evfilt = abi.constants[`EVFILT_${filter.toUpperCase()}`];
    if (evfilt !== undefined) known.set(evfilt, makeType(abi, evfilt, filter));
  }
  return known;
}

function makeType(abi: Abi, evfilt: number, filter: EventType['filter']): EventType {
  const { EV_EOF, EV_ERROR } = abi.constants;
  return { abi, evfilt, filter, eof: EV_EOF, error: EV_ERROR };
}

/** Makes the typed event of one record. This is the hot path: one object for each event. */
export function eventOf<Token>(
  types: Map<number, EventType>,
  list: KeventList,
  index: number,
  evfilt: number,
  ident: number,
  registration: Registration | undefined,
): KqueueEvent<Token> {
  let type = types.get(evfilt);
  if (type === undefined) {
    type = makeType(list.abi, evfilt, 'raw');
    types.set(evfilt, type);
  }
  const flags = list.flags(index);
  const fflags = list.fflags(index);
  const data = list.data(index);
  const plain =
    registration !== undefined &&
    registration.interest.filter !== 'raw' &&
    Number.isSafeInteger(ident) &&
    Number.isSafeInteger(data);
  const exact = plain ? undefined : exactOf(list, index);
  // The classes differ only in their getters, so they share one constructor.
  const Event = classes[type.filter] as typeof RawEvent;
  return new Event<Token>(type, ident, flags, fflags, data, registration, exact) as KqueueEvent<Token>;
}

function exactOf(list: KeventList, index: number): ExactFields {
  return { ident: list.ident64(index), data: list.data64(index), udata: list.udata64(index) };
}
