/**
 * The high-level API: kqueue(2) for Node. A builder such as `read()` or `timer()` describes what to watch. A `Kqueue`
 * registers it and returns typed events. The system-call API, spelled as in C, is `kqueue-ffi/sys`.
 *
 * @module
 */

export { KqueueError, type KqueueErrorDetails } from './error.ts';
export type {
  ExitStatus,
  KqueueEvent,
  ProcEvent,
  RawEvent,
  ReadEvent,
  SignalEvent,
  TimerEvent,
  UserEvent,
  VnodeEvent,
  WriteEvent,
} from './event.ts';
export {
  type FileUrl,
  type Interest,
  type InterestOptions,
  type OneOfEveryAfterAt,
  type Path,
  type ProcInterest,
  type ProcOptions,
  proc,
  type RawFields,
  type RawInterest,
  type ReadInterest,
  type ReadOptions,
  raw,
  read,
  type SignalInterest,
  signal,
  type TimerInterest,
  type TimerOptions,
  timer,
  type UserInterest,
  user,
  type VnodeInterest,
  type VnodeOptions,
  vnode,
  type WriteInterest,
  type WriteOptions,
  write,
} from './interest.ts';
export { Kqueue, type KqueueOptions, type PollOptions, type WaitOptions } from './kqueue.ts';
export type { ProcEventNote, ProcNote, ReadNote, VnodeNote } from './notes.ts';
export type { Registration, RegistrationOf, Registrations, UserRegistration } from './registration.ts';
export type { SignalName } from './signals.ts';
export type { AbortSignalLike } from './waiting.ts';
export { Waker, type WakerHandle } from './waker.ts';
