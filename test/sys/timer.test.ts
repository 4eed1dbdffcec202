// EVFILT_TIMER of the kqueue built in for Linux: units, periods, times of day, and their order.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { linuxSys } from '../../src/sys/linux/sys.ts';
import { type Timer, Timers } from '../../src/sys/linux/timers.ts';
import { seeded } from '../helpers/random.ts';
import { noLinux, Queue, withQueue } from './built-in.ts';

/** Lets `ms` pass without turning the loop. */
function pass(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe('TIMER of the kqueue of Linux', { skip: noLinux }, () => {
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
      assert.deepEqual(new Set(queue.fetch(60_000).map(({ ident }) => ident)), new Set([1, 2]));
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
      assert.deepEqual(new Set(queue.fetch(60_000).map(({ ident }) => ident)), new Set([10, 11]));
      assert.deepEqual(queue.fetch(), []);
    });
  });

  test('at a time of day that is long past: the queue is readable for whoever polls it', () => {
    withQueue((queue) => {
      assert.equal(queue.change({ ident: 1, filter: 'TIMER', fflags: 'ABSOLUTE', data: 1 }), 'ok');
      const outer = new Queue();
      assert.equal(outer.change({ ident: queue.fd, filter: 'READ' }), 'ok');
      assert.equal(outer.fetch(60_000).length, 1);
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
        queue.fetch(60_000).map(({ ident }) => ident),
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
