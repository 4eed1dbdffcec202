// kevent(2), kqueue(2) and close(2) through the system-call API, on every kqueue at hand: what they do, and what they refuse.

import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { describe, test } from 'node:test';
import { abis, EV_SET, errnoName, KeventList, type Sys, Timespec } from '../../src/sys/index.ts';
import { kqueues } from './kqueues.ts';
import { noIntegers, noInts, noNumbers, refuses } from './refuses.ts';

/** What this kqueue does otherwise than the man page, and the door cannot change. */
type Matter = 'errno of no kqueue' | 'timeout checked' | 'closed' | 'errors counted';
const gates: readonly { kqueue: string; what: Matter; reason: string }[] = [
  { kqueue: 'libkqueue', what: 'errors counted', reason: 'libkqueue does not count the records of failed changes' },
  { kqueue: 'libkqueue', what: 'errno of no kqueue', reason: 'libkqueue: ENOENT for a descriptor that is no kqueue' },
  {
    kqueue: 'libkqueue',
    what: 'timeout checked',
    reason: 'libkqueue takes 2 s for 2e9 ns, and a negative time for ever',
  },
  {
    kqueue: 'libkqueue',
    what: 'closed',
    reason: 'libkqueue learns of a closed queue in a thread of its own, and later',
  },
  { kqueue: 'dragonfly', what: 'timeout checked', reason: 'DragonFly takes any timeout, a negative one for none' },
];
const gate = (kqueue: string, what: Matter): string | false =>
  gates.find((g) => g.kqueue === kqueue && g.what === what)?.reason ?? false;

const NOW = new Timespec(0, 0);
/** Lets a wrong argument through the compiler. */
const wrong = (value: unknown): never => value as never;

function withQueue(sys: Sys, body: (kq: number) => void): void {
  const kq = sys.kqueue();
  assert.notEqual(kq, -1, errnoName(sys.errno()));
  try {
    body(kq);
  } finally {
    sys.close(kq);
  }
}

