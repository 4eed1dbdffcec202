import assert from 'node:assert/strict';
import type { Case } from './case.ts';
import { Queue, reuse } from './queue.ts';
import type { Kernel } from './world.ts';

/** What a change to a closed descriptor's knote may say: macOS knows the knote is gone, the others look at the descriptor. */
const GONE = ['EBADF', 'ENOENT'] as const;

interface Watched {
  readonly kq: Queue;
  readonly reader: number;
  readonly writer: number;
}

/** A pipe whose reader is registered. */
function pipe(world: Kernel, flags = 'ADD'): Watched {
  const kq = new Queue(world);
  const [reader, writer] = world.pipe();
  kq.set('READ', reader, flags, { udata: 1 });
  return { kq, reader, writer };
}

/** A new pipe's reader in place of `fd`. Returns its writer. */
function replace(world: Kernel, fd: number): number {
  const [reader, writer] = world.pipe();
  world.close(fd);
  world.dup2(reader, fd);
  world.close(reader);
  return writer;
}

/** Closing a descriptor, by which its knotes go. */
export const cases: readonly Case[] = [
  {
    name: 'a closed descriptor is silent, and its knote is gone',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, reader, writer } = pipe(world);
      world.write(writer, 'x');
      world.close(reader);
      kq.silent();
      kq.fails(GONE, 'READ', reader, 'DELETE');
    },
  },
  {
    name: 'closing a descriptor removes its pending event',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, reader, writer } = pipe(world, 'ADD|ONESHOT');
      world.write(writer, 'x');
      world.close(reader);
      kq.silent();
    },
  },
  {
    name: 'a closed descriptor is silent although a duplicate is open and has bytes to read',
    needs: ['READ', 'pipe', 'dup'],
    run(world) {
      const { kq, reader, writer } = pipe(world);
      const copy = world.dup(reader);
      world.write(writer, 'x');
      kq.one('READ', reader);
      world.close(reader);
      kq.silent();
      world.write(writer, 'y');
      kq.silent();
      assert.equal(world.read(copy, 8).length, 2);
      kq.fails('ENOENT', 'READ', copy, 'DELETE');
    },
  },
  {
    name: 'a closed descriptor is silent although a duplicate is open and its writer closes',
    needs: ['READ', 'pipe', 'dup'],
    run(world) {
      const { kq, reader, writer } = pipe(world);
      world.dup(reader);
      world.close(reader);
      world.close(writer);
      kq.silent();
    },
  },
  {
    name: 'a duplicate made after registration has no knote, and can be registered',
    needs: ['READ', 'pipe', 'dup'],
    run(world) {
      const { kq, reader, writer } = pipe(world);
      const copy = world.dup(reader);
      kq.fails('ENOENT', 'READ', copy, 'ENABLE');
      kq.set('READ', copy, 'ADD', { udata: 2 });
      world.close(reader);
      world.write(writer, 'x');
      assert.equal(kq.one('READ', copy).udata, 2n);
    },
  },
  {
    name: 'a new file on a closed number starts without a knote',
    needs: ['READ', 'pipe', 'dup2'],
    run(world) {
      const { kq, reader } = pipe(world);
      const writer = replace(world, reader);
      world.write(writer, 'x');
      kq.silent();
      kq.fails('ENOENT', 'READ', reader, 'ENABLE');
      kq.fails('ENOENT', 'READ', reader, 'DELETE');
    },
  },
  {
    name: 'a new file on a closed number can be registered, and its events are reported',
    needs: ['READ', 'pipe', 'dup2'],
    run(world) {
      const { kq, reader } = pipe(world, 'ADD|CLEAR');
      const writer = replace(world, reader);
      kq.set('READ', reader, 'ADD', { udata: 2 });
      kq.silent();
      world.write(writer, 'abc');
      for (let look = 0; look < 2; look++) {
        const event = kq.one('READ', reader);
        assert.equal(event.data, 3n);
        assert.equal(event.udata, 2n);
      }
    },
  },
  {
    name: 'a new file on a closed number has no knote while a duplicate of the old file is open and readable',
    needs: ['READ', 'pipe', 'dup', 'dup2'],
    run(world) {
      const { kq, reader, writer } = pipe(world);
      const copy = world.dup(reader);
      const other = replace(world, reader);
      world.write(writer, 'old');
      kq.silent();
      world.write(other, 'new bytes');
      kq.silent();
      kq.fails('ENOENT', 'READ', reader, 'DELETE');
      kq.set('READ', reader, 'ADD', { udata: 2 });
      assert.equal(kq.one('READ', reader).data, 9n);
      kq.set('READ', copy, 'ADD', { udata: 3 });
      const seen = kq.collect(2).map(({ ident, udata, data }) => `${ident} ${udata} ${data}`);
      assert.deepEqual(new Set(seen), new Set([`${reader} 2 9`, `${copy} 3 3`]));
    },
  },
  {
    name: 'a new file on the number of a ready file that is still open as a duplicate is reported once',
    needs: ['READ', 'pipe', 'dup', 'dup2'],
    run(world) {
      const { kq, reader, writer } = pipe(world);
      world.dup(reader);
      world.write(writer, 'old');
      kq.one('READ', reader);
      const other = replace(world, reader);
      world.write(other, 'new bytes');
      kq.set('READ', reader, 'ADD', { udata: 2 });
      for (let look = 0; look < 2; look++) {
        const { data, udata } = kq.one('READ', reader);
        assert.deepEqual([data, udata], [9n, 2n]);
      }
    },
  },
  {
    name: 'a new file on a closed number is not reported for events of a duplicate of the old file',
    needs: ['READ', 'pipe', 'dup', 'dup2'],
    run(world) {
      const { kq, reader, writer } = pipe(world);
      world.dup(reader);
      replace(world, reader);
      kq.set('READ', reader, 'ADD');
      world.write(writer, 'old');
      kq.silent();
      world.close(writer);
      kq.silent();
    },
  },
  {
    name: 'dup2(2) over a registered descriptor deletes its knote',
    needs: ['READ', 'pipe', 'dup2'],
    run(world) {
      const { kq, reader, writer } = pipe(world);
      world.write(writer, 'x');
      const [other, end] = world.pipe();
      world.dup2(other, reader);
      world.write(end, 'abc');
      kq.silent();
      kq.fails('ENOENT', 'READ', reader, 'DELETE');
    },
  },
  {
    name: 'a file that dup2(2) brings back to its number has no knote',
    needs: ['READ', 'pipe', 'dup', 'dup2'],
    gates: [
      {
        on: 'linux',
        reason: 'its knote is still there, because the same open file has the same number again',
        source: 'run on Linux',
      },
    ],
    run(world) {
      const { kq, reader, writer } = pipe(world);
      const copy = world.dup(reader);
      world.close(reader);
      world.dup2(copy, reader);
      world.write(writer, 'x');
      kq.silent();
      kq.fails('ENOENT', 'READ', reader, 'DELETE');
    },
  },
  {
    name: 'a regular file opened again on its number has no knote',
    needs: ['READ', 'folder', 'open', 'dup2'],
    run(world) {
      const kq = new Queue(world);
      const path = `${world.folder()}/file`;
      const writer = world.open(path, 'create');
      world.write(writer, 'abc');
      const fd = world.open(path, 'r');
      kq.set('READ', fd, 'ADD');
      kq.one('READ', fd);
      reuse(world, fd, () => world.open(path, 'r'));
      kq.silent();
      kq.fails('ENOENT', 'READ', fd, 'DELETE');
      kq.set('READ', fd, 'ADD', { udata: 2 });
      assert.equal(kq.one('READ', fd).udata, 2n);
    },
  },
  {
    name: 'a regular file opened again on its number has only the knote that was added since',
    needs: ['READ', 'VNODE', 'folder', 'open', 'dup2'],
    run(world) {
      const kq = new Queue(world);
      const path = `${world.folder()}/file`;
      world.write(world.open(path, 'create'), 'abc');
      const fd = world.open(path, 'r');
      kq.set('READ', fd, 'ADD');
      kq.one('READ', fd);
      reuse(world, fd, () => world.open(path, 'r'));
      kq.set('VNODE', fd, 'ADD|CLEAR', { fflags: 'WRITE' });
      kq.silent();
      kq.fails('ENOENT', 'READ', fd, 'DELETE');
      kq.set('VNODE', fd, 'DELETE');
    },
  },
  {
    name: 'a file whose changes were reported, opened again on its number, has no knote',
    needs: ['VNODE', 'folder', 'open', 'dup2'],
    run(world) {
      const kq = new Queue(world);
      const path = `${world.folder()}/file`;
      const writer = world.open(path, 'create');
      const fd = world.open(path, 'r');
      kq.set('VNODE', fd, 'ADD|CLEAR', { fflags: 'WRITE' });
      reuse(world, fd, () => world.open(path, 'r'));
      world.write(writer, 'abc');
      kq.silent();
      kq.fails('ENOENT', 'VNODE', fd, 'DELETE');
    },
  },
  {
    name: 'a regular file opened again on its number has no knote in a queue, after another queue has registered it',
    needs: ['READ', 'VNODE', 'folder', 'open', 'dup2'],
    run(world) {
      const [kq, other] = [new Queue(world), new Queue(world)];
      const path = `${world.folder()}/file`;
      const writer = world.open(path, 'create');
      world.write(writer, 'abc');
      const fd = world.open(path, 'r');
      kq.set('VNODE', fd, 'ADD|CLEAR', { fflags: 'WRITE' });
      kq.set('READ', fd, 'ADD|CLEAR');
      kq.one('READ', fd);
      reuse(world, fd, () => world.open(path, 'r'));
      other.set('VNODE', fd, 'ADD|CLEAR', { fflags: 'WRITE' });
      world.write(writer, 'abc');
      kq.silent();
      for (const filter of ['READ', 'VNODE']) kq.fails('ENOENT', filter, fd, 'DELETE');
      other.one('VNODE', fd);
    },
  },
  {
    name: 'closing a descriptor deletes its READ and WRITE knotes',
    needs: ['READ', 'WRITE', 'socketpair'],
    run(world) {
      const kq = new Queue(world);
      const [a, b] = world.socketpair('stream');
      world.write(b, 'x');
      kq.apply(['READ', a, 'ADD'], ['WRITE', a, 'ADD']);
      assert.equal(kq.collect(2).length, 2);
      world.close(a);
      kq.silent();
    },
  },
  {
    name: 'a descriptor closed while its event is pending after others is not reported',
    needs: ['READ', 'pipe'],
    run(world) {
      const kq = new Queue(world);
      const pipes = Array.from({ length: 4 }, () => world.pipe());
      for (const [reader, writer] of pipes) {
        kq.set('READ', reader, 'ADD|ONESHOT');
        world.write(writer, 'x');
      }
      const [first] = kq.fetch(1000, 1);
      const rest = pipes.map(([reader]) => reader).filter((reader) => BigInt(reader) !== first?.ident);
      world.close(rest[0] as number);
      const left = kq.collect(2).map(({ ident }) => Number(ident));
      assert.deepEqual(new Set(left), new Set(rest.slice(1)));
      kq.silent();
    },
  },
  {
    name: 'a number used again after its disabled descriptor was closed has no knote',
    needs: ['READ', 'pipe', 'dup2'],
    run(world) {
      const { kq, reader, writer } = pipe(world, 'ADD|DISABLE');
      world.write(writer, 'x');
      const other = replace(world, reader);
      world.write(other, 'y');
      kq.fails('ENOENT', 'READ', reader, 'ENABLE');
      kq.silent();
    },
  },
  {
    name: 'a new file on the number of a disabled file that is still open as a duplicate is reported',
    needs: ['READ', 'pipe', 'dup', 'dup2'],
    run(world) {
      const { kq, reader, writer } = pipe(world);
      kq.set('READ', reader, 'DISABLE');
      world.dup(reader);
      const other = replace(world, reader);
      kq.set('READ', reader, 'ADD', { udata: 2 });
      world.write(writer, 'old');
      kq.silent();
      world.write(other, 'new bytes');
      const { data, udata } = kq.one('READ', reader);
      assert.deepEqual([data, udata], [9n, 2n]);
    },
  },
  {
    name: 'a number used again does not inherit EV_CLEAR or EV_ONESHOT',
    needs: ['READ', 'pipe', 'dup2'],
    run(world) {
      for (const mode of ['ADD|CLEAR', 'ADD|ONESHOT', 'ADD|DISABLE']) {
        const { kq, reader } = pipe(world, mode);
        const writer = replace(world, reader);
        kq.set('READ', reader, 'ADD');
        world.write(writer, 'x');
        kq.one('READ', reader);
        kq.one('READ', reader);
      }
    },
  },
  {
    name: 'a socket on the number of a file, and a file on the number of a socket',
    needs: ['READ', 'socketpair', 'folder', 'open', 'dup2'],
    run(world) {
      const kq = new Queue(world);
      const path = `${world.folder()}/file`;
      world.write(world.open(path, 'create'), 'abc');
      const fd = world.open(path, 'r');
      kq.set('READ', fd, 'ADD');
      assert.equal(kq.one('READ', fd).data, 3n);
      const [a, b] = world.socketpair('stream');
      reuse(world, fd, () => a);
      kq.silent();
      kq.set('READ', fd, 'ADD');
      kq.silent();
      world.write(b, 'x');
      assert.equal(kq.one('READ', fd).data, 1n);
      reuse(world, fd, () => world.open(path, 'r'));
      kq.silent();
      kq.set('READ', fd, 'ADD');
      assert.equal(kq.one('READ', fd).data, 3n);
    },
  },
  {
    name: 'a number used a hundred times has no old knote any time',
    needs: ['READ', 'pipe'],
    run(world) {
      const kq = new Queue(world);
      for (let round = 0; round < 100; round++) {
        const [reader, writer] = world.pipe();
        world.write(writer, 'x');
        const events = kq.call([['READ', reader, 'ADD', { udata: round }]], 1000);
        assert.equal(events.length, 1);
        assert.equal(events[0]?.udata, BigInt(round));
        world.close(reader);
        world.close(writer);
      }
      kq.silent();
    },
  },
  {
    name: 'closing a descriptor does not affect the knotes of others',
    needs: ['READ', 'pipe', 'dup'],
    run(world) {
      const { kq, reader, writer } = pipe(world);
      const copy = world.dup(reader);
      kq.set('READ', copy, 'ADD', { udata: 2 });
      world.write(writer, 'x');
      assert.equal(kq.collect(2).length, 2);
      world.close(reader);
      for (let look = 0; look < 3; look++) assert.equal(kq.one('READ', copy).udata, 2n);
    },
  },
  {
    name: 'closing a descriptor deletes its knotes in two queues',
    needs: ['READ', 'pipe', 'dup'],
    run(world) {
      const { kq, reader, writer } = pipe(world);
      const other = new Queue(world);
      other.set('READ', reader, 'ADD');
      world.dup(reader);
      world.write(writer, 'x');
      world.close(reader);
      kq.silent();
      other.silent();
    },
  },
];
