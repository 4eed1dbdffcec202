import { constants } from 'node:os';
import { type Abi, type Kevent, KeventList, type Sys } from '../../src/sys/index.ts';

/** One call of kevent(2), as the kernel sees it. */
interface Call {
  readonly kq: number;
  readonly changes: readonly Kevent[];
  /** ext[1] of each change, where the ABI has it: NOTE_LEEWAY's argument. */
  readonly ext1: readonly bigint[];
  readonly nevents: number;
  /** How many records fit into the event list; 0 where it is NULL. */
  readonly room: number;
  /** In milliseconds; null for ever. */
  readonly timeout: number | null;
}

/** The records that a call writes, or its errno. */
export type Answer = readonly Partial<Kevent>[] | { readonly errno: number };

/**
 * The high-level API's view of a kernel that is not this machine's: a `Sys` of any ABI that writes down what it is handed,
 * and answers as it is told to. Of itself it applies every change, with a receipt where one is asked for, and has no
 * events but those in `pending`.
 */
export class FakeSys implements Sys {
  readonly name: string;
  readonly abi: Abi;
  // No descriptor of it can be polled: wait() looks at it at intervals.
  pollable = false;
  readonly calls: Call[] = [];
  readonly closed: number[] = [];
  /** What a fetch finds: it takes them. */
  pending: Partial<Kevent>[] = [];
  /** The errno of a change, 0 if it is good. */
  judge: (change: Kevent) => number = () => 0;
  /** Answers a call in the kernel's place. */
  answer: ((call: Call) => Answer | undefined) | undefined;
  #errno = 0;

  constructor(abi: Abi) {
    this.name = `fake ${abi.name}`;
    this.abi = abi;
  }

  kqueue(): number {
    // No number that this process has open.
    return 2 ** 30;
  }

  kevent(
    kq: number,
    changelist: KeventList | null,
    nchanges: number,
    eventlist: KeventList | null,
    nevents: number,
    timeout: { readonly sec: number; readonly nsec: number } | null,
  ): number {
    const numbers = Array.from({ length: nchanges }, (_, i) => i);
    const list = changelist ?? new KeventList(1, this.abi);
    const hasExt = this.abi.kevent.fields.some(({ name }) => name === 'ext');
    const call: Call = {
      kq,
      changes: numbers.map((i) => list.get(i)),
      ext1: hasExt ? numbers.map((i) => list.ext(i, 1)) : [],
      nevents,
      room: eventlist?.length ?? 0,
      timeout: timeout === null ? null : timeout.sec * 1000 + timeout.nsec / 1e6,
    };
    this.calls.push(call);
    const answer = this.answer?.(call) ?? this.#run(call);
    if ('errno' in answer) {
      this.#errno = answer.errno;
      return -1;
    }
    for (const [i, record] of answer.entries()) eventlist?.set(i, record);
    return answer.length;
  }

  #run({ changes, nevents }: Call): Answer {
    const receipts: Partial<Kevent>[] = [];
    for (const change of changes) {
      const errno = this.judge(change);
      const receipt = this.receipt(change, errno);
      if (errno !== 0 && receipts.length === nevents) return { errno };
      if (errno !== 0 || (change.flags & this.constant('EV_RECEIPT')) !== 0) receipts.push(receipt);
    }
    return receipts.length > 0 ? receipts : this.pending.splice(0, nevents);
  }

  /** The record that tells what became of a change. */
  receipt({ ident, filter, udata }: Kevent, errno: number): Kevent {
    return { ident, filter, flags: this.constant('EV_ERROR'), fflags: 0, data: errno, udata };
  }

  close(fd: number): number {
    this.closed.push(fd);
    return 0;
  }

  errno(): number {
    return this.#errno;
  }

  /** A number of this ABI; throws where it has none of that name. */
  constant(name: string): number {
    const value = this.abi.constants[name];
    if (value === undefined) throw new Error(`${this.abi.name} has no ${name}`);
    return value;
  }

  /** All changes that it was handed, in order; forgets them. */
  takeChanges(): Kevent[] {
    return this.calls.splice(0).flatMap(({ changes }) => changes);
  }
}

/** errno numbers that a fake kernel gives: those of the machine that it runs on. */
export const errno: Readonly<
  Record<'EACCES' | 'EBADF' | 'EINTR' | 'EINVAL' | 'EMFILE' | 'ENOENT' | 'ENOMEM' | 'ESRCH', number>
> = constants.errno;

/** A `Sys` that passes everything on to another, and writes down what it was handed and what came of it. */
export function recording(sys: Sys): Sys & { readonly calls: (Call & { readonly result: number })[] } {
  const calls: (Call & { readonly result: number })[] = [];
  return {
    name: sys.name,
    abi: sys.abi,
    pollable: sys.pollable,
    calls,
    kqueue: () => sys.kqueue(),
    kevent(kq, changelist, nchanges, eventlist, nevents, timeout): number {
      const changes = changelist === null ? [] : [...changelist].slice(0, nchanges);
      const result = sys.kevent(kq, changelist, nchanges, eventlist, nevents, timeout);
      const ms = timeout === null ? null : timeout.sec * 1000 + timeout.nsec / 1e6;
      calls.push({ kq, changes, ext1: [], nevents, room: eventlist?.length ?? 0, timeout: ms, result });
      return result;
    },
    close: (fd) => sys.close(fd),
    errno: () => sys.errno(),
    ...(sys.wakefd === undefined ? {} : { wakefd: (kq, ident) => sys.wakefd?.(kq, ident) ?? -1 }),
    ...(sys.collectExits === undefined ? {} : { collectExits: (kq) => sys.collectExits?.(kq) }),
  };
}
