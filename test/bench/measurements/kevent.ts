// kevent(2) through the system-call API, `kqueue-ffi/sys`: one call that finds nothing, some or many events, each field of which is
// read, and calls that register.

import koffi from 'koffi';
import {
  defaultSys,
  EV_ADD,
  EV_DELETE,
  EV_SET,
  EVFILT_READ,
  KeventList,
  kevent,
  kqueue,
  Timespec,
} from '../../../src/sys/index.ts';
import { addon, stride } from '../baselines/addon.ts';
import { type CLoop, epollInC, kqueueInC, sameCallsInC } from '../baselines/c-loop.ts';
import { koffiNumbers } from '../baselines/koffi-numbers.ts';
import { type KeventObject, koffiStructs } from '../baselines/koffi-structs.ts';
import { readyPipes, socketPairs } from '../descriptors.ts';
import { type Contender, consume, now, type Race } from '../race.ts';
import type { Setting } from '../setting.ts';

const TWO32 = 2 ** 32;
const ZERO = new Timespec(0, 0);

function must(result: number): void {
  if (result !== 0) throw new Error(`kevent: errno ${koffi.errno()}`);
}

/** A queue that watches all of them. */
function watched(fds: readonly number[]): number {
  const kq = kqueue();
  const list = new KeventList(1);
  for (const fd of fds) {
    EV_SET(list, 0, fd, EVFILT_READ, EV_ADD, 0, 0, fd);
    must(kevent(kq, list, 1, null, 0, null));
  }
  return kq;
}

/** Both loops in C, whichever there is for this kqueue. */
function inC(setting: Setting): { name: string; loop: CLoop }[] {
  const [native, epoll] = [kqueueInC(setting), epollInC(setting)];
  return [
    ...(native === undefined ? [] : [{ name: 'C', loop: native }]),
    ...(epoll === undefined ? [] : [{ name: 'C, epoll', loop: epoll }]),
  ];
}

function fetchInC(setting: Setting, fds: readonly number[], room: number): Contender[] {
  return inC(setting).map(({ name, loop }): Contender => {
    const queue = loop.open();
    for (const fd of fds) loop.watch(queue, fd);
    const found = loop.count(queue, room) || 1;
    return { name, run: (times) => loop.fetch(queue, room, times) / found };
  });
}

/** What there is to add for JavaScript, and what is Linux's own. */
function fetchBySameCalls(setting: Setting, fds: readonly number[], room: number): Contender[] {
  const loop = sameCallsInC(setting);
  if (loop === undefined || fds.length === 0) return [];
  const queue = loop.open();
  for (const fd of fds) loop.watch(queue, fd);
  return [{ name: 'C, epoll, the same system calls', run: (times) => loop.fetch(queue, room, times) / fds.length }];
}

function fetchByAddon(setting: Setting, kq: number, room: number, found: number): Contender[] {
  const native = addon(setting);
  if (native === undefined) return [];
  const step = stride();
  const events = new Int32Array(new ArrayBuffer(room * step * 4));
  const zero = new Int32Array(new ArrayBuffer(16));
  const [eventsAt, zeroAt] = [native.address(events), native.address(zero)];
  const sumOf = (n: number): number => {
    let sum = 0;
    for (let i = 0, at = 0; i < n; i++, at += step) {
      const mixed = events[at + 2] as number;
      sum +=
        ((events[at + 1] as number) >>> 0) * TWO32 +
        ((events[at] as number) >>> 0) +
        ((mixed << 16) >> 16) +
        (mixed >>> 16) +
        ((events[at + 3] as number) >>> 0) +
        (events[at + 5] as number) * TWO32 +
        ((events[at + 4] as number) >>> 0) +
        ((events[at + 7] as number) >>> 0) * TWO32 +
        ((events[at + 6] as number) >>> 0);
    }
    return sum;
  };
  return [
    {
      name: 'N-API addon',
      run(times) {
        let sum = 0;
        const start = now();
        for (let t = 0; t < times; t++) sum += sumOf(native.withAddresses(kq, 0, 0, eventsAt, room, zeroAt));
        const end = now();
        consume(sum);
        return (end - start) / found;
      },
    },
    {
      name: 'N-API addon, typed arrays',
      run(times) {
        let sum = 0;
        const start = now();
        for (let t = 0; t < times; t++) sum += sumOf(native.withArrays(kq, null, 0, events, room, zero));
        const end = now();
        consume(sum);
        return (end - start) / found;
      },
    },
  ];
}

