/**
 * kqueue(2) for Node: what to watch is described by `read()`, `timer()` and the like, registered with a `Kqueue`, and what
 * happens comes back as typed events. The system calls themselves, spelled as in C, are in `kqueue-ffi/sys`.
 *
 * @module
 */

export { KqueueError, type KqueueErrorDetails } from './error.ts';
export type {
  DeviceEvent,
  EmptyEvent,
  ExceptEvent,
  ExitStatus,
  FsEvent,
  KqueueEvent,
  MachportEvent,
  ProcdescEvent,
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
  type DeviceInterest,
  device,
  type EmptyInterest,
  type ExceptInterest,
  empty,
  except,
  type FsInterest,
  fs,
  type Interest,
  type InterestOptions,
  type MachportInterest,
  machport,
  type ProcdescInterest,
  type ProcInterest,
  proc,
  procdesc,
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
export type { DeviceNote, ExceptNote, ProcEventNote, ProcNote, ReadNote, VnodeNote } from './notes.ts';
export type { Registration, RegistrationOf, Registrations, UserRegistration } from './registration.ts';
export type { SignalName } from './signals.ts';
export type { AbortSignalLike } from './waiting.ts';
export { Waker, type WakerHandle } from './waker.ts';
