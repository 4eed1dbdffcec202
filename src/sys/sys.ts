import type { KeventList } from './kevent-list.ts';
import type { Abi } from './layout.ts';
import type { Timespec } from './timespec.ts';

/** The calls that `bindKqueue()` binds. */
export interface Binding {
  /** The path of a shared library. null is the process itself, whose libc has the calls on macOS and the BSDs. */
  readonly library: string | null;
  /** One of `abis`: the record layout that the library expects. With a wrong one the kernel writes past the lists. */
  readonly abi: Abi;
  /** The symbols of the calls, where they differ from those of the ABI. */
  readonly symbols?:
    | {
        readonly kqueue?: string | undefined;
        readonly kevent?: string | undefined;
        readonly close?: string | undefined;
      }
    | undefined;
}

/**
 * One implementation of kqueue(2): a kernel's, called through its C library, or the built-in one for Linux. The high-level
 * API uses only these members.
 */
export interface Sys {
  /** The name for messages: `freebsd`, `linux`, or the path of the library that was bound. */
  readonly name: string;
  /** The layout of its records, its symbols and its constants. */
  readonly abi: Abi;
  /** Whether poll(2), and so Node's event loop, reports the queue's descriptor as readable while it has events. */
  readonly pollable: boolean;
  /** Present and true if a SIGNAL knote suppresses the signal's default action by itself (the built-in Linux kqueue). */
  readonly handlesSignals?: boolean;
  /** Present if bindKqueue() made this object. Another thread binds the same library with it. */
  readonly binding?: Binding;
  /** kqueue(2). Returns the descriptor of a new queue, close-on-exec, or -1 and sets {@link Sys.errno}. */
  kqueue(): number;
  /** kevent(2). Returns the number of records written to `eventlist`, or -1 and sets {@link Sys.errno}. */
  kevent(
    kq: number,
    changelist: KeventList | null,
    nchanges: number,
    eventlist: KeventList | null,
    nevents: number,
    timeout: Timespec | null,
  ): number;
  /** close(2). Returns 0, or -1 and sets {@link Sys.errno}. */
  close(fd: number): number;
  /** The errno of the last failed call of this object. Each failed call saves it immediately. 0 if none has failed. */
  errno(): number;
  /**
   * Returns a descriptor that wakes the queue from another thread: a byte written to it triggers the EVFILT_USER knote
   * `ident`. Returns -1 and sets {@link Sys.errno} on failure.
   *
   * Present if kevent(2) cannot be called on the queue from another thread, because the built-in Linux kqueue keeps its
   * knotes in one isolate. The queue owns the descriptor and closes it. No other file ever has the descriptor's inode.
   */
  wakefd?(kq: number, ident: number): number;
  /**
   * Stores the exit status of each exited process that an EVFILT_PROC knote of the queue watches. Fetches nothing.
   *
   * Present if the status is lost when the parent reaps the process (Linux before 6.15). Node's event loop first calls the
   * callbacks of descriptors and then reaps Node's children, so call this in such a callback.
   */
  collectExits?(kq: number): void;
}
