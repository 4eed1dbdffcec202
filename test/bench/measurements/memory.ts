// What a knote takes in this process: of its resident memory and, a part of that, of the JavaScript heap. What the kernel
// has of it is not seen here.

import { Kqueue, read } from '../../../src/index.ts';
import { EV_ADD, EV_SET, EVFILT_READ, KeventList, kevent, kqueue } from '../../../src/sys/index.ts';
import { kqueueInC } from '../baselines/c-loop.ts';
import { socketPairs } from '../descriptors.ts';
import type { Contender, Race } from '../race.ts';
import type { Setting } from '../setting.ts';

function settled(of: 'rss' | 'heapUsed'): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage()[of];
}

/** Each round adds queues to those that are there: memory that was used and freed would not count again. */
function knotes(setting: Setting, of: 'rss' | 'heapUsed', count: number): Race {
  const kept: (object | number)[] = [];
  const contender = (name: string, fill: () => object | number): Contender => ({
    name,
    run() {
      const before = settled(of);
      kept.push(fill());
      return settled(of) - before;
    },
  });
  return {
    id: `memory/${of === 'rss' ? 'resident' : 'heap'}`,
    what: of === 'rss' ? 'resident memory of a knote' : 'JavaScript heap of a knote',
    unit: 'bytes',
    times: count,
    rounds: 5,
    prepare() {
      const fds = socketPairs(count / 2).flat();
      const loop = kqueueInC(setting);
      const inC =
        loop === undefined || of !== 'rss'
          ? []
          : [
              contender('C', () => {
                const queue = loop.open();
                for (const fd of fds) loop.watch(queue, fd);
                return queue;
              }),
            ];
      return [
        ...inC,
        contender('system-call API', () => {
          const kq = kqueue();
          const list = new KeventList(1);
          for (const fd of fds) {
            EV_SET(list, 0, fd, EVFILT_READ, EV_ADD, 0, 0, 0);
            if (kevent(kq, list, 1, null, 0, null) !== 0) throw new Error(`no knote for descriptor ${fd}`);
          }
          return kq;
        }),
        contender('high-level API', () => {
          const kq = new Kqueue();
          for (const fd of fds) kq.register(read(fd));
          return kq;
        }),
      ];
    },
  };
}

export function memoryRaces(setting: Setting): readonly Race[] {
  const count = setting.quick ? 1000 : 10_000;
  return [knotes(setting, 'rss', count), knotes(setting, 'heapUsed', count)];
}
