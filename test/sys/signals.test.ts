// EVFILT_SIGNAL of the kqueue built in for Linux: signals that come at any moment, and handlers that call back into a queue.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { constants } from 'node:os';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Kqueue, signal, user } from '../../src/index.ts';
import { abis, KeventList, Timespec } from '../../src/sys/index.ts';
import { linuxSys } from '../../src/sys/linux/sys.ts';
import { constant, noLinux, ofLibc, Queue } from './built-in.ts';

const pipe2 = ofLibc<[fds: Int32Array, flags: number]>('int pipe2(void *fds, int flags)');
const { SIGHUP, SIGKILL, SIGSTOP } = constants.signals;
const SIGNAL = constant('EVFILT', 'SIGNAL');
const USER = constant('EVFILT', 'USER');
/** Longer than anything here takes. A wait that lasts so long has lost its signal. */
const LONG = 60_000;

/** Lets the loop turn until the queue has something to report. */
async function next(queue: Queue): Promise<{ filter: number; ident: number | bigint }[]> {
  const deadline = performance.now() + LONG;
  while (performance.now() < deadline) {
    const events = queue.fetch();
    if (events.length > 0) return events;
    await turn();
  }
  assert.fail('no event');
}

/** Runs `body` with a handler of Node's event about listeners, which sees the names of signals alone. */
function withHandler(event: 'newListener' | 'removeListener', handler: () => void, body: () => void): void {
  const listener = (name: string | symbol): void => {
    if (name === 'SIGHUP' || name === 'SIGWINCH') handler();
  };
  process.on(event, listener);
  try {
    body();
  } finally {
    process.removeListener(event, listener);
  }
}

/** Sends its parent a signal 0 to 2 milliseconds after each byte that it reads. */
const sender = `
  const fs = require('node:fs');
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const byte = Buffer.alloc(1);
  while (fs.readSync(0, byte) === 1) {
    const until = performance.now() + Math.random() * 2;
    while (performance.now() < until - 1) Atomics.wait(cell, 0, 0, 0.2);
    while (performance.now() < until);
    process.kill(process.ppid, 'SIGHUP');
  }
`;

describe('signals in the kqueue of Linux', { skip: noLinux }, () => {
  // First of all: only until the loop has turned once is its epoll not known to have the pipe of signals.
  test('a signal that comes before a wait ends it, in the turn of the first registration and later', async () => {
    const queue = new Queue();
    assert.equal(queue.change({ ident: SIGHUP, filter: 'SIGNAL' }), 'ok');
    for (let times = 0; times < 3; times++) {
      process.kill(process.pid, 'SIGHUP');
      const start = performance.now();
      assert.deepEqual(queue.fetch(LONG), []);
      assert(performance.now() - start < LONG / 2, `wait ${times} was not ended by the signal`);
      assert.deepEqual(
        (await next(queue)).map(({ filter, ident }) => [filter, ident]),
        [[SIGNAL, SIGHUP]],
      );
    }
    queue.close();
  });

  test('a signal of an inner queue ends the wait of the outer', async () => {
    const [inner, outer, outermost] = [new Queue(), new Queue(), new Queue()];
    assert.equal(inner.change({ ident: SIGHUP, filter: 'SIGNAL' }), 'ok');
    assert.equal(outer.change({ ident: inner.fd, filter: 'READ' }), 'ok');
    assert.equal(outermost.change({ ident: outer.fd, filter: 'READ' }), 'ok');
    await turn();
    for (const queue of [outer, outermost]) {
      process.kill(process.pid, 'SIGHUP');
      const start = performance.now();
      assert.deepEqual(queue.fetch(LONG), []);
      assert(performance.now() - start < LONG / 2);
      await next(queue);
      assert.equal(inner.fetch().length, 1);
    }
    // A queue without signals waits for its own time again.
    assert.equal(outer.change({ ident: inner.fd, filter: 'READ', flags: 'DELETE' }), 'ok');
    process.kill(process.pid, 'SIGHUP');
    const start = performance.now();
    assert.deepEqual(outer.fetch(20), []);
    assert(performance.now() - start >= 20);
    for (const queue of [inner, outer, outermost]) queue.close();
  });

  test('a wait for signals ends at its time, and for the events of other filters', async () => {
    const queue = new Queue();
    assert.equal(queue.change({ ident: SIGHUP, filter: 'SIGNAL' }), 'ok');
    assert.equal(queue.change({ ident: 1, filter: 'TIMER', flags: 'ADD|ONESHOT', data: 20 }), 'ok');
    const deadline = performance.now() + LONG;
    let events = queue.fetch(LONG);
    // It may end early, with nothing, when Node's loop has something to do.
    while (events.length === 0 && performance.now() < deadline) {
      await turn();
      events = queue.fetch(LONG);
    }
    assert.deepEqual(
      events.map(({ filter }) => filter),
      [constant('EVFILT', 'TIMER')],
    );
    queue.close();
  });

  test('no wait misses a signal that a process sends 0 to 2 ms after the last one was answered', async () => {
    const fds = new Int32Array(2);
    assert.equal(pipe2(fds, 0o2000000), 0);
    const [reader, writer] = [fds[0] as number, fds[1] as number];
    const child = spawn(process.execPath, ['-e', sender], { stdio: [reader, 'inherit', 'inherit'] });
    const exited = once(child, 'exit');
    fs.closeSync(reader);
    const kq = new Kqueue({ sys: linuxSys() });
    kq.register(signal('SIGHUP'));
    try {
      for (let answered = 0; answered < 3000; ) {
        fs.writeSync(writer, '.');
        const deadline = performance.now() + LONG;
        let events = kq.poll({ timeout: LONG });
        while (events.length === 0) {
          assert(performance.now() < deadline, `signal ${answered} was lost`);
          await turn();
          events = kq.poll({ timeout: LONG });
        }
        answered += events.length;
      }
    } finally {
      fs.closeSync(writer);
      kq.close();
    }
    await exited;
  });

  test('those that cannot be caught are EINVAL, and call no handler', () => {
    let called = 0;
    withHandler(
      'newListener',
      () => called++,
      () => {
        const queue = new Queue();
        for (const ident of [SIGKILL, SIGSTOP]) assert.equal(queue.change({ ident, filter: 'SIGNAL' }), 'EINVAL');
        queue.close();
      },
    );
    assert.equal(called, 0);
  });
});

