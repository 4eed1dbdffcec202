import { KqueueError } from './error.ts';
import { hasNote, notesIn, type ProcEventNote, type ReadNote, type VnodeNote } from './notes.ts';
import type { Registration, UserRegistration } from './registration.ts';
import { type SignalName, signalName } from './signals.ts';
import type { Kevent } from './sys/abi/types.ts';
import type { KeventList } from './sys/kevent-list.ts';
import type { Abi } from './sys/layout.ts';
import { describeRecord, inspectAs, jsonOf } from './sys/names.ts';

/** How a process ended, as wait(2) tells. */
export type ExitStatus =
  /** It called exit(3) with this code. */
  | { readonly code: number; readonly signal?: undefined }
  /** A signal killed it; the number of one that Node has no name for. */
  | { readonly signal: SignalName | number; readonly code?: undefined };

/** What all events of one filter of one ABI have in common. */
export interface Kind {
  readonly abi: Abi;
  readonly evfilt: number;
  readonly filter: KqueueEvent['filter'];
  readonly eof: number;
  readonly error: number;
}

/** What numbers do not hold, and the udata of what is not ours. */
interface Exact {
  readonly ident: bigint;
  readonly data: bigint;
  readonly udata: bigint;
}

let kindOf: (event: BaseEvent<unknown>) => Kind;

/** What all events have. */
abstract class BaseEvent<Token> {
  /** What it is about, as the filter counts things: a descriptor, a process, a timer. Rounded above 2^53: `ident64`. */
  readonly ident: number;
  /** EV_*. Some systems repeat the flags of registration here, others do not: test single bits. */
  readonly flags: number;
  /** NOTE_*, an errno, or bits of the program's own: what the filter puts there. */
  readonly fflags: number;
  /** What the filter puts there. Rounded beyond 2^53: `data64`. */
  readonly data: number;
  readonly #kind: Kind;
  readonly #registration: Registration | undefined;
  readonly #exact: Exact | undefined;

  static {
    kindOf = (event): Kind => event.#kind;
    inspectAs(BaseEvent, String);
  }

  constructor(
    kind: Kind,
    ident: number,
    flags: number,
    fflags: number,
    data: number,
    registration: Registration | undefined,
    exact: Exact | undefined,
  ) {
    this.ident = ident;
    this.flags = flags;
    this.fflags = fflags;
    this.data = data;
    this.#kind = kind;
    this.#registration = registration;
    this.#exact = exact;
  }

  /** The knote that it came from; undefined for one that was not registered through this Kqueue. */
  get registration(): Registration<Token> | undefined {
    return this.#registration as Registration<Token> | undefined;
  }

  /** The token that it was registered with; undefined if there was none. */
  get token(): Token | undefined {
    return this.#registration?.interest.token as Token | undefined;
  }

  /** The filter as the kernel has it: EVFILT_*. */
  get evfilt(): number {
    return this.#kind.evfilt;
  }

