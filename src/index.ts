/**
 * The front door: kqueue(2), idiomatic.
 *
 * @module
 */
export { KqueueError, type KqueueErrorDetails } from './error.ts';
export type * from './event.ts';
export * from './interest.ts';
export { type AbortSignalLike, Kqueue, type PollOptions, type WaitOptions } from './kqueue.ts';
export type * from './notes.ts';
export type { Registration, RegistrationOf, Registrations, UserRegistration } from './registration.ts';
export type { SignalName } from './signals.ts';
export { Waker, type WakerHandle } from './waker.ts';
