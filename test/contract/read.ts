import assert from 'node:assert/strict';
import type { Case } from './case.ts';
import { drain, fill, Queue } from './queue.ts';
import { byteStreams, pipe, type Stream, sockets, stream, tcp } from './streams.ts';
import type { Kernel } from './world.ts';

/** What a byte stream does, whatever it is made of. */
const streams = byteStreams.flatMap(([what, needs, make]): Case[] => [
  {
    name: `READ on ${what}: data is the bytes to read; level-triggered until they are read`,
    needs: ['READ', ...needs],
    run(world) {
      const { kq, reader, writer } = make(world);
      kq.set('READ', reader, 'ADD');
      kq.silent();
      world.write(writer, 'abc');
      assert.equal(kq.one('READ', reader).data, 3n);
      assert.equal(kq.one('READ', reader).data, 3n);
      world.write(writer, 'defg');
      kq.until(({ data }) => data === 7n);
      world.read(reader, 5);
      assert.equal(kq.one('READ', reader).data, 2n);
      world.read(reader, 5);
      kq.silent();
      world.write(writer, 'h');
      assert.equal(kq.one('READ', reader).data, 1n);
    },
  },
  {
    name: `READ on ${what}: what was read before the fetch is not reported`,
    needs: ['READ', ...needs],
    run(world) {
      const { kq, reader, writer } = make(world);
      kq.set('READ', reader, 'ADD');
      world.write(writer, 'abc');
      kq.one('READ', reader);
      world.read(reader, 3);
      kq.silent();
    },
  },
  {
    name: `READ on ${what} with EV_CLEAR: reported once for each arrival, with all bytes`,
    needs: ['READ', ...needs],
    run(world) {
      const { kq, reader, writer } = make(world);
      kq.set('READ', reader, 'ADD|CLEAR');
      world.write(writer, 'abc');
      assert.equal(kq.one('READ', reader).data, 3n);
      kq.silent();
      world.write(writer, 'de');
      assert.equal(kq.one('READ', reader).data, 5n);
      kq.silent();
    },
  },
  {
    name: `READ on ${what} with EV_ONESHOT: reported once, then gone`,
    needs: ['READ', ...needs],
    run(world) {
      const { kq, reader, writer } = make(world);
      kq.set('READ', reader, 'ADD|ONESHOT');
      world.write(writer, 'abc');
      assert.equal(kq.one('READ', reader).data, 3n);
      kq.silent();
      world.write(writer, 'd');
      kq.silent();
      kq.fails('ENOENT', 'READ', reader, 'DELETE');
    },
  },
  {
    name: `READ on ${what} with EV_DISPATCH: disabled by delivery; EV_ENABLE looks again`,
    needs: ['READ', 'EV_DISPATCH', ...needs],
    run(world) {
      const { kq, reader, writer } = make(world);
      kq.set('READ', reader, 'ADD|DISPATCH', { udata: 6 });
      world.write(writer, 'abc');
      kq.one('READ', reader);
      kq.silent();
      world.write(writer, 'd');
      kq.silent();
      kq.set('READ', reader, 'ENABLE', { udata: 6 });
      const again = kq.one('READ', reader);
      assert.equal(again.data, 4n);
      assert.equal(again.udata, 6n);
      kq.silent();
      drain(world, reader);
      kq.set('READ', reader, 'ENABLE', { udata: 6 });
      kq.silent();
      world.write(writer, 'e');
      assert.equal(kq.one('READ', reader).data, 1n);
    },
  },
  {
    name: `READ on ${what}: EV_EOF when the other side closes, until the end`,
    needs: ['READ', ...needs],
    run(world) {
      const { kq, reader, writer } = make(world);
      kq.set('READ', reader, 'ADD');
      world.close(writer);
      for (let look = 0; look < 2; look++) {
        const event = kq.one('READ', reader);
        assert.ok(event.has('EOF'), String(event));
        assert.equal(event.data, 0n);
        assert.equal(event.fflags, 0);
      }
    },
  },
  {
    name: `READ on ${what}: EV_EOF comes with the bytes that are left`,
    needs: ['READ', ...needs],
    run(world) {
      const { kq, reader, writer } = make(world);
      world.write(writer, 'last words');
      world.close(writer);
      kq.set('READ', reader, 'ADD');
      const left = kq.until((event) => event.has('EOF'));
      assert.equal(left.data, 10n);
      world.read(reader, 5);
      const half = kq.one('READ', reader);
      assert.ok(half.has('EOF'));
      assert.equal(half.data, 5n);
      world.read(reader, 5);
      const none = kq.one('READ', reader);
      assert.ok(none.has('EOF'));
      assert.equal(none.data, 0n);
    },
  },
  {
    name: `READ on ${what} with EV_CLEAR: the end is reported once`,
    needs: ['READ', ...needs],
    run(world) {
      const { kq, reader, writer } = make(world);
      kq.set('READ', reader, 'ADD|CLEAR');
      world.close(writer);
      assert.ok(kq.one('READ', reader).has('EOF'));
      kq.silent();
    },
  },
]);

