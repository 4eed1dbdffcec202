import assert from 'node:assert/strict';
import type { Case } from './case.ts';
import { deadline, differs, drain, type Event, fill, isErrno, Queue } from './queue.ts';
import { byteStreams, pipe, sockets, stream, tcp } from './streams.ts';
import type { Kernel } from './world.ts';

/** Reads until nothing more comes: what TCP has taken arrives later. */
function empty(world: Kernel, reader: number, bytes: number): void {
  let end = performance.now() + deadline(world);
  for (let left = bytes; left > 0; ) {
    const read = drain(world, reader);
    if (read > 0) end = performance.now() + deadline(world);
    left -= read;
    assert.ok(performance.now() < end, `${left} bytes never arrived`);
  }
}

/** Fills it until the queue has nothing to say for a while. What TCP has taken goes on to the other side, which may be slow to acknowledge the last of it. */
function stuff(kq: Queue, writer: number, what: string): number {
  const quiet = what === 'a TCP socket' ? 400 : 20;
  const end = performance.now() + deadline(kq.world);
  let written = fill(kq.world, writer);
  while (kq.fetch(quiet).length > 0) {
    assert.ok(performance.now() < end, 'writable though it is full');
    written += fill(kq.world, writer);
  }
  return written;
}

const streams = byteStreams.flatMap(([what, needs, make]): Case[] => [
  {
    name: `WRITE on ${what}: data is the free space; level-triggered`,
    needs: ['WRITE', ...needs],
    run(world) {
      const { kq, writer } = make(world);
      kq.set('WRITE', writer, 'ADD');
      const event = kq.one('WRITE', writer);
      assert.ok(event.data > 0n, String(event));
      assert.ok(!event.has('EOF'), String(event));
      kq.one('WRITE', writer);
    },
  },
  {
    name: `WRITE on ${what}: silent while it is full, reported after it is emptied`,
    needs: ['WRITE', ...needs],
    run(world) {
      const { kq, reader, writer } = make(world);
      kq.set('WRITE', writer, 'ADD');
      kq.one('WRITE', writer);
      const written = stuff(kq, writer, what);
      kq.silent();
      empty(world, reader, written);
      assert.ok(kq.one('WRITE', writer).data > 0n);
    },
  },
  {
    name: `WRITE on ${what} with EV_CLEAR: reported once, and again after a full one is emptied`,
    needs: ['WRITE', ...needs],
    run(world) {
      const { kq, reader, writer } = make(world);
      kq.set('WRITE', writer, 'ADD|CLEAR');
      kq.one('WRITE', writer);
      kq.silent();
      const written = stuff(kq, writer, what);
      kq.silent();
      empty(world, reader, written);
      // Kernels wake the writer after each piece that was read, or once: the last word is that there is space.
      kq.until(({ data }) => data > 0n);
    },
  },
  {
    name: `WRITE on ${what} with EV_ONESHOT: reported once, then gone`,
    needs: ['WRITE', ...needs],
    run(world) {
      const { kq, writer } = make(world);
      kq.set('WRITE', writer, 'ADD|ONESHOT');
      kq.one('WRITE', writer);
      kq.silent();
      kq.fails('ENOENT', 'WRITE', writer, 'DELETE');
    },
  },
  {
    name: `WRITE on ${what} with EV_DISPATCH: disabled by delivery until EV_ENABLE`,
    needs: ['WRITE', 'EV_DISPATCH', ...needs],
    gates: [
      {
        on: 'netbsd',
        version: '< 10',
        reason: 'EV_ENABLE checks the condition only if the knote is still active',
        source: 'run on 7.99.34',
      },
    ],
    run(world) {
      const { kq, writer } = make(world);
      kq.set('WRITE', writer, 'ADD|DISPATCH', { udata: 3 });
      kq.one('WRITE', writer);
      kq.silent();
      kq.set('WRITE', writer, 'ENABLE', { udata: 3 });
      assert.equal(kq.one('WRITE', writer).udata, 3n);
      kq.silent();
    },
  },
  {
    name: `WRITE on ${what}: silent while it is disabled`,
    needs: ['WRITE', ...needs],
    run(world) {
      const { kq, writer } = make(world);
      kq.set('WRITE', writer, 'ADD|DISABLE');
      kq.silent();
      kq.set('WRITE', writer, 'ENABLE');
      kq.one('WRITE', writer);
      kq.set('WRITE', writer, 'DISABLE');
      kq.silent();
    },
  },
  {
    name: `WRITE on ${what}: EV_EOF when the other side closes`,
    needs: ['WRITE', ...needs],
    run(world) {
      const { kq, reader, writer } = make(world);
      kq.set('WRITE', writer, 'ADD');
      kq.one('WRITE', writer);
      world.close(reader);
      // Half-open until it is written to: what is closed has no use for the bytes.
      if (what === 'a TCP socket') world.write(writer, 'x');
      kq.until((event) => event.has('EOF'));
    },
  },
]);