/** What the call alone costs, where there is nothing to read. */
function fetchByNumbers(setting: Setting, kq: number, room: number): Contender[] {
  const native = koffiNumbers(setting);
  if (native === undefined) return [];
  const { call } = native;
  const [events, zero] = [new ArrayBuffer(room * stride() * 4), new ArrayBuffer(16)];
  const [eventsAt, zeroAt] = [native.address(events), native.address(zero)];
  return [
    {
      name: 'koffi, nothing checked',
      run(times) {
        let sum = 0;
        const start = now();
        for (let t = 0; t < times; t++) sum += call(kq, 0, 0, eventsAt, room, zeroAt);
        const end = now();
        // The buffers are still needed here, or the collector may have them.
        consume(sum + events.byteLength + zero.byteLength);
        return end - start;
      },
    },
  ];
}

function fetchByStructs(setting: Setting, kq: number, room: number, found: number): Contender[] {
  const structs = koffiStructs(setting);
  if (structs === undefined) return [];
  const zero = { tv_sec: 0, tv_nsec: 0 };
  return [
    {
      name: 'koffi structs',
      run(times) {
        let sum = 0;
        const start = now();
        for (let t = 0; t < times; t++) {
          for (const event of structs.fetch(kq, room, zero)) {
            sum += event.ident + event.filter + event.flags + event.fflags + event.data + event.udata;
          }
        }
        const end = now();
        consume(sum);
        return (end - start) / found;
      },
    },
  ];
}

function fetchThroughSystemCalls(kq: number, room: number, found: number): Contender {
  const list = new KeventList(room);
  return {
    name: 'system-call API',
    run(times) {
      let sum = 0;
      const start = now();
      for (let t = 0; t < times; t++) {
        const n = kevent(kq, null, 0, list, room, ZERO);
        for (let i = 0; i < n; i++) {
          sum += list.ident(i) + list.filter(i) + list.flags(i) + list.fflags(i) + list.data(i) + list.udata(i);
        }
      }
      const end = now();
      consume(sum);
      return (end - start) / found;
    },
  };
}

/** One call that finds `ready` events. */
function fetching(setting: Setting, ready: number): Race {
  return {
    id: `kevent/${ready}`,
    what: ready === 0 ? 'a call without an event' : `${ready} ready: time of each event, all fields read`,
    unit: 'ns',
    prepare() {
      const fds = readyPipes(ready).map(([reader]) => reader);
      const room = Math.max(64, ready);
      const kq = watched(fds);
      // libkqueue gives 512 at most.
      const found = kevent(kq, null, 0, new KeventList(room), room, ZERO) || 1;
      return [
        ...fetchInC(setting, fds, room),
        ...fetchBySameCalls(setting, fds, room),
        ...fetchByAddon(setting, kq, room, found),
        ...(ready === 0 ? fetchByNumbers(setting, kq, room) : []),
        ...fetchByStructs(setting, kq, room, found),
        fetchThroughSystemCalls(kq, room, found),
      ];
    },
  };
}

function registerThroughSystemCalls(kq: number, fds: Int32Array, batch: number): Contender {
  const list = new KeventList(batch);
  const one = new KeventList(1);
  return {
    name: 'system-call API',
    run(times) {
      let took = 0;
      for (let done = 0; done < times; done += fds.length) {
        const start = now();
        for (let at = 0; at < fds.length; at += batch) {
          for (let i = 0; i < batch; i++) {
            EV_SET(list, i, fds[at + i] as number, EVFILT_READ, EV_ADD, 0, 0, at + i + 1);
          }
          must(kevent(kq, list, batch, null, 0, null));
        }
        took += now() - start;
        for (const fd of fds) {
          EV_SET(one, 0, fd, EVFILT_READ, EV_DELETE, 0, 0, 0);
          must(kevent(kq, one, 1, null, 0, null));
        }
      }
      return took;
    },
  };
}

