import { checkCall } from './call.ts';
import { checkInt, checkOptionNames, outOfRange, wrongType } from './check.ts';
import { systemAbi } from './default-abi.ts';
import { closeByFs, createTracked, setCloseOnExec, unowned } from './descriptor.ts';
import { KeventList } from './kevent-list.ts';
import { koffi } from './koffi.ts';
import { type Abi, abis, checkAbi } from './layout.ts';
import type { Binding, Sys } from './sys.ts';
import type { Timespec } from './timespec.ts';

/** The foreign functions. Pointers are addresses, and 0 is NULL. */
interface Calls {
  kqueue(): number;
  kevent(kq: number, changes: number, nchanges: number, events: number, nevents: number, timeout: number): number;
  close(fd: number): number;
}

const BINDING: ReadonlySet<string> = new Set(['library', 'abi', 'symbols'] satisfies (keyof Binding)[]);
const SYMBOLS: ReadonlySet<string> = new Set(['kqueue', 'kevent', 'close']);

/**
 * Binds kqueue(2), kevent(2) and close(2) of a shared library, or of the process itself, in the C layout of `abi`.
 * Before it returns, it compares the layout that koffi computes with the size and the alignment of the system's header.
 *
 * @throws TypeError `library` is not a path or null, `abi` is not one of `abis`, or an option is unknown or invalid
 * @throws RangeError `abi` is `darwin64` or `freebsd11`, which are layouts only
 * @throws Error the library or a symbol is not found
 * @throws Error koffi has no binary for this machine, or its layout differs from the header's
 *
 * @example
 * ```ts
 * const sys = bindKqueue({ library: '/usr/lib/x86_64-linux-gnu/libkqueue.so.0', abi: abis.libkqueue });
 * const kq = new Kqueue({ sys });
 * ```
 */
export function bindKqueue(binding: Binding): Sys {
  checkBinding(binding);
  return makeSys(binding, loadCalls(binding));
}

function checkBinding(binding: Binding): void {
  checkOptionNames('binding', binding, BINDING);
  const { library, abi, symbols = {} } = binding;
  if ((library !== null && typeof library !== 'string') || library === '') {
    throw wrongType('library', 'a path or null', library);
  }
  checkAbi(abi);
  if (!abi.bindable) throw outOfRange('abi', 'an ABI with calls (darwin64 and freebsd11 are layouts only)', abi.name);
  checkLayout(abi);
  checkOptionNames('symbols', symbols, SYMBOLS);
  for (const call of ['kqueue', 'kevent', 'close'] as const) {
    const name: unknown = symbols[call] ?? abi.symbols[call];
    // koffi parses the name as part of a C declaration.
    if (typeof name !== 'string' || !/^\w+$/.test(name)) {
      throw wrongType(`symbols.${call}`, 'the name of a C symbol', name);
    }
  }
}

/** The getters compare koffi's layout with the header's. Timespec and KeventList rely on the two sizes. */
function checkLayout(abi: Abi): void {
  if (abi.kevent.size % 8 !== 0 || abi.timespec.size !== 16) throw new Error(`${abi.name}: unexpected layout`);
}

