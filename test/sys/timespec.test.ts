// Timespec: a span of time as kevent(2) takes it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import { Timespec } from '../../src/sys/index.ts';
import { noIntegers, noNumbers, refuses } from './refuses.ts';

const wrong = (value: unknown): never => value as never;
const pair = ({ sec, nsec }: Timespec): readonly [number, number] => [sec, nsec];

describe('Timespec', () => {
  test('has the two members of the C struct', () => {
    assert.deepEqual(pair(new Timespec(5, 999_999_999)), [5, 999_999_999]);
    assert.deepEqual(pair(new Timespec(0, 0).set(1, 2)), [1, 2]);
  });

  test('holds what a kernel will refuse, so that its EINVAL can be seen', () => {
    assert.deepEqual(pair(new Timespec(-1, -1)), [-1, -1]);
    assert.deepEqual(pair(new Timespec(2 ** 53 - 1, 2e9)), [2 ** 53 - 1, 2e9]);
  });

  test('fromMillis keeps fractions and rounds up: a wait may end late, never early', () => {
    assert.deepEqual(pair(Timespec.fromMillis(0)), [0, 0]);
    assert.deepEqual(pair(Timespec.fromMillis(1)), [0, 1_000_000]);
    assert.deepEqual(pair(Timespec.fromMillis(1500)), [1, 500_000_000]);
    assert.deepEqual(pair(Timespec.fromMillis(0.25)), [0, 250_000]);
    assert.deepEqual(pair(Timespec.fromMillis(1e-6)), [0, 1]);
    assert.deepEqual(pair(Timespec.fromMillis(1e-9)), [0, 1]);
    assert.deepEqual(pair(Timespec.fromMillis(Number.MIN_VALUE)), [0, 1]);
    assert.deepEqual(pair(Timespec.fromMillis(999.9999999)), [1, 0]);
  });

  test('fromMillis gives for every span a pair that a kernel takes, and not less than the span', () => {
    for (let ms = 1e-7; ms < 1e13; ms *= 1.37) {
      const { sec, nsec } = Timespec.fromMillis(ms);
      assert(Number.isInteger(sec) && sec >= 0 && sec <= 2 ** 31 - 1, `${ms} ms: sec ${sec}`);
      assert(Number.isInteger(nsec) && nsec >= 0 && nsec <= 999_999_999, `${ms} ms: nsec ${nsec}`);
      const is = sec * 1000 + nsec / 1e6;
      if (ms < (2 ** 31 - 1) * 1000) assert(is >= ms * (1 - 1e-12) && is <= ms + 2e-6 + ms * 1e-12, `${ms} ms: ${is}`);
    }
  });

  test('fromMillis cuts what is longer than every kernel takes', () => {
    for (const ms of [2 ** 31 * 1000, 1e300, Number.MAX_VALUE, Number.POSITIVE_INFINITY]) {
      assert.deepEqual(pair(Timespec.fromMillis(ms)), [2 ** 31 - 1, 0]);
    }
  });

  test('prints as C would have it', () => {
    assert.equal(String(new Timespec(1, 500)), 'timespec { sec=1, nsec=500 }');
    assert.equal(inspect(new Timespec(1, 500)), 'timespec { sec=1, nsec=500 }');
  });

  test('refuses members that are no integers', () => {
    for (const [value, got] of noNumbers) {
      refuses(() => new Timespec(wrong(value), 0), TypeError, 'sec', { expected: 'a number', got });
      refuses(() => new Timespec(0, wrong(value)), TypeError, 'nsec', { expected: 'a number', got });
    }
    for (const value of [...noIntegers, 2 ** 53, -(2 ** 53)]) {
      refuses(() => new Timespec(value, 0), RangeError, 'sec', { got: String(value) });
      refuses(() => new Timespec(0, value), RangeError, 'nsec', { got: String(value) });
    }
  });

  test('a refused set() changes nothing', () => {
    const time = new Timespec(1, 2);
    assert.throws(() => time.set(3, Number.NaN), RangeError);
    assert.deepEqual(pair(time), [1, 2]);
  });

  test('fromMillis refuses what is no span', () => {
    for (const [value, got] of noNumbers) refuses(() => Timespec.fromMillis(wrong(value)), TypeError, 'ms', { got });
    for (const value of [Number.NaN, -1, -0.1, Number.NEGATIVE_INFINITY]) {
      refuses(() => Timespec.fromMillis(value), RangeError, 'ms', { got: String(value) });
    }
  });
});