describe('a handler of listeners that calls a queue while signals come and go', { skip: noLinux }, () => {
  test("a 'newListener' handler registers and fetches, in the same queue and in another", async () => {
    const [queue, other] = [new Queue(), new Queue()];
    const seen: unknown[] = [];
    withHandler(
      'newListener',
      () => {
        for (const each of [queue, other]) {
          assert.equal(each.change({ ident: 7, filter: 'USER', flags: 'ADD|CLEAR', fflags: 'TRIGGER' }), 'ok');
          assert.equal(each.change({ ident: 8, filter: 'TIMER', data: LONG }), 'ok');
          seen.push(...each.fetch().map(({ filter, ident }) => [filter, ident]));
        }
      },
      () => assert.equal(queue.change({ ident: SIGHUP, filter: 'SIGNAL' }), 'ok'),
    );
    assert.deepEqual(seen, [
      [USER, 7],
      [USER, 7],
    ]);
    await turn();
    process.kill(process.pid, 'SIGHUP');
    assert.deepEqual(
      (await next(queue)).map(({ filter, ident }) => [filter, ident]),
      [[SIGNAL, SIGHUP]],
    );
    for (const what of [
      { ident: SIGHUP, filter: 'SIGNAL' },
      { ident: 7, filter: 'USER' },
      { ident: 8, filter: 'TIMER' },
    ]) {
      assert.equal(queue.change({ ...what, flags: 'DELETE' }), 'ok', what.filter);
      assert.equal(queue.change({ ...what, flags: 'DELETE' }), 'ENOENT', what.filter);
    }
    for (const each of [queue, other]) each.close();
  });

  test('a handler that registers the same signal makes no second knote, and no second listener', async () => {
    const queue = new Queue();
    const before = process.listenerCount('SIGHUP');
    withHandler(
      'newListener',
      () => assert.equal(queue.change({ ident: SIGHUP, filter: 'SIGNAL', udata: 5 }), 'ok'),
      () => assert.equal(queue.change({ ident: SIGHUP, filter: 'SIGNAL' }), 'ok'),
    );
    assert.equal(process.listenerCount('SIGHUP'), before + 1);
    assert.equal(queue.change({ ident: SIGHUP, filter: 'SIGNAL', flags: 'DELETE' }), 'ok');
    assert.equal(queue.change({ ident: SIGHUP, filter: 'SIGNAL', flags: 'DELETE' }), 'ENOENT');
    assert.equal(process.listenerCount('SIGHUP'), before);
    queue.close();
  });

  test("a 'removeListener' handler fetches, while a one-shot is delivered and while knotes are deleted", async () => {
    const queue = new Queue();
    const idents: unknown[] = [];
    const before = process.listenerCount('SIGHUP');
    for (const flags of ['ADD|ONESHOT', 'ADD']) {
      for (const ident of [1, 2, 3]) assert.equal(queue.change({ ident, filter: 'USER', flags: 'ADD|CLEAR' }), 'ok');
      assert.equal(queue.change({ ident: SIGHUP, filter: 'SIGNAL', flags }), 'ok');
      await turn();
      process.kill(process.pid, 'SIGHUP');
      while (process.listenerCount('SIGHUP') > before && queue.fetch(0).length === 0) await turn();
      for (const ident of [1, 2, 3]) assert.equal(queue.change({ ident, filter: 'USER', fflags: 'TRIGGER' }), 'ok');
      idents.length = 0;
      const listener = (name: string | symbol): void => {
        if (name === 'SIGHUP') idents.push(...queue.fetch().map(({ ident }) => ident));
      };
      process.on('removeListener', listener);
      queue.change({ ident: SIGHUP, filter: 'SIGNAL', flags: 'DELETE' });
      // The listener of a one-shot goes when the stack is empty.
      await turn();
      process.removeListener('removeListener', listener);
      idents.push(...queue.fetch().map(({ ident }) => ident));
      assert.deepEqual(idents, [1, 2, 3], flags);
      assert.equal(process.listenerCount('SIGHUP'), before);
    }
    queue.close();
  });

  test('the records of a call are its own, though a handler makes calls with the same lists', () => {
    const sys = linuxSys();
    const kq = sys.kqueue();
    const [changes, events] = [new KeventList(3, abis.linux), new KeventList(3, abis.linux)];
    const now = new Timespec(0, 0);
    const add = constant('EV', 'ADD|RECEIPT');
    const fill = (): void => {
      changes.set(0, { ident: 1, filter: USER, flags: add, udata: 11 });
      changes.set(1, { ident: SIGHUP, filter: SIGNAL, flags: add, udata: 12 });
      changes.set(2, { ident: 2 ** 31, filter: constant('EVFILT', 'READ'), flags: add, udata: 13 });
    };
    fill();
    let n = 0;
    withHandler(
      'newListener',
      () => {
        changes.set(0, { ident: 9, filter: USER, flags: add, udata: 99 });
        assert.equal(sys.kevent(kq, changes, 1, events, 1, now), 1);
      },
      () => {
        n = sys.kevent(kq, changes, 3, events, 3, now);
      },
    );
    assert.equal(n, 3);
    assert.deepEqual(
      [...events].map(({ ident, udata, data }) => [ident, udata, data]),
      [
        [1, 11, 0],
        [SIGHUP, 12, 0],
        [2 ** 31, 13, constants.errno.EBADF],
      ],
    );
    sys.close(kq);
  });

  test('a handler that closes the queue: EBADF, and nothing is left', () => {
    const before = process.listenerCount('SIGHUP');
    const queue = new Queue();
    withHandler(
      'newListener',
      () => queue.close(),
      () => assert.equal(queue.change({ ident: SIGHUP, filter: 'SIGNAL' }), 'EBADF'),
    );
    assert.equal(process.listenerCount('SIGHUP'), before);
  });

  test("a 'removeListener' handler that closes the queue again and opens a file: that stays open", () => {
    const queue = new Queue();
    assert.equal(queue.change({ ident: SIGHUP, filter: 'SIGNAL' }), 'ok');
    const opened: number[] = [];
    const open = (): void => void opened.push(fs.openSync('/dev/null', 'r'));
    withHandler(
      'removeListener',
      () => {
        open();
        assert.equal(queue.sys.close(queue.fd), 0);
        open();
      },
      () => assert.equal(queue.sys.close(queue.fd), 0),
    );
    assert.equal(opened.length, 2);
    for (const fd of opened) fs.closeSync(fd);
  });

  test("an error of a 'newListener' handler reaches the caller, and the signal is not registered", async () => {
    const before = process.listenerCount('SIGHUP');
    const queue = new Queue();
    const boom = new Error('boom');
    withHandler(
      'newListener',
      () => {
        throw boom;
      },
      () =>
        assert.throws(
          () => queue.change({ ident: SIGHUP, filter: 'SIGNAL' }),
          (error) => error === boom,
        ),
    );
    assert.equal(queue.change({ ident: SIGHUP, filter: 'SIGNAL', flags: 'DELETE' }), 'ENOENT');
    assert.equal(queue.change({ ident: SIGHUP, filter: 'SIGNAL' }), 'ok');
    process.kill(process.pid, 'SIGHUP');
    await next(queue);
    queue.close();
    assert.equal(process.listenerCount('SIGHUP'), before);
  });

  test('register() and poll() of one Kqueue in each other', async () => {
    const kq = new Kqueue<number>({ sys: linuxSys() });
    const nested: unknown[] = [];
    let ident = 10;
    withHandler(
      'newListener',
      () => {
        const [one] = kq.register(user(ident++, { token: 55 }));
        one.trigger();
        nested.push(...kq.poll({ timeout: 0 }).map(({ token }) => token));
        one.unregister();
      },
      () => {
        const [first, hup, last, winch] = kq.register(
          user(1, { token: 1, clear: true }),
          signal('SIGHUP', { token: 2 }),
          user(3, { token: 3, clear: true }),
          signal('SIGWINCH', { token: 4 }),
        );
        assert.deepEqual(nested, [55, 55]);
        assert.equal(ident, 12);
        for (const one of [first, last]) one.trigger();
        assert.deepEqual(
          kq.poll({ timeout: 0 }).map(({ token }) => token),
          [1, 3],
        );
        for (const one of [hup, winch]) assert.equal(one.active, true);
      },
    );
    for (const name of ['SIGHUP', 'SIGWINCH'] as const) process.kill(process.pid, name);
    const tokens: unknown[] = [];
    const deadline = performance.now() + LONG;
    while (tokens.length < 2 && performance.now() < deadline) {
      tokens.push(...kq.poll({ timeout: 0 }).map(({ token }) => token));
      await turn();
    }
    assert.deepEqual(tokens.sort(), [2, 4]);
    kq.close();
  });
});
