// What is particular to the kqueue built in for Linux: what it is made of shows, and must not.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import { EV_SET, errnoName, type Kevent, KeventList, Timespec } from '../../src/sys/index.ts';
import { linuxSys } from '../../src/sys/linux/sys.ts';
import { libc } from '../../src/sys/linux/syscalls.ts';
import { type Timer, Timers } from '../../src/sys/linux/timers.ts';
import { seeded } from '../helpers/random.ts';
import { ALL, constant, noLinux, notes, ofLibc, Queue } from './built-in.ts';
import { typescriptWorker } from './typescript-worker.ts';

type Arguments = (number | string | Int32Array | Uint8Array)[];
const eventfd = ofLibc<Arguments>('int eventfd(unsigned int initial, int flags)');
const socketpair = ofLibc<Arguments>('int socketpair(int domain, int type, int protocol, void *fds)');
const pipe2 = ofLibc<Arguments>('int pipe2(void *fds, int flags)');
const send = ofLibc<Arguments>('intptr_t send(int fd, str bytes, size_t length, int flags)');
const fcntl = ofLibc<Arguments>('int fcntl(int fd, int command, ...)');
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
const lchown = (path: string, uid: number): void => fs.lchownSync(path, uid, uid);

const NONBLOCK_CLOEXEC = 0o2004000;
const F_SETOWN = 8;
const O_PATH = 0o10000000;
const STREAM = 1;
const DATAGRAM = 2;
const SEQPACKET = 5;
const SO_ERROR = 4;
const SO_LINGER = 13;
const TIOCSPTLCK = 0x4004_5431;
const TIOCGPTN = 0x8004_5430;

const root = process.getuid?.() === 0;

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

/** Runs `body` with a queue and an empty folder, and closes what it opened through `open`. */
function withQueue(
  body: (queue: Queue, folder: string, open: (path: string, flags?: number | string) => number) => void,
): void {
  const queue = new Queue();
  const folder = fs.mkdtempSync(join(tmpdir(), 'kqueue-'));
  const opened: number[] = [];
  const open = (path: string, flags: number | string = 'r'): number => {
    const fd = fs.openSync(path, flags);
    opened.push(fd);
    return fd;
  };
  try {
    body(queue, folder, open);
  } finally {
    queue.close();
    for (const fd of opened) {
      try {
        fs.closeSync(fd);
      } catch {
        // The test closed it.
      }
    }
    fs.rmSync(folder, { recursive: true });
  }
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

/** How many watches this process's inotify has. */
function watches(): number {
  const inotify = fs.readdirSync('/proc/self/fd').find((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:inotify';
    } catch {
      // The one that readdir had.
      return false;
    }
  });
  return fs.readFileSync(`/proc/self/fdinfo/${inotify}`, 'latin1').split('inotify wd:').length - 1;
}

