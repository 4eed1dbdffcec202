import assert from 'node:assert/strict';
import type { Case } from './case.ts';
import { type Change, deadline, Queue } from './queue.ts';
import type { Kernel } from './world.ts';

/** Many descriptors of one pipe that has a byte in it, each with a knote of its own. */
function crowd(world: Kernel, count: number, flags: string): { kq: Queue; fds: readonly number[] } {
  const kq = new Queue(world);
  const [reader, writer] = world.pipe();
  const fds = [reader, ...Array.from({ length: count - 1 }, () => world.dup(reader))];
  kq.apply(...fds.map((fd): Change => ['READ', fd, flags]));
  world.write(writer, 'x');
  return { kq, fds };
}

/** Many triggered knotes. */
function users(world: Kernel, count: number, flags: string): Queue {
  const kq = new Queue(world);
  const changes = (mode: string, fflags: string): Change[] =>
    Array.from({ length: count }, (_, ident) => ['USER', ident, mode, { fflags }]);
  kq.apply(...changes(flags, ''));
  kq.apply(...changes('', 'TRIGGER'));
  return kq;
}

const few = [1, 10] as const;

/** More events than room, and the order in which they come. */
export const cases: readonly Case[] = [
  ...few.map(
    (room): Case => ({
      name: `a thousand triggered with an event list of ${room}: all are reported, each once`,
      needs: ['USER'],
      run(world) {
        const kq = users(world, 1000, 'ADD|CLEAR');
        const idents = kq.collect(1000, room).map(({ ident }) => ident);
        assert.equal(new Set(idents).size, 1000);
        kq.silent(0);
      },
    }),
  ),
  ...few.map(
    (room): Case => ({
      name: `two hundred ready descriptors, EV_CLEAR, with an event list of ${room}: all are reported, each once`,
      needs: ['READ', 'pipe', 'dup'],
      run(world) {
        const { kq, fds } = crowd(world, 200, 'ADD|CLEAR');
        const idents = kq.collect(200, room).map(({ ident }) => Number(ident));
        assert.deepEqual(new Set(idents), new Set(fds));
        kq.silent(0);
      },
    }),
  ),
  ...few.map(
    (room): Case => ({
      name: `two hundred ready descriptors, level-triggered, with an event list of ${room}: all are reported in turn`,
      needs: ['READ', 'pipe', 'dup'],
      run(world) {
        const { kq, fds } = crowd(world, 200, 'ADD');
        const idents = kq.collect(200, room).map(({ ident }) => Number(ident));
        assert.deepEqual(new Set(idents), new Set(fds));
      },
    }),
  ),
  {
    name: 'two hundred ready one-shots with an event list of 7: all are reported, each once',
    needs: ['READ', 'pipe', 'dup'],
    run(world) {
      const { kq, fds } = crowd(world, 200, 'ADD|ONESHOT');
      const seen = kq.collect(200, 7).map(({ ident }) => Number(ident));
      assert.deepEqual(new Set(seen), new Set(fds));
      kq.silent(0);
    },
  },
  {
    name: 'a thousand level-triggered user events with an event list of 10: all are reported in turn',
    needs: ['USER'],
    run(world) {
      const kq = users(world, 1000, 'ADD');
      assert.equal(new Set(kq.collect(1000, 10).map(({ ident }) => ident)).size, 1000);
    },
  },
  {
    name: 'at most nevents events are written, and none is lost',
    needs: ['READ', 'pipe', 'dup'],
    run(world) {
      const { kq } = crowd(world, 10, 'ADD|CLEAR');
      assert.equal(kq.fetch(1000, 4).length, 4);
      assert.equal(kq.fetch(1000, 4).length, 4);
      assert.equal(kq.fetch(1000, 4).length, 2);
      kq.silent(0);
    },
  },
  {
    name: 'a knote that is always ready does not keep others from being reported',
    needs: ['READ', 'pipe'],
    run(world) {
      const kq = new Queue(world);
      const [busy, busyEnd] = world.pipe();
      const [quiet, quietEnd] = world.pipe();
      world.write(busyEnd, 'x');
      kq.set('READ', busy, 'ADD');
      kq.set('READ', quiet, 'ADD');
      for (let look = 0; look < 5; look++) assert.equal(kq.fetch(1000, 1)[0]?.ident, BigInt(busy));
      world.write(quietEnd, 'x');
      const idents = kq.collect(4, 1).map(({ ident }) => Number(ident));
      assert.ok(idents.includes(quiet), `only ${idents.join(', ')}`);
      assert.ok(idents.includes(busy), `only ${idents.join(', ')}`);
    },
  },
  {
    name: 'descriptors, timers and user events all are reported in turn with an event list of 1',
    needs: ['READ', 'WRITE', 'TIMER', 'USER', 'pipe', 'socketpair'],
    run(world) {
      const kq = new Queue(world);
      const [reader, writer] = world.pipe();
      const [socket] = world.socketpair('stream');
      world.write(writer, 'x');
      kq.apply(
        ['READ', reader, 'ADD'],
        ['WRITE', socket, 'ADD'],
        ['TIMER', 1, 'ADD', { data: 20 }],
        ['USER', 1, 'ADD'],
      );
      kq.set('USER', 1, '', { fflags: 'TRIGGER' });
      const seen = new Set<string>();
      const end = performance.now() + deadline(world);
      while (seen.size < 4 && performance.now() < end) for (const { filter } of kq.fetch(100, 1)) seen.add(filter);
      assert.deepEqual([...seen].sort(), ['READ', 'TIMER', 'USER', 'WRITE']);
    },
  },
  {
    name: 'user events are reported in the order of their triggers',
    needs: ['USER'],
    run(world) {
      const kq = new Queue(world);
      const order = [3, 1, 4, 0, 2];
      for (const ident of [0, 1, 2, 3, 4]) kq.set('USER', ident, 'ADD|CLEAR');
      for (const ident of order) kq.set('USER', ident, '', { fflags: 'TRIGGER' });
      const events = [...kq.fetch(1000, 2), ...kq.fetch(1000, 3)];
      assert.deepEqual(
        events.map(({ ident }) => Number(ident)),
        order,
      );
    },
  },
  {
    name: 'descriptors are reported in the order in which they became ready',
    needs: ['READ', 'pipe'],
    run(world) {
      const kq = new Queue(world);
      const pipes = Array.from({ length: 5 }, () => world.pipe());
      for (const [reader] of pipes) kq.set('READ', reader, 'ADD|CLEAR');
      const order = [3, 1, 4, 0, 2].map((index) => pipes[index] as [number, number]);
      for (const [, writer] of order) world.write(writer, 'x');
      const events = [...kq.fetch(1000, 2), ...kq.fetch(1000, 3)];
      assert.deepEqual(
        events.map(({ ident }) => Number(ident)),
        order.map(([reader]) => reader),
      );
    },
  },
  {
    name: 'new events are fetched together with those that did not fit before',
    needs: ['READ', 'pipe', 'dup', 'USER'],
    run(world) {
      const { kq } = crowd(world, 6, 'ADD|CLEAR');
      assert.equal(kq.fetch(1000, 2).length, 2);
      kq.set('USER', 7, 'ADD|CLEAR');
      kq.set('USER', 7, '', { fflags: 'TRIGGER' });
      const events = kq.collect(5);
      assert.equal(events.filter(({ filter }) => filter === 'USER').length, 1);
      kq.silent(0);
    },
  },
  {
    name: 'a knote that did not fit and was deleted is not reported',
    needs: ['READ', 'pipe', 'dup'],
    run(world) {
      const { kq, fds } = crowd(world, 10, 'ADD|CLEAR');
      const first = kq.fetch(1000, 3).map(({ ident }) => Number(ident));
      const rest = fds.filter((fd) => !first.includes(fd));
      const [dropped, ...others] = rest as [number, ...number[]];
      kq.set('READ', dropped, 'DELETE');
      assert.deepEqual(new Set(kq.collect(6).map(({ ident }) => Number(ident))), new Set(others));
      kq.silent(0);
    },
  },
  {
    name: 'a condition that did not fit and no longer holds is not reported',
    needs: ['READ', 'pipe', 'dup'],
    run(world) {
      const { kq, fds } = crowd(world, 10, 'ADD|CLEAR');
      assert.equal(kq.fetch(1000, 3).length, 3);
      world.read(fds[0] as number, 1);
      kq.silent();
    },
  },
];
