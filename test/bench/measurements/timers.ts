// How late timers are, one at a time, and what 10,000 of them cost.

import { Kqueue, type TimerInterest, timer } from '../../../src/index.ts';
import { abi, EV_ADD, EV_ONESHOT, EV_SET, EVFILT_TIMER, KeventList, kevent, kqueue } from '../../../src/sys/index.ts';
import { epollInC, kqueueInC } from '../baselines/c-loop.ts';
import { type Contender, now, type Race } from '../race.ts';
import type { Setting } from '../setting.ts';
import { median } from '../statistics.ts';

/** Runs one timer after the other; the median of how late they are counts. */
function late(name: string, ms: number, one: () => Promise<void>): Contender {
  return {
    name,
    async run(times) {
      const measured: number[] = [];
      for (let t = 0; t < times; t++) {
        const start = now();
        await one();
        measured.push(now() - start - ms * 1e6);
      }
      return median(measured) * times;
    },
  };
}

function inC(setting: Setting, ms: number): Contender[] {
  const both = [
    { name: 'C', loop: kqueueInC(setting) },
    { name: 'C, timerfd and epoll', loop: epollInC(setting) },
  ];
  return both.flatMap(({ name, loop }): Contender[] => {
    if (loop === undefined) return [];
    const queue = loop.open();
    return [{ name, run: (times) => median([...loop.timer(queue, ms * 1000, times)]) * times }];
  });
}

function throughSystemCalls(ms: number): Contender {
  const kq = kqueue();
  const list = new KeventList(1);
  // DragonFly counts milliseconds only. libkqueue takes NOTE_USECONDS for nanoseconds.
  const { NOTE_NSECONDS } = abi.constants;
  const [unit, data] = NOTE_NSECONDS === undefined ? [0, Math.ceil(ms)] : [NOTE_NSECONDS, ms * 1e6];
  return {
    name: 'system-call API',
    run(times) {
      const measured: number[] = [];
      for (let t = 0; t < times; t++) {
        const start = now();
        EV_SET(list, 0, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, unit, data, 0);
        if (kevent(kq, list, 1, list, 1, null) !== 1) throw new Error('no event');
        measured.push(now() - start - ms * 1e6);
      }
      return median(measured) * times;
    },
  };
}

function one(setting: Setting, ms: number): Race {
  return {
    id: `timers/${ms}ms`,
    what: `how late a timer of ${ms} ms is`,
    unit: 'ns',
    times: setting.quick ? 3 : 20,
    prepare() {
      const kq = new Kqueue();
      return [
        late("Node's setTimeout", ms, () => new Promise((resolve) => setTimeout(resolve, ms))),
        ...inC(setting, ms),
        throughSystemCalls(ms),
        late('poll()', ms, async () => {
          kq.register(timer(1, { after: ms }));
          kq.poll();
        }),
        late('wait()', ms, async () => {
          kq.register(timer(1, { after: ms }));
          await kq.wait();
        }),
      ];
    },
  };
}

/** When each of many timers is due: within the time of `MS` milliseconds, in no order. */
const MS = 100;
function due(i: number): number {
  return 1 + ((i * 7919) % (MS * 10)) / 10;
}

interface Many {
  /** How late the median timer was, in nanoseconds. */
  readonly late: number;
  /** Processor time of all, in nanoseconds. */
  readonly cpu: number;
}

async function ofNode(count: number): Promise<Many> {
  const measured: number[] = [];
  const before = process.cpuUsage();
  await new Promise<void>((resolve) => {
    for (let i = 0; i < count; i++) {
      const at = now() + due(i) * 1e6;
      setTimeout(() => {
        measured.push(now() - at);
        if (measured.length === count) resolve();
      }, due(i));
    }
  });
  return result(measured, before);
}

async function ofKqueue(count: number): Promise<Many> {
  const measured: number[] = [];
  const before = process.cpuUsage();
  const kq = new Kqueue<number>();
  const interests: TimerInterest<number>[] = [];
  for (let i = 0; i < count; i++) interests.push(timer(i, { after: due(i), token: now() + due(i) * 1e6 }));
  kq.register(...interests);
  while (measured.length < count) {
    for (const { token = 0 } of await kq.wait()) measured.push(now() - token);
  }
  kq.close();
  return result(measured, before);
}

function result(measured: readonly number[], before: NodeJS.CpuUsage): Many {
  const { user, system } = process.cpuUsage(before);
  return { late: median(measured), cpu: (user + system) * 1000 };
}

function many(setting: Setting, of: keyof Many, what: string): Race {
  const count = setting.quick ? 200 : 10_000;
  const contender = (name: string, run: (count: number) => Promise<Many>): Contender => ({
    name,
    async run(times) {
      const measured = await run(times);
      return of === 'late' ? measured.late * times : measured.cpu;
    },
  });
  return {
    id: `timers/many-${of}`,
    what,
    unit: 'ns',
    times: count,
    rounds: 7,
    prepare: () => [contender("Node's setTimeout", ofNode), contender('wait()', ofKqueue)],
  };
}

export function timerRaces(setting: Setting): readonly Race[] {
  return [
    one(setting, 1),
    one(setting, 0.25),
    many(setting, 'late', `how late one of 10,000 timers is, due within ${MS} ms`),
    many(setting, 'cpu', 'processor time of each of 10,000 timers'),
  ];
}
