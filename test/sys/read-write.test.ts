// EVFILT_READ and EVFILT_WRITE of the kqueue built in for Linux: what counts as ready, and numbers that become another file.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import { errnoName, type Kevent } from '../../src/sys/index.ts';
import { libc } from '../../src/sys/linux/syscalls.ts';
import { constant, noLinux, ofLibc, Queue, withQueue } from './built-in.ts';

type Arguments = (number | string | Int32Array | Uint8Array)[];
const eventfd = ofLibc<Arguments>('int eventfd(unsigned int initial, int flags)');
const socketpair = ofLibc<Arguments>('int socketpair(int domain, int type, int protocol, void *fds)');
const pipe2 = ofLibc<Arguments>('int pipe2(void *fds, int flags)');
const send = ofLibc<Arguments>('intptr_t send(int fd, str bytes, size_t length, int flags)');
const socket = ofLibc<Arguments>('int socket(int domain, int type, int protocol)');
const bind = ofLibc<Arguments>('int bind(int fd, void *address, unsigned int length)');
const getsockname = ofLibc<Arguments>('int getsockname(int fd, void *address, void *length)');
const listen = ofLibc<Arguments>('int listen(int fd, int backlog)');
const connect = ofLibc<Arguments>('int connect(int fd, void *address, unsigned int length)');
const accept4 = ofLibc<Arguments>('int accept4(int fd, uintptr_t address, uintptr_t length, int flags)');
const mkfifo = ofLibc<Arguments>('int mkfifo(str path, unsigned int mode)');
const shutdown = ofLibc<Arguments>('int shutdown(int fd, int how)');
const recv = ofLibc<Arguments>('intptr_t recv(int fd, void *bytes, size_t length, int flags)');
const getsockopt = ofLibc<Arguments>('int getsockopt(int fd, int level, int option, void *value, void *length)');
const setsockopt = ofLibc<Arguments>('int setsockopt(int fd, int level, int option, void *value, unsigned int length)');
const ioctl = ofLibc<Arguments>('int ioctl(int fd, unsigned long request, void *argument)');
const dup3 = ofLibc<Arguments>('int dup3(int from, int to, int flags)');

const NONBLOCK_CLOEXEC = 0o2004000;
const STREAM = 1;
const DATAGRAM = 2;
const SEQPACKET = 5;
const SO_ERROR = 4;
const SO_LINGER = 13;
const TIOCSPTLCK = 0x4004_5431;
const TIOCGPTN = 0x8004_5430;

function pair(type: number): [number, number] {
  const fds = new Int32Array(2);
  assert.equal(socketpair(1, type | NONBLOCK_CLOEXEC, 0, fds), 0);
  return [fds[0] as number, fds[1] as number];
}

/** struct sockaddr_in of 127.0.0.1, port 0. */
const loopback = (): Uint8Array => Uint8Array.of(2, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);

/** A TCP address where nobody listens. */
function nobody(): Uint8Array {
  const address = loopback();
  const fd = socket(2, STREAM | NONBLOCK_CLOEXEC, 0);
  assert.equal(bind(fd, address, 16), 0);
  assert.equal(getsockname(fd, address, Int32Array.of(16)), 0);
  fs.closeSync(fd);
  return address;
}

/** A block device, if there is one that we may open. */
function blockDevices(): string[] {
  const mayOpen = (path: string): boolean => {
    try {
      fs.closeSync(fs.openSync(path, 'r'));
      return true;
    } catch {
      return false;
    }
  };
  const entries = fs.readdirSync('/dev', { withFileTypes: true }).filter((entry) => entry.isBlockDevice());
  return entries
    .map(({ name }) => join('/dev', name))
    .filter(mayOpen)
    .slice(0, 1);
}