/** Ways of getting at a file, and what READ says of it. */
function file(world: Kernel, content: string): Stream & { path: string } {
  const path = `${world.folder()}/file`;
  const writer = world.open(path, 'create');
  world.write(writer, content);
  return { kq: new Queue(world), reader: world.open(path, 'r'), writer, path };
}

const files: readonly Case[] = [
  {
    name: 'READ on a regular file: data is the number of bytes after the offset; silent at the end of the file',
    needs: ['READ', 'folder', 'open'],
    run(world) {
      const { kq, reader } = file(world, 'abcdefghij');
      kq.set('READ', reader, 'ADD');
      assert.equal(kq.one('READ', reader).data, 10n);
      world.read(reader, 4);
      const event = kq.one('READ', reader);
      assert.equal(event.data, 6n);
      assert.ok(!event.has('EOF'), String(event));
      world.read(reader, 6);
      kq.silent();
    },
  },
  {
    name: 'READ on a regular file: growth is reported when the offset is at the end',
    needs: ['READ', 'folder', 'open'],
    run(world) {
      const { kq, reader, writer } = file(world, 'abc');
      kq.set('READ', reader, 'ADD');
      world.read(reader, 3);
      kq.silent();
      world.write(writer, 'de');
      assert.equal(kq.one('READ', reader).data, 2n);
      world.read(reader, 2);
      kq.silent();
      world.write(writer, 'f');
      assert.equal(kq.one('READ', reader).data, 1n);
    },
  },
  {
    name: 'READ on a socket that is not connected is silent',
    needs: ['READ', 'tcp'],
    run(world) {
      const kq = new Queue(world);
      kq.set('READ', world.tcp(), 'ADD');
      kq.silent();
    },
  },
  {
    name: 'READ on a regular file: an empty file is silent until it grows',
    needs: ['READ', 'folder', 'open'],
    run(world) {
      const { kq, reader, writer } = file(world, '');
      kq.set('READ', reader, 'ADD');
      kq.silent();
      world.write(writer, 'a');
      assert.equal(kq.one('READ', reader).data, 1n);
    },
  },
  {
    name: 'READ on a regular file: the offset of the fetch counts, wherever lseek(2) put it',
    needs: ['READ', 'folder', 'open', 'lseek'],
    run(world) {
      const { kq, reader } = file(world, 'abcdefghij');
      kq.set('READ', reader, 'ADD');
      world.lseek(reader, 7);
      assert.equal(kq.one('READ', reader).data, 3n);
      world.lseek(reader, 1);
      assert.equal(kq.one('READ', reader).data, 9n);
      world.lseek(reader, 10);
      kq.silent();
    },
  },
  {
    name: 'READ on a regular file: data is negative when the file ends before the offset',
    needs: ['READ', 'folder', 'open', 'lseek', 'truncate'],
    run(world) {
      const { kq, reader, path } = file(world, 'abcdefghij');
      kq.set('READ', reader, 'ADD');
      world.lseek(reader, 6);
      world.truncate(path, 2);
      assert.equal(kq.one('READ', reader).data, -4n);
    },
  },
  {
    name: 'READ on a regular file: a one-shot is reported once',
    needs: ['READ', 'folder', 'open'],
    run(world) {
      const { kq, reader } = file(world, 'abc');
      kq.set('READ', reader, 'ADD|ONESHOT');
      assert.equal(kq.one('READ', reader).data, 3n);
      kq.silent();
      kq.fails('ENOENT', 'READ', reader, 'DELETE');
    },
  },
  {
    name: 'READ on a regular file with EV_CLEAR: reported once, and again when it grows',
    needs: ['READ', 'folder', 'open'],
    run(world) {
      const { kq, reader, writer } = file(world, 'abc');
      kq.set('READ', reader, 'ADD|CLEAR');
      assert.equal(kq.one('READ', reader).data, 3n);
      kq.silent();
      world.write(writer, 'de');
      assert.equal(kq.one('READ', reader).data, 5n);
      kq.silent();
    },
  },
  {
    name: 'READ on a regular file: an unlinked file still has its bytes, and still grows',
    needs: ['READ', 'folder', 'open', 'unlink'],
    run(world) {
      const { kq, reader, writer, path } = file(world, 'abc');
      world.unlink(path);
      kq.set('READ', reader, 'ADD');
      assert.equal(kq.one('READ', reader).data, 3n);
      world.read(reader, 3);
      kq.silent();
      world.write(writer, 'd');
      assert.equal(kq.one('READ', reader).data, 1n);
    },
  },
];

