import assert from 'node:assert/strict';
import { Timespec } from '../../src/sys/index.ts';
import type { Case, Filter } from './case.ts';
import { type Change, deadline, Event, isErrno, Queue, type Rest, timed } from './queue.ts';
import { type Kernel, Missing } from './world.ts';

/** A pipe that has a byte to read, and one that has none. */
function pipes(world: Kernel): { kq: Queue; full: number; empty: number; fill: () => void } {
  const [full, writer] = world.pipe();
  const [empty, other] = world.pipe();
  world.write(writer, 'x');
  return { kq: new Queue(world), full, empty, fill: () => world.write(other, 'x') };
}

/** A number that was a descriptor and is none any more: the highest of several, as new ones come lowest first. */
function closed(world: Kernel): number {
  const made = Array.from({ length: 8 }, () => world.pipe()).flat();
  for (const fd of made) world.close(fd);
  return Math.max(...made);
}

/** kevent(2) as it is: the return value and the records, no judgement. */
function raw(
  kq: Queue,
  changes: readonly Change[],
  room: number,
  timeout: Timespec,
): { count: number; events: Event[] } {
  const { world, fd } = kq;
  const events = room > 0 ? kq.list([], room) : null;
  const count = world.sys.kevent(fd, kq.list(changes), changes.length, events, room, timeout);
  return {
    count,
    events: events === null || count < 0 ? [] : Array.from({ length: count }, (_, i) => new Event(world, events, i)),
  };
}

/** An error record for this change, and nothing else. */
function isRecord(world: Kernel, event: Event | undefined, change: Change, ...codes: string[]): void {
  assert.ok(event !== undefined, 'no record');
  const [name, ident, , rest] = change;
  assert.ok(event.has('ERROR'), `no EV_ERROR: ${event}`);
  assert.equal(event.filter, name);
  assert.equal(event.ident, BigInt(ident));
  assert.equal(event.udata, BigInt(rest?.udata ?? 0));
  if (codes.length === 0) assert.equal(event.data, 0n, `no receipt: ${event}`);
  else isErrno(world, event.data, ...codes);
}

const NOW = new Timespec(0, 0);
const LONG = new Timespec(20, 0);

/** Something to register for each filter that a queue may have: what it needs, and its ident and notes. */
const filters: readonly [name: Filter, needs: Case['needs'], ident: (world: Kernel) => number, rest: Rest][] = [
  ['READ', ['pipe'], (world) => world.pipe()[0], {}],
  ['WRITE', ['pipe'], (world) => world.pipe()[1], {}],
  ['VNODE', ['folder', 'open'], (world) => world.open(world.folder(), 'r'), { fflags: 'WRITE' }],
  ['TIMER', [], () => 1, { data: 60_000 }],
  ['USER', [], () => 1, {}],
  ['SIGNAL', ['signal'], (world) => world.signal('SIGUSR2'), {}],
  ['PROC', ['spawn'], (world) => world.spawn({}).pid, { fflags: 'EXIT' }],
];

const absent = filters.map(
  ([name, needs, ident]): Case => ({
    name: `${name}: EV_DELETE, EV_ENABLE and EV_DISABLE without a knote are ENOENT`,
    needs: [name, ...needs],
    run(world) {
      const kq = new Queue(world);
      const number = ident(world);
      for (const flags of ['DELETE', 'ENABLE', 'DISABLE', '']) kq.fails('ENOENT', name, number, flags);
    },
  }),
);

const receipts = filters.map(
  ([name, needs, ident, rest]): Case => ({
    name: `EV_RECEIPT: ${name} has a receipt for being added and one for being deleted`,
    needs: [name, 'EV_RECEIPT', ...needs],
    run(world) {
      const kq = new Queue(world);
      const number = ident(world);
      const changes = ['ADD|RECEIPT', 'DELETE|RECEIPT'].map(
        (flags, udata): Change => [name, number, flags, { ...rest, udata }],
      );
      const { count, events } = raw(kq, changes, 2, NOW);
      assert.equal(count, 2);
      for (const [index, change] of changes.entries()) isRecord(world, events[index], change);
      kq.fails('ENOENT', name, number, 'DELETE');
    },
  }),
);

