// EVFILT_USER of the kqueue built in for Linux, queues that are watched by another, and descriptors that wake a queue.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { describe, test } from 'node:test';
import { errnoName } from '../../src/sys/index.ts';
import { noLinux, Queue, withQueue } from './built-in.ts';

describe('USER of the kqueue of Linux', { skip: noLinux }, () => {
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
        assert.equal(outer.fetch(60_000).length, 1, `${ident}`);
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
        queue.fetch(60_000).map(({ ident, udata }) => [ident, udata]),
        [[7, 70]],
      );
      assert.equal(queue.change({ ident: 9, filter: 'USER', flags: 'DELETE' }), 'ENOENT');
      assert.equal(sys.wakefd?.(seven, 7), -1);
      assert.equal(errnoName(sys.errno()), 'EBADF');
      assert(Object.isFrozen(sys));
    });
  });
});
