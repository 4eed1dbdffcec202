// What is allocated for an event, and how often the garbage collector runs because of it. 64 are ready at each call.

import { Session } from 'node:inspector';
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { Kqueue, type KqueueEvent, read } from '../../../src/index.ts';
import { EV_ADD, EV_SET, EVFILT_READ, KeventList, kevent, kqueue, Timespec } from '../../../src/sys/index.ts';
import { koffiStructs } from '../baselines/koffi-structs.ts';
import { readyPipes } from '../descriptors.ts';
import { type Contender, consume, type Race } from '../race.ts';
import type { Setting } from '../setting.ts';
import { median } from '../statistics.ts';

const READY = 64;
const ZERO = new Timespec(0, 0);

/** One API: fetches 64 events `calls` times, and reads each. */
interface Api {
  readonly name: string;
  fetch(calls: number): void | Promise<void>;
}

function use(event: KqueueEvent): number {
  if (event.filter !== 'read') throw new Error(`not a read event: ${event}`);
  return event.fd + event.bytes;
}

function apis(setting: Setting, fds: readonly number[]): Api[] {
  const fd = kqueue();
  const list = new KeventList(READY);
  for (const [i, ident] of fds.entries()) EV_SET(list, i, ident, EVFILT_READ, EV_ADD, 0, 0, ident);
  if (kevent(fd, list, READY, null, 0, null) !== 0) throw new Error('not registered');
  const kq = new Kqueue<number>();
  kq.register(...fds.map((ident) => read(ident, { token: ident })));
  const structs = koffiStructs(setting);
  const zero = { tv_sec: 0, tv_nsec: 0 };
  const byStructs: Api[] =
    structs === undefined
      ? []
      : [
          {
            name: 'koffi structs',
            fetch(calls) {
              let sum = 0;
              for (let c = 0; c < calls; c++) {
                for (const event of structs.fetch(fd, READY, zero)) sum += event.ident + event.data;
              }
              consume(sum);
            },
          },
        ];
  return [
    ...byStructs,
    {
      name: 'system-call API',
      fetch(calls) {
        let sum = 0;
        for (let c = 0; c < calls; c++) {
          const n = kevent(fd, null, 0, list, READY, ZERO);
          for (let i = 0; i < n; i++) sum += list.ident(i) + list.data(i);
        }
        consume(sum);
      },
    },
    {
      name: 'poll()',
      fetch(calls) {
        let sum = 0;
        for (let c = 0; c < calls; c++) for (const event of kq.poll({ timeout: 0 })) sum += use(event);
        consume(sum);
      },
    },
    {
      name: 'wait()',
      async fetch(calls) {
        let sum = 0;
        for (let c = 0; c < calls; c++) for (const event of await kq.wait()) sum += use(event);
        consume(sum);
      },
    },
    {
      name: 'for await',
      async fetch(calls) {
        let left = calls * READY;
        let sum = 0;
        for await (const event of kq) {
          sum += use(event);
          if (--left === 0) break;
        }
        consume(sum);
      },
    },
  ];
}

/** Compiled, a loop makes no objects of its own: it is entered so once it was called often, and no longer after a gc(). */
async function warm(api: Api, quick: boolean): Promise<void> {
  for (let i = 0; i < (quick ? 2 : 300); i++) await api.fetch(20);
}

/** Bytes allocated by so few calls that mostly no collection comes between; those where one came do not count. */
async function bytes(api: Api, calls: number): Promise<number> {
  const grown: number[] = [];
  for (let i = 0; i < 15; i++) {
    const before = getHeapStatistics().used_heap_size;
    await api.fetch(calls);
    const after = getHeapStatistics().used_heap_size;
    if (after >= before) grown.push(after - before);
  }
  return median(grown);
}

/** Objects allocated, as V8's own profiler of allocations counts them when it is to see every one. */
async function objects(api: Api, calls: number): Promise<number> {
  const session = new Session();
  session.connect();
  const post = (method: string, parameters = {}): unknown => {
    let answer: unknown;
    // Answered before post() returns.
    session.post(method, parameters, (error: Error | null, result?: unknown) => {
      if (error !== null) throw error;
      answer = result;
    });
    return answer;
  };
  const every = { samplingInterval: 1, includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true };
  post('HeapProfiler.startSampling', every);
  await api.fetch(calls);
  const { profile } = post('HeapProfiler.stopSampling') as { profile: { samples: readonly unknown[] } };
  session.disconnect();
  return profile.samples.length;
}

/** How often the garbage collector ran. */
async function collections(api: Api, calls: number): Promise<number> {
  let count = 0;
  const see = (entries: readonly PerformanceEntry[]): void => {
    for (const entry of entries) {
      const { flags = 0 } = (entry as PerformanceEntry & { detail?: { flags?: number } }).detail ?? {};
      // Those that gc() asked for do not count.
      if ((flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) === 0) count++;
    }
  };
  const observer = new PerformanceObserver((list) => see(list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  await api.fetch(calls);
  // Entries come in a turn of their own.
  await new Promise((resolve) => setTimeout(resolve, 20));
  see(observer.takeRecords());
  observer.disconnect();
  return count;
}

interface Kind {
  readonly id: string;
  readonly what: string;
  readonly unit: Race['unit'];
  /** In a round. */
  readonly calls: number;
  /** For one event, or whatever the race counts by. */
  of(api: Api, calls: number): Promise<number>;
}

function allocation(setting: Setting, { id, what, unit, calls, of }: Kind): Race {
  return {
    id,
    what,
    unit,
    times: calls * READY,
    rounds: 3,
    prepare() {
      const contenders: Contender[] = [];
      const fds = readyPipes(READY).map(([fd]) => fd);
      for (const api of apis(setting, fds)) {
        contenders.push({
          name: api.name,
          async run() {
            await warm(api, setting.quick);
            return of(api, calls);
          },
        });
      }
      return contenders;
    },
  };
}

export function allocationRaces(setting: Setting): readonly Race[] {
  const million = setting.quick ? 200 : 1e6 / READY;
  return [
    { id: 'allocation/bytes', what: 'bytes allocated for an event', unit: 'bytes', calls: 10, of: bytes },
    { id: 'allocation/objects', what: 'objects allocated for an event', unit: 'count', calls: 40, of: objects },
    {
      id: 'allocation/collections',
      what: 'garbage collections in a million events',
      unit: 'count',
      calls: million,
      of: async (api: Api, calls: number) => (await collections(api, calls)) * 1e6,
    },
  ].map((kind) => allocation(setting, kind as Kind));
}
