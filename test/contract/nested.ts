import assert from 'node:assert/strict';
import type { Case, Gate } from './case.ts';
import { isErrno, Queue } from './queue.ts';
import type { Kernel } from './world.ts';

/** The kernel looks for no cycle, and goes round in it. */
const ENDLESS: readonly Gate[] = [
  {
    on: 'netbsd',
    reason: 'the kernel does not check for cycles, and may deadlock',
    source: 'read in sys/kern/kern_event.c, kqueue_register',
  },
  { on: 'freebsd', reason: 'the kernel does not check for cycles', source: 'run on 12.3' },
  { on: 'openbsd', reason: 'the kernel does not check for cycles', source: 'run on 7.3' },
  {
    on: 'dragonfly',
    reason: 'the kernel does not check for cycles',
    source: 'read in sys/kern/kern_event.c, kqueue_register',
  },
];

/** The outer queue is woken only when the first event comes into the inner queue. */
const WAKES_ONCE: Gate = {
  on: 'darwin',
  reason: 'it is reported again only after it was empty',
  source: 'read in bsd/kern/kern_event.c (XNU 11417), knote_enqueue',
};

/** A queue with a pipe in it, and one that watches that queue. */
function nest(world: Kernel, flags = 'ADD'): { inner: Queue; outer: Queue; reader: number; writer: number } {
  const [inner, outer] = [new Queue(world), new Queue(world)];
  const [reader, writer] = world.pipe();
  inner.set('READ', reader, 'ADD');
  outer.set('READ', inner.fd, flags, { udata: 6 });
  return { inner, outer, reader, writer };
}