for (const door of await kqueues()) {
  const { name, skip } = door;
  describe(name, { skip }, () => {
    const { sys } = door;
    const { EVFILT_USER = 0, EV_ADD = 0, EV_CLEAR = 0, EV_DELETE = 0, NOTE_TRIGGER = 0 } = sys.abi.constants;

    test('one call registers and, with an event list, waits too', () => {
      withQueue(sys, (kq) => {
        const list = new KeventList(4, sys.abi);
        EV_SET(list, 0, 7, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, 42);
        assert.equal(sys.kevent(kq, list, 1, null, 0, null), 0);
        EV_SET(list, 0, 7, EVFILT_USER, 0, NOTE_TRIGGER, 0, 42);
        assert.equal(sys.kevent(kq, list, 1, list, 4, Timespec.fromMillis(5000)), 1);
        assert.deepEqual([list.ident(0), list.filter(0), list.udata(0)], [7, EVFILT_USER, 42]);
        assert.equal(sys.kevent(kq, null, 0, list, 4, NOW), 0);
      });
    });

    test('one list may serve as changelist and eventlist', () => {
      withQueue(sys, (kq) => {
        const list = new KeventList(3, sys.abi);
        for (let i = 0; i < 3; i++) EV_SET(list, i, i, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, 100 + i);
        assert.equal(sys.kevent(kq, list, 3, list, 3, NOW), 0);
        for (let i = 0; i < 3; i++) EV_SET(list, i, i, EVFILT_USER, 0, NOTE_TRIGGER, 0, 100 + i);
        const n = sys.kevent(kq, list, 3, list, 3, Timespec.fromMillis(5000));
        const got = Array.from({ length: n }, (_, i) => list.udata(i)).sort();
        assert.deepEqual(got, [100, 101, 102]);
      });
    });

    test('udata comes back exact, all 64 bits of it', () => {
      withQueue(sys, (kq) => {
        const list = new KeventList(1, sys.abi);
        for (const [ident, udata] of [0n, 1n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n].entries()) {
          // A knote for each: DragonFly keeps the udata that the first EV_ADD of a user event said.
          EV_SET(list, 0, ident, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, udata);
          assert.equal(sys.kevent(kq, list, 1, null, 0, null), 0);
          EV_SET(list, 0, ident, EVFILT_USER, 0, NOTE_TRIGGER, 0, udata);
          assert.equal(sys.kevent(kq, list, 1, list, 1, Timespec.fromMillis(5000)), 1);
          assert.equal(list.udata64(0), udata);
        }
      });
    });

    test('no lists, no counts, no timeout: 0 at once', () => {
      withQueue(sys, (kq) => {
        assert.equal(sys.kevent(kq, null, 0, null, 0, null), 0);
        const list = new KeventList(1, sys.abi);
        assert.equal(sys.kevent(kq, list, 0, list, 0, null), 0);
      });
    });

    test('an eventlist may be shorter than the changelist, and be the same list', {
      skip: gate(name, 'errors counted'),
    }, () => {
      const { EV_ERROR = 0 } = sys.abi.constants;
      withQueue(sys, (kq) => {
        const [changes, events] = [new KeventList(3, sys.abi), new KeventList(1, sys.abi)];
        const fill = (...flags: number[]): void => {
          for (const [i, one] of flags.entries()) EV_SET(changes, i, i + 1, EVFILT_USER, one, 0, 0, 100 + i);
        };
        fill(EV_ADD | EV_CLEAR, EV_ADD | EV_CLEAR, EV_ADD | EV_CLEAR);
        assert.equal(sys.kevent(kq, changes, 3, events, 1, NOW), 0);
        fill(EV_DELETE, EV_ADD | EV_CLEAR, EV_DELETE);
        assert.equal(sys.kevent(kq, changes, 3, events, 0, NOW), 0);
        // One failure, with room for its record.
        fill(EV_DELETE, EV_ADD | EV_CLEAR, EV_ADD | EV_CLEAR);
        assert.equal(sys.kevent(kq, changes, 3, changes, 1, NOW), 1);
        assert.deepEqual([changes.ident(0), changes.flags(0) & EV_ERROR], [1, EV_ERROR]);
        assert.equal(errnoName(changes.data(0)), 'ENOENT');
        // Two failures, with room for one, and for none.
        for (const room of [1, 0]) {
          fill(EV_ADD | EV_CLEAR, EV_ADD | EV_CLEAR, EV_DELETE);
          sys.kevent(kq, changes, 3, null, 0, NOW);
          fill(EV_DELETE, EV_DELETE, EV_DELETE);
          assert.equal(sys.kevent(kq, changes, 2, null, 0, NOW), 0);
          assert.equal(sys.kevent(kq, changes, 3, events, room, NOW), -1, `room for ${room}`);
          assert.equal(errnoName(sys.errno()), 'ENOENT');
        }
      });
    });

    test('a failing call is -1 and errno, never an exception', () => {
      withQueue(sys, (kq) => {
        const list = new KeventList(1, sys.abi);
        EV_SET(list, 0, 12345, EVFILT_USER, EV_DELETE, 0, 0, 0);
        assert.equal(sys.kevent(kq, list, 1, null, 0, NOW), -1);
        assert.equal(errnoName(sys.errno()), 'ENOENT');
      });
    });

    test('a descriptor that is no kqueue, or closed, is an errno', { skip: gate(name, 'errno of no kqueue') }, () => {
      const file = openSync(devNull, 'r');
      const list = new KeventList(1, sys.abi);
      assert.equal(sys.kevent(file, null, 0, list, 1, NOW), -1);
      assert.equal(errnoName(sys.errno()), 'EBADF');
      closeSync(file);
      for (const kq of [file, -1, -(2 ** 31), 2 ** 31 - 1]) {
        assert.equal(sys.kevent(kq, null, 0, list, 1, NOW), -1);
        assert.equal(errnoName(sys.errno()), 'EBADF', `kq ${kq}`);
      }
    });

    test('a closed queue is an errno', { skip: gate(name, 'closed') }, () => {
      const kq = sys.kqueue();
      assert.equal(sys.close(kq), 0);
      assert.equal(sys.kevent(kq, null, 0, new KeventList(1, sys.abi), 1, NOW), -1);
      assert.equal(errnoName(sys.errno()), 'EBADF');
      assert.equal(sys.close(kq), -1);
      assert.equal(errnoName(sys.errno()), 'EBADF');
    });

    test('the timeout is checked by the kernel, not here', { skip: gate(name, 'timeout checked') }, () => {
      withQueue(sys, (kq) => {
        const list = new KeventList(1, sys.abi);
        for (const timeout of [new Timespec(-1, 0), new Timespec(0, -1), new Timespec(0, 2e9)]) {
          assert.equal(sys.kevent(kq, null, 0, list, 1, timeout), -1, String(timeout));
          assert.equal(errnoName(sys.errno()), 'EINVAL', String(timeout));
        }
      });
    });

    describe('refuses', () => {
      test('a kq that is no C int', () => {
        const list = new KeventList(1, sys.abi);
        const call = (kq: unknown) => () => sys.kevent(wrong(kq), null, 0, list, 1, NOW);
        for (const [value, got] of noNumbers) refuses(call(value), TypeError, 'kq', { expected: 'a number', got });
        for (const value of [...noIntegers, ...noInts]) {
          refuses(call(value), RangeError, 'kq', { expected: 'an integer from', got: String(value) });
        }
      });

      test('an fd to close that is no C int', () => {
        const call = (fd: unknown) => () => sys.close(wrong(fd));
        for (const [value, got] of noNumbers) refuses(call(value), TypeError, 'fd', { expected: 'a number', got });
        for (const value of [...noIntegers, ...noInts]) {
          refuses(call(value), RangeError, 'fd', { expected: 'an integer from', got: String(value) });
        }
        for (const fd of [-1, -(2 ** 31), 2 ** 31 - 1]) {
          assert.equal(sys.close(fd), -1);
          assert.equal(errnoName(sys.errno()), 'EBADF');
        }
      });

      test('counts that are no C int, or negative', () => {
        withQueue(sys, (kq) => {
          const list = new KeventList(2, sys.abi);
          const calls = {
            nchanges: (n: unknown) => () => sys.kevent(kq, list, wrong(n), null, 0, NOW),
            nevents: (n: unknown) => () => sys.kevent(kq, null, 0, list, wrong(n), NOW),
          };
          for (const [argument, call] of Object.entries(calls)) {
            for (const [value, got] of noNumbers)
              refuses(call(value), TypeError, argument, { expected: 'a number', got });
            for (const value of [...noIntegers, ...noInts, -1, -(2 ** 31)]) {
              refuses(call(value), RangeError, argument, { expected: 'an integer from', got: String(value) });
            }
          }
        });
      });

      test('counts that the list does not have', () => {
        withQueue(sys, (kq) => {
          const [one, two] = [new KeventList(1, sys.abi), new KeventList(2, sys.abi)];
          const cases: [argument: string, got: string, call: () => number][] = [
            ['nchanges', '3', () => sys.kevent(kq, two, 3, null, 0, NOW)],
            ['nevents', '3', () => sys.kevent(kq, null, 0, two, 3, NOW)],
            ['nevents', '2147483647', () => sys.kevent(kq, null, 0, two, 2 ** 31 - 1, NOW)],
            ['nchanges', '1', () => sys.kevent(kq, null, 1, null, 0, NOW)],
            ['nevents', '1', () => sys.kevent(kq, null, 0, null, 1, NOW)],
            ['nevents', '2', () => sys.kevent(kq, two, 2, one, 2, NOW)],
          ];
          for (const [argument, got, call] of cases) refuses(call, RangeError, argument, { got });
        });
      });

      test('lists that are no KeventList', () => {
        withQueue(sys, (kq) => {
          const list = new KeventList(1, sys.abi);
          const forged: [value: unknown, got: string][] = [
            [undefined, 'undefined'],
            [0, '0'],
            [1n, '1n'],
            ['list', '"list"'],
            [{}, 'an object'],
            [[], 'an empty array'],
            [{ length: 1, abi: sys.abi }, 'an object'],
            [list.bytes(0), 'an object'],
            [new ArrayBuffer(64), 'an object'],
            [KeventList, 'a function'],
          ];
          for (const [value, got] of forged) {
            const expected = 'a KeventList or null';
            refuses(() => sys.kevent(kq, wrong(value), 1, null, 0, NOW), TypeError, 'changelist', { expected, got });
            refuses(() => sys.kevent(kq, wrong(value), 0, null, 0, NOW), TypeError, 'changelist', { expected, got });
            refuses(() => sys.kevent(kq, null, 0, wrong(value), 1, NOW), TypeError, 'eventlist', { expected, got });
            refuses(() => sys.kevent(kq, null, 0, wrong(value), 0, NOW), TypeError, 'eventlist', { expected, got });
          }
        });
      });

      test('lists of another ABI, whether larger, smaller or of the same size', () => {
        withQueue(sys, (kq) => {
          for (const abi of Object.values(abis)) {
            if (abi === sys.abi) continue;
            const list = new KeventList(4, abi);
            const expected = `a KeventList of the ABI ${sys.abi.name}`;
            refuses(() => sys.kevent(kq, list, 1, null, 0, NOW), TypeError, 'changelist', { expected });
            refuses(() => sys.kevent(kq, null, 0, list, 1, NOW), TypeError, 'eventlist', { expected });
          }
        });
      });

      test('timeouts that are no Timespec', () => {
        withQueue(sys, (kq) => {
          const list = new KeventList(1, sys.abi);
          const forged: [value: unknown, got: string][] = [
            [undefined, 'undefined'],
            [0, '0'],
            [1000n, '1000n'],
            ['1 s', '"1 s"'],
            [{ sec: 0, nsec: 0 }, 'an object'],
            [{ tv_sec: 0, tv_nsec: 0 }, 'an object'],
            [[0, 0], 'an array'],
          ];
          for (const [value, got] of forged) {
            const call = (): number => sys.kevent(kq, null, 0, list, 1, wrong(value));
            refuses(call, TypeError, 'timeout', { expected: 'a Timespec or null', got });
          }
        });
      });
    });

    test('a subclass that says the truth is a list like any other', () => {
      class Named extends KeventList {
        users(): number {
          return Array.from(this).filter((kevent) => kevent.filter === EVFILT_USER).length;
        }
      }
      withQueue(sys, (kq) => {
        const list = new Named(2, sys.abi);
        EV_SET(list, 0, 1, EVFILT_USER, EV_ADD, 0, 0, 5);
        assert.equal(sys.kevent(kq, list, 1, list, 2, NOW), 0);
        EV_SET(list, 0, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, 5);
        assert.equal(sys.kevent(kq, list, 1, list, 2, NOW), 1);
        assert.equal(list.users(), 1);
      });
    });

    test('thousands of calls with arguments at random: a number or a refusal, and the process lives', () => {
      withQueue(sys, (kq) => {
        const foreign = Object.values(abis).find((abi) => abi !== sys.abi) ?? abis.darwin;
        const list = new KeventList(3, sys.abi);
        for (let i = 0; i < 3; i++) EV_SET(list, i, i, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, i);
        const invalid = [...noIntegers, ...noInts, ...noNumbers.map(([value]) => value)];
        const counts = [0, 1, 2, 3, 4, -1, -0, 2 ** 31 - 1, ...invalid];
        const lists = [null, list, list, new KeventList(1, sys.abi), new KeventList(1, foreign), undefined, {}, kq];
        // A call with nothing to wait for, so never null: it would wait for ever.
        const times = [NOW, NOW, Timespec.fromMillis(0), undefined, 0, {}];
        const pick = picker(1);
        let [answered, refused] = [0, 0];
        // Mostly good ones: a call with six random arguments is hardly ever answered.
        const kqs = [kq, kq, kq, kq, kq, kq, -1, pick(invalid)];
        for (let round = 0; round < 20_000; round++) {
          const good = pick([true, true, false]);
          const args = [
            good ? pick(kqs) : pick(invalid),
            good ? pick([null, list, list]) : pick(lists),
            good ? pick([0, 0, 1, 2, 3]) : pick(counts),
            good ? pick([null, list, list]) : pick(lists),
            good ? pick([0, 0, 1, 2, 3]) : pick(counts),
            good ? NOW : pick(times),
          ];
          try {
            assert.equal(typeof Reflect.apply(sys.kevent, undefined, args), 'number');
            answered++;
          } catch (error) {
            assert(error instanceof TypeError || error instanceof RangeError, String(error));
            assert.match(error.message, /^(kq|changelist|nchanges|eventlist|nevents|timeout): expected /);
            refused++;
          }
        }
        assert(answered > 100 && refused > 100, `${answered} answered, ${refused} refused`);
      });
    });
  });
}

/** A pseudo-random choice that is the same in every run (a linear congruential generator). */
function picker(seed: number): <T>(from: readonly T[]) => T {
  let state = seed;
  return (from) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return from[Math.floor((state / 2 ** 32) * from.length)] as (typeof from)[number];
  };
}