/** Adding, changing, removing; receipts and error records. */
export const cases: readonly Case[] = [
  {
    name: 'a condition that already holds is reported by registration',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full } = pipes(world);
      kq.set('READ', full, 'ADD');
      kq.one('READ', full);
    },
  },
  {
    name: 'changes are applied before events are fetched, in one call',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full } = pipes(world);
      const events = kq.call([['READ', full, 'ADD', { udata: 5 }]], deadline(world));
      assert.equal(events.length, 1);
      assert.equal(events[0]?.udata, 5n);
    },
  },
  {
    name: 'a knote deleted in a call is not among the events that the call fetches',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full } = pipes(world);
      kq.set('READ', full, 'ADD');
      assert.deepEqual(kq.call([['READ', full, 'DELETE']], 20), []);
    },
  },
  {
    name: 'adding a knote again does not make a second knote',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full } = pipes(world);
      kq.set('READ', full, 'ADD');
      kq.set('READ', full, 'ADD');
      kq.one('READ', full);
      kq.set('READ', full, 'DELETE');
      kq.silent();
      kq.fails('ENOENT', 'READ', full, 'DELETE');
    },
  },
  {
    name: 'adding a knote again replaces its udata',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full } = pipes(world);
      kq.set('READ', full, 'ADD', { udata: 1 });
      kq.set('READ', full, 'ADD', { udata: 2 });
      assert.equal(kq.one('READ', full).udata, 2n);
      kq.set('READ', full, 'ADD', { udata: 0 });
      assert.equal(kq.one('READ', full).udata, 0n);
    },
  },
  {
    name: 'adding a knote again replaces the udata of an event that is already pending',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, empty, fill } = pipes(world);
      kq.set('READ', empty, 'ADD|CLEAR', { udata: 1 });
      fill();
      kq.set('READ', empty, 'ADD|CLEAR', { udata: 2 });
      assert.equal(kq.one('READ', empty).udata, 2n);
      kq.silent();
    },
  },
  {
    name: 'the changes of a list are applied in order',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full, empty } = pipes(world);
      kq.apply(
        ['READ', full, 'ADD', { udata: 1 }],
        ['READ', full, 'DELETE'],
        ['READ', empty, 'ADD'],
        ['READ', full, 'ADD', { udata: 2 }],
        ['READ', empty, 'DELETE'],
      );
      assert.equal(kq.one('READ', full).udata, 2n);
      kq.fails('ENOENT', 'READ', empty, 'DELETE');
    },
  },
  {
    name: 'one list can hold the changes and then the events',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full, empty } = pipes(world);
      const list = kq.list([
        ['READ', empty, 'ADD', { udata: 1 }],
        ['READ', full, 'ADD', { udata: 2 }],
      ]);
      assert.equal(world.sys.kevent(kq.fd, list, 2, list, 2, LONG), 1);
      assert.equal(list.ident(0), full);
      assert.equal(list.udata(0), 2);
    },
  },
  {
    name: 'an error record has the fflags of its change',
    needs: ['USER'],
    run(world) {
      const kq = new Queue(world);
      const bad: Change = ['USER', 1, 'DELETE', { fflags: 0x55, udata: 3 }];
      const [record] = kq.call([bad], 0);
      isRecord(world, record, bad, 'ENOENT');
      assert.equal(record?.fflags, 0x55);
    },
  },
  {
    name: 'one list can hold the changes and then their error records',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full } = pipes(world);
      const bad: Change = ['READ', closed(world), 'ADD', { udata: 9 }];
      const list = kq.list([['READ', full, 'ADD', { udata: 1 }], bad]);
      assert.equal(world.sys.kevent(kq.fd, list, 2, list, 2, LONG), 1);
      isRecord(world, new Event(world, list, 0), bad, 'EBADF');
      assert.equal(kq.one('READ', full).udata, 1n);
    },
  },
  ...[0n, 1n, 2n ** 31n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n].map(
    (udata): Case => ({
      name: `a udata of ${udata} comes back unchanged`,
      needs: ['READ', 'pipe'],
      run(world) {
        const { kq, full } = pipes(world);
        kq.set('READ', full, 'ADD', { udata });
        assert.equal(kq.one('READ', full).udata, udata);
        const bad: Change = ['READ', closed(world), 'ADD', { udata }];
        isRecord(world, kq.call([bad], 0)[0], bad, 'EBADF');
      },
    }),
  ),
  {
    name: 'ident and filter identify a knote, not ident alone',
    needs: ['READ', 'WRITE', 'TIMER', 'socketpair'],
    run(world) {
      const kq = new Queue(world);
      const [a, b] = world.socketpair('stream');
      world.write(b, 'x');
      kq.apply(
        ['READ', a, 'ADD', { udata: 1 }],
        ['WRITE', a, 'ADD', { udata: 2 }],
        ['TIMER', a, 'ADD|ONESHOT', { udata: 3, data: 30 }],
      );
      kq.until((event) => event.filter === 'TIMER' && event.ident === BigInt(a) && event.udata === 3n);
      const events = kq.collect(2).map(({ filter, udata }) => `${filter} ${udata}`);
      assert.deepEqual(events.sort(), ['READ 1', 'WRITE 2']);
      kq.set('READ', a, 'DELETE');
      kq.one('WRITE', a);
    },
  },

  ...absent,
  {
    name: 'a filter that no kernel has is EINVAL',
    needs: [],
    run(world) {
      const kq = new Queue(world);
      const numbers = Object.entries(world.sys.abi.constants).flatMap(([name, value]) =>
        name.startsWith('EVFILT_') ? [value] : [],
      );
      const lowest = Math.min(...numbers);
      const unknown = lowest < 0 ? lowest - 50 : Math.max(...numbers) + 50;
      const list = kq.list([], 1);
      list.set(0, { ident: 0, filter: unknown, flags: world.sys.abi.constants.EV_ADD as number });
      assert.equal(world.sys.kevent(kq.fd, list, 1, null, 0, NOW), -1);
      isErrno(world, world.sys.errno(), 'EINVAL');
    },
  },
  {
    name: 'a change with filter 0 is EINVAL',
    needs: [],
    gates: [
      {
        on: 'freebsd',
        reason: 'the change is skipped: the call succeeds, and nothing is registered',
        source: 'run on 12.3; read in sys/kern/kern_event.c, kqueue_kevent',
      },
    ],
    run(world) {
      const { EV_ADD = 0, ...constants } = world.sys.abi.constants;
      const name = Object.keys(constants).find((known) => known.startsWith('EVFILT_') && constants[known] === 0);
      if (name !== undefined) throw new Missing(`filter 0 without a meaning: it is ${name}`);
      const kq = new Queue(world);
      const list = kq.list([], 1);
      list.set(0, { ident: 1, filter: 0, flags: EV_ADD });
      assert.equal(world.sys.kevent(kq.fd, list, 1, null, 0, NOW), -1);
      isErrno(world, world.sys.errno(), 'EINVAL');
    },
  },
  ...(['READ', 'WRITE', 'VNODE'] as const).map(
    (name): Case => ({
      name: `${name}: adding a closed descriptor is EBADF`,
      needs: [name, 'pipe'],
      run: (world) => new Queue(world).fails('EBADF', name, closed(world), 'ADD'),
    }),
  ),
  {
    name: 'a descriptor number that no process has is EBADF',
    needs: ['READ'],
    run: (world) => new Queue(world).fails('EBADF', 'READ', 10_000_000, 'ADD'),
  },
  {
    name: 'a descriptor number beyond a C int is EBADF, and is not truncated to 32 bits',
    needs: ['READ', 'pipe'],
    gates: [
      {
        on: 'darwin',
        reason: 'EINVAL if the low 32 bits are the number of an open descriptor, and EBADF otherwise',
        source: 'read in bsd/kern/kern_event.c (XNU 11417), kevent_register',
      },
      {
        on: 'dragonfly',
        reason: 'only the low 32 bits of a descriptor are used',
        source: 'read in sys/kern/kern_event.c, filt_fileattach',
      },
    ],
    run(world) {
      const { kq, full } = pipes(world);
      kq.fails('EBADF', 'READ', 2 ** 31, 'ADD');
      kq.fails('EBADF', 'READ', 2 ** 32 + full, 'ADD');
      kq.fails('EBADF', 'READ', 2n ** 64n - 1n, 'ADD');
      kq.silent();
    },
  },
  {
    name: 'VNODE on a pipe is EINVAL',
    needs: ['VNODE', 'pipe'],
    gates: [{ on: 'dragonfly', reason: 'it is EOPNOTSUPP', source: 'read in sys/kern/kern_event.c, kqueue_register' }],
    run: (world) => new Queue(world).fails('EINVAL', 'VNODE', world.pipe()[0], 'ADD', { fflags: 'WRITE' }),
  },
  {
    name: 'VNODE on a socket is EINVAL',
    needs: ['VNODE', 'socketpair'],
    gates: [{ on: 'dragonfly', reason: 'it is EOPNOTSUPP', source: 'read in sys/kern/kern_event.c, kqueue_register' }],
    run: (world) =>
      new Queue(world).fails('EINVAL', 'VNODE', world.socketpair('stream')[0], 'ADD', { fflags: 'WRITE' }),
  },

  {
    name: 'a failed change becomes a record with the errno, and the later changes are applied',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full } = pipes(world);
      const bad: Change = ['READ', closed(world), 'ADD', { udata: 7 }];
      const { count, events } = raw(kq, [bad, ['READ', full, 'ADD', { udata: 8 }]], 4, NOW);
      assert.equal(count, 1);
      isRecord(world, events[0], bad, 'EBADF');
      assert.equal(kq.one('READ', full).udata, 8n);
    },
  },
  {
    name: 'each failed change has a record, in the order of the changes',
    needs: ['READ', 'TIMER', 'pipe'],
    run(world) {
      const { kq, full, empty } = pipes(world);
      const bad: Change[] = [
        ['READ', empty, 'DELETE', { udata: 1 }],
        ['READ', closed(world), 'ADD', { udata: 2 }],
        ['TIMER', 3, 'DELETE', { udata: 3 }],
      ];
      const [first, second, third] = bad as [Change, Change, Change];
      const { count, events } = raw(kq, [first, ['READ', full, 'ADD'], second, third], 8, NOW);
      assert.equal(count, 3);
      isRecord(world, events[0], first, 'ENOENT');
      isRecord(world, events[1], second, 'EBADF');
      isRecord(world, events[2], third, 'ENOENT');
    },
  },
  {
    name: 'a thousand failed changes have a thousand records',
    needs: ['TIMER'],
    run(world) {
      const kq = new Queue(world);
      const changes = Array.from({ length: 1000 }, (_, index): Change => ['TIMER', index, 'DELETE', { udata: index }]);
      const events = kq.call(changes, 0);
      assert.equal(events.length, 1000);
      for (const [index, event] of events.entries()) isRecord(world, event, changes[index] as Change, 'ENOENT');
    },
  },
  {
    name: 'a call with an error record does not fetch or wait',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full, empty } = pipes(world);
      kq.set('READ', full, 'ADD|ONESHOT');
      const bad: Change = ['READ', empty, 'DELETE'];
      const took = timed(() => {
        const { count, events } = raw(kq, [bad], 8, LONG);
        assert.equal(count, 1);
        isRecord(world, events[0], bad, 'ENOENT');
      });
      assert.ok(took < deadline(world), 'it waited');
      kq.one('READ', full);
    },
  },
  {
    name: 'without an eventlist a failed change is -1 with its errno: earlier changes stay applied, later ones are not',
    needs: ['READ', 'pipe', 'dup'],
    run(world) {
      const { kq, full } = pipes(world);
      const after = world.dup(full);
      const bad: Change = ['READ', closed(world), 'ADD'];
      assert.equal(raw(kq, [['READ', full, 'ADD'], bad, ['READ', after, 'ADD']], 0, NOW).count, -1);
      isErrno(world, world.sys.errno(), 'EBADF');
      kq.one('READ', full);
      kq.fails('ENOENT', 'READ', after, 'DELETE');
    },
  },
  {
    name: 'a failed change to a knote leaves it as it was',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full, empty } = pipes(world);
      kq.set('READ', full, 'ADD', { udata: 1 });
      kq.fails('ENOENT', 'READ', empty, 'ENABLE', { udata: 2 });
      assert.equal(kq.one('READ', full).udata, 1n);
    },
  },
  {
    name: 'EV_ERROR and EV_EOF in a change are ignored',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full } = pipes(world);
      kq.set('READ', full, 'ADD|ERROR|EOF');
      const event = kq.one('READ', full);
      assert.ok(!event.has('ERROR') && !event.has('EOF'), String(event));
    },
  },

  {
    name: 'EV_RECEIPT: one record for each change, in order, its data 0',
    needs: ['READ', 'TIMER', 'EV_RECEIPT', 'pipe'],
    run(world) {
      const { kq, full, empty } = pipes(world);
      const changes: Change[] = [
        ['READ', full, 'ADD|RECEIPT', { udata: 1 }],
        ['TIMER', 9, 'ADD|RECEIPT', { udata: 2, data: 10_000 }],
        ['READ', empty, 'ADD|RECEIPT', { udata: 3 }],
      ];
      const { count, events } = raw(kq, changes, 3, NOW);
      assert.equal(count, 3);
      for (const [index, change] of changes.entries()) isRecord(world, events[index], change);
    },
  },
  {
    name: 'EV_RECEIPT: a call with receipts neither fetches nor waits',
    needs: ['READ', 'EV_RECEIPT', 'pipe'],
    run(world) {
      const { kq, full, empty } = pipes(world);
      kq.set('READ', full, 'ADD|ONESHOT', { udata: 1 });
      const change: Change = ['READ', empty, 'ADD|RECEIPT'];
      const took = timed(() => {
        const { count, events } = raw(kq, [change], 8, LONG);
        assert.equal(count, 1);
        isRecord(world, events[0], change);
      });
      assert.ok(took < deadline(world), 'it waited');
      assert.equal(kq.one('READ', full).udata, 1n);
    },
  },
  {
    name: 'EV_RECEIPT: a change that fails has its errno in the record',
    needs: ['READ', 'EV_RECEIPT', 'pipe'],
    run(world) {
      const { kq, full } = pipes(world);
      const changes: Change[] = [
        ['READ', closed(world), 'ADD|RECEIPT', { udata: 1 }],
        ['READ', full, 'ADD|RECEIPT', { udata: 2 }],
      ];
      const { count, events } = raw(kq, changes, 2, NOW);
      assert.equal(count, 2);
      isRecord(world, events[0], changes[0] as Change, 'EBADF');
      isRecord(world, events[1], changes[1] as Change);
    },
  },
  {
    name: 'EV_RECEIPT: deletion, disabling and enabling have receipts too',
    needs: ['READ', 'EV_RECEIPT', 'pipe'],
    run(world) {
      const { kq, full } = pipes(world);
      kq.set('READ', full, 'ADD');
      const changes = ['DISABLE', 'ENABLE', 'DELETE'].map((flags): Change => ['READ', full, `${flags}|RECEIPT`]);
      const { count, events } = raw(kq, changes, 3, NOW);
      assert.equal(count, 3);
      for (const [index, change] of changes.entries()) isRecord(world, events[index], change);
      kq.silent();
    },
  },
  ...receipts,
  {
    name: 'EV_RECEIPT: changes with a receipt and changes without one are all applied',
    needs: ['READ', 'EV_RECEIPT', 'pipe', 'dup'],
    run(world) {
      const { kq, full } = pipes(world);
      const copy = world.dup(full);
      const { count } = raw(
        kq,
        [
          ['READ', full, 'ADD'],
          ['READ', copy, 'ADD|RECEIPT'],
        ],
        2,
        NOW,
      );
      assert.equal(count, 1);
      assert.equal(kq.collect(2).length, 2);
    },
  },
  {
    name: 'EV_RECEIPT: a thousand changes have a thousand receipts',
    needs: ['TIMER', 'EV_RECEIPT'],
    run(world) {
      const kq = new Queue(world);
      const changes = Array.from({ length: 500 }, (_, ident): Change[] => [
        ['TIMER', ident, 'ADD|RECEIPT', { udata: ident, data: 60_000 }],
        ['TIMER', ident, 'DELETE|RECEIPT', { udata: ident }],
      ]).flat();
      const events = kq.call(changes, 0);
      assert.equal(events.length, 1000);
      for (const [index, event] of events.entries()) isRecord(world, event, changes[index] as Change);
    },
  },

  {
    name: 'a changelist of 10,000 is applied completely',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full } = pipes(world);
      const changes = Array.from({ length: 10_000 }, (_, udata): Change => ['READ', full, 'ADD', { udata }]);
      kq.apply(...changes);
      assert.equal(kq.one('READ', full).udata, 9999n);
    },
  },
  {
    name: 'a changelist of 10,000 makes 10,000 knotes',
    needs: ['USER'],
    gates: [
      {
        on: 'openbsd',
        version: '>= 7.8',
        reason: 'a process may have 1,024 knotes of TIMER and USER',
        source: 'read in sys/kern/kern_event.c, filt_timerattach and filt_userattach',
      },
    ],
    run(world) {
      const kq = new Queue(world);
      const all = (flags: string, fflags = ''): Change[] =>
        Array.from({ length: 10_000 }, (_, ident): Change => ['USER', ident, flags, { fflags, udata: ident }]);
      kq.apply(...all('ADD|CLEAR'));
      kq.silent(0);
      kq.apply(...all('', 'TRIGGER'));
      const idents = new Set(kq.collect(10_000, 1024).map(({ ident, udata }) => (ident === udata ? ident : -1n)));
      assert.equal(idents.size, 10_000);
      kq.silent(0);
    },
  },

  {
    name: 'a changelist may be longer than the eventlist: all changes are applied, and later calls return the events',
    needs: ['READ', 'pipe', 'dup'],
    run(world) {
      const { kq, full } = pipes(world);
      const fds = [full, world.dup(full), world.dup(full)];
      const changes = fds.map((fd): Change => ['READ', fd, 'ADD|ONESHOT']);
      const { count, events } = raw(kq, changes, 1, LONG);
      assert.equal(count, 1);
      const idents = [...events, ...kq.collect(2)].map(({ ident }) => Number(ident));
      assert.deepEqual(new Set(idents), new Set(fds));
    },
  },
  {
    name: 'a changelist may be longer than the eventlist: more errors than room are -1, or as many records as fit',
    needs: ['READ', 'TIMER', 'pipe'],
    run(world) {
      const { kq, full } = pipes(world);
      const first: Change = ['TIMER', 1, 'DELETE', { udata: 1 }];
      const list = kq.list([], 4);
      const mark = { ident: 77, filter: list.filter(0), flags: 0, fflags: 78, data: 79, udata: 80 };
      for (let index = 0; index < 4; index++) list.set(index, mark);
      const changes = kq.list([['READ', full, 'ADD'], first, ['TIMER', 2, 'DELETE'], ['TIMER', 3, 'DELETE']]);
      const count = world.sys.kevent(kq.fd, changes, 4, list, 1, LONG);
      if (count === -1) isErrno(world, world.sys.errno(), 'ENOENT');
      else isRecord(world, new Event(world, list, 0), first, 'ENOENT');
      assert.ok(count === -1 || count === 1, `kevent() returned ${count}`);
      for (let index = 1; index < 4; index++) assert.deepEqual(list.get(index), mark);
      kq.one('READ', full);
    },
  },

  {
    name: 'EV_ADD|EV_DISABLE registers a silent knote; EV_ENABLE reports the condition',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full } = pipes(world);
      kq.set('READ', full, 'ADD|DISABLE', { udata: 4 });
      kq.silent();
      kq.set('READ', full, 'ENABLE', { udata: 4 });
      assert.equal(kq.one('READ', full).udata, 4n);
    },
  },
  {
    name: 'EV_DISABLE withdraws a pending event; EV_ENABLE reports it again',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, empty, fill } = pipes(world);
      kq.set('READ', empty, 'ADD');
      fill();
      kq.set('READ', empty, 'DISABLE');
      kq.silent();
      kq.set('READ', empty, 'ENABLE');
      kq.one('READ', empty);
    },
  },
  {
    name: 'EV_ENABLE reports a condition that began while the knote was disabled, if it still holds',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, empty, fill } = pipes(world);
      kq.set('READ', empty, 'ADD');
      kq.set('READ', empty, 'DISABLE');
      fill();
      kq.silent();
      kq.set('READ', empty, 'ENABLE');
      kq.one('READ', empty);
      kq.set('READ', empty, 'DISABLE');
      world.read(empty, 8);
      kq.set('READ', empty, 'ENABLE');
      kq.silent();
    },
  },
  {
    name: 'EV_DISPATCH: EV_ENABLE reports a condition that still holds, without a new event',
    needs: ['READ', 'EV_DISPATCH', 'pipe'],
    gates: [
      {
        on: 'netbsd',
        version: '< 10',
        reason: 'EV_ENABLE checks the condition only if the knote is still active',
        source: 'run on 7.99.34',
      },
    ],
    run(world) {
      const { kq, full } = pipes(world);
      kq.set('READ', full, 'ADD|DISPATCH', { udata: 6 });
      for (let look = 0; look < 3; look++) {
        assert.equal(kq.one('READ', full).udata, 6n);
        kq.silent();
        kq.set('READ', full, 'ENABLE', { udata: 6 });
      }
    },
  },
  {
    name: 'adding a disabled knote again does not enable it; EV_ADD|EV_ENABLE does',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full } = pipes(world);
      kq.set('READ', full, 'ADD|DISABLE', { udata: 1 });
      kq.set('READ', full, 'ADD', { udata: 2 });
      kq.silent();
      kq.set('READ', full, 'ADD|ENABLE', { udata: 3 });
      assert.equal(kq.one('READ', full).udata, 3n);
    },
  },
  {
    name: 'a disabled knote can be deleted once',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full } = pipes(world);
      kq.set('READ', full, 'ADD|DISABLE');
      kq.set('READ', full, 'DELETE');
      kq.fails('ENOENT', 'READ', full, 'DELETE');
    },
  },
  {
    name: 'disabling twice and enabling twice are no errors',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full } = pipes(world);
      kq.apply(['READ', full, 'ADD'], ['READ', full, 'DISABLE'], ['READ', full, 'DISABLE']);
      kq.silent();
      kq.apply(['READ', full, 'ENABLE'], ['READ', full, 'ENABLE']);
      kq.one('READ', full);
    },
  },
  {
    name: 'adding a level-triggered knote again with EV_CLEAR leaves it level-triggered',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full } = pipes(world);
      kq.set('READ', full, 'ADD');
      kq.set('READ', full, 'ADD|CLEAR');
      kq.one('READ', full);
      kq.one('READ', full);
    },
  },
  {
    name: 'adding a knote again with EV_ONESHOT does not make it a one-shot',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full } = pipes(world);
      kq.set('READ', full, 'ADD');
      kq.set('READ', full, 'ADD|ONESHOT');
      kq.one('READ', full);
      kq.one('READ', full);
      kq.set('READ', full, 'DELETE');
    },
  },
  {
    name: 'adding a knote again without EV_CLEAR leaves it EV_CLEAR',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, empty, fill } = pipes(world);
      kq.set('READ', empty, 'ADD|CLEAR');
      kq.set('READ', empty, 'ADD');
      fill();
      kq.one('READ', empty);
      kq.silent();
    },
  },
  {
    name: 'EV_DELETE and EV_ADD in one list change the mode of a knote',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full } = pipes(world);
      kq.set('READ', full, 'ADD');
      kq.one('READ', full);
      kq.apply(['READ', full, 'DELETE'], ['READ', full, 'ADD|ONESHOT']);
      kq.one('READ', full);
      kq.silent();
      kq.fails('ENOENT', 'READ', full, 'DELETE');
    },
  },
  {
    name: 'a knote can be added again after its one-shot was delivered',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, full } = pipes(world);
      for (const udata of [1, 2, 3]) {
        kq.set('READ', full, 'ADD|ONESHOT', { udata });
        assert.equal(kq.one('READ', full).udata, BigInt(udata));
        kq.silent(0);
      }
    },
  },
  {
    name: 'EV_ERROR and EV_EOF are not set in an event without an error or an end',
    needs: ['READ', 'WRITE', 'socketpair'],
    run(world) {
      const kq = new Queue(world);
      const [a, b] = world.socketpair('stream');
      world.write(b, 'x');
      kq.apply(['READ', a, 'ADD'], ['WRITE', a, 'ADD']);
      for (const event of kq.collect(2)) assert.ok(!event.has('ERROR') && !event.has('EOF'), String(event));
    },
  },
  {
    name: 'a thousand knotes are added and deleted many times',
    needs: ['TIMER'],
    run(world) {
      const kq = new Queue(world);
      for (let round = 0; round < 10; round++) {
        const all = (flags: string): Change[] =>
          Array.from({ length: 1000 }, (_, ident): Change => ['TIMER', ident, flags, { data: 60_000 }]);
        kq.apply(...all('ADD'));
        kq.apply(...all('DELETE'));
      }
      kq.silent(0);
      kq.fails('ENOENT', 'TIMER', 1, 'DELETE');
    },
  },
];
