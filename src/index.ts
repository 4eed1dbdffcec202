/**
 * kqueue(2) for Node: what to watch is described by `read()`, `timer()` and the like, registered with a `Kqueue`, and what
 * happens comes back as typed events. The system calls themselves, spelled as in C, are in `kqueue-ffi/sys`.
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
  type Path,
  type ProcInterest,
  proc,
  type RawFields,
  type RawInterest,
  type ReadInterest,
  raw,
  read,
  type SignalInterest,
  signal,
  type TimerInterest,
  type TimerOptions,
  type TimerTimes,
  timer,
  type UserInterest,
  user,
  type VnodeInterest,
  vnode,
  type WriteInterest,
  write,
} from './interest.ts';
export { Kqueue, type PollOptions, type WaitOptions } from './kqueue.ts';
export type { ProcEventNote, ProcNote, ReadNote, VnodeNote } from './notes.ts';
export type { Registration, RegistrationOf, Registrations, UserRegistration } from './registration.ts';
export type { SignalName } from './signals.ts';
export type { AbortSignalLike } from './waiting.ts';
export { Waker, type WakerHandle } from './waker.ts';