function registerByAddon(setting: Setting, kq: number, fds: Int32Array, batch: number): Contender[] {
  const native = addon(setting);
  if (native === undefined) return [];
  const step = stride();
  const changes = new Int32Array(new ArrayBuffer(batch * step * 4));
  const address = native.address(changes);
  const set = (at: number, fd: number, flags: number, udata: number): void => {
    changes[at] = fd;
    changes[at + 2] = (EVFILT_READ & 0xffff) | (flags << 16);
    changes[at + 6] = udata;
  };
  return [
    {
      name: 'N-API addon',
      run(times) {
        let took = 0;
        for (let done = 0; done < times; done += fds.length) {
          const start = now();
          for (let at = 0; at < fds.length; at += batch) {
            for (let i = 0; i < batch; i++) set(i * step, fds[at + i] as number, EV_ADD, at + i + 1);
            must(native.withAddresses(kq, address, batch, 0, 0, 0));
          }
          took += now() - start;
          for (const fd of fds) {
            set(0, fd, EV_DELETE, 0);
            must(native.withAddresses(kq, address, 1, 0, 0, 0));
          }
        }
        return took;
      },
    },
  ];
}

function registerByStructs(setting: Setting, kq: number, fds: Int32Array, batch: number): Contender[] {
  const structs = koffiStructs(setting);
  if (structs === undefined) return [];
  const change = (ident: number, flags: number, udata: number): KeventObject => ({
    ident,
    filter: EVFILT_READ,
    flags,
    fflags: 0,
    data: 0,
    udata,
  });
  return [
    {
      name: 'koffi structs',
      run(times) {
        let took = 0;
        for (let done = 0; done < times; done += fds.length) {
          const start = now();
          for (let at = 0; at < fds.length; at += batch) {
            const changes: KeventObject[] = [];
            for (let i = 0; i < batch; i++) changes.push(change(fds[at + i] as number, EV_ADD, at + i + 1));
            must(structs.change(kq, changes));
          }
          took += now() - start;
          for (const fd of fds) must(structs.change(kq, [change(fd, EV_DELETE, 0)]));
        }
        return took;
      },
    },
  ];
}

function repeat(times: number, run: () => number): number {
  let sum = 0;
  for (let t = 0; t < times; t++) sum += run();
  return sum;
}

/** `batch` new knotes in a call. */
function registering(setting: Setting, batch: number): Race {
  // A run takes back what it has added, so it adds many before that.
  const count = Math.max(batch, 512);
  return {
    id: `kevent/register-${batch}`,
    what: `registering ${batch} in one call: time of each`,
    unit: 'ns',
    times: count * (batch > 512 ? 1 : 4),
    ...(batch > 512 ? { rounds: 9 } : {}),
    prepare() {
      const fds = Int32Array.from(socketPairs(count / 2).flat());
      const kq = kqueue();
      const c = inC(setting).map(({ name, loop }): Contender => {
        const queue = loop.open();
        return { name, run: (times) => repeat(times / count, () => loop.register(queue, fds, batch)) };
      });
      return [
        ...c,
        ...registerByAddon(setting, kq, fds, batch),
        ...registerByStructs(setting, kq, fds, batch),
        registerThroughSystemCalls(kq, fds, batch),
      ];
    },
  };
}

export function keventRaces(setting: Setting): readonly Race[] {
  const { name } = defaultSys().abi;
  if (name !== setting.kqueue) throw new Error(`this is ${name}, and not ${setting.kqueue}`);
  return [
    ...[0, 1, 64, 1024].map((ready) => fetching(setting, ready)),
    ...[1, 64, setting.quick ? 1024 : 10_000].map((batch) => registering(setting, batch)),
  ];
}
