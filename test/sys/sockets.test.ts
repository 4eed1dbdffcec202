// READ and WRITE of sockets, and of numbers that are another file for a while, in the kqueue built in for Linux.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { describe, test } from 'node:test';
import type { Kevent } from '../../src/sys/index.ts';
import { backlog } from '../../src/sys/linux/socket.ts';
import { linuxSys } from '../../src/sys/linux/sys.ts';
import { libc, scratch } from '../../src/sys/linux/syscalls.ts';
import { constant, noLinux, ofLibc, Queue } from './built-in.ts';

type Arguments = (number | Int32Array | Uint8Array)[];
const socket = ofLibc<Arguments>('int socket(int domain, int type, int protocol)');
const socketpair = ofLibc<Arguments>('int socketpair(int domain, int type, int protocol, void *fds)');
const bind = ofLibc<Arguments>('int bind(int fd, void *address, unsigned int length)');
const getsockname = ofLibc<Arguments>('int getsockname(int fd, void *address, void *length)');
const listen = ofLibc<Arguments>('int listen(int fd, int backlog)');
const connect = ofLibc<Arguments>('int connect(int fd, void *address, unsigned int length)');
const accept4 = ofLibc<Arguments>('int accept4(int fd, uintptr_t address, uintptr_t length, int flags)');
const shutdown = ofLibc<Arguments>('int shutdown(int fd, int how)');
const pipe2 = ofLibc<Arguments>('int pipe2(void *fds, int flags)');
const dup = ofLibc<Arguments>('int dup(int fd)');
const dup3 = ofLibc<Arguments>('int dup3(int from, int to, int flags)');

const NONBLOCK_CLOEXEC = 0o2004000;
const CLOEXEC = 0o2000000;
const [UNIX, INET] = [1, 2];
const STREAM = 1;
const [SHUT_RD, SHUT_WR, SHUT_RDWR] = [0, 1, 2];
const EOF = constant('EV', 'EOF');

function pipe(): [reader: number, writer: number] {
  const fds = new Int32Array(2);
  assert.equal(pipe2(fds, NONBLOCK_CLOEXEC), 0);
  return [fds[0] as number, fds[1] as number];
}

function pair(): [number, number] {
  const fds = new Int32Array(2);
  assert.equal(socketpair(UNIX, STREAM | NONBLOCK_CLOEXEC, 0, fds), 0);
  return [fds[0] as number, fds[1] as number];
}

/** A listening TCP socket and its address, a struct sockaddr_in of 127.0.0.1. */
function listener(): { fd: number; address: Uint8Array } {
  const address = Uint8Array.of(2, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);
  const fd = socket(INET, STREAM | NONBLOCK_CLOEXEC, 0);
  assert.equal(bind(fd, address, 16), 0);
  assert.equal(getsockname(fd, address, Int32Array.of(16)), 0);
  assert.equal(listen(fd, 8), 0);
  return { fd, address };
}

/** Runs `body` with a queue, and closes the descriptors that `body` hands to `own`. */
function withQueue(body: (queue: Queue, own: (...fds: number[]) => void) => void): void {
  const queue = new Queue();
  const fds: number[] = [];
  try {
    body(queue, (...more) => fds.push(...more));
  } finally {
    queue.close();
    for (const fd of fds) fs.closeSync(fd);
  }
}

const eof = (events: Kevent[]): boolean[] => events.map(({ flags }) => (flags & EOF) !== 0);