/** EVFILT_READ. */
export const cases: readonly Case[] = [
  ...streams,
  {
    name: 'READ on a pipe: closing one of two writers is not the end',
    needs: ['READ', 'pipe', 'dup'],
    run(world) {
      const { kq, reader, writer } = pipe(world);
      const second = world.dup(writer);
      kq.set('READ', reader, 'ADD');
      world.close(writer);
      kq.silent();
      world.close(second);
      assert.ok(kq.one('READ', reader).has('EOF'));
    },
  },
  {
    name: 'READ on a pipe: EV_ENABLE reports an end that came while the knote was disabled',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, reader, writer } = pipe(world);
      kq.set('READ', reader, 'ADD|DISABLE');
      world.close(writer);
      kq.silent();
      kq.set('READ', reader, 'ENABLE');
      assert.ok(kq.one('READ', reader).has('EOF'));
    },
  },
  {
    name: 'READ on two descriptors of one pipe: two knotes, two events',
    needs: ['READ', 'pipe', 'dup'],
    run(world) {
      const { kq, reader, writer } = pipe(world);
      const copy = world.dup(reader);
      kq.set('READ', reader, 'ADD', { udata: 1 });
      kq.set('READ', copy, 'ADD', { udata: 2 });
      world.write(writer, 'x');
      const seen = kq.collect(2).map(({ ident, udata }) => `${ident} ${udata}`);
      assert.deepEqual(new Set(seen), new Set([`${reader} 1`, `${copy} 2`]));
      kq.set('READ', copy, 'DELETE');
      kq.one('READ', reader);
    },
  },
  {
    name: 'READ on a pipe with EV_CLEAR: what was drained before the fetch is not reported',
    needs: ['READ', 'pipe'],
    run(world) {
      const { kq, reader, writer } = pipe(world);
      kq.set('READ', reader, 'ADD|CLEAR');
      world.write(writer, 'abc');
      world.read(reader, 3);
      kq.silent();
      world.write(writer, 'd');
      assert.equal(kq.one('READ', reader).data, 1n);
    },
  },
  {
    name: 'READ with EV_CLEAR and WRITE without, on one socket, do not affect each other',
    needs: ['READ', 'WRITE', 'socketpair'],
    run(world) {
      const { kq, reader: a, writer: b } = stream(world);
      kq.apply(['READ', a, 'ADD|CLEAR'], ['WRITE', a, 'ADD']);
      kq.one('WRITE', a);
      world.write(b, 'x');
      const both = kq.collect(2).map(({ filter }) => filter);
      assert.deepEqual(both.sort(), ['READ', 'WRITE']);
      for (let look = 0; look < 3; look++) kq.one('WRITE', a);
      world.write(b, 'y');
      kq.until(({ filter, data }) => filter === 'READ' && data === 2n);
      kq.set('WRITE', a, 'DELETE');
      kq.silent();
    },
  },
  {
    name: 'WRITE with EV_CLEAR and READ without, on one socket, do not affect each other',
    needs: ['READ', 'WRITE', 'socketpair'],
    run(world) {
      const { kq, reader: a, writer: b } = stream(world);
      kq.apply(['READ', a, 'ADD'], ['WRITE', a, 'ADD|CLEAR']);
      kq.one('WRITE', a);
      kq.silent();
      world.write(b, 'x');
      kq.until(({ filter }) => filter === 'READ');
      kq.one('READ', a);
      kq.one('READ', a);
      world.read(a, 1);
      kq.silent();
    },
  },
  {
    name: 'READ with EV_ONESHOT does not affect the WRITE knote of its socket',
    needs: ['READ', 'WRITE', 'socketpair'],
    run(world) {
      const { kq, reader: a, writer: b } = stream(world);
      world.write(b, 'x');
      kq.apply(['READ', a, 'ADD|ONESHOT'], ['WRITE', a, 'ADD']);
      assert.equal(kq.collect(2).length, 2);
      kq.one('WRITE', a);
      kq.fails('ENOENT', 'READ', a, 'DELETE');
      kq.set('WRITE', a, 'DELETE');
    },
  },
  ...sockets.flatMap(([what, needs, make]): Case[] => [
    {
      name: `READ on ${what}: the other side shut down for writing is EV_EOF, while this side can still write`,
      needs: ['READ', 'WRITE', 'shutdown', ...needs],
      run(world) {
        const { kq, reader, writer } = make(world);
        kq.set('READ', reader, 'ADD');
        world.write(writer, 'abc');
        world.shutdown(writer, 'write');
        const event = kq.until((seen) => seen.has('EOF'));
        assert.equal(event.data, 3n);
        assert.equal(event.fflags, 0);
        kq.set('READ', reader, 'DELETE');
        kq.set('WRITE', reader, 'ADD');
        assert.ok(!kq.one('WRITE', reader).has('EOF'));
        world.write(reader, 'still');
        kq.set('WRITE', reader, 'DELETE');
        kq.set('READ', writer, 'ADD');
        assert.equal(kq.one('READ', writer).data, 5n);
      },
    },
    {
      name: `READ on ${what}: shut down for reading is EV_EOF`,
      needs: ['READ', 'shutdown', ...needs],
      run(world) {
        const { kq, reader } = make(world);
        kq.set('READ', reader, 'ADD');
        kq.silent();
        world.shutdown(reader, 'read');
        assert.ok(kq.one('READ', reader).has('EOF'));
      },
    },
    {
      name: `READ on ${what} with NOTE_LOWAT: silent below the mark, reported at or above it`,
      needs: ['READ', 'NOTE_LOWAT', ...needs],
      run(world) {
        const { kq, reader, writer } = make(world);
        kq.set('READ', reader, 'ADD', { fflags: 'LOWAT', data: 5 });
        world.write(writer, 'abcd');
        kq.silent();
        world.write(writer, 'e');
        assert.equal(kq.one('READ', reader).data, 5n);
        world.write(writer, 'f');
        kq.until(({ data }) => data === 6n);
      },
    },
    {
      name: `READ on ${what} with NOTE_LOWAT: the end is reported below the mark too`,
      needs: ['READ', 'NOTE_LOWAT', ...needs],
      run(world) {
        const { kq, reader, writer } = make(world);
        kq.set('READ', reader, 'ADD', { fflags: 'LOWAT', data: 100 });
        world.write(writer, 'abc');
        kq.silent();
        world.close(writer);
        const event = kq.one('READ', reader);
        assert.ok(event.has('EOF'));
        assert.equal(event.data, 3n);
      },
    },
    {
      name: `READ on ${what}: adding it again without NOTE_LOWAT removes the mark`,
      needs: ['READ', 'NOTE_LOWAT', ...needs],
      run(world) {
        const { kq, reader, writer } = make(world);
        kq.set('READ', reader, 'ADD', { fflags: 'LOWAT', data: 100 });
        world.write(writer, 'abc');
        kq.silent();
        kq.set('READ', reader, 'ADD');
        assert.equal(kq.one('READ', reader).data, 3n);
      },
    },
  ]),
  {
    name: 'READ on a TCP socket: a reset is EV_EOF with ECONNRESET in fflags',
    needs: ['READ', 'listen', 'connect', 'accept', 'reset'],
    run(world) {
      const { kq, reader, writer } = tcp(world);
      kq.set('READ', reader, 'ADD');
      kq.silent();
      world.reset(writer);
      const event = kq.one('READ', reader);
      assert.ok(event.has('EOF'), String(event));
      assert.equal(event.fflags, world.errno.ECONNRESET);
    },
  },
  {
    name: 'READ on a listening socket: data is the number of pending connections',
    needs: ['READ', 'listen', 'connect', 'accept'],
    run(world) {
      const kq = new Queue(world);
      const listener = world.listen();
      kq.set('READ', listener, 'ADD');
      kq.silent();
      world.connect(listener);
      assert.equal(kq.one('READ', listener).data, 1n);
      world.connect(listener);
      world.connect(listener);
      // A connection is in the queue when its last packet has come.
      kq.until(({ data }) => data === 3n);
      world.accept(listener);
      assert.equal(kq.one('READ', listener).data, 2n);
      world.accept(listener);
      world.accept(listener);
      kq.silent();
    },
  },
  {
    name: 'READ on a listening socket with EV_CLEAR: reported once for each connection',
    needs: ['READ', 'listen', 'connect'],
    run(world) {
      const kq = new Queue(world);
      const listener = world.listen();
      kq.set('READ', listener, 'ADD|CLEAR');
      world.connect(listener);
      kq.one('READ', listener);
      kq.silent();
      world.connect(listener);
      assert.equal(kq.one('READ', listener).data, 2n);
      kq.silent();
    },
  },
  ...(
    [
      ['a UDP socket', ['udp'], (world: Kernel) => world.udp()],
      ['a UNIX datagram socket', ['socketpair'], (world: Kernel) => world.socketpair('datagram')],
    ] as const
  ).flatMap(([what, needs, make]): Case[] => [
    {
      name: `READ on ${what}: reported while datagrams wait`,
      needs: ['READ', ...needs],
      run(world) {
        const kq = new Queue(world);
        const [a, b] = make(world);
        kq.set('READ', a, 'ADD');
        kq.silent();
        world.write(b, 'abc');
        // Some kernels count the sender's address as well, and some all datagrams.
        assert.ok(kq.one('READ', a).data >= 3n);
        world.write(b, 'defghi');
        assert.equal(world.read(a, 100).length, 3);
        assert.ok(kq.one('READ', a).data >= 6n);
        assert.equal(world.read(a, 100).length, 6);
        kq.silent();
      },
    },
    {
      name: `READ on ${what} with EV_CLEAR: reported for each datagram that comes`,
      needs: ['READ', ...needs],
      run(world) {
        const kq = new Queue(world);
        const [a, b] = make(world);
        kq.set('READ', a, 'ADD|CLEAR');
        for (const message of ['abc', 'de']) {
          world.write(b, message);
          kq.one('READ', a);
          kq.silent();
        }
      },
    },
  ]),
  {
    name: 'READ on a UDP socket: a pending error is reported without EV_EOF',
    needs: ['READ', 'udp'],
    run(world) {
      const kq = new Queue(world);
      const [a, b] = world.udp();
      kq.set('READ', a, 'ADD');
      world.close(b);
      world.write(a, 'anybody there?');
      const event = kq.one('READ', a);
      assert.ok(!event.has('EOF'), String(event));
    },
  },
  {
    name: 'READ on a FIFO: bytes are reported',
    needs: ['READ', 'folder', 'open', 'mkfifo'],
    run(world) {
      const kq = new Queue(world);
      const path = `${world.folder()}/fifo`;
      world.mkfifo(path);
      const reader = world.open(path, 'r');
      const writer = world.open(path, 'w');
      kq.set('READ', reader, 'ADD');
      kq.silent();
      world.write(writer, 'abc');
      assert.equal(kq.one('READ', reader).data, 3n);
      world.read(reader, 3);
      kq.silent();
    },
  },
  {
    name: 'READ on a FIFO: EV_EOF when the last writer closes, until a new writer opens it',
    needs: ['READ', 'folder', 'open', 'mkfifo'],
    gates: [
      {
        on: 'darwin',
        reason: 'the end of a FIFO is never reported',
        source: 'read in bsd/miscfs/fifofs/fifo_vnops.c (XNU 11417)',
      },
    ],
    run(world) {
      const kq = new Queue(world);
      const path = `${world.folder()}/fifo`;
      world.mkfifo(path);
      const reader = world.open(path, 'r');
      const writer = world.open(path, 'w');
      kq.set('READ', reader, 'ADD');
      world.close(writer);
      assert.ok(kq.one('READ', reader).has('EOF'));
      const second = world.open(path, 'w');
      world.write(second, 'abc');
      const event = kq.until(({ data }) => data === 3n);
      assert.ok(!event.has('EOF'), String(event));
    },
  },
  {
    name: "READ on a terminal's slave: a typed line is reported",
    needs: ['READ', 'pty'],
    run(world) {
      const kq = new Queue(world);
      const [master, slave] = world.pty();
      kq.set('READ', slave, 'ADD');
      kq.silent();
      world.write(master, 'abc\n');
      assert.equal(kq.one('READ', slave).data, 4n);
      assert.equal(Buffer.from(world.read(slave, 100)).toString(), 'abc\n');
      kq.silent();
    },
  },
  {
    name: "READ on a terminal's master: printed output is reported",
    needs: ['READ', 'pty'],
    run(world) {
      const kq = new Queue(world);
      const [master, slave] = world.pty();
      kq.set('READ', master, 'ADD');
      kq.silent();
      world.write(slave, 'abc');
      assert.ok(kq.one('READ', master).data >= 3n);
      assert.equal(Buffer.from(world.read(master, 100)).toString(), 'abc');
      kq.silent();
    },
  },
  {
    name: "READ on a terminal's slave: a hang-up is EV_EOF",
    needs: ['READ', 'pty'],
    gates: [{ on: 'netbsd', reason: 'a hang-up of a terminal is not reported', source: 'read in sys/kern/tty.c' }],
    run(world) {
      const kq = new Queue(world);
      const [master, slave] = world.pty();
      kq.set('READ', slave, 'ADD');
      kq.silent();
      world.close(master);
      const event = kq.one('READ', slave);
      assert.ok(event.has('EOF') && event.data >= 0n, String(event));
    },
  },
  {
    name: 'READ on an eventfd: reported while its counter is not zero',
    needs: ['READ', 'eventfd'],
    run(world) {
      const kq = new Queue(world);
      const fd = world.eventfd();
      kq.set('READ', fd, 'ADD');
      kq.silent();
      world.write(fd, new Uint8Array(new BigUint64Array([3n]).buffer));
      kq.one('READ', fd);
      kq.one('READ', fd);
      world.read(fd, 8);
      kq.silent();
    },
  },
  ...files,
  {
    name: 'READ: many bytes are counted completely',
    needs: ['READ', 'socketpair'],
    run(world) {
      const { kq, reader, writer } = stream(world);
      // As many as there is room for: some kernels take no more than 4,096.
      const total = fill(world, writer);
      assert.ok(total >= 4096, `${total} bytes`);
      kq.set('READ', reader, 'ADD');
      kq.until(({ data }) => data === BigInt(total));
    },
  },
];
