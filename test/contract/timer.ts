import assert from 'node:assert/strict';
import type { Case, Gate } from './case.ts';
import { type Change, deadline, notes, Queue, sleep } from './queue.ts';
import { type Kernel, Missing } from './world.ts';

// Periods are 20 ms and more: some kernels count in ticks of 10, and round up. Nothing here says how late an event may be.

/** The bit for a time of day, and its unit's: the name of the bit differs. */
function absolute(world: Kernel, unit = ''): number {
  const name = world.sys.abi.constants.NOTE_ABSTIME === undefined ? 'ABSOLUTE' : 'ABSTIME';
  return notes(world, name) | notes(world, unit);
}

const FUTURE = ['NOTE_ABSTIME|NOTE_ABSOLUTE'] as const;

/** NetBSD before 10 rounds a period down. */
const EARLY = {
  on: 'netbsd',
  version: '< 10',
  reason: 'a timer may fire early, by up to two ticks of 10 ms',
  source: 'run on 7.99.34; read in sys/sys/param.h, mstohz',
} as const satisfies Gate;

/** NetBSD tests EV_CLEAR, which every timer has, before EV_DISPATCH. */
export const TIMER_IGNORES_DISPATCH: Gate = {
  on: 'netbsd',
  reason: 'EV_DISPATCH is ignored, because timers have EV_CLEAR',
  source: 'run on 7.99.34; read in sys/kern/kern_event.c, kqueue_scan, of 10',
};

/** How long one firing of this timer takes. */
function firing(world: Kernel, fflags: string, data: number): number {
  const kq = new Queue(world);
  const start = performance.now();
  kq.set('TIMER', 1, 'ADD|ONESHOT', { fflags, data });
  kq.one('TIMER', 1);
  return performance.now() - start;
}

