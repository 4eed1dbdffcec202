// The descriptors behind a queue: what a kqueue is, who inherits it, how many there are, and when they are gone.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { devNull } from 'node:os';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { EV_SET, errnoName, KeventList, type Sys, Timespec } from '../../src/sys/index.ts';
import { descriptors } from '../helpers/descriptors.ts';
import { ofLibc } from './built-in.ts';
import { kqueues } from './kqueues.ts';
import { typescriptWorker } from './typescript-worker.ts';

const NOW = new Timespec(0, 0);
const linux = process.platform === 'linux';
const program = new URL('worker.ts', import.meta.url);
const O_CLOEXEC = 0o2000000;
const dup3 = ofLibc<[from: number, to: number, flags: number]>('int dup3(int from, int to, int flags)');
const epoll_create1 = ofLibc<[flags: number]>('int epoll_create1(int flags)');
const epoll_ctl = ofLibc<[epoll: number, operation: number, fd: number, event: Uint8Array]>(
  'int epoll_ctl(int epoll, int operation, int fd, void *event)',
);
const noProc = !linux && 'needs the /proc of Linux';

/** What descriptor `fd` of a process is: a path, or `anon_inode:[eventpoll]` and the like. Undefined if closed. */
function descriptor(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}

/** What an epoll watches, as /proc shows it. */
function epollEntries(fd: number): string[] {
  return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('tfd:'));
}

/** Registers something of every filter that this kqueue needs a descriptor for. Returns how to undo what it opened. */
function populate(sys: Sys, kq: number): () => void {
  const { EVFILT_READ, EVFILT_TIMER, EVFILT_USER, EVFILT_VNODE, EVFILT_PROC, EV_ADD, EV_CLEAR, NOTE_WRITE, NOTE_EXIT } =
    sys.abi.constants as Record<string, number>;
  const file = openSync(import.meta.filename, 'r');
  const inner = sys.kqueue();
  const list = new KeventList(6, sys.abi);
  const add = Number(EV_ADD) | Number(EV_CLEAR);
  list.set(0, { ident: 1, filter: Number(EVFILT_TIMER), flags: add, data: 60_000 });
  list.set(1, { ident: 1, filter: Number(EVFILT_USER), flags: add });
  list.set(2, { ident: file, filter: Number(EVFILT_VNODE), flags: add, fflags: Number(NOTE_WRITE) });
  list.set(3, { ident: process.ppid, filter: Number(EVFILT_PROC), flags: add, fflags: Number(NOTE_EXIT) });
  list.set(4, { ident: file, filter: Number(EVFILT_READ), flags: add });
  list.set(5, { ident: inner, filter: Number(EVFILT_READ), flags: add });
  const n = sys.kevent(kq, list, 6, list, 6, NOW);
  assert.notEqual(n, -1, errnoName(sys.errno()));
  if (sys.wakefd !== undefined) assert.notEqual(sys.wakefd(kq, 1), -1);
  return () => {
    closeSync(file);
    sys.close(inner);
  };
}

