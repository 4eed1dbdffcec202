/// <reference lib="esnext.disposable" preserve="true" />
import type { Interest, UserInterest } from './interest.ts';

/**
 * One knote: a filter and an ident that are registered with a queue. register() returns one for each interest.
 *
 * A registration ends when it is unregistered or replaced, after its last event, and when its queue is closed.
 */
export interface Registration<Token = unknown> {
  /** The interest that was registered. */
  readonly interest: Interest<Token>;
  /**
   * Whether the registration has not ended yet. Closing its descriptor also ends it, but no kernel reports that. `active` then
   * stays true until a call such as enable() fails.
   */
  readonly active: boolean;
  /**
   * Reports events again after `disabled`, disable() or `dispatch` (EV_ENABLE of kqueue(2)). On macOS a timer restarts.
   * @throws KqueueError ENOENT if the registration has ended
   * @throws KqueueError EBADF if the descriptor or the queue is closed
   * @example
   * registration.disable(); // no events while the buffer is full
   * registration.enable();
   */
  enable(): void;
  /**
   * Reports no events until enable() (EV_DISABLE of kqueue(2)). Events that were fetched and not returned yet are dropped.
   * @throws KqueueError ENOENT if the registration has ended
   * @throws KqueueError EBADF if the descriptor or the queue is closed
   * @example
   * registration.disable();
   */
  disable(): void;
  /**
   * Removes the registration from the queue (EV_DELETE of kqueue(2)). Events that were fetched and not returned yet are
   * dropped. If the registration has ended already, nothing else happens.
   * @throws KqueueError EBADF if the queue is closed
   * @example
   * registration.unregister();
   * closeSync(fd);
   */
  unregister(): void;
  /** Calls unregister() unless the queue is closed. For `using`. */
  [Symbol.dispose](): void;
}

/** The registration of a `user()` interest. */
export interface UserRegistration<Token = unknown> extends Registration<Token> {
  /**
   * Fires the event (NOTE_TRIGGER of kqueue(2)).
   * @param fflags the new 24 bits of the event (`event.bits`), or NOTE_FFAND, NOTE_FFOR or NOTE_FFCOPY of `kqueue-ffi/sys`
   * with bits to combine. By default the bits stay as they are
   * @throws TypeError if `fflags` is not a number
   * @throws RangeError if `fflags` is not a 32-bit integer
   * @throws KqueueError ENOENT if the registration has ended
   * @throws KqueueError EBADF if the queue is closed
   * @example
   * const [job] = kq.register(user(1, { clear: true }));
   * job.trigger();
   */
  trigger(fflags?: number): void;
}

/** The type that register() returns for one interest. */
export type RegistrationOf<I> =
  I extends UserInterest<infer Token>
    ? UserRegistration<Token>
    : I extends Interest<infer Token>
      ? Registration<Token>
      : never;

/** The type that register() returns for a list of interests: one registration for each, in the same order. */
export type Registrations<I extends readonly unknown[]> = { -readonly [K in keyof I]: RegistrationOf<I[K]> };
