// poll(): how long it waits, and how much it gives.

import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Kqueue, read, timer, user } from '../../src/index.ts';
import { abi, defaultSys } from '../../src/sys/index.ts';
import { recording } from '../helpers/fake-sys.ts';
import { closeAfter, idents, isCode, newPipe, pollAll, put, suite } from './helpers.ts';

/** A queue with that many user events, all of them fired: 0, 1, 2 ... */
function fired(count: number, kq: Kqueue = new Kqueue()): Kqueue {
  for (const one of kq.register(...Array.from({ length: count }, (_, ident) => user(ident, { clear: true }))))
    one.trigger();
  return kq;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('poll()', suite, () => {
  it('with timeout 0 looks, and gives [] where there is nothing', () => {
    const kq = closeAfter(new Kqueue());
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    kq.register(user(1));
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
  });

  it('waits for as long as it was told to, not less', () => {
    const kq = closeAfter(new Kqueue());
    for (const timeout of [1, 20.5, 0.25]) {
      const start = performance.now();
      assert.deepEqual(kq.poll({ timeout }), []);
      assert.ok(performance.now() - start >= timeout, `${performance.now() - start} of ${timeout} ms`);
    }
  });

  it('waits for ever without a timeout, with Infinity, and with more than setTimeout() takes', () => {
    const kq = closeAfter(new Kqueue());
    for (const options of [
      undefined,
      {},
      { timeout: undefined },
      { timeout: Number.POSITIVE_INFINITY },
      { timeout: 2 ** 40 },
    ]) {
      const start = performance.now();
      kq.register(timer(1, { after: 20 }));
      assert.deepEqual(idents(kq.poll(options)), [1]);
      assert.ok(performance.now() - start >= 20);
    }
  });

  it('blocks the thread meanwhile: no callback runs', () => {
    const kq = closeAfter(new Kqueue());
    let ran = false;
    const immediate = setImmediate(() => {
      ran = true;
    });
    kq.poll({ timeout: 20 });
    assert.equal(ran, false);
    clearImmediate(immediate);
  });

  it('gives at most max, and the rest next time, each once', () => {
    const kq = closeAfter(fired(10));
    const seen: number[] = [];
    for (const max of [1, 3, 2, 100]) {
      const events = kq.poll({ timeout: 0, max });
      assert.ok(events.length <= max);
      seen.push(...idents(events));
    }
    assert.deepEqual(seen, upTo(10));
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
  });

  it('nobody starves: what is always ready comes by turns', () => {
    const kq = closeAfter(new Kqueue());
    const [r, w] = newPipe();
    put(w, 'x');
    const users = kq.register(...Array.from({ length: 20 }, (_, ident) => user(10_000 + ident)));
    kq.register(read(r));
    for (const one of users) one.trigger();
    const seen = new Set<number>();
    for (let i = 0; i < 21; i++) for (const { ident } of kq.poll({ timeout: 0, max: 1 })) seen.add(ident);
    assert.equal(seen.size, 21);
    closeSync(r);
    closeSync(w);
  });

  it('fetches more at a time where there is always more, and the first few in a small list', {
    skip:
      abi.name === 'openbsd' ? 'a process may have 1,024 knotes of TIMER and USER, since there is USER (7.8)' : false,
  }, () => {
    const sys = recording(defaultSys());
    const kq = closeAfter(fired(3000, new Kqueue({ sys })));
    sys.calls.length = 0;
    assert.deepEqual(
      idents(pollAll(kq, 3000)).sort((a, b) => a - b),
      upTo(3000),
    );
    const rooms = sys.calls.map(({ nevents }) => nevents);
    assert.ok((rooms[0] ?? 0) < 100 && Math.max(...rooms) <= 1024, String(rooms));
    assert.ok(rooms.length < 10, String(rooms));
  });

  it('with a large max makes room for it at once', () => {
    const sys = recording(defaultSys());
    const kq = closeAfter(fired(500, new Kqueue({ sys })));
    assert.equal(kq.poll({ timeout: 0, max: 500 }).length, 500);
    assert.equal(kq.poll({ timeout: 0, max: 2 ** 31 - 1 }).length, 0);
    assert.ok(sys.calls.every(({ nevents }) => nevents <= 1024));
  });

  it('no list of changes goes down with it', () => {
    const sys = recording(defaultSys());
    const kq = closeAfter(fired(2, new Kqueue({ sys })));
    sys.calls.length = 0;
    assert.equal(kq.poll().length, 2);
    const [{ changes = [], timeout = 0 } = {}, more] = sys.calls;
    assert.deepEqual([changes, more], [[], undefined]);
    assert.equal(timeout, abi.name === 'dragonfly' ? 60_000 : null);
  });

  it('takes what an iteration has left over first, and waits for nothing then', async () => {
    const kq = closeAfter(fired(3));
    for await (const { ident } of kq) {
      assert.equal(ident, 0);
      break;
    }
    assert.deepEqual(idents(kq.poll({ max: 1 })), [1]);
    assert.deepEqual(idents(kq.poll()), [2]);
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
  });

  it('while somebody waits, takes from him what he then does not get', async () => {
    const kq = closeAfter(new Kqueue());
    const [event] = kq.register(user(1, { clear: true }));
    const waiting = kq.wait();
    event.trigger();
    assert.equal(kq.poll({ timeout: 0 }).length, 1);
    event.trigger();
    assert.equal((await waiting).length, 1);
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
  });

  it('of a queue whose descriptor was closed underneath: EBADF', () => {
    const kq = new Kqueue();
    closeSync(kq.fd);
    assert.throws(() => kq.poll(), isCode('EBADF'));
    kq.close();
  });
});
