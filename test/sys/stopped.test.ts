// JavaScript is stopped at every point of a small call. test/fuzz/interrupt.ts stops large ones at random points.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Kqueue } from '../../src/index.ts';
import { inotifyWatches } from '../helpers/descriptors.ts';
import { countPoints, type Interruptible, interrupted, interruptible } from '../helpers/interruptible.ts';
import { loaders } from '../helpers/loaders.ts';
import { noLinux, ofLibc } from './built-in.ts';
import { typescriptWorker } from './typescript-worker.ts';

const socketpair = ofLibc<[number, number, number, Int32Array]>('int socketpair(int, int, int, void *)');
const [AF_UNIX, SOCK_STREAM, SOCK_NONBLOCK] = [1, 1, 0o4000];

describe('JavaScript is stopped at every point', { skip: noLinux }, () => {
  let library: Interruptible;
  before(async () => {
    library = await interruptible();
  });

  /** Stops a call at each of its points, each time with a new queue. Returns how many points there are. */
  function everyPoint(call: (kq: Kqueue, stop: (call: () => unknown) => boolean) => void): number {
    let [point, stopped] = [0, true];
    while (stopped) {
      point++;
      using kq = new library.Kqueue();
      call(kq, (run) => {
        stopped = interrupted(library, point, 'overflow', run);
        return stopped;
      });
    }
    return point - 1;
  }

  test("poll() loses no socket's error", () => {
    const points = everyPoint((kq, stop) => {
      const fds = new Int32Array(2);
      assert.equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
      const [socket, peer] = fds as unknown as [number, number];
      kq.register(library.read(socket));
      // A peer that is closed before it has read everything resets the connection.
      fs.writeSync(socket, 'unread');
      fs.closeSync(peer);
      let events = [] as ReturnType<Kqueue['poll']>;
      stop(() => {
        events = kq.poll({ timeout: 0 });
      });
      if (events.length === 0) events = kq.poll({ timeout: 0 });
      assert.deepEqual(
        events.map(({ error }) => error?.code),
        ['ECONNRESET'],
      );
      fs.closeSync(socket);
    });
    assert(points > 50, `${points}`);
  });

  test('the poll() after a poll() that was stopped loses no event', () => {
    const prepare = (kq: Kqueue): void => {
      const [event] = kq.register(library.user(1, { oneshot: true }));
      event.trigger();
    };
    using counted = new library.Kqueue();
    prepare(counted);
    const points = countPoints(library, () => counted.poll({ timeout: 0 }));
    // Most of the last points are after the event was taken from the queue.
    for (let first = Math.floor(points / 2); first <= points; first += 10) {
      everyPoint((kq, stop) => {
        prepare(kq);
        assert(interrupted(library, first, 'overflow', () => kq.poll({ timeout: 0 })));
        let events = [] as ReturnType<Kqueue['poll']>;
        stop(() => {
          events = kq.poll({ timeout: 0 });
        });
        if (events.length === 0) events = kq.poll({ timeout: 0 });
        assert.equal(events.length, 1, `stopped at point ${first} first`);
      });
    }
  });

  for (const [name, wait] of [
    ['wait()', (kq: Kqueue): Promise<unknown> => kq.wait()],
    ['next() of an iteration', (kq: Kqueue): Promise<unknown> => kq[Symbol.asyncIterator]().next()],
  ] as const) {
    test(`${name} loses no event that an earlier call has left over`, () => {
      const prepare = (kq: Kqueue): void => {
        const [event] = kq.register(library.user(1, { oneshot: true }));
        event.trigger();
      };
      using counted = new library.Kqueue();
      prepare(counted);
      const points = countPoints(library, () => counted.poll({ timeout: 0 }));
      const stops = everyPoint((kq, stop) => {
        prepare(kq);
        assert(interrupted(library, points - 1, 'overflow', () => kq.poll({ timeout: 0 })));
        // Without a promise, or with one that is rejected, the caller does not have the event.
        if (stop(() => void wait(kq).catch(() => {}))) assert.equal(kq.poll({ timeout: 0 }).length, 1);
      });
      assert(stops > 5, `${stops}`);
    });
  }

  test('a registration that replaces another keeps the signal that was delivered', () => {
    everyPoint((kq, stop) => {
      kq.register(library.signal('SIGUSR2'));
      process.emit('SIGUSR2', 'SIGUSR2');
      stop(() => kq.register(library.signal('SIGUSR2')));
      kq.register(library.signal('SIGUSR2'));
      assert.equal(kq.poll({ timeout: 0 }).length, 1);
    });
  });

  test('after unregister(), waker() registers the event again', () => {
    everyPoint((kq, stop) => {
      const [event] = kq.register(library.user(1, { clear: true }));
      stop(() => event.unregister());
      event.unregister();
      assert.equal(event.active, false);
      assert.equal(kq.waker(1).wake(), true);
      assert.equal(kq.poll({ timeout: 0 }).length, 1);
    });
  });

  test('register() and unregister() leave no watch of inotify', () => {
    // It keeps the instance of inotify open.
    using keeper = new library.Kqueue();
    keeper.register(library.vnode(import.meta.dirname, { on: ['delete'] }));
    const watches = inotifyWatches();
    everyPoint((kq, stop) => {
      stop(() => {
        const [file] = kq.register(library.vnode(import.meta.filename, { on: ['write'] }));
        file.unregister();
      });
      kq.close();
      assert.equal(inotifyWatches(), watches);
    });
  });

  test('the timers of a watched queue expire', () => {
    everyPoint((kq, stop) => {
      using inner = new library.Kqueue();
      inner.register(...[1, 2, 3].map((ident) => library.timer(ident, { after: 0.001 })));
      kq.register(library.read(inner.fd, { clear: true }));
      let events = [] as ReturnType<Kqueue['poll']>;
      stop(() => {
        events = kq.poll({ timeout: 100 });
      });
      if (events.length === 0) events = kq.poll({ timeout: 100 });
      assert.equal(events.length, 1);
      // It becomes readable again when a user event is triggered.
      assert.equal(inner.poll({ timeout: 100 }).length, 3);
      assert.equal(kq.poll({ timeout: 0 }).length, 0);
      const [event] = inner.register(library.user(1));
      event.trigger();
      assert.equal(kq.poll({ timeout: 0 }).length, 1);
    });
  });

  test('a wait() that was stopped does not keep the process running', () => {
    const program = fileURLToPath(new URL('stopped-waits.ts', import.meta.url));
    const ran = spawnSync(process.execPath, [...loaders, program], { encoding: 'utf8', timeout: 30_000 });
    assert.equal(ran.status, 0, `${ran.signal}\n${ran.stdout}\n${ran.stderr}`);
    assert.match(ran.stdout, /^[1-9]\d+ stopped\n$/);
  });

  test('in a worker, no descriptor is left of a queue and of a waker', async () => {
    const worker = typescriptWorker(new URL('stopped-worker.ts', import.meta.url));
    const [{ points, left }] = await once(worker, 'message');
    await worker.terminate();
    assert(points > 50, `${points}`);
    assert.equal(left, 0);
  });
});
