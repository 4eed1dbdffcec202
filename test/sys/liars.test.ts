// Arguments that run code of their own, or say another thing each time: what arrives is what was written, or an error.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { abis, EV_SET, errnoName, type Kevent, KeventList, type Sys, Timespec } from '../../src/sys/index.ts';
import { kqueues } from './kqueues.ts';

const NOW = new Timespec(0, 0);

for (const door of await kqueues()) {
  describe(`liars to ${door.name}`, { skip: door.skip }, () => {
    const { sys } = door;
    const { EVFILT_USER = 0, EV_ADD = 0, EV_CLEAR = 0, NOTE_TRIGGER = 0 } = sys.abi.constants;

    function withQueue(body: (kq: number) => void): void {
      const kq = sys.kqueue();
      try {
        body(kq);
      } finally {
        sys.close(kq);
      }
    }

    /** Registers (7, USER), triggers it with `list` as the eventlist, and says what came. */
    function roundTrip(kq: number, list: KeventList, timeout: Timespec = NOW): Kevent[] {
      EV_SET(list, 0, 7, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, 70);
      assert.equal(sys.kevent(kq, list, 1, null, 0, null), 0, errnoName(sys.errno()));
      EV_SET(list, 0, 7, EVFILT_USER, 0, NOTE_TRIGGER, 0, 70);
      const n = sys.kevent(kq, list, 1, list, 2, timeout);
      assert.notEqual(n, -1, errnoName(sys.errno()));
      return Array.from({ length: n }, (_, index) => KeventList.prototype.get.call(list, index));
    }

    test('a list whose methods and properties lie, throw, or call kevent(2) again', () => {
      withQueue((kq) => {
        const lies: (() => unknown)[] = [
          () => Number.NaN,
          () => -1,
          () => 0.5,
          () => 2 ** 40,
          () => 'a string',
          () => Symbol('no number'),
          () => ({ valueOf: () => assert.fail('code of the value ran') }),
          () => assert.fail('code of the list ran'),
          () => sys.kevent(kq, null, 0, new KeventList(1, sys.abi), 1, NOW),
          () => sys.close(kq),
        ];
        for (const lie of lies) {
          class Liar extends KeventList {}
          const told = [
            'ident',
            'filter',
            'flags',
            'fflags',
            'data',
            'udata',
            'ident64',
            'data64',
            'udata64',
            'bytes',
            'set',
            'get',
            'ext',
          ];
          for (const name of told) Object.defineProperty(Liar.prototype, name, { value: lie });
          for (const name of ['abi', 'constructor', Symbol.iterator, Symbol.toPrimitive]) {
            Object.defineProperty(Liar.prototype, name, { get: lie });
          }
          const events = roundTrip(kq, new Liar(2, sys.abi));
          assert.deepEqual(
            events.map(({ ident, filter, udata }) => [ident, filter, udata]),
            [[7, EVFILT_USER, 70]],
          );
        }
      });
    });

    test('a list that says it is longer than it is', () => {
      withQueue((kq) => {
        const list = new KeventList(2, sys.abi);
        assert.throws(() => Object.defineProperty(list, 'length', { value: 1000 }), TypeError);
        const proxy = new Proxy(list, {
          get: (target, name) => (name === 'length' ? 1000 : Reflect.get(target, name)),
        });
        const heir = Object.create(list, { length: { value: 1000 } }) as KeventList;
        for (const forged of [proxy, heir]) {
          assert.throws(() => sys.kevent(kq, null, 0, forged, 1000, NOW), { code: 'ERR_INVALID_ARG_TYPE' });
          assert.throws(() => sys.kevent(kq, forged, 1, null, 0, NOW), { code: 'ERR_INVALID_ARG_TYPE' });
          assert.throws(() => EV_SET(forged, 0, 7, EVFILT_USER, EV_ADD, 0, 0, 0), { code: 'ERR_INVALID_ARG_TYPE' });
          assert.throws(() => forged.ident(5), Error);
        }
      });
    });

    test('a timeout whose properties lie', () => {
      withQueue((kq) => {
        for (const lie of [Number.NaN, -1, 2 ** 60, 'soon', undefined, () => 0]) {
          class Liar extends Timespec {}
          for (const name of ['sec', 'nsec']) Object.defineProperty(Liar.prototype, name, { get: () => lie });
          assert.equal(roundTrip(kq, new KeventList(2, sys.abi), new Liar(0, 0)).length, 1);
          assert.equal(sys.kevent(kq, null, 0, new KeventList(1, sys.abi), 1, new Liar(0, 1)), 0);
        }
      });
    });

    test('a record of getters is read once, and what they do to the list in between is overwritten', () => {
      const list = new KeventList(2, sys.abi);
      const reads: string[] = [];
      const record = {
        get ident(): number {
          reads.push('ident');
          list.set(0, { ident: 99, udata: 99 });
          return 5;
        },
        get udata(): number {
          reads.push('udata');
          return reads.length;
        },
      };
      list.set(0, record);
      assert.deepEqual(reads, ['ident', 'udata']);
      assert.deepEqual(list.get(0), { ident: 5, filter: 0, flags: 0, fflags: 0, data: 0, udata: 2 });
      const before = list.bytes(0);
      const failing = {
        ident: 1,
        get udata(): number {
          throw new RangeError('mine');
        },
      };
      assert.throws(() => list.set(0, failing), /mine/);
      assert.deepEqual(list.bytes(0), before);
    });

    test('a list of each other ABI that says it is of this one', () => {
      withQueue((kq) => {
        for (const abi of Object.values(abis)) {
          if (abi === sys.abi) continue;
          const list = new KeventList(4, abi);
          assert.throws(
            () => Object.defineProperty(list, 'abi', { value: sys.abi }) && sys.kevent(kq, list, 1, list, 4, NOW),
            {
              code: 'ERR_INVALID_ARG_TYPE',
            },
          );
        }
      });
    });

    test('a number that is an object, in each place', () => {
      withQueue((kq) => {
        const list = new KeventList(2, sys.abi);
        const number = {
          valueOf: () => assert.fail('code of the value ran'),
          [Symbol.toPrimitive]: () => assert.fail('code of the value ran'),
        };
        const call = sys.kevent as (...args: unknown[]) => number;
        const good: unknown[] = [kq, list, 0, list, 0, NOW];
        for (const at of [0, 2, 4]) {
          const args = good.map((value, index) => (index === at ? number : value));
          assert.throws(() => call(...args), { code: 'ERR_INVALID_ARG_TYPE' });
        }
        const set = EV_SET as (...args: unknown[]) => void;
        for (let at = 1; at < 8; at++) {
          const args: unknown[] = [list, 0, 1, EVFILT_USER, EV_ADD, 0, 0, 0].map((value, index) =>
            index === at ? number : value,
          );
          assert.throws(() => set(...args), { code: 'ERR_INVALID_ARG_TYPE' }, `argument ${at}`);
        }
        const close: (fd: never) => number = (sys as Sys).close;
        assert.throws(() => close(number as never), { code: 'ERR_INVALID_ARG_TYPE' });
      });
    });
  });
}
