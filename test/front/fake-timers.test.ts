// What waits does not notice that a test framework has replaced the timer functions and the clocks.

import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { Kqueue, read, timer, user } from '../../src/index.ts';
import { abi, defaultSys } from '../../src/sys/index.ts';
import { closeAfter, DEADLINE, idents, newPipe, put, suite } from './helpers.ts';

// A clock that goes on while the others are stopped.
const { now } = performance;
const elapsed = (since = 0): number => now.call(performance) - since;

interface Replaced {
  readonly object: object;
  readonly key: string;
  readonly value: unknown;
}

/** Stops every clock and replaces every timer function, as jest, vitest and sinon do. Returns what puts them back. */
function stopTheClocks(): () => void {
  const never = (): object => ({ ref() {}, unref() {} });
  const hrtime = Object.assign(() => [1, 0], { bigint: () => 1_000_000_000n });
  class StoppedDate extends Date {
    constructor(...[time = 0]: readonly number[]) {
      super(time);
    }
    static override now(): number {
      return 0;
    }
  }
  const replaced: Replaced[] = [
    ...['setTimeout', 'setImmediate', 'setInterval', 'clearTimeout', 'clearImmediate', 'queueMicrotask'].map((key) => ({
      object: globalThis,
      key,
      value: never,
    })),
    { object: globalThis, key: 'Date', value: StoppedDate },
    { object: performance, key: 'now', value: () => 0 },
    { object: process, key: 'hrtime', value: hrtime },
  ];
  const restores = replaced.map(({ object, key, value }) => {
    const before = Object.getOwnPropertyDescriptor(object, key);
    Object.defineProperty(object, key, { value, configurable: true, writable: true });
    return (): unknown =>
      before === undefined ? Reflect.deleteProperty(object, key) : Object.defineProperty(object, key, before);
  });
  return () => {
    for (const restore of restores) restore();
  };
}

const ways: readonly { name: string; replace: () => () => void }[] = [
  {
    name: 'mock.timers of node:test',
    replace: () => {
      mock.timers.enable();
      return () => mock.timers.reset();
    },
  },
  { name: 'replaced globals', replace: stopTheClocks },
];

for (const { name, replace } of ways) {
  describe(`with ${name}`, suite, () => {
    const replacing = async (run: () => unknown): Promise<void> => {
      const restore = replace();
      try {
        await run();
      } finally {
        restore();
      }
    };

    for (const pollable of [true, false]) {
      const kq = (): Kqueue => closeAfter(new Kqueue({ sys: { ...defaultSys(), pollable } }));
      const how = pollable ? 'in libuv' : 'at intervals';

      test(`wait() ${how} resolves for a pipe that has bytes, before and during the wait`, async () => {
        const queue = kq();
        const [from, to] = newPipe();
        queue.register(read(from));
        await replacing(async () => {
          const waiting = queue.wait({ timeout: DEADLINE });
          put(to, 'a');
          assert.deepEqual(idents(await waiting), [from]);
          assert.deepEqual(idents(await queue.wait()), [from]);
        });
      });

      test(`wait() ${how} resolves when its timeout expires, and not earlier`, async () => {
        const queue = kq();
        await replacing(async () => {
          const start = elapsed();
          assert.deepEqual(await queue.wait({ timeout: 5 }), []);
          assert.ok(elapsed(start) >= 5);
          assert.deepEqual(await queue.wait({ timeout: 0 }), []);
        });
      });

      test(`a timer ends wait() ${how}, and an iteration`, async () => {
        const queue = kq();
        await replacing(async () => {
          queue.register(timer(1, { every: 5 }));
          assert.deepEqual(idents(await queue.wait()), [1]);
          for await (const event of queue) {
            assert.equal(event.ident, 1);
            break;
          }
        });
      });
    }

    test('a timer ends poll(), and so does its timeout', async () => {
      const queue = closeAfter(new Kqueue());
      await replacing(() => {
        assert.deepEqual(queue.poll({ timeout: 5 }), []);
        queue.register(timer(1, { every: 5 }));
        assert.deepEqual(idents(queue.poll({ timeout: DEADLINE })), [1]);
        assert.deepEqual(idents(queue.poll()), [1]);
      });
    });

    test('a Date of either kind is a time for a timer', {
      skip: abi.name === 'dragonfly' && 'DragonFly has no timers at a time of day',
    }, async () => {
      const queue = closeAfter(new Kqueue());
      const real = new Date(0);
      await replacing(() => {
        queue.register(timer(1, { at: real }), timer(2, { at: new Date(1) }));
        assert.deepEqual(idents(queue.poll({ timeout: DEADLINE })).sort(), [1, 2]);
      });
    });

    test('a waker wakes, and close() ends a wait', async () => {
      const queue = closeAfter(new Kqueue());
      await replacing(async () => {
        queue.register(user(7));
        queue.waker(7).wake();
        assert.deepEqual(idents(await queue.wait()), [7]);
        const waiting = queue.wait();
        queue.close();
        await assert.rejects(waiting, { code: 'EBADF' });
      });
    });
  });
}
