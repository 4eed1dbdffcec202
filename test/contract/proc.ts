import assert from 'node:assert/strict';
import type { Case } from './case.ts';
import { deadline, differs, type Event, isErrno, notes, Queue } from './queue.ts';
import type { Child, Kernel } from './world.ts';

// The event of an exit has EV_EOF, and the knote is deleted with it. A note that was not requested need not be set.

/** The notes for the exit with its status, which macOS reports only on request. */
function exit(world: Kernel): number {
  return world.sys.abi.constants.NOTE_EXITSTATUS === undefined ? notes(world, 'EXIT') : notes(world, 'EXIT|EXITSTATUS');
}

function watch(world: Kernel, child: Child, udata = 0): Queue {
  const kq = new Queue(world);
  kq.set('PROC', child.pid, 'ADD', { fflags: exit(world), udata });
  return kq;
}

function exited(kq: Queue, { pid }: Child): Event {
  const event = kq.one('PROC', pid);
  assert.ok(event.note('EXIT'), `no NOTE_EXIT: ${event}`);
  return event;
}

/** EVFILT_PROC. */
export const cases: readonly Case[] = [
  {
    name: 'PROC: silent while the process lives; its exit is NOTE_EXIT with EV_EOF, once, and the knote is gone',
    needs: ['PROC', 'spawn'],
    run(world) {
      const child = world.spawn({});
      const kq = watch(world, child, 9);
      kq.silent();
      child.end();
      const event = exited(kq, child);
      assert.ok(event.has('EOF'), String(event));
      assert.equal(event.udata, 9n);
      kq.silent();
      kq.fails(['ENOENT', 'ESRCH'], 'PROC', child.pid, 'DELETE');
    },
  },
  {
    name: 'PROC: added again while the process lives, it is silent',
    needs: ['PROC', 'spawn'],
    run(world) {
      const child = world.spawn({});
      const kq = watch(world, child, 8);
      kq.set('PROC', child.pid, 'ADD', { fflags: exit(world), udata: 9 });
      kq.silent();
      child.end();
      assert.equal(exited(kq, child).udata, 9n);
    },
  },
  ...[0, 1, 7, 255].map(
    (code): Case => ({
      name: `PROC: exit(${code}) of a child is reported with the status of wait(2)`,
      needs: ['PROC', 'spawn'],
      run(world) {
        const child = world.spawn({ code });
        const kq = watch(world, child);
        child.end();
        assert.equal(exited(kq, child).data, BigInt(code << 8));
      },
    }),
  ),
  {
    name: 'PROC: a child that a signal ended is reported with the status of wait(2)',
    needs: ['PROC', 'spawn', 'signal'],
    run(world) {
      for (const signal of ['SIGTERM', 'SIGKILL']) {
        const child = world.spawn({ signal });
        const kq = watch(world, child);
        child.end();
        assert.equal(Number(exited(kq, child).data) & 0x7f, world.signal(signal));
      }
    },
  },
  {
    name: 'PROC: wait(2) still returns the status of the child',
    needs: ['PROC', 'spawn'],
    async run(world) {
      const child = world.spawn({ code: 7 });
      const kq = watch(world, child);
      child.end();
      exited(kq, child);
      if (child.exited !== undefined) assert.deepEqual(await child.exited, { code: 7, signal: null });
    },
  },
  {
    name: 'PROC: the exit of a process that is not a child is reported',
    needs: ['PROC', 'spawn'],
    run(world) {
      const orphan = world.spawn({ orphan: true, code: 3 });
      const kq = new Queue(world);
      kq.set('PROC', orphan.pid, 'ADD', { fflags: 'EXIT' });
      kq.silent();
      orphan.end();
      assert.ok(exited(kq, orphan).has('EOF'));
      kq.silent();
    },
  },
  {
    name: 'PROC: a process that does not exist is ESRCH',
    needs: ['PROC'],
    run: (world) => new Queue(world).fails('ESRCH', 'PROC', 2 ** 30, 'ADD', { fflags: 'EXIT' }),
  },
  {
    name: 'PROC: a process that was waited for is ESRCH',
    needs: ['PROC', 'spawn'],
    async run(world) {
      const child = world.spawn({});
      child.end();
      await child.exited;
      new Queue(world).fails('ESRCH', 'PROC', child.pid, 'ADD', { fflags: 'EXIT' });
    },
  },
  {
    name: 'PROC: a zombie is ESRCH, or its exit is reported immediately',
    needs: ['PROC', 'spawn'],
    run(world) {
      const child = world.spawn({ code: 5 });
      const first = watch(world, child);
      child.end();
      exited(first, child);
      // Node has not reaped the process yet, because that takes a turn of the event loop.
      const kq = new Queue(world);
      const [event] = kq.call([['PROC', child.pid, 'ADD', { fflags: exit(world) }]], deadline(world));
      assert.ok(event !== undefined, 'refused or reported');
      if (event.has('ERROR')) isErrno(world, event.data, 'ESRCH');
      else assert.ok(event.has('EOF') && event.note('EXIT'), String(event));
      differs(world, event.has('ERROR') ? 'ESRCH' : 'event', { freebsd: 'event', linux: 'event', openbsd: 'ESRCH' });
    },
  },
  {
    name: 'PROC: the exits of twenty processes are reported, each with its own status',
    needs: ['PROC', 'spawn'],
    run(world) {
      const kq = new Queue(world);
      const children = Array.from({ length: 20 }, (_, code) => world.spawn({ code }));
      for (const [code, { pid }] of children.entries()) {
        kq.set('PROC', pid, 'ADD', { fflags: exit(world), udata: code });
      }
      kq.silent();
      for (const child of children) child.end();
      const events = kq.collect(20);
      const seen = new Map(events.map(({ ident, udata, data }) => [Number(ident), [Number(udata), Number(data)]]));
      for (const [code, { pid }] of children.entries()) assert.deepEqual(seen.get(pid), [code, code << 8]);
      kq.silent();
    },
  },
  {
    name: 'PROC: two queues both report the exit',
    needs: ['PROC', 'spawn'],
    run(world) {
      const child = world.spawn({ code: 4 });
      const [a, b] = [watch(world, child, 1), watch(world, child, 2)];
      child.end();
      assert.equal(exited(a, child).udata, 1n);
      assert.equal(exited(b, child).udata, 2n);
    },
  },
  {
    name: 'PROC: adding a process again replaces udata, and does not make a second knote',
    needs: ['PROC', 'spawn'],
    run(world) {
      const child = world.spawn({});
      const kq = watch(world, child, 1);
      kq.set('PROC', child.pid, 'ADD', { fflags: exit(world), udata: 2n ** 64n - 1n });
      child.end();
      assert.equal(exited(kq, child).udata, 2n ** 64n - 1n);
      kq.silent();
    },
  },
  {
    name: 'PROC: a deleted knote reports nothing',
    needs: ['PROC', 'spawn'],
    run(world) {
      const child = world.spawn({});
      const kq = watch(world, child);
      kq.set('PROC', child.pid, 'DELETE');
      child.end();
      kq.silent(100);
    },
  },
  {
    name: 'PROC: a disabled knote reports nothing',
    needs: ['PROC', 'spawn'],
    run(world) {
      const child = world.spawn({});
      const kq = new Queue(world);
      kq.set('PROC', child.pid, 'ADD|DISABLE', { fflags: exit(world) });
      child.end();
      kq.silent(100);
    },
  },
  {
    name: 'PROC: disabled and enabled again while the process lives, it reports the exit',
    needs: ['PROC', 'spawn'],
    run(world) {
      const child = world.spawn({ code: 2 });
      const kq = watch(world, child);
      kq.set('PROC', child.pid, 'DISABLE', { fflags: exit(world) });
      kq.set('PROC', child.pid, 'ENABLE', { fflags: exit(world), udata: 8 });
      child.end();
      exited(kq, child);
    },
  },
  {
    name: 'PROC: the exit of the process ends a wait',
    needs: ['PROC', 'spawn'],
    run(world) {
      const child = world.spawn({ after: 300 + 20 * world.pace });
      const kq = watch(world, child);
      const start = performance.now();
      assert.equal(kq.fetch(60_000).length, 1);
      assert.ok(performance.now() - start < deadline(world));
    },
  },
  {
    name: 'PROC: fork(2) is NOTE_FORK, or the note is refused with EINVAL',
    needs: ['PROC', 'NOTE_FORK', 'spawn'],
    run: (world) => reportedOrRefused(world, 'FORK', world.spawn({ forks: true })),
  },
  {
    name: 'PROC: execve(2) is NOTE_EXEC, or the note is refused with EINVAL',
    needs: ['PROC', 'NOTE_EXEC', 'spawn'],
    run: (world) => reportedOrRefused(world, 'EXEC', world.spawn({ execs: true })),
  },
  {
    name: 'PROC: the exit of a process that called fork(2) and execve(2) is reported',
    needs: ['PROC', 'spawn'],
    run(world) {
      const child = world.spawn({ forks: true, execs: true, code: 6 });
      const kq = watch(world, child);
      child.end();
      assert.equal(exited(kq, child).data, 6n << 8n);
    },
  },
];

/** A note that a kqueue takes must come; one that it cannot tell it must refuse. */
function reportedOrRefused(world: Kernel, note: string, child: Child): void {
  const kq = new Queue(world);
  const [refusal] = kq.call([['PROC', child.pid, 'ADD', { fflags: `EXIT|${note}` }]], 0);
  if (refusal !== undefined) {
    assert.ok(refusal.has('ERROR'), String(refusal));
    isErrno(world, refusal.data, 'EINVAL');
    return;
  }
  child.end();
  let seen = 0;
  kq.until((event) => {
    seen |= event.fflags;
    return event.has('EOF');
  });
  assert.ok((seen & notes(world, note)) !== 0, `NOTE_${note} was accepted and never reported`);
}
