import assert from 'node:assert/strict';
import { KeventList, Timespec } from '../../src/sys/index.ts';
import type { Case } from './case.ts';
import { deadline, isErrno, Queue, sleep, timed } from './queue.ts';
import { TIMER_IGNORES_DISPATCH } from './timer.ts';
import type { Kernel } from './world.ts';

/** A queue with one event in it, which stays until the byte is read. */
function ready(world: Kernel): { kq: Queue; reader: number } {
  const kq = new Queue(world);
  const [reader, writer] = world.pipe();
  world.write(writer, 'x');
  kq.set('READ', reader, 'ADD');
  return { kq, reader };
}

/** kevent(2) that fetches with this timeout must fail with EINVAL. */
function refuses(world: Kernel, timeout: Timespec): void {
  const kq = new Queue(world);
  assert.equal(world.sys.kevent(kq.fd, null, 0, kq.list([]), 1, timeout), -1);
  isErrno(world, world.sys.errno(), 'EINVAL');
}

/** The call itself: timeouts, counts, the queue as a descriptor. */
export const cases: readonly Case[] = [
  {
    name: 'each call of kqueue(2) makes a new queue',
    needs: [],
    run(world) {
      const [a, b] = [new Queue(world), new Queue(world)];
      assert.notEqual(a.fd, b.fd);
      a.close();
      b.silent(0);
    },
  },
  {
    name: 'an empty queue with a timeout of zero returns 0 immediately',
    needs: [],
    run(world) {
      const kq = new Queue(world);
      assert.ok(timed(() => kq.silent(0)) < deadline(world));
    },
  },
  {
    name: 'a call with no changes and no room for events is 0',
    needs: [],
    run(world) {
      const kq = new Queue(world);
      assert.equal(world.sys.kevent(kq.fd, null, 0, null, 0, null), 0);
    },
  },
  {
    name: 'a wait without events lasts as long as its timeout',
    needs: [],
    run(world) {
      const kq = new Queue(world);
      const took = timed(() => kq.silent(60));
      // A millisecond less for clocks that count in those.
      assert.ok(took >= 59, `waited ${took} ms of 60`);
    },
  },
  {
    name: 'a wait of less than a millisecond ends',
    needs: [],
    run(world) {
      const kq = new Queue(world);
      const took = timed(() => {
        assert.equal(world.sys.kevent(kq.fd, null, 0, kq.list([]), 1, new Timespec(0, 300_000)), 0);
      });
      assert.ok(took < deadline(world));
    },
  },
  {
    name: 'a call with no room for events returns immediately, whatever the timeout',
    needs: ['READ', 'pipe'],
    run(world) {
      const kq = new Queue(world);
      const [reader] = world.pipe();
      const changes = kq.list([['READ', reader, 'ADD']]);
      const took = timed(() => {
        assert.equal(world.sys.kevent(kq.fd, changes, 1, null, 0, new Timespec(20, 0)), 0);
        assert.equal(world.sys.kevent(kq.fd, null, 0, kq.list([]), 0, new Timespec(20, 0)), 0);
      });
      assert.ok(took < deadline(world));
    },
  },
  {
    name: 'a call with no room for events returns immediately, even without a timeout',
    needs: [],
    run(world) {
      const kq = new Queue(world);
      assert.equal(world.sys.kevent(kq.fd, null, 0, kq.list([]), 0, null), 0);
    },
  },
  {
    name: 'a call with no room for events leaves pending events in the queue',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, reader } = ready(world);
      assert.equal(world.sys.kevent(kq.fd, null, 0, null, 0, new Timespec(0, 0)), 0);
      kq.one('READ', reader);
    },
  },
  {
    name: 'a wait with pending events returns them immediately',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq } = ready(world);
      assert.ok(timed(() => assert.equal(kq.fetch(20_000).length, 1)) < deadline(world));
    },
  },
  {
    name: 'a wait without a timeout ends with the first event',
    needs: ['TIMER'],
    run(world) {
      const kq = new Queue(world);
      kq.set('TIMER', 1, 'ADD|ONESHOT', { data: 30 });
      const events = kq.call([], null, 4);
      assert.equal(events.length, 1);
      assert.equal(events[0]?.filter, 'TIMER');
    },
  },
  {
    name: 'a timeout of 2^31 - 1 seconds is accepted',
    needs: ['READ', 'pipe'],
    gates: [
      {
        on: 'darwin',
        version: '< 19',
        reason: 'more than 10^8 seconds are EINVAL',
        source: 'read in bsd/kern/kern_event.c (XNU of macOS 10.14)',
      },
    ],
    run(world) {
      const { kq } = ready(world);
      assert.equal(world.sys.kevent(kq.fd, null, 0, kq.list([]), 1, new Timespec(2 ** 31 - 1, 0)), 1);
    },
  },
  {
    name: 'a timeout of negative seconds is EINVAL',
    needs: [],
    gates: [
      {
        on: 'dragonfly',
        reason: 'a negative timeout has expired: 0 is returned',
        source: 'read in sys/kern/kern_event.c, sys_kevent',
      },
    ],
    run: (world) => refuses(world, new Timespec(-1, 0)),
  },
  {
    name: 'a timeout of negative nanoseconds is EINVAL',
    needs: [],
    gates: [
      {
        on: 'dragonfly',
        reason: 'a negative timeout has expired: 0 is returned',
        source: 'read in sys/kern/kern_event.c, sys_kevent',
      },
    ],
    run: (world) => refuses(world, new Timespec(0, -1)),
  },
  {
    name: 'a timeout of 2,000,000,000 nanoseconds is EINVAL',
    needs: [],
    gates: [
      { on: 'dragonfly', reason: 'the timeout is not checked', source: 'read in sys/kern/kern_event.c, sys_kevent' },
    ],
    run: (world) => refuses(world, new Timespec(0, 2e9)),
  },
  {
    name: 'kevent(2) on a closed queue is EBADF',
    needs: [],
    run(world) {
      const kq = new Queue(world);
      const { fd } = kq;
      kq.close();
      assert.equal(world.sys.kevent(fd, null, 0, kq.list([]), 1, new Timespec(0, 0)), -1);
      isErrno(world, world.sys.errno(), 'EBADF');
    },
  },
  {
    name: 'kevent(2) on the descriptor -1 is EBADF',
    needs: [],
    run(world) {
      const list = new KeventList(1, world.sys.abi);
      assert.equal(world.sys.kevent(-1, null, 0, list, 1, new Timespec(0, 0)), -1);
      isErrno(world, world.sys.errno(), 'EBADF');
    },
  },
  {
    name: 'kevent(2) on a descriptor that is not a queue is EBADF',
    needs: ['pipe'],
    run(world) {
      const [reader] = world.pipe();
      const list = new KeventList(1, world.sys.abi);
      assert.equal(world.sys.kevent(reader, null, 0, list, 1, new Timespec(0, 0)), -1);
      isErrno(world, world.sys.errno(), 'EBADF');
    },
  },
  {
    name: 'closing a queue twice is EBADF the second time',
    needs: [],
    run(world) {
      const fd = world.sys.kqueue();
      assert.equal(world.sys.close(fd), 0);
      assert.equal(world.sys.close(fd), -1);
      isErrno(world, world.sys.errno(), 'EBADF');
    },
  },
  {
    name: 'a queue made after another was closed starts empty',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq } = ready(world);
      kq.close();
      new Queue(world).silent();
    },
  },
  {
    name: 'closing one queue leaves the knotes of another',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, reader } = ready(world);
      const other = new Queue(world);
      other.set('READ', reader, 'ADD');
      other.close();
      kq.one('READ', reader);
    },
  },
  {
    name: 'a closed queue leaves the descriptors it watched open',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, reader } = ready(world);
      kq.close();
      assert.equal(world.read(reader, 8).length, 1);
    },
  },
  {
    name: 'two queues have separate knotes for one descriptor',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, reader } = ready(world);
      const other = new Queue(world);
      other.set('READ', reader, 'ADD|ONESHOT', { udata: 2 });
      assert.equal(other.one('READ', reader).udata, 2n);
      other.silent();
      assert.equal(kq.one('READ', reader).udata, 0n);
      kq.set('READ', reader, 'DELETE');
      other.set('READ', reader, 'ADD', { udata: 3 });
      assert.equal(other.one('READ', reader).udata, 3n);
      kq.silent();
    },
  },
  {
    name: 'no record is written past nevents',
    needs: ['READ', 'pipe', 'dup'],
    run(world) {
      const { kq, reader } = ready(world);
      for (let count = 0; count < 5; count++) kq.set('READ', world.dup(reader), 'ADD');
      const list = new KeventList(8, world.sys.abi);
      const mark = { ident: 77, filter: list.filter(0), flags: 0, fflags: 78, data: 79, udata: 80 };
      for (let index = 0; index < 8; index++) list.set(index, mark);
      assert.equal(world.sys.kevent(kq.fd, null, 0, list, 3, new Timespec(1, 0)), 3);
      for (let index = 3; index < 8; index++) assert.deepEqual(list.get(index), mark);
    },
  },
  {
    name: 'an event list of 10,000 takes what there is',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq } = ready(world);
      assert.equal(kq.fetch(1000, 10_000).length, 1);
    },
  },
  {
    name: 'poll(2) finds a queue readable when it has events, and only then',
    needs: ['USER', 'pollable', 'poll'],
    run(world) {
      const kq = new Queue(world);
      assert.equal(world.poll(kq.fd), false, 'readable while empty');
      kq.set('USER', 1, 'ADD|CLEAR');
      assert.equal(world.poll(kq.fd), false, 'readable before the trigger');
      kq.set('USER', 1, '', { fflags: 'TRIGGER' });
      assert.equal(world.poll(kq.fd), true, 'not readable after the trigger');
      kq.one('USER', 1);
      assert.equal(world.poll(kq.fd), false, 'readable after the event was fetched');
    },
  },
  {
    name: 'poll(2) finds a queue readable while a level-triggered condition holds',
    needs: ['READ', 'pollable', 'poll', 'pipe'],
    run(world) {
      const kq = new Queue(world);
      const [reader, writer] = world.pipe();
      kq.set('READ', reader, 'ADD');
      assert.equal(world.poll(kq.fd), false);
      world.write(writer, 'x');
      assert.equal(world.poll(kq.fd), true);
      kq.one('READ', reader);
      assert.equal(world.poll(kq.fd), true, 'not readable though the byte is still there');
      world.read(reader, 1);
      // FreeBSD takes a knote off its queue in the next scan only.
      kq.silent(0);
      assert.equal(world.poll(kq.fd), false);
    },
  },
  {
    name: 'poll(2) does not find a queue readable for a disabled knote, even at the end of its pipe',
    needs: ['READ', 'pollable', 'poll', 'pipe'],
    run(world) {
      const kq = new Queue(world);
      const [reader, writer] = world.pipe();
      kq.set('READ', reader, 'ADD|DISABLE');
      world.write(writer, 'x');
      assert.equal(world.poll(kq.fd), false);
      world.close(writer);
      kq.silent(0);
      assert.equal(world.poll(kq.fd), false);
      kq.silent(0);
      assert.equal(world.poll(kq.fd), false, 'readable again after a fetch');
      kq.set('READ', reader, 'ADD');
      assert.equal(world.poll(kq.fd), false, 'readable when added again, which does not enable');
      kq.set('READ', reader, 'ENABLE');
      assert.ok(kq.one('READ', reader).has('EOF'));
    },
  },
  {
    name: 'poll(2) finds a queue readable for an expired timer',
    needs: ['TIMER', 'pollable', 'poll'],
    async run(world) {
      const kq = new Queue(world);
      // It must not run out before the first look.
      kq.set('TIMER', 1, 'ADD|ONESHOT', { data: 300 + 20 * world.pace });
      assert.equal(world.poll(kq.fd), false);
      const end = performance.now() + deadline(world);
      while (!world.poll(kq.fd)) {
        assert.ok(performance.now() < end, 'the queue never became readable');
        await world.turn();
      }
      kq.one('TIMER', 1);
      assert.equal(world.poll(kq.fd), false);
    },
  },
  {
    name: 'poll(2) does not find a queue readable for a disabled or deleted timer',
    needs: ['TIMER', 'pollable', 'poll'],
    run(world) {
      const kq = new Queue(world);
      kq.set('TIMER', 1, 'ADD', { data: 20 });
      kq.set('TIMER', 1, 'DISABLE', { data: 20 });
      kq.set('TIMER', 3, 'ADD|DISABLE', { data: 20 });
      for (const data of [30, 10, 20]) kq.set('TIMER', 4, 'ADD', { data });
      kq.set('TIMER', 4, 'DELETE');
      sleep(world, 40);
      assert.equal(world.poll(kq.fd), false);
      // The whole record again: macOS starts a timer over at any change, and with data 0 it fires immediately.
      kq.set('TIMER', 1, 'ENABLE', { data: 20 });
      kq.one('TIMER', 1);
    },
  },
  {
    name: 'poll(2) does not find a queue readable for a timer that EV_DISPATCH disabled',
    needs: ['TIMER', 'EV_DISPATCH', 'pollable', 'poll'],
    gates: [TIMER_IGNORES_DISPATCH],
    run(world) {
      const kq = new Queue(world);
      kq.set('TIMER', 1, 'ADD|DISPATCH', { data: 20 });
      kq.one('TIMER', 1);
      sleep(world, 60);
      assert.equal(world.poll(kq.fd), false);
    },
  },
  {
    name: 'poll(2) finds a queue readable for the event of a one-shot',
    needs: ['READ', 'pollable', 'poll', 'pipe', 'dup'],
    run(world) {
      const { kq, reader } = ready(world);
      kq.set('READ', world.dup(reader), 'ADD|ONESHOT');
      kq.set('READ', reader, 'ADD|ENABLE');
      assert.equal(kq.fetch(1000, 1).length, 1);
      assert.equal(world.poll(kq.fd), true);
    },
  },
];