  /** The udata of a raw(), or of a knote that was not registered through this Kqueue; 0 where it serves to carry the token. */
  get udata(): number | bigint {
    if (this.#registration !== undefined && this.#registration.interest.filter !== 'raw') return 0;
    const udata = this.#exact?.udata ?? 0n;
    return udata <= Number.MAX_SAFE_INTEGER ? Number(udata) : udata;
  }

  /** `ident`, exact. */
  get ident64(): bigint {
    return this.#exact?.ident ?? BigInt(this.ident);
  }

  /** `data`, exact. */
  get data64(): bigint {
    return this.#exact?.data ?? BigInt(this.data);
  }

  /** EV_EOF: the other side is gone, the process has exited, access to the file was revoked. */
  get eof(): boolean {
    return (this.flags & this.#kind.eof) !== 0;
  }

  /**
   * What went wrong, if something did: EV_ERROR and its errno, or the socket's error that came with EV_EOF. It is news of
   * what is watched, so no call throws it.
   */
  get error(): KqueueError | undefined {
    const { filter, error } = this.#kind;
    let errno = 0;
    if ((this.flags & error) !== 0) errno = this.data;
    else if (this.eof && (filter === 'read' || filter === 'write')) errno = this.fflags;
    return errno === 0
      ? undefined
      : new KqueueError(errno, 'kevent', { about: describeRecord(this.#kind.abi, this.#record()) });
  }

  #record(): Kevent {
    const { ident64: ident, flags, fflags, data64: data, udata } = this;
    return { ident, filter: this.#kind.evfilt, flags, fflags, data, udata };
  }

  /** For JSON.stringify(): the filter's name, the record, and the token. An integer beyond 2^53 is a string. */
  toJSON(): Record<string, unknown> {
    const { ident64, flags, fflags, data64, udata, token } = this;
    const record = { ident: jsonOf(ident64), flags, fflags, data: jsonOf(data64), udata: jsonOf(udata) };
    return { filter: this.#kind.filter, ...record, token: jsonOf(token) };
  }

  /** `kevent { READ fd=5, ADD|ENABLE|CLEAR, data=12 }` */
  toString(): string {
    return `kevent ${describeRecord(this.#kind.abi, this.#record())}`;
  }
}

/** A descriptor can be read. */
export class ReadEvent<Token = unknown> extends BaseEvent<Token> {
  get filter(): 'read' {
    return 'read';
  }
  /** The descriptor. */
  get fd(): number {
    return this.ident;
  }
  /**
   * Bytes to read; connections that wait on a listening socket; what is left of a regular file behind its offset, less than
   * 0 beyond its end; events in a nested kqueue.
   */
  get bytes(): number {
    return this.data;
  }
  /** Whether the note is set. Not with `eof`: then fflags is an errno. */
  has(note: ReadNote): boolean {
    return !this.eof && hasNote(kindOf(this).abi, this.fflags, note);
  }
}

/** A descriptor can be written. */
export class WriteEvent<Token = unknown> extends BaseEvent<Token> {
  get filter(): 'write' {
    return 'write';
  }
  /** The descriptor. */
  get fd(): number {
    return this.ident;
  }
  /** Bytes that there is space for. */
  get bytes(): number {
    return this.data;
  }
}

/** A file has changed. */
export class VnodeEvent<Token = unknown> extends BaseEvent<Token> {
  get filter(): 'vnode' {
    return 'vnode';
  }
  /** The descriptor. */
  get fd(): number {
    return this.ident;
  }
  /** The path that was registered, whatever the file is called now; undefined if a descriptor was. */
  get path(): string | undefined {
    const interest = this.registration?.interest;
    return interest?.filter === 'vnode' ? interest.path : undefined;
  }
  /** What has happened; several things may have, and more than was asked for. */
  get notes(): VnodeNote[] {
    const { abi, evfilt } = kindOf(this);
    return notesIn(abi, evfilt, this.fflags);
  }
  /** Whether this has happened. */
  has(note: VnodeNote): boolean {
    return hasNote(kindOf(this).abi, this.fflags, note);
  }
}

/** A process has exited, or done something else that was asked for. */
export class ProcEvent<Token = unknown> extends BaseEvent<Token> {
  get filter(): 'proc' {
    return 'proc';
  }
  /** The process: the child, for a `child` note. */
  get pid(): number {
    return this.ident;
  }
  /** What has happened. */
  get notes(): ProcEventNote[] {
    const { abi, evfilt } = kindOf(this);
    return notesIn(abi, evfilt, this.fflags);
  }
  /** Whether this has happened. */
  has(note: ProcEventNote): boolean {
    return hasNote(kindOf(this).abi, this.fflags, note);
  }
  /** Whether it has exited. OpenBSD, NetBSD and DragonFly tell even those who did not ask. */
  get exited(): boolean {
    return this.eof || this.has('exit');
  }
  /** How it ended; undefined while it lives, and where the system does not tell us. */
  get exitStatus(): ExitStatus | undefined {
    if (!this.exited) return undefined;
    // macOS has a status in data only where it says so; the kqueue built in for Linux has -1 for one that it cannot see.
    const { NOTE_EXITSTATUS } = kindOf(this).abi.constants;
    if (this.data < 0 || (NOTE_EXITSTATUS !== undefined && (this.fflags & NOTE_EXITSTATUS) === 0)) return undefined;
    return exitStatus(this.data);
  }
  /** The process that made it, for a `child` note; undefined for any other. */
  get parent(): number | undefined {
    return this.has('child') && !this.exited ? this.data : undefined;
  }
}

/** WIFEXITED, WEXITSTATUS, WTERMSIG of wait(2): the same on every system. */
function exitStatus(status: number): ExitStatus {
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff } : { signal: signalName(signal) ?? signal };
}

/** A signal was sent to this process. */
export class SignalEvent<Token = unknown> extends BaseEvent<Token> {
  get filter(): 'signal' {
    return 'signal';
  }
  /** Its name; its number where Node has no name for it. */
  get signal(): SignalName | number {
    return signalName(this.ident) ?? this.ident;
  }
  /** How often, since it was last fetched. */
  get count(): number {
    return this.data;
  }
}

/** A timer has expired. */
export class TimerEvent<Token = unknown> extends BaseEvent<Token> {
  get filter(): 'timer' {
    return 'timer';
  }
  /** How often, since it was last fetched. */
  get expirations(): number {
    return this.data;
  }
}

/** An event of the program's own was triggered. */
export class UserEvent<Token = unknown> extends BaseEvent<Token> {
  get filter(): 'user' {
    return 'user';
  }
  /** The knote that it came from; undefined for one that was not registered through this Kqueue. */
  override get registration(): UserRegistration<Token> | undefined {
    return super.registration as UserRegistration<Token> | undefined;
  }
  /** The 24 bits of fflags that are the program's own (NOTE_FFLAGSMASK). */
  get bits(): number {
    return this.fflags & 0xffffff;
  }
}

/** An event of a filter that has no builder of its own: see `evfilt`. */
export class RawEvent<Token = unknown> extends BaseEvent<Token> {
  get filter(): 'raw' {
    return 'raw';
  }
}

/** What happened: one record of the kernel. `filter` tells which; a raw() of a filter that has a builder is of that type. */
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

const kinds = new WeakMap<Abi, Map<number, Kind>>();

/** The kinds of an ABI's events by EVFILT_*: one map for each ABI. */
export function kindsOf(abi: Abi): Map<number, Kind> {
  let known = kinds.get(abi);
  if (known !== undefined) return known;
  known = new Map();
  kinds.set(abi, known);
  for (const filter of Object.keys(classes) as (keyof typeof classes)[]) {
    const evfilt = abi.constants[`EVFILT_${filter.toUpperCase()}`];
    if (evfilt !== undefined) known.set(evfilt, kind(abi, evfilt, filter));
  }
  return known;
}

function kind(abi: Abi, evfilt: number, filter: Kind['filter']): Kind {
  const { EV_EOF = 0, EV_ERROR = 0 } = abi.constants;
  return { abi, evfilt, filter, eof: EV_EOF, error: EV_ERROR };
}

/** The typed event of one record: one object. */
export function eventOf<Token>(
  abiKinds: Map<number, Kind>,
  list: KeventList,
  index: number,
  evfilt: number,
  ident: number,
  registration: Registration | undefined,
): KqueueEvent<Token> {
  let of = abiKinds.get(evfilt);
  if (of === undefined) {
    of = kind(list.abi, evfilt, 'raw');
    abiKinds.set(evfilt, of);
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
  // One constructor for all classes: each differs in its getters only.
  const Event = classes[of.filter] as typeof RawEvent;
  return new Event<Token>(of, ident, flags, fflags, data, registration, exact) as KqueueEvent<Token>;
}

function exactOf(list: KeventList, index: number): Exact {
  return { ident: list.ident64(index), data: list.data64(index), udata: list.udata64(index) };
}
