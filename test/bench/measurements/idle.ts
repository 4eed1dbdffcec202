// One active descriptor among many idle ones. A byte is written, its event is fetched, the byte is read. With poll(2) this
// costs more the more descriptors there are; a kqueue must not mind.

import koffi from 'koffi';
import { Kqueue, read } from '../../../src/index.ts';
import { EV_ADD, EV_SET, EVFILT_READ, KeventList, kevent, kqueue, Timespec } from '../../../src/sys/index.ts';
import { type CLoop, epollInC, kqueueInC, pollInC } from '../baselines/c-loop.ts';
import { openFilesLimit, type Pair, pipes, socketPairs } from '../descriptors.ts';
import { type Contender, now, type Race } from '../race.ts';
import { isBuiltIn, type Setting } from '../setting.ts';

const ZERO = new Timespec(0, 0);
/** Descriptors that are open beside the idle ones. */
const OTHERS = 200;

const libc = koffi.load(null);
const bytes = new Uint8Array(new ArrayBuffer(1));
// The memory with its address: it is there for as long as the functions below that use both.
const byte = { bytes, address: Number(koffi.address(bytes.buffer)) };
// What fs.writeSync and readSync add would hide what is measured here.
type Transfer = (fd: number, buffer: number, size: number) => number;
const write = libc.func('intptr_t write(int fd, uintptr_t buffer, size_t size)') as unknown as Transfer;
const readByte = libc.func('intptr_t read(int fd, uintptr_t buffer, size_t size)') as unknown as Transfer;

function cycleInC(name: string, loop: CLoop | undefined, fds: Int32Array): Contender[] {
  if (loop === undefined) return [];
  const [[reader, writer]] = pipes(1) as [Pair];
  const queue = loop.open();
  for (const fd of fds) loop.watch(queue, fd);
  loop.watch(queue, reader);
  return [{ name, at: fds.length, run: (times) => loop.cycle(queue, reader, writer, 64, times) }];
}

function cycleOfPoll(setting: Setting, fds: Int32Array): Contender[] {
  const cycle = pollInC(setting);
  if (cycle === undefined || !isOwn(setting)) return [];
  const [[reader, writer]] = pipes(1) as [Pair];
  return [{ name: 'C, poll(2)', at: fds.length, run: (times) => cycle(fds, reader, writer, times) }];
}

function cycleOfSystemCalls(fds: Int32Array): Contender {
  const [[reader, writer]] = pipes(1) as [Pair];
  const kq = kqueue();
  const list = new KeventList(64);
  for (const fd of [...fds, reader]) {
    EV_SET(list, 0, fd, EVFILT_READ, EV_ADD, 0, 0, fd);
    if (kevent(kq, list, 1, null, 0, null) !== 0) throw new Error(`no knote for descriptor ${fd}`);
  }
  return {
    name: 'system-call API',
    at: fds.length,
    run(times) {
      const start = now();
      for (let t = 0; t < times; t++) {
        write(writer, byte.address, 1);
        if (kevent(kq, null, 0, list, 64, ZERO) !== 1) throw new Error('not one event');
        readByte(reader, byte.address, 1);
      }
      return now() - start;
    },
  };
}

function cycleOfPollCalls(fds: Int32Array): Contender {
  const [[reader, writer]] = pipes(1) as [Pair];
  const kq = new Kqueue();
  kq.register(...[...fds, reader].map((fd) => read(fd)));
  return {
    name: 'high-level API',
    at: fds.length,
    run(times) {
      const start = now();
      for (let t = 0; t < times; t++) {
        write(writer, byte.address, 1);
        if (kq.poll({ timeout: 0 }).length !== 1) throw new Error('not one event');
        readByte(reader, byte.address, 1);
      }
      return now() - start;
    },
  };
}

/** Whether this process is the one of the running system's own kqueue: what has no kqueue is measured there. */
function isOwn(setting: Setting): boolean {
  return isBuiltIn(setting) || setting.kqueue !== 'libkqueue';
}

export function idleRaces(setting: Setting): readonly Race[] {
  const wanted = setting.quick ? [10, 100] : [10, 1000, 10_000, 50_000];
  const limit = openFilesLimit() - OTHERS;
  const fitting = wanted.filter((count) => count <= limit);
  // As many as there can be, where it cannot be all.
  const counts = fitting.length === wanted.length ? wanted : [...fitting, Math.floor(limit / 1000) * 1000];
  return [
    {
      id: 'idle/cycle',
      what: 'a byte is written, its event fetched, and the byte read, while other descriptors are idle',
      unit: 'ns',
      ...(fitting.length === wanted.length
        ? {}
        : { note: `up to ${limit + OTHERS} descriptors here; all rows need ulimit -n ${50_000 + OTHERS}` }),
      prepare() {
        const all = Int32Array.from(socketPairs((counts.at(-1) ?? 0) / 2).flat());
        return counts.flatMap((count) => {
          const fds = all.slice(0, count);
          return [
            ...cycleInC('C', kqueueInC(setting), fds),
            ...cycleInC('C, epoll', epollInC(setting), fds),
            ...cycleOfPoll(setting, fds),
            cycleOfSystemCalls(fds),
            cycleOfPollCalls(fds),
          ];
        });
      },
    },
  ];
}