for (const door of await kqueues()) {
  const ofLinux = door.name !== 'linux' && 'of the kqueue built in for Linux';

  describe(`descriptors of ${door.name}`, { skip: door.skip }, () => {
    const { sys } = door;

    test('a kqueue is an epoll descriptor, as /proc shows it', { skip: ofLinux }, () => {
      const kq = sys.kqueue();
      assert.equal(descriptor(kq), 'anon_inode:[eventpoll]');
      sys.close(kq);
      assert.equal(descriptor(kq), undefined);
    });

    test('a child process does not inherit the kqueue', { skip: noProc }, () => {
      const kq = sys.kqueue();
      const mine = descriptor(kq);
      const child = spawnSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' });
      sys.close(kq);
      assert.equal(child.status, 0);
      // The number itself may be in use there, for the folder that ls is reading.
      assert(!child.stdout.split('\n').some((line) => line.endsWith(` ${kq} -> ${mine}`)), child.stdout);
    });

    test('a child process inherits none of the descriptors behind it', { skip: ofLinux }, () => {
      const kq = sys.kqueue();
      const undo = populate(sys, kq);
      const child = spawnSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' });
      undo();
      sys.close(kq);
      assert.equal(child.status, 0);
      assert.doesNotMatch(child.stdout, /anon_inode|inotify|eventpoll|timerfd|eventfd|pidfd/);
    });

    test('closing a queue closes whatever it opened', { skip: ofLinux }, () => {
      const once = (): void => {
        const kq = sys.kqueue();
        const undo = populate(sys, kq);
        sys.close(kq);
        undo();
      };
      // The first queue may open what all later ones share.
      once();
      const before = descriptors().length;
      for (let i = 0; i < 50; i++) once();
      assert.equal(descriptors().length, before);
    });

    test('ten thousand timers need no ten thousand descriptors, and all fire', {
      skip: door.name === 'libkqueue' && 'libkqueue makes a timerfd of each',
    }, () => {
      const COUNT = door.name === 'linux' ? 10_000 : 1000; // BSD kernels have limits: 1024 a process, 4096 in all
      const { EVFILT_TIMER = 0, EV_ADD = 0, EV_ONESHOT = 0 } = sys.abi.constants;
      const kq = sys.kqueue();
      const before = linux ? descriptors().length : 0;
      const list = new KeventList(COUNT, sys.abi);
      for (let i = 0; i < COUNT; i++) EV_SET(list, i, i, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 1 + (i % 100), i);
      assert.equal(sys.kevent(kq, list, COUNT, null, 0, NOW), 0, 'no timer is refused');
      if (linux) assert(descriptors().length - before <= 10, `${descriptors().length - before} descriptors`);

      const fired = new Set<number>();
      const timeout = Timespec.fromMillis(5000);
      const events = new KeventList(64, sys.abi);
      while (fired.size < COUNT) {
        const n = sys.kevent(kq, null, 0, events, 64, timeout);
        assert(n > 0, `${fired.size} of ${COUNT} timers fired`);
        for (let i = 0; i < n; i++) {
          assert.equal(events.ident(i), events.udata(i));
          assert(!fired.has(events.ident(i)), `timer ${events.ident(i)} fired twice`);
          fired.add(events.ident(i));
        }
      }
      sys.close(kq);
    });

    test('a terminated worker leaves none', { skip: noProc || ofLinux }, async () => {
      const start = async (): Promise<Worker> => {
        const worker = typescriptWorker(program, { workerData: 'default' });
        const [message] = (await once(worker, 'message')) as [unknown];
        assert.equal(message, 'registered');
        return worker;
      };
      // The first worker may load what stays for the process.
      await (await start()).terminate();
      await setTimeout(50);
      const before = descriptors();
      for (let round = 0; round < 3; round++) {
        const workers = await Promise.all([start(), start()]);
        assert(descriptors().length > before.length);
        await Promise.all(workers.map((worker) => worker.terminate()));
      }
      await setTimeout(50);
      assert.deepEqual(descriptors(), before);
    });

    test('a worker that ends by itself leaves none either', { skip: noProc || ofLinux }, async () => {
      const before = descriptors();
      const worker = typescriptWorker(program, { workerData: 'exit' });
      const [code] = (await once(worker, 'exit')) as [number];
      assert.equal(code, 0);
      assert.deepEqual(descriptors(), before);
    });

    test('a queue closed behind our back is EBADF, whatever has its number now', { skip: ofLinux }, () => {
      const kq = sys.kqueue();
      const list = new KeventList(1, sys.abi);
      closeSync(kq);
      assert.equal(sys.kevent(kq, null, 0, list, 1, NOW), -1);
      assert.equal(errnoName(sys.errno()), 'EBADF');
      const file = openSync(devNull, 'r');
      assert.equal(sys.kevent(file, null, 0, list, 1, NOW), -1);
      assert.equal(errnoName(sys.errno()), 'EBADF');
      closeSync(file);

      // Nor is a change applied that needs nothing of the kernel.
      const another = sys.kqueue();
      closeSync(another);
      EV_SET(list, 0, 1, sys.abi.constants['EVFILT_USER'] ?? 0, sys.abi.constants['EV_ADD'] ?? 0, 0, 0, 0);
      assert.equal(sys.kevent(another, list, 1, null, 0, NOW), -1);
      assert.equal(errnoName(sys.errno()), 'EBADF');
    });

    test('a queue whose number is another epoll by now is EBADF, and that epoll stays as it is', {
      skip: ofLinux,
    }, () => {
      const { EVFILT_READ = 0, EVFILT_USER = 0, EV_ADD = 0 } = sys.abi.constants;
      const list = new KeventList(1, sys.abi);
      const [pipe, other] = [sys.kqueue(), sys.kqueue()];
      const entry = new Uint8Array(16);
      // EPOLLIN
      entry[0] = 1;

      /** Each is tried on a number of its own: what another program would do with its epoll goes wrong, or does not. */
      const calls: Readonly<Record<string, (kq: number) => number>> = {
        'a change': (kq) => {
          EV_SET(list, 0, 1, EVFILT_USER, EV_ADD, 0, 0, 0);
          return sys.kevent(kq, list, 1, null, 0, NOW);
        },
        'a wait': (kq) => sys.kevent(kq, null, 0, list, 1, Timespec.fromMillis(60_000)),
        looks: (kq) => {
          let result = 0;
          for (let i = 0; result === 0 && i < 64; i++) result = sys.kevent(kq, null, 0, list, 1, NOW);
          return result;
        },
        wakefd: (kq) => sys.wakefd?.(kq, 1) ?? 0,
        close: (kq) => sys.close(kq),
      };
      for (const [name, call] of Object.entries(calls)) {
        for (const ready of [false, true]) {
          const kq = sys.kqueue();
          EV_SET(list, 0, other, EVFILT_READ, EV_ADD, 0, 0, 0);
          assert.equal(sys.kevent(kq, list, 1, null, 0, NOW), 0);
          EV_SET(list, 0, 1, EVFILT_USER, EV_ADD, ready ? (sys.abi.constants['NOTE_TRIGGER'] ?? 0) : 0, 0, 0);
          assert.equal(sys.kevent(pipe, list, 1, null, 0, NOW), 0);

          // The other epoll watches a file that the queue watches, too, and one that has something to report.
          const epoll = epoll_create1(O_CLOEXEC);
          assert.equal(epoll_ctl(epoll, 1, other, entry), 0);
          if (ready) assert.equal(epoll_ctl(epoll, 1, pipe, entry), 0);
          assert.equal(dup3(epoll, kq, O_CLOEXEC), kq);
          const watched = epollEntries(kq);
          assert.equal(call(kq), -1, `${name}, ${ready}`);
          assert.equal(errnoName(sys.errno()), 'EBADF', name);
          assert.deepEqual(epollEntries(kq), watched, name);
          assert.equal(sys.kevent(kq, null, 0, list, 1, NOW), -1, name);
          closeSync(epoll);
          assert.equal(descriptor(kq), 'anon_inode:[eventpoll]', name);
          closeSync(kq);
        }
      }
      for (const kq of [pipe, other]) sys.close(kq);
    });

    test('a queue closed behind our back leaves nothing open, once that is seen', { skip: ofLinux }, () => {
      const list = new KeventList(1, sys.abi);
      const once = (taken: boolean): void => {
        const kq = sys.kqueue();
        const undo = populate(sys, kq);
        closeSync(kq);
        // Another file may have the number by then.
        const file = taken ? openSync(devNull, 'r') : -1;
        if (taken) assert.equal(file, kq);
        assert.equal(sys.kevent(kq, null, 0, list, 1, NOW), -1);
        assert.equal(errnoName(sys.errno()), 'EBADF');
        if (taken) closeSync(file);
        undo();
      };
      const kq = sys.kqueue();
      const undo = populate(sys, kq);
      sys.close(kq);
      undo();
      const before = descriptors().length;
      for (const taken of [false, true]) {
        once(taken);
        assert.equal(descriptors().length, before, taken ? 'taken' : 'free');
      }
    });
  });
}
