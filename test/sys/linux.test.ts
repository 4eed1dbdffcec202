// The kqueue built in for Linux where no filter is alone concerned: idents, notes, changes, timeouts and workers.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { constants } from 'node:os';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EV_SET, errnoName, type Kevent, KeventList, Timespec } from '../../src/sys/index.ts';
import { constant, noLinux, ofLibc, Queue, withQueue } from './built-in.ts';
import { typescriptWorker } from './typescript-worker.ts';

type Arguments = (number | string | Int32Array | Uint8Array)[];
const socketpair = ofLibc<Arguments>('int socketpair(int domain, int type, int protocol, void *fds)');

const NONBLOCK_CLOEXEC = 0o2004000;
const DATAGRAM = 2;

function pair(type: number): [number, number] {
  const fds = new Int32Array(2);
  assert.equal(socketpair(1, type | NONBLOCK_CLOEXEC, 0, fds), 0);
  return [fds[0] as number, fds[1] as number];
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
        while (seen.length < 2 * idents.length) seen.push(...queue.fetch(60_000));
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
          queue.fetch(60_000).map(({ ident, udata }) => [ident, udata]),
          [[1, 8]],
        );
      });
    });
  });

  test('a signal that is counted between two calls makes the queue readable', async () => {
    const [inner, outer] = [new Queue(), new Queue()];
    const ident = constants.signals.SIGWINCH;
    assert.equal(inner.change({ ident, filter: 'SIGNAL' }), 'ok');
    assert.equal(outer.change({ ident: inner.fd, filter: 'READ' }), 'ok');
    process.kill(process.pid, 'SIGWINCH');
    const deadline = performance.now() + 60_000;
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