function loadCalls({ library, abi, symbols = {} }: Binding): Calls {
  const { load } = koffi();
  try {
    const lib = load(library);
    const func = (call: 'kqueue' | 'kevent' | 'close', parameters: string[]): unknown =>
      lib.func(symbols[call] ?? abi.symbols[call], 'int', parameters);
    const count = abi.counts;
    // A list keeps its buffer, and so its address, as long as it lives. koffi converts six integers in less time than
    // it needs to find the memory of three typed arrays.
    const pointer = 'uintptr_t';
    return {
      kqueue: func('kqueue', []) as Calls['kqueue'],
      kevent: func('kevent', ['int', pointer, count, pointer, count, pointer]) as Calls['kevent'],
      close: func('close', ['int']) as Calls['close'],
    };
  } catch (cause) {
    // koffi's message does not name the library.
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${library ?? 'the process itself'}: ${reason}`, { cause });
  }
}

/** Saves an errno, by default that of the call which has just failed. Returns -1. */
type Fail = (error?: number) => -1;

function makeSys({ library, abi, symbols }: Binding, calls: Calls): Sys {
  const { errno: currentErrno } = koffi();
  // poll(2) works on a kernel's own queue. A library's descriptor may be the end of a pipe.
  const pollable = library === null && systemAbi !== undefined && process.platform !== 'linux';
  // A library may have descriptors of its own, for example one that runs a kernel. In this process such a number is
  // another file.
  const isFdOfProcess = pollable || abi === abis.libkqueue;
  let saved = 0;
  const fail: Fail = (error = currentErrno()) => {
    saved = error;
    return -1;
  };
  const call = callWithLists(calls, fail);
  const kevent = abi.quirks.errorsPastNevents ? callWithPrivateList(call, abi, fail) : call;

  return Object.freeze<Sys>({
    name: library ?? abi.name,
    abi,
    pollable,
    binding: Object.freeze({ library, abi, symbols: Object.freeze({ ...symbols }) }),
    kqueue(): number {
      const kq = pollable ? createTracked(calls.kqueue) : calls.kqueue();
      if (kq === -1) return fail();
      // Not kqueue1(2) or kqueuex(2), because some releases lack them. macOS sets the flag itself, and a child of fork(2)
      // does not inherit a kqueue.
      if (isFdOfProcess) setCloseOnExec(kq);
      if (pollable) unowned.length--;
      return kq;
    },
    kevent(kq, changelist, nchanges, eventlist, nevents, timeout): number {
      checkCall(abi, kq, changelist, nchanges, eventlist, nevents, timeout);
      return kevent(kq, changelist, nchanges, eventlist, nevents, timeout);
    },
    close(fd): number {
      checkInt('fd', fd);
      const closed = closeByFs(fd) ?? calls.close(fd);
      return closed === -1 ? fail() : closed;
    },
    errno: () => saved,
  });
}

/** kevent(2) with the addresses of lists. */
function callWithLists({ kevent }: Calls, fail: Fail): Sys['kevent'] {
  // The arguments of the last call. An address alone does not keep its buffer from the garbage collector.
  const inUse: { changelist: KeventList | null; eventlist: KeventList | null; timeout: Timespec | null } = {
    changelist: null,
    eventlist: null,
    timeout: null,
  };
  return (kq, changelist, nchanges, eventlist, nevents, timeout) => {
    inUse.changelist = changelist;
    inUse.eventlist = eventlist;
    inUse.timeout = timeout;
    const n = kevent(
      kq,
      changelist === null ? 0 : changelist.address,
      nchanges,
      eventlist === null ? 0 : eventlist.address,
      nevents,
      timeout === null ? 0 : timeout.address,
    );
    return n === -1 ? fail() : n;
  };
}

/** `call` for a kernel that may write `nchanges` error records into an eventlist with less room. */
function callWithPrivateList(call: Sys['kevent'], abi: Abi, fail: Fail): Sys['kevent'] {
  return (kq, changelist, nchanges, eventlist, nevents, timeout) => {
    if (eventlist === null || nevents >= nchanges) return call(kq, changelist, nchanges, eventlist, nevents, timeout);
    const records = new KeventList(nchanges, abi);
    const n = call(kq, changelist, nchanges, records, nevents, timeout);
    if (n <= 0) return n;
    records.copyTo(eventlist, Math.min(n, nevents));
    const error = firstError(records, nevents, n);
    return error === 0 ? Math.min(n, nevents) : fail(error);
  };
}

/**
 * The errno of the first failed change among records `from` to `to` - 1. 0 if there is none, because the receipt of a
 * change that was applied has 0. Every other kernel fails with this errno where the record has no room.
 */
function firstError(records: KeventList, from: number, to: number): number {
  for (let i = from; i < to; i++) {
    const error = records.data(i);
    if (error !== 0) return error;
  }
  return 0;
}
