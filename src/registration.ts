/// <reference lib="esnext.disposable" preserve="true" />
import type { Interest, UserInterest } from './interest.ts';

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
