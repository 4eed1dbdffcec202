// Simulates another kernel. It is this machine's kqueue with NetBSD's struct kevent, other errno numbers and other
// descriptors. A case that relies on this system's numbers fails here.
//
//   npm run contract -- --world test/contract/other-world.ts

import { abis, defaultSys, KeventList, type Sys } from '../../src/sys/index.ts';
import { processWorld } from './process-world.ts';
import { calls, makers, type World } from './world.ts';

/** Its descriptors and errno numbers are greater than this system's by so much. */
const DESCRIPTORS = 1000;
const ERRNOS = 5000;

const outer = abis.netbsd;

/** Names that belong to a filter's notes, where a bit has another name with another filter. */
const timerUnits = ['SECONDS', 'MSECONDS', 'USECONDS', 'NSECONDS'];

/** Finds the number that a name with this prefix has in `to`, for a number of `from`. */
function renumber(value: number, prefix: string, from: Sys['abi'], to: Sys['abi']): number {
  for (const [name, number] of Object.entries(from.constants)) {
    if (name.startsWith(prefix) && number === value) return to.constants[name] ?? value;
  }
  return value;
}

/** fflags of TIMER: NetBSD's units are a number, others' are bits. The other filters' notes are the same bits, but for NOTE_OPEN. */
function timerNotes(fflags: number, from: Sys['abi'], to: Sys['abi']): number {
  const at = (abi: Sys['abi']): number => abi.constants.NOTE_ABSTIME ?? abi.constants.NOTE_ABSOLUTE ?? 0;
  const absolute = fflags & at(from) ? at(to) : 0;
  const unit = fflags & ~at(from);
  const name = timerUnits.find((known) => from.constants[`NOTE_${known}`] === unit);
  return absolute | (to.constants[`NOTE_${name}`] ?? 0);
}

function otherSys(sys: Sys): Sys {
  const inner = sys.abi;
  const filters = (name: string): number => outer.constants[`EVFILT_${name}`] as number;
  const ofDescriptors = new Set(['READ', 'WRITE', 'VNODE'].map(filters));
  const shift = (ident: bigint, filter: number, by: number): bigint =>
    ofDescriptors.has(filter) && ident < 2n ** 31n - 10_000n ? BigInt.asUintN(64, ident + BigInt(by)) : ident;
  const error = outer.constants.EV_ERROR as number;
  const end = outer.constants.EV_EOF as number;
  return {
    name: 'other',
    abi: outer,
    pollable: sys.pollable,
    kqueue(): number {
      const fd = sys.kqueue();
      return fd < 0 ? fd : fd + DESCRIPTORS;
    },
    kevent(kq, changes, nchanges, events, nevents, timeout): number {
      const changelist = changes === null ? null : new KeventList(changes.length, inner);
      for (let i = 0; changes !== null && changelist !== null && i < nchanges; i++) {
        const filter = changes.filter(i);
        changelist.set(i, {
          ident: shift(changes.ident64(i), filter, -DESCRIPTORS),
          filter: renumber(filter, 'EVFILT_', outer, inner),
          flags: changes.flags(i),
          fflags: filter === filters('TIMER') ? timerNotes(changes.fflags(i), outer, inner) : changes.fflags(i),
          data: changes.data64(i),
          udata: changes.udata64(i),
        });
      }
      const eventlist = events === null ? null : new KeventList(events.length, inner);
      const count = sys.kevent(kq < 0 ? kq : kq - DESCRIPTORS, changelist, nchanges, eventlist, nevents, timeout);
      for (let i = 0; events !== null && eventlist !== null && i < count; i++) {
        const filter = renumber(eventlist.filter(i), 'EVFILT_', inner, outer);
        const flags = eventlist.flags(i);
        const [fflags, data] = [eventlist.fflags(i), eventlist.data64(i)];
        const failed = (flags & error) !== 0 && data !== 0n;
        const broken = (flags & end) !== 0 && fflags !== 0 && [filters('READ'), filters('WRITE')].includes(filter);
        events.set(i, {
          ident: shift(eventlist.ident64(i), filter, DESCRIPTORS),
          filter,
          flags,
          fflags: broken ? fflags + ERRNOS : filter === filters('TIMER') ? timerNotes(fflags, inner, outer) : fflags,
          data: failed ? data + BigInt(ERRNOS) : data,
          udata: eventlist.udata64(i),
        });
      }
      return count;
    },
    close: (fd) => sys.close(fd < 0 ? fd : fd - DESCRIPTORS),
    errno: () => sys.errno() + ERRNOS,
  };
}

/** Which arguments of a call are descriptors, by position. */
const takes: Readonly<Record<string, readonly number[]>> = {
  connect: [0],
  accept: [0],
  shutdown: [0],
  reset: [0],
  read: [0],
  write: [0],
  dup: [0],
  dup2: [0, 1],
  lseek: [0],
  poll: [0],
  close: [0],
};

export default function otherWorld(): World {
  const sys = defaultSys();
  const here = processWorld(sys, sys.abi.name);
  const there: Record<string, unknown> = {
    ...here,
    sys: otherSys(sys),
    // Its bit is NOTE_TRUNCATE's here.
    lacks: ['NOTE_OPEN'],
    errno: Object.fromEntries(Object.entries(here.errno).map(([name, number]) => [name, number + ERRNOS])),
  };
  const up = (made: unknown): unknown =>
    Array.isArray(made) ? made.map(up) : typeof made === 'number' ? made + DESCRIPTORS : made;
  for (const name of [...calls, 'close'] as const) {
    const call = here[name] as ((...args: unknown[]) => unknown) | undefined;
    if (call === undefined) continue;
    there[name] = (...args: unknown[]): unknown => {
      for (const position of takes[name] ?? []) args[position] = (args[position] as number) - DESCRIPTORS;
      const result = call.apply(here, args);
      return makers.has(name) ? up(result) : result;
    };
  }
  return there as unknown as World;
}
