import type { KeventList } from './kevent-list.ts';
import type { Abi } from './layout.ts';
import type { Timespec } from './timespec.ts';

/** Where kqueue(2) is to be found, for {@link bindKqueue}. */
export interface Binding {
  /** Path of a shared library; null for the process itself, whose libc has the calls on macOS and the BSDs. */
  readonly library: string | null;
  /** One of `abis`: the layout that the library's calls expect. */
  readonly abi: Abi;
  /** Names that replace the ABI's own, for a library that exports the calls under others. */
  readonly symbols?:
    | {
        readonly kqueue?: string | undefined;
        readonly kevent?: string | undefined;
        readonly close?: string | undefined;
      }
    | undefined;
}

/**
 * One kqueue implementation: a kernel's, reached through its C library, or the one built in for Linux. Everything above
 * this floor stands on these members and asks for nothing else.
 */
export interface Sys {
  /** What to call it in messages: `freebsd`, `linux`, or the path of the library that was bound. */
  readonly name: string;
  /** Layouts, symbols and constants that its records are written in. */
  readonly abi: Abi;
  /** Whether the kqueue descriptor itself turns readable for poll(2), and so for Node's event loop. */
  readonly pollable: boolean;
  /** Present and true where a SIGNAL knote keeps the signal's default action away by itself (the built-in Linux kqueue). */
  readonly handlesSignals?: boolean;
  /** Present where bindKqueue() made it: what another thread needs to bind the same library. */
  readonly binding?: Binding;
  /** kqueue(2): a new queue's descriptor, close-on-exec; -1 when it fails. */
  kqueue(): number;
  /** kevent(2). Returns the number of records in `eventlist`, or -1 and {@link Sys.errno}. */
  kevent(
    kq: number,
    changelist: KeventList | null,
    nchanges: number,
    eventlist: KeventList | null,
    nevents: number,
    timeout: Timespec | null,
  ): number;
  /** close(2): 0, or -1 and {@link Sys.errno}. */
  close(fd: number): number;
  /** The errno of the last call here that failed, saved by that call. */
  errno(): number;
  /**
   * Present where kevent(2) may not be called from another thread on this queue (the built-in Linux kqueue keeps its
   * knotes in one isolate). Gives a descriptor, owned by the queue and closed with it: a byte that is written to it
   * triggers the EVFILT_USER knote `ident`. No other file ever has its inode. -1 and {@link Sys.errno} when it fails.
   */
  wakefd?(kq: number, ident: number): number;
  /**
   * Present where the exit status of a process is lost when its parent reaps it (Linux before 6.15). Stores the status of
   * every process that has exited, for the EVFILT_PROC knotes of this queue. Fetches nothing. Node's event loop reaps Node's
   * children after it has called those who watch a descriptor, so such a callback is the time for this call.
   */
  collectExits?(kq: number): void;
}
