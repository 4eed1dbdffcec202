/// <reference lib="esnext.disposable" preserve="true" />
import { closeSync, fstatSync } from 'node:fs';
import type { Change } from './change.ts';
import type { Interest, UserInterest } from './interest.ts';
import { inspectAs, jsonOf } from './sys/inspect.ts';
import type { Abi } from './sys/layout.ts';
import { describeRecord } from './sys/names.ts';

/** One knote: what register() made of one interest. It ends when it is unregistered, replaced, reported the last time, or its queue closed. */
export interface Registration<Token = unknown> {
  /** What was registered. */
  readonly interest: Interest<Token>;
  /**
   * Whether it is still registered. No kernel tells that a descriptor was closed, which also ends it: this stays true
   * then, and enable() and the like find out.
   */
  readonly active: boolean;
  /**
   * EV_ENABLE: reports again, after `disabled`, disable() or a `dispatch`. On macOS a timer starts over.
   * @throws KqueueError ENOENT where it is not registered any more; EBADF where its descriptor or the queue is closed
   */
  enable(): void;
  /**
   * EV_DISABLE: stays registered, and silent. What was fetched of it and not handed out yet is dropped.
   * @throws KqueueError as enable()
   */
  disable(): void;
  /**
   * EV_DELETE: takes it off the queue. What was fetched of it and not handed out yet is dropped; where it has ended
   * already, that is all.
   * @throws KqueueError EBADF where the queue is closed
   */
  unregister(): void;
  /** As unregister(), and silent on a closed queue: for `using`. */
  [Symbol.dispose](): void;
}

/** The registration of a user(). */
export interface UserRegistration<Token = unknown> extends Registration<Token> {
  /**
   * NOTE_TRIGGER: fires it.
   * @param fflags its 24 bits from now on (NOTE_FFCOPY); or NOTE_FFAND, NOTE_FFOR or NOTE_FFCOPY of `kqueue-ffi/sys` with
   * bits to combine. Absent: they stay as they are.
   * @throws KqueueError as enable(); TypeError, RangeError for what is no 32-bit integer
   */
  trigger(fflags?: number): void;
}

/** What register() returns for one interest. */
export type RegistrationOf<I> =
  I extends UserInterest<infer Token>
    ? UserRegistration<Token>
    : I extends Interest<infer Token>
      ? Registration<Token>
      : never;

/** What register() returns for a list of interests: a registration each, in the same order. */
export type Registrations<I extends readonly unknown[]> = { -readonly [K in keyof I]: RegistrationOf<I[K]> };

/** The queue, as a knote sees it. */
export interface Host {
  readonly abi: Abi;
  enable(knote: Knote): void;
  disable(knote: Knote): void;
  trigger(knote: Knote, fflags: number | undefined): void;
  unregister(knote: Knote): void;
  dispose(knote: Knote): void;
}

/** The file that register() opened for a path. */
export class OpenedFile {
  readonly fd: number;
  readonly #device: bigint;
  readonly #inode: bigint;

  /** @param fd that fs has just opened */
  constructor(fd: number) {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    this.fd = fd;
    this.#device = dev;
    this.#inode = ino;
  }

  /** Closes it, unless the number is closed already or is another file. */
  close(): void {
    try {
      const { dev, ino } = fstatSync(this.fd, { bigint: true });
      if (dev === this.#device && ino === this.#inode) closeSync(this.fd);
    } catch {
      // EBADF: somebody else has closed it.
    }
  }
}

/** A {@link Registration}, with what only the queue needs to know. */
export class Knote<Token = unknown> implements Registration<Token> {
  readonly host: Host;
  readonly interest: Interest<Token>;
  /** (ident, filter) is its name within the queue. */
  readonly ident: number | bigint;
  readonly change: Change;
  // What changes is private: whoever freezes a registration, or wraps it in a Proxy, must not come between.
  #fflags: number;
  #udata: number | bigint = 0;
  #active = true;
  #previous: Knote | undefined = undefined;
  /** With NOTE_TRACK: the processes that live and are reported under its udata, its own among them. */
  readonly tracked: Set<number> | undefined;
  /** What was opened for its path, by this knote or by the one that it replaced. */
  #file: OpenedFile | undefined;
  /** Lets go of the signal. */
  readonly #release: (() => void) | undefined;

  constructor(
    host: Host,
    interest: Interest<Token>,
    change: Change,
    file: OpenedFile | undefined,
    release: (() => void) | undefined,
  ) {
    this.host = host;
    this.interest = interest;
    this.change = change;
    this.#fflags = change.fflags;
    this.ident = interest.ident ?? (file as OpenedFile).fd;
    this.tracked = interest.filter === 'proc' && interest.on.includes('track') ? new Set([interest.ident]) : undefined;
    this.#file = file;
    this.#release = release;
  }

  get active(): boolean {
    return this.#active;
  }

  /** As last sent: without NOTE_EXITSTATUS where that was refused. */
  get fflags(): number {
    return this.#fflags;
  }

  set fflags(fflags: number) {
    this.#fflags = fflags;
  }

  /** What the kernel carries for us; see table.ts. */
  get udata(): number | bigint {
    return this.#udata;
  }

  set udata(udata: number | bigint) {
    this.#udata = udata;
  }

  /** The knote that had the same name before, until it is known that this one replaced it. */
  get previous(): Knote | undefined {
    return this.#previous;
  }

  set previous(previous: Knote | undefined) {
    this.#previous = previous;
  }

  /**
   * Takes over the file of the knote that this one replaces. If this knote opened a file itself, the other file is
   * closed: both have the same number.
   */
  inherit(previous: Knote): void {
    this.#file ??= previous.#file;
    previous.#file = undefined;
  }

  get ownsFile(): boolean {
    return this.#file !== undefined;
  }

  /** The kernel has no such knote (ENOENT), so the file was closed. The number may be the same file, opened by somebody else. */
  disownFile(): void {
    this.#file = undefined;
  }

  /** It is no longer registered: gives back what it held. */
  end(): void {
    if (!this.#active) return;
    this.#active = false;
    this.#release?.();
    this.#file?.close();
  }

  enable(): void {
    this.host.enable(this);
  }

  disable(): void {
    this.host.disable(this);
  }

  unregister(): void {
    this.host.unregister(this);
  }

  [Symbol.dispose](): void {
    this.host.dispose(this);
  }

  /** For JSON.stringify(): filter, ident and token, the path where there is one, and whether it is active. */
  toJSON(): Record<string, unknown> {
    const { interest, ident, active } = this;
    const path = interest.filter === 'vnode' ? interest.path : undefined;
    return { filter: interest.filter, ident: jsonOf(ident), path, active, token: jsonOf(interest.token) };
  }

  /** `registration { READ fd=5, CLEAR }`; `registration (ended) { ... }` */
  toString(): string {
    const { ident, change } = this;
    const record = {
      ident,
      filter: change.filter,
      flags: change.mode,
      fflags: this.fflags,
      data: change.data,
      udata: 0,
    };
    return `registration${this.active ? '' : ' (ended)'} ${describeRecord(this.host.abi, record)}`;
  }

  static {
    inspectAs(Knote, String);
  }
}

/** A {@link UserRegistration}. */
export class UserKnote<Token = unknown> extends Knote<Token> implements UserRegistration<Token> {
  trigger(fflags?: number): void {
    this.host.trigger(this, fflags);
  }
}