/** EVFILT_WRITE. */
export const cases: readonly Case[] = [
  ...streams,
  {
    name: 'WRITE on a pipe: less space than PIPE_BUF counts as none',
    needs: ['WRITE', 'pipe'],
    run(world) {
      const { kq, reader, writer } = pipe(world);
      kq.set('WRITE', writer, 'ADD');
      const written = fill(world, writer);
      kq.silent();
      world.read(reader, 1);
      kq.silent();
      empty(world, reader, written - 1);
      assert.ok(kq.one('WRITE', writer).data >= 512n);
    },
  },
  {
    name: 'WRITE on a pipe whose reader is gone: refused with EPIPE or EBADF, or EV_EOF',
    needs: ['WRITE', 'pipe'],
    run(world) {
      const { kq, reader, writer } = pipe(world);
      world.close(reader);
      const change = ['WRITE', writer, 'ADD', { udata: 5 }] as const;
      const [event] = kq.call([change], 1000) as [Event];
      assert.ok(event !== undefined, 'neither refused nor reported');
      if (event.has('ERROR')) isErrno(world, event.data, 'EPIPE', 'EBADF');
      else assert.ok(event.has('EOF'), String(event));
      const seen = event.has('ERROR') ? 'an error' : 'EOF';
      differs(world, seen, { freebsd: 'an error', linux: 'EOF' });
    },
  },
  {
    name: 'WRITE on a socket that is not connected is silent',
    needs: ['WRITE', 'tcp'],
    run(world) {
      const kq = new Queue(world);
      kq.set('WRITE', world.tcp(), 'ADD');
      kq.silent();
    },
  },
  {
    name: 'WRITE on a listening socket is silent',
    needs: ['WRITE', 'listen', 'connect'],
    run(world) {
      const kq = new Queue(world);
      const listener = world.listen();
      kq.set('WRITE', listener, 'ADD');
      kq.silent();
      world.connect(listener);
      kq.silent();
    },
  },
  ...(
    [
      ['a UDP socket', ['udp'], (world: Kernel) => world.udp()],
      ['a UNIX datagram socket', ['socketpair'], (world: Kernel) => world.socketpair('datagram')],
    ] as const
  ).map(
    ([what, needs, make]): Case => ({
      name: `WRITE on ${what}: there is space`,
      needs: ['WRITE', ...needs],
      run(world) {
        const kq = new Queue(world);
        const [a] = make(world);
        kq.set('WRITE', a, 'ADD');
        const event = kq.one('WRITE', a);
        assert.ok(event.data > 0n && !event.has('EOF'), String(event));
      },
    }),
  ),
  ...sockets.map(
    ([what, needs, make]): Case => ({
      name: `WRITE on ${what}: shut down for writing is EV_EOF`,
      needs: ['WRITE', 'shutdown', ...needs],
      run(world) {
        const { kq, writer } = make(world);
        kq.set('WRITE', writer, 'ADD');
        kq.one('WRITE', writer);
        world.shutdown(writer, 'write');
        kq.until((event) => event.has('EOF'));
      },
    }),
  ),
  {
    name: 'WRITE on a TCP socket: a reset is EV_EOF with ECONNRESET in fflags',
    needs: ['WRITE', 'listen', 'connect', 'accept', 'reset'],
    run(world) {
      const { kq, reader, writer } = tcp(world);
      kq.set('WRITE', writer, 'ADD');
      kq.one('WRITE', writer);
      world.reset(reader);
      const event = kq.until((seen) => seen.has('EOF'));
      assert.equal(event.fflags, world.errno.ECONNRESET);
    },
  },
  {
    name: 'WRITE on a UNIX socket with NOTE_LOWAT: silent below the mark, reported at or above it',
    needs: ['WRITE', 'NOTE_LOWAT', 'socketpair'],
    run(world) {
      const { kq, reader, writer } = stream(world);
      kq.set('WRITE', writer, 'ADD|ONESHOT');
      const space = kq.one('WRITE', writer).data;
      const written = fill(world, writer);
      kq.set('WRITE', writer, 'ADD', { fflags: 'LOWAT', data: space / 2n });
      kq.silent();
      empty(world, reader, written);
      assert.ok(kq.one('WRITE', writer).data >= space / 2n);
    },
  },
  {
    name: 'WRITE on a regular file: there is always space',
    needs: ['WRITE', 'folder', 'open'],
    gates: [{ on: 'netbsd', version: '< 10', reason: 'it is EINVAL', source: 'run on 7.99.34' }],
    run(world) {
      const kq = new Queue(world);
      const fd = world.open(`${world.folder()}/file`, 'create');
      kq.set('WRITE', fd, 'ADD');
      kq.one('WRITE', fd);
      world.write(fd, 'abc');
      kq.one('WRITE', fd);
    },
  },
  {
    name: 'WRITE: a socket that was filled before the fetch is not reported',
    needs: ['WRITE', 'socketpair'],
    run(world) {
      const { kq, writer } = stream(world);
      kq.set('WRITE', writer, 'ADD');
      kq.one('WRITE', writer);
      fill(world, writer);
      kq.silent();
    },
  },
  {
    name: 'WRITE: adding it again replaces udata, and does not make a second knote',
    needs: ['WRITE', 'socketpair'],
    run(world) {
      const { kq, writer } = stream(world);
      kq.set('WRITE', writer, 'ADD', { udata: 1 });
      kq.one('WRITE', writer);
      kq.set('WRITE', writer, 'ADD', { udata: 2n ** 64n - 1n });
      assert.equal(kq.one('WRITE', writer).udata, 2n ** 64n - 1n);
      kq.set('WRITE', writer, 'DELETE');
      kq.silent();
      kq.fails('ENOENT', 'WRITE', writer, 'DELETE');
    },
  },
  {
    name: 'deleting a WRITE knote does not affect the READ knote of its socket',
    needs: ['READ', 'WRITE', 'socketpair'],
    run(world) {
      const { kq, reader: a, writer: b } = stream(world);
      kq.apply(['WRITE', a, 'ADD'], ['READ', a, 'ADD']);
      kq.one('WRITE', a);
      kq.set('WRITE', a, 'DELETE');
      kq.silent();
      world.write(b, 'x');
      kq.one('READ', a);
    },
  },
  {
    name: 'WRITE and READ of one socket are both reported in one fetch',
    needs: ['READ', 'WRITE', 'socketpair'],
    run(world) {
      const { kq, reader: a, writer: b } = stream(world);
      world.write(b, 'abc');
      const events = kq.call(
        [
          ['READ', a, 'ADD', { udata: 1 }],
          ['WRITE', a, 'ADD', { udata: 2 }],
        ],
        1000,
      );
      assert.deepEqual(events.map(({ filter, udata }) => `${filter} ${udata}`).sort(), ['READ 1', 'WRITE 2']);
    },
  },
  {
    name: 'WRITE on a terminal: there is space',
    needs: ['WRITE', 'pty'],
    run(world) {
      const kq = new Queue(world);
      const [, slave] = world.pty();
      kq.set('WRITE', slave, 'ADD');
      kq.one('WRITE', slave);
    },
  },
];