/** EVFILT_TIMER. */
export const cases: readonly Case[] = [
  {
    name: 'TIMER: a period in milliseconds fires again and again, never early',
    needs: ['TIMER'],
    gates: [EARLY],
    run(world) {
      const kq = new Queue(world);
      const start = performance.now();
      kq.set('TIMER', 1, 'ADD', { data: 40, udata: 6 });
      let fired = 0n;
      for (let look = 0; look < 3; look++) {
        const event = kq.one('TIMER', 1);
        assert.ok(event.data >= 1n, String(event));
        assert.equal(event.udata, 6n);
        fired += event.data;
        const passed = performance.now() - start;
        // One millisecond for clocks that are read at another moment.
        assert.ok(Number(fired) * 40 <= passed + 1, `${fired} times in ${passed} ms`);
      }
    },
  },
  {
    name: 'TIMER: the call that adds a timer can wait for it without a timeout',
    needs: ['TIMER'],
    run(world) {
      const events = new Queue(world).call([['TIMER', 1, 'ADD', { data: 20, udata: 6 }]], null);
      assert.deepEqual(
        events.map(({ filter, udata }) => [filter, udata]),
        [['TIMER', 6n]],
      );
    },
  },
  {
    name: 'TIMER: data counts the expirations since the last fetch',
    needs: ['TIMER'],
    gates: [EARLY],
    run(world) {
      const kq = new Queue(world);
      const start = performance.now();
      kq.set('TIMER', 1, 'ADD', { data: 20 });
      sleep(world, 200);
      const { data } = kq.one('TIMER', 1);
      assert.ok(data >= 2n, `once in ${performance.now() - start} ms`);
      const fired = data + kq.one('TIMER', 1).data;
      const passed = performance.now() - start;
      // What was counted once is not counted again.
      assert.ok(Number(fired) * 20 <= passed + 1, `${fired} times in ${passed} ms`);
    },
  },
  {
    name: 'TIMER: EV_CLEAR is set without a request',
    needs: ['TIMER'],
    run(world) {
      const kq = new Queue(world);
      kq.set('TIMER', 1, 'ADD', { data: 30 });
      assert.ok(kq.one('TIMER', 1).has('CLEAR'));
    },
  },
  {
    name: 'TIMER with EV_ONESHOT: fires once, then is gone',
    needs: ['TIMER'],
    gates: [EARLY],
    run(world) {
      const kq = new Queue(world);
      const start = performance.now();
      kq.set('TIMER', 1, 'ADD|ONESHOT', { data: 40 });
      assert.ok(kq.one('TIMER', 1).data >= 1n);
      assert.ok(performance.now() - start >= 39, 'early');
      kq.silent(120);
      kq.fails('ENOENT', 'TIMER', 1, 'DELETE');
    },
  },
  {
    name: 'TIMER: a deleted timer does not fire, even if it had expired',
    needs: ['TIMER'],
    run(world) {
      const kq = new Queue(world);
      kq.set('TIMER', 1, 'ADD', { data: 20 });
      sleep(world, 60);
      kq.set('TIMER', 1, 'DELETE');
      kq.silent(80);
    },
  },
  {
    name: 'TIMER: adding it again restarts it with the new period',
    needs: ['TIMER'],
    gates: [
      {
        on: 'dragonfly',
        reason: 'the current period ends first',
        source: 'read in sys/kern/kern_event.c, filt_timertouch',
      },
      { on: 'netbsd', version: '< 10', reason: 'the current period ends first', source: 'run on 7.99.34' },
    ],
    run(world) {
      const kq = new Queue(world);
      kq.set('TIMER', 1, 'ADD|ONESHOT', { data: 3_600_000, udata: 1 });
      kq.silent();
      const start = performance.now();
      kq.set('TIMER', 1, 'ADD|ONESHOT', { data: 40, udata: 2 });
      assert.equal(kq.one('TIMER', 1).udata, 2n);
      assert.ok(performance.now() - start >= 39, 'early');
    },
  },
  {
    name: 'TIMER: adding it again discards expirations that were not fetched',
    needs: ['TIMER'],
    gates: [
      { on: 'dragonfly', reason: 'the count is kept', source: 'read in sys/kern/kern_event.c, filt_timertouch' },
      { on: 'netbsd', version: '< 10', reason: 'the count is kept', source: 'run on 7.99.34' },
    ],
    run(world) {
      const kq = new Queue(world);
      kq.set('TIMER', 1, 'ADD', { data: 20 });
      sleep(world, 70);
      kq.set('TIMER', 1, 'ADD', { data: 3_600_000 });
      kq.silent(60);
    },
  },
  {
    name: 'TIMER: EV_DELETE and EV_ADD in one list restart it',
    needs: ['TIMER'],
    run(world) {
      const kq = new Queue(world);
      kq.set('TIMER', 1, 'ADD', { data: 3_600_000 });
      kq.apply(['TIMER', 1, 'DELETE'], ['TIMER', 1, 'ADD', { data: 30 }]);
      kq.one('TIMER', 1);
      kq.one('TIMER', 1);
    },
  },
  {
    name: 'TIMER: silent while it is disabled; EV_ENABLE with the whole record continues it',
    needs: ['TIMER'],
    run(world) {
      const kq = new Queue(world);
      kq.set('TIMER', 1, 'ADD', { data: 20, udata: 4 });
      kq.one('TIMER', 1);
      kq.set('TIMER', 1, 'DISABLE', { data: 20, udata: 4 });
      kq.silent(80);
      kq.set('TIMER', 1, 'ENABLE', { data: 20, udata: 4 });
      for (let look = 0; look < 2; look++) assert.equal(kq.one('TIMER', 1).udata, 4n);
    },
  },
  {
    name: 'TIMER: a disabled timer continues to count',
    needs: ['TIMER'],
    gates: [
      {
        on: 'darwin',
        reason: 'any change of a timer restarts it',
        source: 'read in bsd/kern/kern_event.c (XNU 11417), filt_timertouch',
      },
    ],
    run(world) {
      const kq = new Queue(world);
      kq.set('TIMER', 1, 'ADD|DISABLE', { data: 20 });
      sleep(world, 200);
      kq.set('TIMER', 1, 'ENABLE', { data: 20 });
      const { data } = kq.one('TIMER', 1);
      assert.ok(data >= 2n, 'once in 200 ms');
    },
  },
  {
    name: 'TIMER with EV_DISPATCH: disabled by delivery until EV_ENABLE',
    needs: ['TIMER', 'EV_DISPATCH'],
    gates: [TIMER_IGNORES_DISPATCH],
    run(world) {
      const kq = new Queue(world);
      kq.set('TIMER', 1, 'ADD|DISPATCH', { data: 20 });
      kq.one('TIMER', 1);
      kq.silent(80);
      // It went on counting, so it fires again; macOS has started it over.
      kq.set('TIMER', 1, 'ENABLE', { data: 20 });
      kq.one('TIMER', 1);
      kq.silent(80);
    },
  },
  {
    name: 'TIMER: the expiration of a timer ends a wait',
    needs: ['TIMER'],
    run(world) {
      const kq = new Queue(world);
      kq.set('TIMER', 1, 'ADD|ONESHOT', { data: 50 });
      const start = performance.now();
      assert.equal(kq.fetch(60_000).length, 1);
      assert.ok(performance.now() - start < deadline(world));
    },
  },
  {
    name: 'TIMER: the timer that expires first is reported first',
    needs: ['TIMER'],
    run(world) {
      const kq = new Queue(world);
      kq.apply(
        ['TIMER', 1, 'ADD|ONESHOT', { data: 150 }],
        ['TIMER', 2, 'ADD|ONESHOT', { data: 30 }],
        ['TIMER', 3, 'ADD|ONESHOT', { data: 90 }],
      );
      assert.deepEqual(
        kq.collect(3).map(({ ident }) => ident),
        [2n, 3n, 1n],
      );
    },
  },
  {
    name: 'TIMER: the same ident is another timer in another queue',
    needs: ['TIMER'],
    run(world) {
      const [a, b] = [new Queue(world), new Queue(world)];
      a.set('TIMER', 1, 'ADD|ONESHOT', { data: 30, udata: 1 });
      b.set('TIMER', 1, 'ADD|ONESHOT', { data: 30, udata: 2 });
      assert.equal(a.one('TIMER', 1).udata, 1n);
      assert.equal(b.one('TIMER', 1).udata, 2n);
    },
  },
  ...[0n, 2n ** 31n, 2n ** 53n, 2n ** 64n - 1n].map(
    (ident): Case => ({
      name: `TIMER: ${ident} is a valid ident`,
      needs: ['TIMER'],
      run(world) {
        const kq = new Queue(world);
        kq.set('TIMER', ident, 'ADD|ONESHOT', { data: 30, udata: ident });
        assert.equal(kq.one('TIMER', ident).udata, ident);
        kq.set('TIMER', ident, 'ADD', { data: 60_000 });
        kq.set('TIMER', ident, 'DELETE');
        kq.fails('ENOENT', 'TIMER', ident, 'DELETE');
      },
    }),
  ),
  {
    name: 'TIMER: a period of months does not fire immediately',
    needs: ['TIMER'],
    run(world) {
      const kq = new Queue(world);
      kq.set('TIMER', 1, 'ADD', { data: 2 ** 33 });
      kq.set('TIMER', 2, 'ADD|ONESHOT', { data: 2 ** 31 });
      kq.silent(60);
    },
  },
  ...(
    [
      [30, []],
      [
        31,
        [
          {
            on: 'freebsd',
            reason: 'it fires immediately, and a periodic timer again and again',
            source: 'run on 12.3; read in sys/kern/kern_event.c, filt_timerstart, of 15',
          },
        ],
      ],
    ] as const
  ).map(
    ([power, gates]): Case => ({
      name: `TIMER: a time of 2^${power} seconds does not fire immediately`,
      needs: ['TIMER'],
      gates: [
        ...gates,
        {
          on: 'netbsd',
          version: '< 10',
          reason: 'the number of ticks is truncated to 32 bits',
          source: 'read in sys/kern/kern_event.c, filt_timerattach',
        },
      ],
      run(world) {
        const kq = new Queue(world);
        kq.set('TIMER', 1, 'ADD', { data: 2 ** power * 1000 });
        kq.set('TIMER', 2, 'ADD|ONESHOT', { data: 2 ** power * 1000 });
        kq.silent(60);
      },
    }),
  ),
  {
    name: 'TIMER: NOTE_SECONDS',
    needs: ['TIMER', 'NOTE_SECONDS'],
    run(world) {
      const took = firing(world, 'SECONDS', 1);
      assert.ok(took >= 999, `${took} ms`);
    },
  },
  {
    name: 'TIMER: NOTE_MSECONDS',
    needs: ['TIMER', 'NOTE_MSECONDS'],
    gates: [EARLY],
    run(world) {
      const took = firing(world, 'MSECONDS', 60);
      assert.ok(took >= 59, `${took} ms`);
    },
  },
  {
    name: 'TIMER: NOTE_USECONDS',
    needs: ['TIMER', 'NOTE_USECONDS'],
    run(world) {
      const took = firing(world, 'USECONDS', 60_000);
      assert.ok(took >= 59, `${took} ms`);
    },
  },
  {
    name: 'TIMER: NOTE_NSECONDS',
    needs: ['TIMER', 'NOTE_NSECONDS'],
    run(world) {
      const took = firing(world, 'NSECONDS', 60_000_000);
      assert.ok(took >= 59, `${took} ms`);
    },
  },
  {
    name: 'TIMER: a period in microseconds fires again and again',
    needs: ['TIMER', 'NOTE_USECONDS'],
    run(world) {
      const kq = new Queue(world);
      const start = performance.now();
      kq.set('TIMER', 1, 'ADD', { fflags: 'USECONDS', data: 30_000 });
      let fired = 0n;
      while (fired < 3n) fired += kq.one('TIMER', 1).data;
      assert.ok(Number(fired) * 30 <= performance.now() - start + 1);
    },
  },
  {
    name: 'TIMER: two units at once are EINVAL',
    needs: ['TIMER', 'NOTE_SECONDS', 'NOTE_USECONDS'],
    run(world) {
      // NetBSD and OpenBSD number their units: 1 and 2 are 3, nanoseconds.
      if (notes(world, 'SECONDS|USECONDS') === notes(world, 'NSECONDS')) throw new Missing('unit that is a bit');
      new Queue(world).fails('EINVAL', 'TIMER', 1, 'ADD', { fflags: 'SECONDS|USECONDS', data: 1 });
    },
  },
  {
    name: 'TIMER at a time of day: fires at that time, not before',
    needs: ['TIMER', ...FUTURE],
    run(world) {
      const kq = new Queue(world);
      const at = world.now() + 100;
      kq.set('TIMER', 1, 'ADD|ONESHOT', { fflags: absolute(world), data: Math.ceil(at), udata: 5 });
      const event = kq.one('TIMER', 1);
      assert.ok(world.now() >= at - 1, 'early');
      assert.equal(event.udata, 5n);
      assert.ok(event.data >= 1n);
      kq.silent(60);
      kq.fails('ENOENT', 'TIMER', 1, 'DELETE');
    },
  },
  {
    name: 'TIMER at a time of day that has passed: fires immediately',
    needs: ['TIMER', ...FUTURE],
    run(world) {
      const kq = new Queue(world);
      kq.set('TIMER', 1, 'ADD|ONESHOT', { fflags: absolute(world), data: Math.floor(world.now()) - 60_000 });
      kq.one('TIMER', 1);
      kq.silent(60);
    },
  },
  {
    name: 'TIMER at a time of day in seconds',
    needs: ['TIMER', 'NOTE_SECONDS', ...FUTURE],
    run(world) {
      const kq = new Queue(world);
      const at = Math.ceil(world.now() / 1000) + 1;
      kq.set('TIMER', 1, 'ADD|ONESHOT', { fflags: absolute(world, 'SECONDS'), data: at });
      kq.one('TIMER', 1);
      assert.ok(world.now() >= at * 1000 - 1, 'early');
    },
  },
  {
    name: 'TIMER at a time of day in microseconds',
    needs: ['TIMER', 'NOTE_USECONDS', ...FUTURE],
    run(world) {
      const kq = new Queue(world);
      const at = Math.ceil(world.now()) + 80;
      kq.set('TIMER', 1, 'ADD|ONESHOT', { fflags: absolute(world, 'USECONDS'), data: at * 1000 });
      kq.one('TIMER', 1);
      assert.ok(world.now() >= at - 1, 'early');
    },
  },
  {
    name: 'TIMER: five hundred timers all fire, each once',
    needs: ['TIMER'],
    run(world) {
      const kq = new Queue(world);
      const changes = Array.from(
        { length: 500 },
        (_, ident): Change => ['TIMER', ident, 'ADD|ONESHOT', { data: 30 + (ident % 50), udata: ident * 2 }],
      );
      kq.apply(...changes);
      const idents = new Set(kq.collect(500).map(({ ident, udata }) => (udata === ident * 2n ? ident : -1n)));
      assert.equal(idents.size, 500);
      assert.ok(!idents.has(-1n));
      kq.silent();
    },
  },
  {
    name: 'TIMER: ten thousand timers all fire, each once',
    needs: ['TIMER'],
    gates: [
      {
        on: 'freebsd',
        reason: 'the system has 4,096 timers for kqueues (kern.kq_calloutmax), then ENOMEM',
        source: 'run on 12.3',
      },
      {
        on: 'openbsd',
        version: '< 7.8',
        reason: 'the system has 4,097 timers for kqueues, then ENOMEM',
        source: 'run on 7.3',
      },
      {
        on: 'openbsd',
        version: '>= 7.8',
        reason: 'a process may have 1,024 knotes of TIMER and USER',
        source: 'read in sys/kern/kern_event.c, filt_timerattach and filt_userattach',
      },
      { on: 'netbsd', reason: 'the system has 4,095 timers for kqueues, then ENOMEM', source: 'run on 7.99.34' },
      {
        on: 'dragonfly',
        reason: 'the system has 4,096 timers for kqueues (kern.kq_calloutmax), then ENOMEM',
        source: 'read in sys/kern/kern_event.c, filt_timerattach',
      },
    ],
    run(world) {
      const kq = new Queue(world);
      const changes = Array.from(
        { length: 10_000 },
        (_, ident): Change => ['TIMER', ident, 'ADD|ONESHOT', { data: 100 + (ident % 100) }],
      );
      kq.apply(...changes);
      assert.equal(new Set(kq.collect(10_000, 1024).map(({ ident }) => ident)).size, 10_000);
      kq.silent();
    },
  },
];
