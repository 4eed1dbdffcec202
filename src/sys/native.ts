import type { TypeObject } from 'koffi';
import { checkCall } from './call.ts';
import { checkInt, checkOptionNames, outOfRange, wrongType } from './check.ts';
import { systemAbi } from './default.ts';
import { createTracked, unowned, untrack } from './descriptor.ts';
import { KeventList } from './kevent-list.ts';
import { koffi } from './koffi.ts';
import { abis, checkAbi } from './layout.ts';
import type { Binding, Sys } from './sys.ts';
import type { Timespec } from './timespec.ts';

type Kevent = (
  kq: number,
  changes: number,
  nchanges: number,
  events: number,
  nevents: number,
  timeout: number,
) => number;
const BINDING: ReadonlySet<string> = new Set(['library', 'abi', 'symbols'] satisfies (keyof Binding)[]);
const SYMBOLS: ReadonlySet<string> = new Set(['kqueue', 'kevent', 'close']);

/**
 * Binds kqueue, kevent and close of a shared library, or of the process itself, with the C layout that `abi` describes.
 * koffi's own idea of the layout is compared with the ABI's before anything is called.
 *
 * @throws TypeError for arguments of another form; Error where the library or a symbol is not found, where koffi has no
 * binary for this machine, and where it lays a struct out otherwise than the ABI says; RangeError for `darwin64` and
 * `freebsd11`, which are layouts to look at
 */
export function bindKqueue(binding: Binding): Sys {
  checkOptionNames('binding', binding, BINDING);
  const { library, abi, symbols = {} } = binding;
  if (library !== null && typeof library !== 'string') throw wrongType('library', 'a path or null', library);
  if (library === '') throw wrongType('library', 'a path or null', library);
  checkAbi(abi);
  checkOptionNames('symbols', symbols, SYMBOLS);
  if (!abi.bindable) throw outOfRange('abi', 'one that can be bound, not a layout to look at', abi.name);
  const { load, errno: currentErrno, sizeof } = koffi();
  if (abi.kevent.size % 8 !== 0 || abi.timespec.size !== 16) throw new Error(`${abi.name}: unexpected layout`);

  // koffi says what is wrong, and not of which library.
  const named = <T>(bind: () => T): T => {
    try {
      return bind();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${library ?? 'the process itself'}: ${reason}`, { cause });
    }
  };
  const lib = named(() => load(library));
  const find = (call: 'kqueue' | 'kevent' | 'close'): string => {
    const name = symbols[call] ?? abi.symbols[call];
    if (typeof name !== 'string' || !/^\w+$/.test(name))
      throw wrongType(`symbols.${call}`, 'the name of a C symbol', name);
    return name;
  };
  const func = (call: 'kqueue' | 'kevent' | 'close', parameters: (TypeObject | string)[]): unknown => {
    const symbol = find(call);
    return named(() => lib.func(symbol, 'int', parameters));
  };
  const kqueueC = func('kqueue', []) as () => number;
  const closeC = func('close', ['int']) as (fd: number) => number;
  // Pointers go down as numbers: each list keeps its buffer, and so its address, for life. koffi then converts six
  // integers, which is less work than looking into three typed arrays.
  const pointer: TypeObject | string = 'uintptr_t';
  if (sizeof(pointer) !== 8) throw new Error('kqueue-ffi needs a 64-bit process');
  const count = abi.counts;
  const keventC = func('kevent', ['int', pointer, count, pointer, count, pointer]) as Kevent;
  // fcntl is variadic, and arm64 macOS passes variadic arguments on the stack: it must be declared so.
  const fcntl = load(null).func('fcntl', 'int', ['int', 'int', '...']) as unknown as (
    fd: number,
    command: number,
    type: string,
    argument: number,
  ) => number;

  let saved = 0;
  const result = (value: number): number => {
    if (value === -1) saved = currentErrno();
    return value;
  };
  // Only a kernel's own queue is a descriptor that poll(2) understands; a library's may be the end of a pipe.
  const pollable = library === null && systemAbi !== undefined && process.platform !== 'linux';
  // A library may have descriptors of its own, as a kernel that runs in the process has: the number is another file here.
  const isOurs = pollable || abi === abis.libkqueue;
  const { errorsPastNevents } = abi.quirks;
  /**
   * What every other kernel does with `n` records: those for which there is room are written, and where a failed change has
   * no room for its record the call fails with that errno.
   */
  const handBack = (records: KeventList, n: number, eventlist: KeventList, nevents: number): number => {
    if (n <= 0) return n;
    records.copyTo(eventlist, Math.min(n, nevents));
    for (let i = nevents; i < n; i++) {
      const errno = records.data(i);
      // A receipt of a change that was applied has 0.
      if (errno === 0) continue;
      saved = errno;
      return -1;
    }
    return Math.min(n, nevents);
  };
  // What the last call was given. An address alone would not keep its buffer from the garbage collector during the call.
  const inUse: { changelist: KeventList | null; eventlist: KeventList | null; timeout: Timespec | null } = {
    changelist: null,
    eventlist: null,
    timeout: null,
  };

  const sys: Sys = {
    name: library ?? abi.name,
    abi,
    pollable,
    binding: Object.freeze({ library, abi, symbols: Object.freeze({ ...symbols }) }),
    kqueue(): number {
      const kq = result(pollable ? createTracked(kqueueC) : kqueueC());
      if (kq !== -1 && isOurs) {
        // No kqueue1(2) or kqueuex(2): not every release has one. macOS sets the flag itself, and a child of fork(2) does
        // not inherit a kqueue. Cannot fail: the descriptor is open.
        fcntl(kq, F_SETFD, 'int', FD_CLOEXEC);
      }
      unowned.delete(kq);
      return kq;
    },
    kevent(kq, changelist, nchanges, eventlist, nevents, timeout): number {
      checkCall(abi, kq, changelist, nchanges, eventlist, nevents, timeout);
      const isShort = errorsPastNevents && eventlist !== null && nevents < nchanges;
      const records = isShort ? new KeventList(nchanges, abi) : eventlist;
      inUse.changelist = changelist;
      inUse.eventlist = records;
      inUse.timeout = timeout;
      const n = keventC(
        kq,
        changelist === null ? 0 : changelist.address,
        nchanges,
        records === null ? 0 : records.address,
        nevents,
        timeout === null ? 0 : timeout.address,
      );
      if (n === -1) saved = currentErrno();
      return isShort ? handBack(records as KeventList, n, eventlist, nevents) : n;
    },
    close(fd): number {
      checkInt('fd', fd);
      return untrack(fd) ?? result(closeC(fd));
    },
    errno: () => saved,
  };
  return Object.freeze(sys);
}

/** fcntl(2): the same numbers on every system. */
const F_SETFD = 2;
const FD_CLOEXEC = 1;