describe('READ and WRITE of the kqueue of Linux', { skip: noLinux }, () => {
  test('an empty datagram can be read, though there is nothing to count', () => {
    withQueue((queue) => {
      for (const type of [DATAGRAM, SEQPACKET]) {
        const [a, b] = pair(type);
        assert.equal(queue.change({ ident: a, filter: 'READ' }), 'ok');
        assert.deepEqual(queue.fetch(), []);
        send(b, '', 0, 0);
        // A SEQPACKET message without bytes is like its end: no kernel of those that have kqueue tells the two apart.
        const events = queue.fetch().map(({ ident, data }) => [ident, data]);
        assert.deepEqual(events, type === DATAGRAM ? [[a, 0]] : [], `type ${type}`);
        send(b, 'four', 4, 0);
        assert.equal(queue.fetch().length, 1);
        fs.closeSync(a);
        fs.closeSync(b);
      }
    });
  });

  test("a terminal's end that was typed can be read, though there is nothing to count", () => {
    withQueue((queue, _, open) => {
      const { O_RDWR, O_NOCTTY, O_NONBLOCK } = fs.constants;
      const master = open('/dev/ptmx', O_RDWR | O_NOCTTY);
      const number = new Int32Array(1);
      assert.equal(ioctl(master, TIOCSPTLCK, number), 0);
      assert.equal(ioctl(master, TIOCGPTN, number), 0);
      const ident = open(`/dev/pts/${number[0]}`, O_RDWR | O_NOCTTY | O_NONBLOCK);
      assert.equal(queue.change({ ident, filter: 'READ' }), 'ok');
      assert.deepEqual(queue.fetch(), []);
      for (const [typed, data, bytes] of [
        ['\x04', 1, 0],
        ['two\x04', 3, 3],
      ] as const) {
        fs.writeSync(master, typed);
        for (const _again of [1, 2]) {
          const events = queue.fetch(60_000).map((event) => [event.ident, event.data]);
          assert.deepEqual(events, [[ident, data]], JSON.stringify(typed));
        }
        assert.equal(fs.readSync(ident, new Uint8Array(10)), bytes);
        assert.deepEqual(queue.fetch(), []);
      }
    });
  });

  test('a device without poll(2) is always ready; a directory is EINVAL', () => {
    withQueue((queue, folder, open) => {
      for (const path of ['/dev/null', '/dev/zero', ...blockDevices()]) {
        const ident = open(path);
        for (const filter of ['READ', 'WRITE']) assert.equal(queue.change({ ident, filter }), 'ok', path);
        assert.equal(queue.fetch().length, 2, path);
        assert.equal(queue.fetch().length, 2, path);
        for (const filter of ['READ', 'WRITE'])
          assert.equal(queue.change({ ident, filter, flags: 'DELETE' }), 'ok', path);
        assert.deepEqual(queue.fetch(), []);
      }
      const ident = open(folder);
      for (const filter of ['READ', 'WRITE']) assert.equal(queue.change({ ident, filter }), 'EINVAL');
    });
  });

  test('a regular file that was closed is not reported, though it was ready', () => {
    withQueue((queue, _, open) => {
      const ident = open(fileURLToPath(import.meta.url));
      assert.equal(queue.change({ ident, filter: 'READ' }), 'ok');
      assert.equal(queue.fetch().length, 1);
      fs.closeSync(ident);
      assert.deepEqual(queue.fetch(), []);
      assert.equal(queue.change({ ident, filter: 'READ', flags: 'DELETE' }), 'EBADF');
    });
  });

  test('a change without EV_ADD runs the filter too, as any does: a lower mark is reached', () => {
    withQueue((queue) => {
      const [ident, b] = pair(1);
      send(b, 'four', 4, 0);
      const mark = { ident, filter: 'READ', fflags: 'LOWAT' };
      assert.equal(queue.change({ ...mark, data: 5 }), 'ok');
      assert.deepEqual(queue.fetch(), []);
      assert.equal(queue.change({ ...mark, flags: 'ENABLE', data: 4 }), 'ok');
      assert.equal(queue.fetch().length, 1);
      assert.equal(queue.change({ ...mark, flags: 'ENABLE', data: 5 }), 'ok');
      assert.deepEqual(queue.fetch(), []);
      assert.equal(queue.change({ ...mark, flags: 'ENABLE', data: 3 }), 'ok');
      assert.equal(queue.fetch().length, 1);
      fs.closeSync(ident);
      fs.closeSync(b);
    });
  });

  test('a low-water mark of more than 2^53 bytes is never reached', () => {
    withQueue((queue) => {
      const [a, b] = pair(1);
      send(b, 'four', 4, 0);
      for (const filter of ['READ', 'WRITE']) {
        assert.equal(queue.change({ ident: a, filter, fflags: 'LOWAT', data: 2n ** 63n - 1n }), 'ok');
        assert.deepEqual(queue.fetch(), [], filter);
        assert.equal(queue.change({ ident: a, filter, fflags: 'LOWAT', data: 4 }), 'ok');
        assert.equal(queue.fetch()[0]?.ident, a, filter);
        assert.equal(queue.change({ ident: a, filter, flags: 'DELETE' }), 'ok');
      }
      fs.closeSync(a);
      fs.closeSync(b);
    });
  });

  test('a listener whose connections were accepted meanwhile is silent; one of the UNIX domain counts as 1', () => {
    withQueue((queue, folder) => {
      const address = new Uint8Array(110);
      address.set([1, 0]);
      address.set(Buffer.from(join(folder, 'socket')), 2);
      const [listener, ...clients] = Array.from({ length: 3 }, () => socket(1, 1 | NONBLOCK_CLOEXEC, 0)) as [
        number,
        number,
        number,
      ];
      assert.equal(bind(listener, address, address.length), 0);
      assert.equal(listen(listener, 5), 0);
      assert.equal(queue.change({ ident: listener, filter: 'READ' }), 'ok');
      assert.deepEqual(queue.fetch(), []);
      for (const client of clients) assert.equal(connect(client, address, address.length), 0);
      assert.deepEqual(
        queue.fetch().map(({ ident, data }) => [ident, data]),
        [[listener, 1]],
      );
      // A change lets the queue learn what is ready, and fetches nothing.
      assert.equal(queue.change({ ident: 1, filter: 'USER' }), 'ok');
      for (const _ of clients) fs.closeSync(accept4(listener, 0, 0, NONBLOCK_CLOEXEC));
      assert.deepEqual(queue.fetch(), []);
      for (const fd of [listener, ...clients]) fs.closeSync(fd);
    });
  });

  test('what was taken between the look and the fetch is not reported', () => {
    withQueue((queue) => {
      const counter = eventfd(0, NONBLOCK_CLOEXEC);
      const [a, b] = pair(DATAGRAM);
      const inner = new Queue();
      const user = { ident: 1, filter: 'USER', flags: 'ADD|CLEAR' };
      for (const ident of [counter, a, inner.fd]) assert.equal(queue.change({ ident, filter: 'READ' }), 'ok');
      assert.deepEqual(queue.fetch(), []);
      fs.writeSync(counter, new Uint8Array(new BigUint64Array([1n]).buffer));
      send(b, 'four', 4, 0);
      assert.equal(inner.change({ ...user, fflags: 'TRIGGER' }), 'ok');
      assert.deepEqual(
        new Map(queue.fetch().map(({ ident, data }) => [ident, data])),
        // An eventfd gives eight bytes at a time, however few of them count.
        new Map([
          [counter, 8],
          [a, 4],
          [inner.fd, 1],
        ]),
      );
      // A change lets the queue learn what is ready, and fetches nothing.
      assert.equal(queue.change(user), 'ok');
      for (const fd of [counter, a]) fs.readSync(fd, new Uint8Array(8));
      assert.equal(inner.fetch().length, 1);
      assert.deepEqual(queue.fetch(), []);
      inner.close();
      for (const fd of [counter, a, b]) fs.closeSync(fd);
    });
  });

  test('a low-water mark holds for a FIFO that had an end and has a new writer', () => {
    withQueue((queue, folder, open) => {
      const path = join(folder, 'fifo');
      assert.equal(mkfifo(path, 0o600), 0);
      const ident = open(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
      assert.equal(queue.change({ ident, filter: 'READ', fflags: 'LOWAT', data: 4 }), 'ok');
      fs.closeSync(fs.openSync(path, 'w'));
      assert.equal(queue.fetch()[0]?.data, 0);
      const writer = open(path, 'w');
      fs.writeSync(writer, 'x');
      assert.deepEqual(queue.fetch(), []);
      fs.writeSync(writer, 'yzw');
      assert.equal(queue.fetch()[0]?.data, 4);
    });
  });

  test('a number that was a queue’s, which somebody closed, is what it is now', () => {
    withQueue((queue) => {
      const gone = new Queue();
      fs.closeSync(gone.fd);
      for (const filter of ['READ', 'WRITE', 'VNODE']) {
        assert.equal(queue.change({ ident: gone.fd, filter }), 'EBADF', filter);
      }
      // Nor is what is opened for a low-water mark, in a queue that has all else.
      const other = new Queue();
      const writable = eventfd(0, NONBLOCK_CLOEXEC);
      assert.equal(other.change({ ident: writable, filter: 'WRITE' }), 'ok');
      fs.closeSync(writable);
      const mark = { ident: writable, filter: 'WRITE', fflags: 'LOWAT', data: 1 };
      assert.equal(other.change(mark), 'EBADF');
      other.close();
      const [a, b] = pair(1);
      assert.equal(a, gone.fd);
      send(b, 'four', 4, 0);
      for (const filter of ['READ', 'WRITE']) {
        assert.equal(queue.change({ ident: a, filter, flags: 'ADD|ONESHOT' }), 'ok', filter);
        const [event] = queue.fetch();
        assert(Number(event?.data) >= 4, `${filter}: ${event?.data}`);
      }
      fs.closeSync(a);
      const counter = eventfd(3, NONBLOCK_CLOEXEC);
      assert.equal(counter, gone.fd);
      for (const [filter, data] of [
        ['READ', 8],
        ['WRITE', 1],
      ] as const) {
        assert.equal(queue.change({ ident: counter, filter }), 'ok', filter);
        assert.equal(queue.fetch().find((event) => event.filter === constant('EVFILT', filter))?.data, data, filter);
      }
      fs.closeSync(b);
      // Lets go of what else it had, and of the number.
      gone.close();
    });
  });

  test('a number that is closed before it is first looked at is not reported, though a duplicate lives', () => {
    withQueue((queue) => {
      const [a, b] = pair(1);
      const copy = dup3(a, a + 100, 0o2000000);
      send(b, 'four', 4, 0);
      for (const filter of ['READ', 'WRITE']) assert.equal(queue.change({ ident: a, filter }), 'ok');
      fs.closeSync(a);
      assert.deepEqual(queue.fetch(), []);
      for (const fd of [b, copy]) fs.closeSync(fd);
    });
  });

  test('a file that comes back to its number, after another was there, is registered anew', () => {
    withQueue((queue) => {
      const [a, b] = pair(1);
      const [other, end] = pair(1);
      const copy = dup3(a, a + 100, 0o2000000);
      assert.equal(queue.change({ ident: a, filter: 'READ', udata: 1 }), 'ok');
      assert.equal(dup3(other, a, 0o2000000), a);
      assert.deepEqual(queue.fetch(), []);
      assert.equal(queue.change({ ident: a, filter: 'READ', flags: 'DELETE' }), 'ENOENT');
      assert.equal(dup3(copy, a, 0o2000000), a);
      send(b, 'four', 4, 0);
      assert.equal(queue.change({ ident: a, filter: 'READ', udata: 2 }), 'ok');
      assert.deepEqual(
        queue.fetch().map(({ ident, data, udata }) => [ident, data, udata]),
        [[a, 4, 2]],
      );
      for (const fd of [a, b, other, end, copy]) fs.closeSync(fd);
    });
  });

  test('an error that waits on a UDP socket can be written to, is no end, and is left to the next call', () => {
    withQueue((queue) => {
      const [ident, other] = [0, 0].map(() => socket(2, DATAGRAM | NONBLOCK_CLOEXEC, 0)) as [number, number];
      const address = loopback();
      assert.equal(bind(other, address, 16), 0);
      assert.equal(getsockname(other, address, Int32Array.of(16)), 0);
      fs.closeSync(other);
      assert.equal(connect(ident, address, 16), 0);
      assert.equal(queue.change({ ident, filter: 'WRITE', flags: 'ADD|CLEAR' }), 'ok');
      assert.equal(queue.fetch(60_000).length, 1);
      assert.equal(send(ident, 'x', 1, 0), 1);
      const [event] = queue.fetch(60_000);
      assert.deepEqual([event?.filter, (event?.flags ?? 0) & constant('EV', 'EOF'), event?.fflags], [-2, 0, 0]);
      assert.equal(send(ident, 'x', 1, 0), -1);
      assert.equal(errnoName(koffi.errno()), 'ECONNREFUSED');
      fs.closeSync(ident);
    });
  });

  test('a connection that is refused says so to READ and to WRITE, though the kernel says it once', () => {
    const address = nobody();
    for (const filters of [
      ['READ', 'WRITE'],
      ['WRITE', 'READ'],
    ]) {
      withQueue((queue) => {
        const ident = socket(2, STREAM | NONBLOCK_CLOEXEC, 0);
        for (const filter of filters) assert.equal(queue.change({ ident, filter, flags: 'ADD|ONESHOT' }), 'ok');
        assert.equal(connect(ident, address, 16), -1);
        const told: Kevent[] = [];
        while (told.length < 2) told.push(...queue.fetch(60_000));
        for (const { flags, fflags } of told) {
          assert.equal(flags & constant('EV', 'EOF'), constant('EV', 'EOF'));
          assert.equal(errnoName(fflags), 'ECONNREFUSED');
        }
        fs.closeSync(ident);
      });
    }
  });

  test('a number that is another socket by now: no message is sent on that, and its error is left to it', () => {
    withQueue((queue) => {
      const [ident, end] = pair(STREAM);
      const copy = dup3(ident, ident + 100, 0o2000000);
      for (const filter of ['READ', 'WRITE']) assert.equal(queue.change({ ident, filter, flags: 'ADD|CLEAR' }), 'ok');
      assert.equal(queue.fetch().length, 1);
      const [one, other] = pair(DATAGRAM);
      assert.equal(dup3(one, ident, 0o2000000), ident);
      // An edge of what was registered, which lives on.
      send(end, 'x', 1, 0);
      assert.equal(shutdown(end, 1), 0);
      assert.deepEqual(queue.fetch(), []);
      assert.equal(recv(other, new Uint8Array(1), 1, 0), -1);
      assert.equal(errnoName(koffi.errno()), 'EAGAIN');

      const refused = socket(2, STREAM | NONBLOCK_CLOEXEC, 0);
      assert.equal(dup3(refused, ident, 0o2000000), ident);
      assert.equal(connect(ident, nobody(), 16), -1);
      fs.closeSync(end);
      assert.deepEqual(queue.fetch(), []);
      const error = new Int32Array(1);
      const deadline = performance.now() + 60_000;
      while (error[0] === 0 && performance.now() < deadline) getsockopt(ident, 1, SO_ERROR, error, Int32Array.of(4));
      assert.equal(errnoName(error[0] as number), 'ECONNREFUSED');
      for (const fd of [ident, copy, one, other, refused]) fs.closeSync(fd);
    });
  });

  test('a connection that was refused, and made after all, ends without the error of the first', () => {
    withQueue((queue) => {
      const address = nobody();
      const ident = socket(2, STREAM | NONBLOCK_CLOEXEC, 0);
      assert.equal(connect(ident, address, 16), -1);
      for (const filter of ['READ', 'WRITE']) assert.equal(queue.change({ ident, filter, flags: 'ADD|CLEAR' }), 'ok');
      const told: Kevent[] = [];
      while (told.length < 2) told.push(...queue.fetch(60_000));
      for (const { fflags } of told) assert.equal(errnoName(fflags), 'ECONNREFUSED');
      // The first call after an error says once more that there was one.
      assert.equal(connect(ident, address, 16), -1);
      assert.equal(errnoName(koffi.errno()), 'ECONNABORTED');
      const listener = socket(2, STREAM | NONBLOCK_CLOEXEC, 0);
      assert.equal(bind(listener, address, 16), 0);
      assert.equal(listen(listener, 1), 0);
      assert.equal(connect(ident, address, 16), -1);
      assert.equal(errnoName(koffi.errno()), 'EINPROGRESS');
      assert.deepEqual(
        queue.fetch(60_000).map(({ filter, fflags }) => [filter, fflags]),
        [[constant('EVFILT', 'WRITE'), 0]],
      );
      fs.closeSync(accept4(listener, 0, 0, NONBLOCK_CLOEXEC));
      const ends = queue.fetch(60_000).filter(({ flags }) => (flags & constant('EV', 'EOF')) !== 0);
      assert.deepEqual(
        ends.map(({ filter, fflags }) => [filter, fflags]),
        [[constant('EVFILT', 'READ'), 0]],
      );
      for (const fd of [ident, listener]) fs.closeSync(fd);
    });
  });

  test('a reset that comes while WRITE looks is told with its error', () => {
    withQueue((queue) => {
      const address = loopback();
      const listener = socket(2, STREAM | NONBLOCK_CLOEXEC, 0);
      assert.equal(bind(listener, address, 16), 0);
      assert.equal(getsockname(listener, address, Int32Array.of(16)), 0);
      assert.equal(listen(listener, 1), 0);
      const ident = socket(2, STREAM | NONBLOCK_CLOEXEC, 0);
      connect(ident, address, 16);
      const peer = accept4(listener, 0, 0, NONBLOCK_CLOEXEC);
      // Closed, it sends a reset.
      assert.equal(setsockopt(peer, 1, SO_LINGER, Int32Array.of(1, 0), 8), 0);
      assert.equal(queue.change({ ident, filter: 'WRITE' }), 'ok');
      assert.equal(queue.fetch().length, 1);
      const { poll } = libc;
      Object.assign(libc, {
        poll: (...args: readonly number[]) => {
          const ready = poll(...args);
          Object.assign(libc, { poll });
          fs.closeSync(peer);
          return ready;
        },
      });
      const [event] = queue.fetch();
      assert.equal(libc.poll, poll);
      assert.equal((event?.flags ?? 0) & constant('EV', 'EOF'), constant('EV', 'EOF'));
      assert.equal(errnoName(event?.fflags ?? 0), 'ECONNRESET');
      for (const fd of [ident, listener]) fs.closeSync(fd);
    });
  });

  test('space that grows to a low-water mark is told, though epoll only says when there is some', () => {
    withQueue((queue) => {
      const fds = new Int32Array(2);
      assert.equal(pipe2(fds, NONBLOCK_CLOEXEC), 0);
      const [reader, ident] = fds as unknown as [number, number];
      const capacity = fs.writeSync(ident, new Uint8Array(65_536));
      const take = (bytes: number): void => {
        assert.equal(fs.readSync(reader, new Uint8Array(bytes)), bytes);
      };
      const mark = { ident, filter: 'WRITE', fflags: 'LOWAT', data: capacity / 2 };
      for (const flags of ['ADD', 'ADD|CLEAR']) {
        assert.equal(queue.change({ ...mark, flags }), 'ok');
        assert.deepEqual(queue.fetch(), []);
        take(capacity / 4);
        assert.deepEqual(queue.fetch(20), []);
        take(capacity / 2);
        assert.equal(queue.fetch(60_000)[0]?.data, (capacity * 3) / 4);
        assert.equal(queue.fetch(30).length, flags === 'ADD' ? 1 : 0);
        assert.equal(fs.writeSync(ident, new Uint8Array(capacity / 2)), capacity / 2);
        assert.deepEqual(queue.fetch(), []);
        // Disabled, it looks no more; and nothing of it is left behind.
        assert.equal(queue.change({ ...mark, flags: 'DISABLE' }), 'ok');
        take(capacity / 2);
        assert.deepEqual(queue.fetch(30), []);
        assert.equal(queue.change({ ...mark, flags: 'ENABLE' }), 'ok');
        assert.equal(queue.fetch(60_000).length, 1);
        assert.equal(queue.change({ ...mark, flags: 'DELETE' }), 'ok');
        assert.deepEqual(queue.fetch(30), []);
        fs.writeSync(ident, new Uint8Array((capacity * 3) / 4));
      }
      for (const fd of fds) fs.closeSync(fd);
    });
  });

  test('a wait goes on after a thousand and twenty-four edges at once that were nothing to report', async () => {
    // As many as one epoll_wait(2) brings. Another process writes, while this one waits.
    const queue = new Queue();
    const [a, b] = pair(1);
    const fds = Array.from({ length: 1024 }, (_, index) => dup3(a, 2000 + index, 0o2000000));
    for (const ident of fds) assert.equal(queue.change({ ident, filter: 'READ', fflags: 'LOWAT', data: 10 }), 'ok');
    // It ends only afterwards: its end is a signal, which interrupts whoever waits.
    const writer = spawn('sh', ['-c', 'sleep 0.2; printf x; read end'], { stdio: ['pipe', b, 'inherit'] });
    const start = performance.now();
    assert.deepEqual(queue.fetch(1000), []);
    assert(performance.now() - start >= 999);
    const ended = once(writer, 'exit');
    writer.stdin?.end();
    await ended;
    queue.close();
    for (const fd of [a, b, ...fds]) fs.closeSync(fd);
  });

  test('two thousand to write to, all at once', () => {
    withQueue((queue) => {
      const fds = Array.from({ length: 2000 }, () => eventfd(0, NONBLOCK_CLOEXEC));
      for (const ident of fds) assert.equal(queue.change({ ident, filter: 'WRITE', flags: 'ADD|CLEAR' }), 'ok');
      const seen = new Set<unknown>();
      for (let events = queue.fetch(); events.length > 0; events = queue.fetch()) {
        for (const { ident } of events) {
          assert(!seen.has(ident), `${ident} twice`);
          seen.add(ident);
        }
      }
      assert.equal(seen.size, fds.length);
      for (const fd of fds) fs.closeSync(fd);
    });
  });
});