describe('sockets in the kqueue of Linux', { skip: noLinux }, () => {
  for (const [name, how] of [
    ['reading', SHUT_RD],
    ['reading and writing', SHUT_RDWR],
  ] as const) {
    for (const flags of ['ADD', 'ADD|CLEAR', 'ADD|ONESHOT']) {
      test(`a listening TCP socket that is shut down for ${name} is EV_EOF (${flags})`, () => {
        withQueue((queue, own) => {
          const { fd } = listener();
          own(fd);
          assert.equal(queue.change({ ident: fd, filter: 'READ', flags }), 'ok');
          assert.deepEqual(queue.fetch(), []);
          assert.equal(shutdown(fd, how), 0);
          assert.deepEqual(eof(queue.fetch(5000)), [true]);
          assert.deepEqual(eof(queue.fetch()), flags === 'ADD' ? [true] : []);
        });
      });
    }
  }

  test('a listening TCP socket that is shut down for writing goes on listening', () => {
    withQueue((queue, own) => {
      const { fd, address } = listener();
      const client = socket(INET, STREAM | NONBLOCK_CLOEXEC, 0);
      own(fd, client);
      assert.equal(queue.change({ ident: fd, filter: 'READ' }), 'ok');
      assert.equal(shutdown(fd, SHUT_WR), 0);
      assert.deepEqual(queue.fetch(), []);
      connect(client, address, 16);
      assert.deepEqual(eof(queue.fetch(5000)), [false]);
    });
  });

  test('a socket that listens only after it was registered, and accepts, is EV_EOF too when it is shut down', () => {
    withQueue((queue, own) => {
      const address = Uint8Array.of(2, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);
      const fd = socket(INET, STREAM | NONBLOCK_CLOEXEC, 0);
      const client = socket(INET, STREAM | NONBLOCK_CLOEXEC, 0);
      own(fd, client);
      assert.equal(queue.change({ ident: fd, filter: 'READ' }), 'ok');
      assert.deepEqual(queue.fetch(), [], 'never connected');
      assert.equal(bind(fd, address, 16), 0);
      assert.equal(getsockname(fd, address, Int32Array.of(16)), 0);
      assert.equal(listen(fd, 8), 0);
      connect(client, address, 16);
      assert.deepEqual(eof(queue.fetch(5000)), [false]);
      own(accept4(fd, 0, 0, NONBLOCK_CLOEXEC));
      assert.equal(shutdown(fd, SHUT_RD), 0);
      assert.deepEqual(eof(queue.fetch(5000)), [true]);
      assert.equal(listen(fd, 8), 0);
      assert.deepEqual(queue.fetch(), [], 'it listens again');
    });
  });

  test('a listening UNIX socket that is shut down is EV_EOF', () => {
    for (const how of [SHUT_RD, SHUT_RDWR]) {
      withQueue((queue, own) => {
        const fd = socket(UNIX, STREAM | NONBLOCK_CLOEXEC, 0);
        own(fd);
        // An address of the family alone makes the kernel choose a name (unix(7), autobind).
        assert.equal(bind(fd, Uint8Array.of(UNIX, 0), 2), 0);
        assert.equal(listen(fd, 8), 0);
        assert.equal(queue.change({ ident: fd, filter: 'READ' }), 'ok');
        assert.deepEqual(queue.fetch(), []);
        assert.equal(shutdown(fd, how), 0);
        assert.deepEqual(eof(queue.fetch(5000)), [true]);
      });
    }
  });

  test('a socket that listens only after it was registered, and had no connection, is silent when it is shut down', () => {
    withQueue((queue, own) => {
      const fd = socket(INET, STREAM | NONBLOCK_CLOEXEC, 0);
      own(fd);
      assert.equal(queue.change({ ident: fd, filter: 'READ' }), 'ok');
      assert.equal(bind(fd, Uint8Array.of(2, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0), 16), 0);
      assert.equal(listen(fd, 8), 0);
      assert.equal(shutdown(fd, SHUT_RD), 0);
      assert.deepEqual(queue.fetch(), []);
    });
  });

  test('a backlog that the kernel does not count is 1, and not what an earlier call left in memory', (t) => {
    linuxSys();
    const { fd, address } = listener();
    const clients = [0, 0].map(() => socket(INET, STREAM | NONBLOCK_CLOEXEC, 0));
    for (const client of clients) connect(client, address, 16);
    assert.equal(backlog(fd), 2);
    // A tcp_info of 24 bytes, as an emulated kernel gives: tcpi_unacked is the word after that.
    const real = libc.getsockopt;
    t.mock.method(libc, 'getsockopt', (...args: number[]) => {
      const result = real(...args);
      scratch[0] = 24;
      scratch[1 + 24 / 4] = 77;
      return result;
    });
    assert.equal(backlog(fd), 1);
    t.mock.reset();
    for (const client of [...clients, fd]) fs.closeSync(client);
  });
});

describe('a number that is another file for a while', { skip: noLinux }, () => {
  test('a pipe that dup2(2) brings back, after its number was a silent socket, has its EV_EOF', () => {
    for (const filter of ['READ', 'WRITE']) {
      withQueue((queue, own) => {
        const [reader, writer] = pipe();
        const [watched, other] = filter === 'READ' ? [reader, writer] : [writer, reader];
        const [silent, peer] = pair();
        const copy = dup(watched);
        own(watched, copy, silent, peer);
        assert.equal(queue.change({ ident: watched, filter }), 'ok');
        assert.equal(dup3(silent, watched, CLOEXEC), watched);
        // The pipe makes an edge, and the look that follows finds the socket.
        if (filter === 'READ') fs.writeSync(writer, 'x');
        queue.fetch();
        assert.equal(dup3(copy, watched, CLOEXEC), watched);
        assert.equal(queue.change({ ident: watched, filter }), 'ok');
        assert.equal(queue.fetch(5000).length, 1);
        fs.closeSync(other);
        assert.deepEqual(eof(queue.fetch(5000)), [true], filter);
      });
    }
  });

  test('the error of a connection that was refused outlives a time in which its number is another file', () => {
    withQueue((queue, own) => {
      const { fd: gone, address } = listener();
      fs.closeSync(gone);
      const watched = socket(INET, STREAM | NONBLOCK_CLOEXEC, 0);
      connect(watched, address, 16);
      const kept = dup(watched);
      const [silent, peer] = pair();
      own(watched, kept, silent, peer);
      assert.equal(queue.change({ ident: watched, filter: 'READ' }), 'ok');
      const [refused] = queue.fetch(5000);
      assert((refused?.flags ?? 0) & EOF && (refused?.fflags ?? 0) > 0);
      assert.equal(dup3(silent, watched, CLOEXEC), watched);
      queue.fetch();
      assert.equal(dup3(kept, watched, CLOEXEC), watched);
      assert.equal(queue.change({ ident: watched, filter: 'READ' }), 'ok');
      assert.deepEqual(
        queue.fetch(5000).map(({ fflags }) => fflags),
        [refused?.fflags],
      );
    });
  });
});