/** A queue watched by a queue. */
export const cases: readonly Case[] = [
  {
    name: 'a queue with events is readable in another; without events it is not',
    needs: ['READ', 'pipe'],
    run(world) {
      const { inner, outer, reader, writer } = nest(world);
      outer.silent();
      world.write(writer, 'abc');
      const event = outer.one('READ', inner.fd);
      assert.ok(event.data >= 1n, String(event));
      assert.equal(event.udata, 6n);
      assert.equal(inner.one('READ', reader).data, 3n);
      outer.one('READ', inner.fd);
      world.read(reader, 3);
      // What is queued is not looked at again until the inner queue is.
      inner.silent();
      outer.silent();
    },
  },
  {
    name: 'a queue that has events already is reported by registration',
    needs: ['READ', 'pipe'],
    run(world) {
      const [inner, outer] = [new Queue(world), new Queue(world)];
      const [reader, writer] = world.pipe();
      inner.set('READ', reader, 'ADD');
      world.write(writer, 'x');
      outer.set('READ', inner.fd, 'ADD');
      outer.one('READ', inner.fd);
    },
  },
  {
    name: 'an event that was fetched from the inner queue is no longer reported by the outer',
    needs: ['READ', 'USER'],
    run(world) {
      const [inner, outer] = [new Queue(world), new Queue(world)];
      inner.set('USER', 1, 'ADD|CLEAR');
      outer.set('READ', inner.fd, 'ADD');
      outer.silent();
      inner.set('USER', 1, '', { fflags: 'TRIGGER' });
      outer.one('READ', inner.fd);
      inner.one('USER', 1);
      outer.silent();
      inner.set('USER', 1, '', { fflags: 'TRIGGER' });
      outer.one('READ', inner.fd);
    },
  },
  {
    name: 'a queue is watched by a queue that another queue watches',
    needs: ['READ', 'pipe'],
    run(world) {
      const { inner, outer, reader, writer } = nest(world);
      const outermost = new Queue(world);
      outermost.set('READ', outer.fd, 'ADD');
      outermost.silent();
      world.write(writer, 'x');
      outermost.one('READ', outer.fd);
      outer.one('READ', inner.fd);
      inner.one('READ', reader);
      world.read(reader, 1);
      inner.silent(0);
      outer.silent(0);
      outermost.silent();
    },
  },
  {
    name: 'a queue watched by two queues is readable in both',
    needs: ['READ', 'pipe'],
    run(world) {
      const { inner, outer, writer } = nest(world);
      const other = new Queue(world);
      other.set('READ', inner.fd, 'ADD');
      world.write(writer, 'x');
      outer.one('READ', inner.fd);
      other.one('READ', inner.fd);
    },
  },
  {
    name: "an inner queue's timer ends the wait of the outer",
    needs: ['READ', 'TIMER'],
    run(world) {
      const [inner, outer] = [new Queue(world), new Queue(world)];
      outer.set('READ', inner.fd, 'ADD');
      inner.set('TIMER', 1, 'ADD|ONESHOT', { data: 40 });
      outer.one('READ', inner.fd);
      inner.one('TIMER', 1);
      outer.silent();
    },
  },
  {
    name: 'a queue watched with EV_ONESHOT is reported once',
    needs: ['READ', 'pipe'],
    run(world) {
      const { inner, outer, writer } = nest(world, 'ADD|ONESHOT');
      world.write(writer, 'x');
      outer.one('READ', inner.fd);
      outer.silent();
      outer.fails('ENOENT', 'READ', inner.fd, 'DELETE');
    },
  },
  {
    name: 'a queue watched with EV_CLEAR is reported again when it gets another event',
    needs: ['READ', 'pipe'],
    gates: [WAKES_ONCE],
    run(world) {
      const { inner, outer, writer } = nest(world, 'ADD|CLEAR');
      const [second, other] = world.pipe();
      inner.set('READ', second, 'ADD');
      world.write(writer, 'x');
      outer.one('READ', inner.fd);
      outer.silent();
      world.write(other, 'x');
      outer.one('READ', inner.fd);
    },
  },
  {
    name: 'a queue watched with EV_CLEAR is reported again when it gets a second user event',
    needs: ['READ', 'USER'],
    gates: [WAKES_ONCE],
    run(world) {
      const [inner, outer] = [new Queue(world), new Queue(world)];
      for (const ident of [1, 2, 3]) inner.set('USER', ident, 'ADD|CLEAR');
      outer.set('READ', inner.fd, 'ADD|CLEAR');
      outer.silent();
      for (const ident of [1, 2]) {
        inner.set('USER', ident, '', { fflags: 'TRIGGER' });
        outer.one('READ', inner.fd);
        outer.silent();
      }
      assert.equal(inner.fetch(0, 1).length, 1);
      outer.fetch();
      inner.set('USER', 3, '', { fflags: 'TRIGGER' });
      outer.one('READ', inner.fd);
    },
  },
  {
    name: 'a queue watched with EV_CLEAR is reported again when a second timer expires',
    needs: ['READ', 'TIMER'],
    gates: [WAKES_ONCE],
    run(world) {
      const [inner, outer] = [new Queue(world), new Queue(world)];
      inner.set('TIMER', 1, 'ADD|ONESHOT', { data: 20 });
      inner.set('TIMER', 2, 'ADD|ONESHOT', { data: 600 });
      outer.set('READ', inner.fd, 'ADD|CLEAR');
      outer.one('READ', inner.fd);
      outer.silent(0);
      outer.one('READ', inner.fd);
      outer.silent();
      assert.deepEqual(
        inner.fetch().map(({ filter, ident, data }) => [filter, ident, data]),
        [
          ['TIMER', 1n, 1n],
          ['TIMER', 2n, 1n],
        ],
      );
    },
  },
  {
    name: 'a queue watched with EV_CLEAR is reported again when it gets a second signal',
    needs: ['READ', 'SIGNAL', 'signal', 'kill', 'handle'],
    gates: [WAKES_ONCE],
    async run(world) {
      const [inner, outer] = [new Queue(world), new Queue(world)];
      const names = ['SIGUSR2', 'SIGHUP'];
      for (const name of names) {
        world.handle(name, () => {});
        inner.set('SIGNAL', world.signal(name), 'ADD');
      }
      outer.set('READ', inner.fd, 'ADD|CLEAR');
      outer.silent();
      for (const name of names) {
        world.kill(name);
        await world.turn();
        outer.one('READ', inner.fd);
        outer.silent();
      }
    },
  },
  {
    name: 'a closed inner queue is silent in the outer',
    needs: ['READ', 'pipe'],
    run(world) {
      const { inner, outer, writer } = nest(world);
      world.write(writer, 'x');
      outer.one('READ', inner.fd);
      inner.close();
      outer.silent();
    },
  },
  {
    name: 'WRITE on a queue is EINVAL',
    needs: ['WRITE'],
    gates: [
      { on: 'dragonfly', reason: 'it is EOPNOTSUPP', source: 'read in sys/kern/kern_event.c, kqueue_kqfilter' },
      { on: 'netbsd', version: '< 10', reason: 'it is EPERM', source: 'run on 7.99.34' },
    ],
    run(world) {
      const [inner, outer] = [new Queue(world), new Queue(world)];
      outer.fails('EINVAL', 'WRITE', inner.fd, 'ADD');
    },
  },
  {
    name: 'a queue cannot watch itself: EINVAL',
    needs: ['READ'],
    gates: ENDLESS.filter(({ on }) => on !== 'freebsd'),
    run(world) {
      const kq = new Queue(world);
      kq.fails('EINVAL', 'READ', kq.fd, 'ADD');
    },
  },
  {
    name: 'two queues cannot watch each other: EINVAL or ELOOP',
    needs: ['READ'],
    gates: ENDLESS,
    run(world) {
      const [a, b] = [new Queue(world), new Queue(world)];
      a.set('READ', b.fd, 'ADD');
      const [record] = b.call([['READ', a.fd, 'ADD']], 0);
      assert.ok(record, 'no record');
      assert.ok(record.has('ERROR'), 'not refused');
      isErrno(world, record.data, 'EINVAL', 'ELOOP');
    },
  },
  {
    name: 'poll(2) finds an outer queue readable when an inner one is',
    needs: ['READ', 'pipe', 'pollable', 'poll'],
    run(world) {
      const { inner, outer, reader, writer } = nest(world);
      assert.equal(world.poll(outer.fd), false);
      world.write(writer, 'x');
      outer.one('READ', inner.fd);
      assert.equal(world.poll(outer.fd), true);
      world.read(reader, 1);
      inner.silent(0);
      outer.silent(0);
      assert.equal(world.poll(outer.fd), false);
    },
  },
];