/** Lets `ms` pass without turning the loop. */
function pass(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe('the kqueue of Linux', { skip: noLinux }, () => {
  describe('idents', () => {
    test('64 bits of them, for what is no descriptor', () => {
      withQueue((queue) => {
        const idents = [0, 2 ** 31, 2 ** 53 - 1, 2n ** 53n + 1n, 2n ** 64n - 1n];
        for (const ident of idents) {
          assert.equal(queue.change({ ident, filter: 'USER', flags: 'ADD|CLEAR', fflags: 'TRIGGER' }), 'ok');
          assert.equal(queue.change({ ident, filter: 'TIMER', flags: 'ADD|ONESHOT' }), 'ok');
        }
        const seen: Kevent[] = [];
        while (seen.length < 2 * idents.length) seen.push(...queue.fetch(5000));
        for (const filter of ['USER', 'TIMER']) {
          const of = seen.filter((event) => event.filter === constant('EVFILT', filter)).map(({ ident }) => ident);
          assert.deepEqual(new Set(of), new Set(idents), filter);
        }
        for (const ident of idents) {
          assert.equal(queue.change({ ident, filter: 'USER', flags: 'DELETE' }), 'ok');
          assert.equal(queue.change({ ident, filter: 'USER', flags: 'DELETE' }), 'ENOENT');
        }
      });
    });

    test('beyond an int there is no descriptor: EBADF, whatever the low 32 bits are', () => {
      withQueue((queue) => {
        const [reader] = pair(DATAGRAM);
        for (const ident of [2 ** 31, 2 ** 32 + reader, 2n ** 64n - 1n, 2n ** 63n + BigInt(reader)]) {
          for (const filter of ['READ', 'WRITE', 'VNODE']) {
            for (const flags of ['ADD', 'DELETE', 'ENABLE', 'DISABLE']) {
              assert.equal(queue.change({ ident, filter, flags }), 'EBADF', `${filter} ${flags} ${ident}`);
            }
          }
        }
      });
    });

    test('beyond a pid there is no process: ESRCH; nor is a thread one', () => {
      withQueue((queue) => {
        const thread = fs
          .readdirSync('/proc/self/task')
          .map(Number)
          .find((id) => id !== process.pid);
        assert(thread !== undefined);
        for (const ident of [0, thread, 2 ** 31 - 1, 2 ** 31, 2 ** 32 + process.pid, 2n ** 64n - 1n]) {
          assert.equal(queue.change({ ident, filter: 'PROC', fflags: 'EXIT' }), 'ESRCH', `${ident}`);
        }
      });
    });

    test('what is no signal, or cannot be caught, is EINVAL', () => {
      withQueue((queue) => {
        const { SIGKILL, SIGSTOP } = constants.signals;
        for (const ident of [0, 65, 1000, 2 ** 32 + 1, 2n ** 64n - 1n, SIGKILL, SIGSTOP]) {
          assert.equal(queue.change({ ident, filter: 'SIGNAL' }), 'EINVAL', `${ident}`);
          assert.equal(queue.change({ ident, filter: 'SIGNAL', flags: 'DELETE' }), 'ENOENT', `${ident}`);
        }
      });
    });
  });

  describe('notes', () => {
    test('those that a filter does not have are EINVAL, when it is added and later', () => {
      withQueue((queue, _, open) => {
        const file = open(fileURLToPath(import.meta.url));
        const cases = [
          { ident: process.ppid, filter: 'PROC', fflags: 'EXIT', wrong: ['FORK', 'EXEC', 'EXIT|TRACK'] },
          { ident: file, filter: 'VNODE', fflags: 'WRITE', wrong: ['EXIT', 'WRITE|TRIGGER'] },
        ];
        for (const { wrong, ...what } of cases) {
          for (const fflags of wrong) assert.equal(queue.change({ ...what, fflags }), 'EINVAL', fflags);
          assert.equal(queue.change({ ...what, flags: 'DELETE' }), 'ENOENT');
          assert.equal(queue.change(what), 'ok');
          for (const fflags of wrong) {
            assert.equal(queue.change({ ...what, fflags }), 'EINVAL', fflags);
            assert.equal(queue.change({ ...what, fflags, flags: 'ENABLE' }), 'EINVAL', fflags);
          }
          assert.equal(queue.change({ ...what, udata: 5 }), 'ok');
          assert.equal(queue.change({ ...what, flags: 'DELETE' }), 'ok');
        }
      });
    });

    test('a timer refused when it is added again goes on as it was', () => {
      withQueue((queue) => {
        const timer = { ident: 1, filter: 'TIMER' };
        assert.equal(queue.change({ ...timer, data: 5, udata: 8 }), 'ok');
        assert.equal(queue.change({ ...timer, data: -1 }), 'EINVAL');
        assert.equal(queue.change({ ...timer, data: -(2n ** 63n) }), 'EINVAL');
        assert.equal(queue.change({ ...timer, data: 60_000, fflags: 'SECONDS|NSECONDS' }), 'EINVAL');
        assert.deepEqual(
          queue.fetch(5000).map(({ ident, udata }) => [ident, udata]),
          [[1, 8]],
        );
      });
    });
  });

  describe('timers', () => {
    test('a one-shot that is late has expired once', () => {
      withQueue((queue) => {
        assert.equal(queue.change({ ident: 1, filter: 'TIMER', flags: 'ADD|ONESHOT', data: 1 }), 'ok');
        assert.equal(queue.change({ ident: 2, filter: 'TIMER', data: 1 }), 'ok');
        pass(30);
        const data = new Map(queue.fetch().map((event) => [event.ident, Number(event.data)]));
        assert.equal(data.get(1), 1);
        assert((data.get(2) ?? 0) >= 29, `the periodic one: ${data.get(2)}`);
      });
    });

    test('a millisecond is as long in every unit', () => {
      withQueue((queue) => {
        const units = [
          ['', 1],
          ['USECONDS', 1000],
          ['NSECONDS', 1_000_000],
        ] as const;
        for (const [ident, [fflags, data]] of units.entries()) {
          assert.equal(queue.change({ ident, filter: 'TIMER', fflags, data }), 'ok');
        }
        pass(30);
        const counted = queue.fetch().map(({ ident, data }) => [ident, Number(data) >= 29]);
        assert.deepEqual(new Map(counted as [number, boolean][]), new Map([0, 1, 2].map((ident) => [ident, true])));
      });
    });

    test('a period that is fetched late is counted from when it was due', () => {
      withQueue((queue) => {
        assert.equal(queue.change({ ident: 1, filter: 'TIMER', data: 2 }), 'ok');
        const start = performance.now();
        let counted = 0;
        let passed = 0;
        for (let look = 0; look < 20; look++) {
          pass(3);
          passed = performance.now() - start;
          for (const { data } of queue.fetch()) counted += Number(data);
        }
        assert(counted >= Math.floor(passed / 2), `${counted} periods in ${passed} ms`);
      });
    });

    test('at a time of day: one-shot unasked, and what was periodic has no period any more', () => {
      withQueue((queue) => {
        const at = { filter: 'TIMER', fflags: 'ABSOLUTE', data: 1 };
        assert.equal(queue.change({ ident: 1, filter: 'TIMER', data: 1 }), 'ok');
        for (const ident of [1, 2]) assert.equal(queue.change({ ...at, ident }), 'ok');
        assert.deepEqual(new Set(queue.fetch(5000).map(({ ident }) => ident)), new Set([1, 2]));
        assert.deepEqual(queue.fetch(5), []);
        assert.equal(queue.change({ ident: 2, filter: 'TIMER', flags: 'DELETE' }), 'ENOENT');
      });
    });

    test('expired, not fetched, and then disabled: silent until it is enabled', () => {
      withQueue((queue) => {
        const periodic = { ident: 1, filter: 'TIMER' };
        assert.equal(queue.change({ ...periodic, data: 1 }), 'ok');
        pass(10);
        // A change lets the queue learn what is due, and fetches nothing.
        assert.equal(queue.change({ ident: 1, filter: 'USER' }), 'ok');
        assert.equal(queue.change({ ...periodic, flags: 'DISABLE' }), 'ok');
        assert.deepEqual(queue.fetch(), []);
        assert.equal(queue.change({ ...periodic, flags: 'ENABLE' }), 'ok');
        const [event] = queue.fetch();
        assert(Number(event?.data) >= 9, `periods: ${event?.data}`);
        assert.equal(queue.change({ ...periodic, flags: 'DELETE' }), 'ok');

        // A one-shot has not run out again by being enabled.
        assert.equal(queue.change({ ident: 2, filter: 'TIMER', flags: 'ADD|ONESHOT', data: 1 }), 'ok');
        pass(5);
        for (const flags of ['DISABLE', 'ENABLE']) {
          assert.equal(queue.change({ ident: 2, filter: 'TIMER', flags }), 'ok');
        }
        assert.deepEqual(
          queue.fetch().map(({ ident, data }) => [ident, data]),
          [[2, 1]],
        );
      });
    });

    test('of thousands of years, and of a wall clock long past and far off', () => {
      withQueue((queue) => {
        const far = [
          { data: 2n ** 63n - 1n },
          { data: 2n ** 63n - 1n, fflags: 'SECONDS' },
          { data: 2n ** 63n - 1n, fflags: 'NSECONDS' },
          { data: 2n ** 63n - 1n, fflags: 'SECONDS|ABSOLUTE' },
        ];
        for (const [ident, what] of far.entries()) {
          assert.equal(queue.change({ ident, filter: 'TIMER', ...what }), 'ok');
        }
        assert.deepEqual(queue.fetch(5), []);
        for (const ident of [10, 11]) {
          assert.equal(queue.change({ ident, filter: 'TIMER', fflags: 'ABSOLUTE', data: ident - 10 }), 'ok');
        }
        assert.deepEqual(new Set(queue.fetch(5000).map(({ ident }) => ident)), new Set([10, 11]));
        assert.deepEqual(queue.fetch(), []);
      });
    });

    test('at a time of day that is long past: the queue is readable for whoever polls it', () => {
      withQueue((queue) => {
        assert.equal(queue.change({ ident: 1, filter: 'TIMER', fflags: 'ABSOLUTE', data: 1 }), 'ok');
        const outer = new Queue();
        assert.equal(outer.change({ ident: queue.fd, filter: 'READ' }), 'ok');
        assert.equal(outer.fetch(5000).length, 1);
        assert.deepEqual(
          queue.fetch().map(({ ident }) => ident),
          [1],
        );
        outer.close();
      });
    });

    test('at a time of day, of a clock that was set since the process began', (t) => {
      // What Node took down when it began is then of no use.
      const began = performance.timeOrigin;
      t.mock.getter(Object.getPrototypeOf(performance), 'timeOrigin', () => began - 3_600_000);
      withQueue((queue) => {
        const at = { filter: 'TIMER', fflags: 'ABSOLUTE' };
        assert.equal(queue.change({ ...at, ident: 1, data: Date.now() + 5 }), 'ok');
        assert.equal(queue.change({ ...at, ident: 2, data: Date.now() + 1_800_000 }), 'ok');
        assert.deepEqual(
          queue.fetch(5000).map(({ ident }) => ident),
          [1],
        );
      });
      t.mock.reset();
      t.mock.getter(Object.getPrototypeOf(performance), 'timeOrigin', () => began + 3_600_000);
      withQueue((queue) => {
        const late = { ident: 1, filter: 'TIMER', fflags: 'ABSOLUTE', data: Date.now() + 1_800_000 };
        assert.equal(queue.change(late), 'ok');
        assert.deepEqual(queue.fetch(5), []);
      });
    });

    test('a thousand deadlines, some taken back, come in their order', () => {
      linuxSys();
      const timers = Timers.create();
      assert(timers !== null);
      const random = seeded(1);
      const order: number[] = [];
      const all = Array.from({ length: 1000 }, (_, index): Timer & { index: number } => ({
        index,
        deadline: 1 + random(500),
        position: -1,
        expire(): void {
          order.push(this.index);
          this.deadline = Number.POSITIVE_INFINITY;
        },
      }));
      const due = all.map(({ deadline }) => deadline);
      for (const timer of all) timers.add(timer);
      const taken = new Set(all.filter(() => random(3) === 0));
      for (const timer of taken) timers.remove(timer);
      // Taken back twice, and put in again.
      for (const timer of taken) timers.remove(timer);
      for (const timer of [...taken].slice(0, 100)) {
        timers.add(timer);
        taken.delete(timer);
      }
      timers.arm();
      timers.run();
      timers.close();
      const deadlines = order.map((index) => due[index] as number);
      assert.deepEqual(
        deadlines,
        [...deadlines].sort((x, y) => x - y),
      );
      assert.deepEqual(new Set(order), new Set(all.filter((timer) => !taken.has(timer)).map(({ index }) => index)));
      assert.equal(order.length, all.length - taken.size);
    });
  });

  describe('descriptors', () => {
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
            const events = queue.fetch(5000).map((event) => [event.ident, event.data]);
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
        assert.equal(queue.fetch(5000).length, 1);
        assert.equal(send(ident, 'x', 1, 0), 1);
        const [event] = queue.fetch(5000);
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
          while (told.length < 2) told.push(...queue.fetch(5000));
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
        const deadline = performance.now() + 5000;
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
        while (told.length < 2) told.push(...queue.fetch(5000));
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
          queue.fetch(5000).map(({ filter, fflags }) => [filter, fflags]),
          [[constant('EVFILT', 'WRITE'), 0]],
        );
        fs.closeSync(accept4(listener, 0, 0, NONBLOCK_CLOEXEC));
        const ends = queue.fetch(5000).filter(({ flags }) => (flags & constant('EV', 'EOF')) !== 0);
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
          assert.equal(queue.fetch(5000)[0]?.data, (capacity * 3) / 4);
          assert.equal(queue.fetch(30).length, flags === 'ADD' ? 1 : 0);
          assert.equal(fs.writeSync(ident, new Uint8Array(capacity / 2)), capacity / 2);
          assert.deepEqual(queue.fetch(), []);
          // Disabled, it looks no more; and nothing of it is left behind.
          assert.equal(queue.change({ ...mark, flags: 'DISABLE' }), 'ok');
          take(capacity / 2);
          assert.deepEqual(queue.fetch(30), []);
          assert.equal(queue.change({ ...mark, flags: 'ENABLE' }), 'ok');
          assert.equal(queue.fetch(5000).length, 1);
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

  describe('files', () => {
    test('open as a path alone (O_PATH): told of, and gone when closed', () => {
      withQueue((queue, folder, open) => {
        const path = join(folder, 'file');
        fs.writeFileSync(path, '');
        const ident = open(path, O_PATH);
        assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: ALL }), 'ok');
        fs.writeFileSync(path, 'more');
        assert.deepEqual(notes(queue.fetch(5000)[0]), ['EXTEND', 'WRITE']);
        fs.appendFileSync(path, 'more');
        fs.closeSync(ident);
        assert.deepEqual(queue.fetch(), []);
        assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'DELETE' }), 'EBADF');
      });
    });

    test('whose signals somebody else gets (F_SETOWN) keep that owner, and are told by their inode', () => {
      withQueue((queue, folder, open) => {
        const [path, other] = [join(folder, 'file'), join(folder, 'other')];
        fs.writeFileSync(path, '');
        fs.writeFileSync(other, '');
        const ident = open(path);
        assert.equal(fcntl(ident, F_SETOWN, 'int', process.ppid), 0);
        assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: ALL }), 'ok');
        assert.equal(fcntl(ident, 9, 'int', 0), process.ppid);
        fs.appendFileSync(path, 'more');
        assert.deepEqual(notes(queue.fetch(5000)[0]), ['EXTEND', 'WRITE']);
        fs.appendFileSync(path, 'more');
        fs.closeSync(ident);
        assert.equal(open(other), ident);
        assert.deepEqual(queue.fetch(), []);
        assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'DELETE' }), 'ENOENT');
      });
    });

    test('a knote deleted while inotify has something of it: nothing is told, and others of the file are', () => {
      withQueue((queue, folder, open) => {
        const path = join(folder, 'file');
        fs.writeFileSync(path, '');
        const [ident, other] = [open(path), open(path)];
        for (let round = 0; round < 3; round++) {
          assert.equal(queue.change({ ident, filter: 'VNODE', fflags: ALL }), 'ok');
          fs.appendFileSync(path, 'more');
          assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'DELETE' }), 'ok');
          assert.deepEqual(queue.fetch(), []);
        }
        assert.equal(queue.change({ ident, filter: 'VNODE', fflags: ALL }), 'ok');
        assert.equal(queue.change({ ident: other, filter: 'VNODE', fflags: ALL }), 'ok');
        fs.appendFileSync(path, 'more');
        assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'DELETE' }), 'ok');
        assert.deepEqual(
          queue.fetch().map(({ ident }) => ident),
          [other],
        );
      });
    });

    test('what happened before a knote was there is told to those who watched already, and not to it', () => {
      withQueue((queue, folder, open) => {
        const path = join(folder, 'file');
        fs.writeFileSync(path, '');
        const [ident, late] = [open(path), open(path)];
        const other = new Queue();
        assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: ALL }), 'ok');
        fs.appendFileSync(path, 'more');
        fs.renameSync(path, join(folder, 'name'));
        assert.equal(other.change({ ident: late, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: ALL }), 'ok');
        assert.deepEqual(other.fetch(), []);
        assert.deepEqual(notes(queue.fetch(5000)[0]), ['EXTEND', 'RENAME', 'WRITE']);
        fs.chmodSync(join(folder, 'name'), 0o600);
        for (const each of [queue, other]) assert.deepEqual(notes(each.fetch(5000)[0]), ['ATTRIB']);
        other.close();
      });
    });

    test('a directory that another is renamed over is removed, and told so once', () => {
      withQueue((queue, folder, open) => {
        const at = (...names: string[]): string => join(folder, ...names);
        for (const name of ['it', 'other', 'neighbour']) fs.mkdirSync(at(name));
        const ident = open(at('it'));
        assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: ALL }), 'ok');
        fs.renameSync(at('other'), at('it'));
        assert(notes(queue.fetch(5000)[0]).includes('DELETE'));
        fs.rmdirSync(at('neighbour'));
        assert.deepEqual(queue.fetch(), []);
        fs.fchmodSync(ident, 0o700);
        assert.deepEqual(notes(queue.fetch(5000)[0]), ['ATTRIB']);
      });
    });

    test('another mode of a directory is NOTE_ATTRIB alone: what happened to its entries was told', () => {
      withQueue((queue, folder, open) => {
        const ident = open(folder);
        assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: ALL }), 'ok');
        fs.mkdirSync(join(folder, 'folder'));
        fs.writeFileSync(join(folder, 'file'), '');
        assert.deepEqual(notes(queue.fetch(5000)[0]), ['LINK', 'WRITE']);
        for (const mode of [0o750, 0o700]) {
          fs.chmodSync(folder, mode);
          assert.deepEqual(notes(queue.fetch(5000)[0]), ['ATTRIB']);
        }
      });
    });

    test('several who watch one file get what each of them wants, and leave no watch when they are gone', () => {
      withQueue((queue, folder, open) => {
        const path = join(folder, 'file');
        fs.writeFileSync(path, 'some');
        const [one, two, three] = [open(path), open(path), open(path)];
        for (let round = 0; round < 2; round++) {
          assert.equal(queue.change({ ident: one, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: 'ATTRIB|OPEN' }), 'ok');
          assert.equal(queue.change({ ident: two, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: 'WRITE' }), 'ok');
          assert.equal(queue.change({ ident: three, filter: 'READ', flags: 'ADD|CLEAR' }), 'ok');
          assert.equal(watches(), 1);
          assert.equal(queue.fetch()[0]?.ident, three);
          const told = (change: () => void): unknown[] => {
            change();
            return queue.fetch().map(({ ident }) => ident);
          };
          assert.deepEqual(
            told(() => fs.chmodSync(path, round === 0 ? 0o600 : 0o644)),
            [one],
          );
          assert.deepEqual(
            told(() => fs.closeSync(fs.openSync(path, 'r'))),
            [one],
          );
          assert.deepEqual(told(() => fs.writeSync(open(path, 'r+'), 'more')).sort(), [one, two, three].sort());
          assert.equal(queue.change({ ident: three, filter: 'READ', flags: 'DELETE' }), 'ok');
          for (const ident of [one, two]) {
            assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'DELETE' }), 'ok');
          }
          assert.equal(watches(), 0);
        }
      });
    });

    test('a directory is told of its own removal, not of its neighbours, and also where it was moved to', () => {
      withQueue((queue, folder, open) => {
        const at = (...names: string[]): string => join(folder, ...names);
        for (const name of ['it', 'neighbour', 'elsewhere']) fs.mkdirSync(at(name));
        fs.writeFileSync(at('file'), '');
        const ident = open(at('it'));
        assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: ALL }), 'ok');
        fs.rmdirSync(at('neighbour'));
        fs.unlinkSync(at('file'));
        assert.deepEqual(queue.fetch(), []);
        fs.renameSync(at('it'), at('elsewhere', 'it'));
        assert(notes(queue.fetch(5000)[0]).includes('RENAME'));
        fs.mkdirSync(at('another'));
        fs.rmdirSync(at('another'));
        fs.mkdirSync(at('elsewhere', 'another'));
        fs.rmdirSync(at('elsewhere', 'another'));
        assert.deepEqual(queue.fetch(), []);
        fs.rmdirSync(at('elsewhere', 'it'));
        assert(notes(queue.fetch(5000)[0]).includes('DELETE'));
        fs.mkdirSync(at('elsewhere', 'it'));
        fs.rmdirSync(at('elsewhere', 'it'));
        assert.deepEqual(queue.fetch(), []);
        // Moved to where nobody watches, and removed before anybody looks.
        for (const name of ['it', 'away']) fs.mkdirSync(at(name));
        const again = open(at('it'));
        assert.equal(queue.change({ ident: again, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: ALL }), 'ok');
        fs.renameSync(at('it'), at('away', 'it'));
        fs.rmdirSync(at('away', 'it'));
        assert.deepEqual(notes(queue.fetch(5000)[0]), ['DELETE', 'RENAME']);
        for (const each of [ident, again]) {
          assert.equal(queue.change({ ident: each, filter: 'VNODE', flags: 'DELETE' }), 'ok');
        }
        assert.equal(watches(), 0);
      });
    });

    test('a change that asks for more notes gets them, and one that asks for less forgets the others', () => {
      withQueue((queue, folder, open) => {
        const path = join(folder, 'file');
        fs.writeFileSync(path, '');
        const vnode = { ident: open(path), filter: 'VNODE', flags: 'ADD|CLEAR' };
        assert.equal(queue.change({ ...vnode, fflags: 'ATTRIB' }), 'ok');
        assert.equal(queue.change({ ...vnode, fflags: 'ATTRIB|OPEN' }), 'ok');
        fs.closeSync(fs.openSync(path, 'r'));
        fs.chmodSync(path, 0o600);
        // A change lets the queue learn of both, and fetches nothing.
        assert.equal(queue.change({ ident: 1, filter: 'USER' }), 'ok');
        assert.equal(queue.change({ ...vnode, fflags: 'OPEN' }), 'ok');
        assert.deepEqual(notes(queue.fetch()[0]), ['OPEN']);
      });
    });

    test('what is no file has no notes: EINVAL', () => {
      withQueue((queue) => {
        const counter = eventfd(0, NONBLOCK_CLOEXEC);
        for (const ident of [counter, queue.fd]) {
          assert.equal(queue.change({ ident, filter: 'VNODE', fflags: 'WRITE' }), 'EINVAL');
        }
        fs.closeSync(counter);
      });
    });

    test('a file removed for good takes its watch with it: the knote stays, and can be deleted', () => {
      withQueue((queue, folder, open) => {
        const path = join(folder, 'file');
        fs.writeFileSync(path, '');
        const ident = open(path);
        assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: ALL }), 'ok');
        fs.unlinkSync(path);
        assert.deepEqual(notes(queue.fetch(5000)[0]), ['DELETE', 'LINK']);
        // The last descriptor closed, the inode goes, and inotify says so of a watch that nobody has any more.
        const outlives = open('/dev/null');
        fs.closeSync(ident);
        assert.deepEqual(queue.fetch(), []);
        assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'DELETE' }), 'EBADF');
        assert.equal(queue.change({ ident: outlives, filter: 'VNODE', fflags: ALL }), 'ok');
      });
    });

    test('each kind of change has its notes', { skip: !root && 'a file has another owner only by root' }, () => {
      withQueue((queue, folder, open) => {
        const path = join(folder, 'file');
        fs.writeFileSync(path, 'some');
        const ident = open(path, 'r+');
        assert.equal(
          queue.change({ ident, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: `${ALL}|OPEN|CLOSE|CLOSE_WRITE|READ` }),
          'ok',
        );
        const told = (change: () => void): string[] => {
          change();
          return notes(queue.fetch(5000)[0]);
        };
        assert.deepEqual(
          told(() => fs.fchmodSync(ident, 0o600)),
          ['ATTRIB'],
        );
        assert.deepEqual(
          told(() => lchown(path, 1)),
          ['ATTRIB'],
        );
        assert.deepEqual(
          told(() => fs.linkSync(path, join(folder, 'name'))),
          ['LINK'],
        );
        assert.deepEqual(
          told(() => fs.unlinkSync(join(folder, 'name'))),
          ['LINK'],
        );
        assert.deepEqual(
          told(() => fs.futimesSync(ident, 1, 1)),
          ['ATTRIB'],
        );
        // inotify makes one event of two that are alike.
        const beside: (() => void)[] = [
          () => fs.fchmodSync(ident, 0o640),
          () => fs.fchownSync(ident, 2, 1),
          () => fs.fchownSync(ident, 2, 2),
          () => fs.futimesSync(ident, 2, 2),
        ];
        for (const [index, change] of beside.entries()) {
          assert.deepEqual(
            told(() => {
              fs.linkSync(path, join(folder, `name ${index}`));
              change();
            }),
            ['ATTRIB', 'LINK'],
            String(index),
          );
        }
        assert.deepEqual(
          told(() => fs.writeSync(ident, 'more', 0)),
          ['WRITE'],
        );
        assert.deepEqual(
          told(() => fs.ftruncateSync(ident, 1)),
          ['ATTRIB', 'TRUNCATE', 'WRITE'],
        );
        assert.deepEqual(
          told(() => fs.readSync(ident, new Uint8Array(1), 0, 1, 0)),
          ['READ'],
        );
        assert.deepEqual(
          told(() => fs.closeSync(fs.openSync(path, 'r'))),
          ['CLOSE', 'OPEN'],
        );
        assert.deepEqual(
          told(() => fs.closeSync(fs.openSync(path, 'r+'))),
          ['CLOSE_WRITE', 'OPEN'],
        );
        assert.deepEqual(queue.fetch(), []);
      });
    });
  });

  describe('user events', () => {
    test('forty that are level-triggered come all, each time', () => {
      withQueue((queue) => {
        for (let ident = 0; ident < 40; ident++)
          assert.equal(queue.change({ ident, filter: 'USER', fflags: 'TRIGGER' }), 'ok');
        for (let round = 0; round < 3; round++) {
          assert.deepEqual(
            new Set(queue.fetch().map(({ ident }) => ident)),
            new Set(Array.from({ length: 40 }, (_, ident) => ident)),
          );
        }
      });
    });

    test('a queue in another: data is how many of its knotes have something to report', () => {
      withQueue((inner) => {
        const outer = new Queue();
        assert.equal(outer.change({ ident: inner.fd, filter: 'READ' }), 'ok');
        for (const ident of [1, 2, 3]) {
          assert.equal(inner.change({ ident, filter: 'USER', flags: 'ADD|CLEAR', fflags: 'TRIGGER' }), 'ok');
          assert.deepEqual(
            outer.fetch().map(({ data }) => data),
            [ident],
          );
        }
        outer.close();
      });
    });

    test('a queue in another with EV_CLEAR: each event is told once, and a fetch is no event', () => {
      withQueue((queue) => {
        const outer = new Queue();
        assert.equal(outer.change({ ident: queue.fd, filter: 'READ', flags: 'ADD|CLEAR' }), 'ok');
        for (const ident of [1, 2, 3]) {
          assert.equal(queue.change({ ident, filter: 'USER', flags: 'ADD', fflags: 'TRIGGER' }), 'ok');
          assert.equal(outer.fetch(5000).length, 1, `${ident}`);
          assert.deepEqual(outer.fetch(), []);
        }
        assert.equal(queue.fetch().length, 3);
        assert.deepEqual(outer.fetch(), []);
        outer.close();
      });
    });

    test('what is not triggered stays silent, however often it is enabled', () => {
      withQueue((queue) => {
        const user = { ident: 1, filter: 'USER' };
        assert.equal(queue.change({ ...user, flags: 'ADD|CLEAR|DISABLE' }), 'ok');
        assert.equal(queue.change({ ...user, flags: 'ENABLE' }), 'ok');
        assert.equal(queue.change(user), 'ok');
        assert.deepEqual(queue.fetch(), []);
        assert.equal(queue.change({ ...user, flags: 'ENABLE', fflags: 'TRIGGER' }), 'ok');
        assert.equal(queue.fetch().length, 1);
      });
    });

    test('a descriptor to wake it by: one for each ident, silent without its knote, none without a queue', () => {
      withQueue((queue) => {
        const { sys } = queue;
        const wakefd = (ident: number): number => sys.wakefd?.(queue.fd, ident) ?? -1;
        const [seven, eight] = [wakefd(7), wakefd(8)];
        assert(seven > 2 && eight > 2 && seven !== eight);
        assert.equal(wakefd(7), seven);
        const one = new Uint8Array(new BigUint64Array([1n]).buffer);
        fs.writeSync(seven, one);
        assert.deepEqual(queue.fetch(), []);
        assert.equal(queue.change({ ident: 7, filter: 'USER', flags: 'ADD|CLEAR', udata: 70 }), 'ok');
        fs.writeSync(seven, one);
        fs.writeSync(eight, one);
        assert.deepEqual(
          queue.fetch(5000).map(({ ident, udata }) => [ident, udata]),
          [[7, 70]],
        );
        assert.equal(queue.change({ ident: 9, filter: 'USER', flags: 'DELETE' }), 'ENOENT');
        assert.equal(sys.wakefd?.(seven, 7), -1);
        assert.equal(errnoName(sys.errno()), 'EBADF');
        assert(Object.isFrozen(sys));
      });
    });
  });

  test('a signal that is counted between two calls makes the queue readable', async () => {
    const [inner, outer] = [new Queue(), new Queue()];
    const ident = constants.signals.SIGWINCH;
    assert.equal(inner.change({ ident, filter: 'SIGNAL' }), 'ok');
    assert.equal(outer.change({ ident: inner.fd, filter: 'READ' }), 'ok');
    process.kill(process.pid, 'SIGWINCH');
    const deadline = performance.now() + 5000;
    let events = outer.fetch();
    while (events.length === 0 && performance.now() < deadline) {
      await new Promise((resolve) => setImmediate(resolve));
      events = outer.fetch();
    }
    assert.deepEqual(
      events.map(({ ident }) => ident),
      [inner.fd],
    );
    for (const queue of [outer, inner]) queue.close();
  });

  test('a timeout has less than a thousand million nanoseconds', () => {
    withQueue(({ sys, fd }) => {
      const list = new KeventList(1, sys.abi);
      EV_SET(list, 0, 1, constant('EVFILT', 'USER'), constant('EV', 'ADD'), constant('NOTE', 'TRIGGER'), 0, 0);
      assert.equal(sys.kevent(fd, list, 1, list, 1, new Timespec(0, 1e9)), -1);
      assert.equal(errnoName(sys.errno()), 'EINVAL');
      assert.equal(sys.kevent(fd, null, 0, list, 1, new Timespec(0, 1e9 - 1)), 1);
    });
  });

  test('a change that is good is no error: without room for its receipt the rest of the list is applied', () => {
    withQueue(({ sys, fd }) => {
      const list = new KeventList(2, sys.abi);
      for (const index of [0, 1]) {
        const flags = constant('EV', 'ADD|RECEIPT');
        list.set(index, {
          ident: index,
          filter: constant('EVFILT', 'USER'),
          flags,
          fflags: constant('NOTE', 'TRIGGER'),
        });
      }
      assert.equal(sys.kevent(fd, list, 2, null, 0, null), 0);
      assert.equal(sys.kevent(fd, null, 0, list, 2, null), 2);
    });
  });

  test('a contradiction in flags is settled: EV_DELETE over EV_ADD, EV_DISABLE over EV_ENABLE', () => {
    withQueue((queue) => {
      const user = { ident: 1, filter: 'USER' };
      assert.equal(queue.change({ ...user, flags: 'ADD|DELETE' }), 'ENOENT');
      for (const flags of ['ADD|ENABLE|DISABLE', 'ENABLE|DISABLE']) {
        assert.equal(queue.change({ ...user, flags, fflags: 'TRIGGER' }), 'ok');
        assert.deepEqual(queue.fetch(), [], flags);
      }
      assert.equal(queue.change({ ...user, flags: 'ADD|DELETE' }), 'ok');
    });
  });

  test('what a worker closed is not closed again at its end, when the number is another’s', async () => {
    const worker = typescriptWorker(new URL('linux-worker.ts', import.meta.url), { workerData: 'let go' });
    const exited = once(worker, 'exit');
    assert.deepEqual(await once(worker, 'message'), ['let go']);
    // More than it had, so that every number is used again.
    const mine = Array.from({ length: 50 }, () => fs.openSync('/dev/null', 'r'));
    worker.postMessage('end');
    assert.deepEqual(await exited, [0]);
    for (const fd of mine) {
      assert.equal(fs.readlinkSync(`/proc/self/fd/${fd}`), '/dev/null');
      fs.closeSync(fd);
    }
  });

  test('in a worker: no signals, and every descriptor is the thread’s, unless there is none left', async () => {
    for (const what of ['signals', 'no descriptor', 'no dup3', 'closed underneath']) {
      const worker = typescriptWorker(new URL('linux-worker.ts', import.meta.url), { workerData: what });
      // From the start: the message of a worker that ends at once is told in the same breath as its end.
      const exited = once(worker, 'exit');
      const [said] = (await once(worker, 'message')) as [unknown];
      assert.equal(said, 'passed', what);
      assert.deepEqual(await exited, [0], what);
    }
  });
});
