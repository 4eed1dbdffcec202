// What a registration can do, and how it ends.

import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { Kqueue, KqueueError, raw, read, timer, user, vnode, write } from '../../src/index.ts';
import { abi, abis } from '../../src/sys/index.ts';
import { FakeSys } from '../helpers/fake-sys.ts';
import { noIntegers, noNumbers, refuses } from '../sys/refuses.ts';
import { closeAfter, DEADLINE, idents, isCode, newPipe, pollAll, put, suite } from './helpers.ts';

describe('Registration', suite, () => {
  it('disable() silences, enable() tells what is there', () => {
    const kq = closeAfter(new Kqueue());
    const [r, w] = newPipe();
    const [registration] = kq.register(read(r));
    put(w, 'x');
    registration.disable();
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    registration.disable();
    registration.enable();
    assert.deepEqual(idents(kq.poll({ timeout: DEADLINE })), [r]);
    registration.enable();
    assert.deepEqual(idents(kq.poll({ timeout: DEADLINE })), [r]);
    assert.equal(registration.active, true);
    closeSync(r);
    closeSync(w);
  });

  it('enable() arms one with dispatch again; it looks afresh', () => {
    const kq = closeAfter(new Kqueue());
    const [r, w] = newPipe();
    const [registration] = kq.register(write(w, { dispatch: true }));
    for (let i = 0; i < 3; i++) {
      assert.deepEqual(idents(kq.poll({ timeout: DEADLINE })), [w]);
      assert.deepEqual(kq.poll({ timeout: 0 }), []);
      registration.enable();
    }
    closeSync(r);
    closeSync(w);
  });

  it('enable() of one that was registered with disabled', () => {
    const kq = closeAfter(new Kqueue());
    const [event] = kq.register(user(1, { clear: true, disabled: true }));
    event.trigger();
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    event.enable();
    assert.deepEqual(idents(kq.poll({ timeout: DEADLINE })), [1]);
  });

  it('enable() keeps notes, lowat and period: a change is the whole record', () => {
    const kq = closeAfter(new Kqueue());
    const [tick] = kq.register(timer(1, { every: 1, disabled: true }));
    tick.enable();
    pollAll(kq, 2);
    tick.disable();
    tick.enable();
    pollAll(kq, 2);
  });

  it('trigger() fires, and sets the 24 bits as it is told', () => {
    const kq = closeAfter(new Kqueue());
    const [event] = kq.register(user(1, { clear: true }));
    const bitsAfter = (fflags?: number): number => {
      event.trigger(fflags);
      const [fired, more] = kq.poll({ timeout: DEADLINE });
      assert.ok(fired?.filter === 'user' && more === undefined);
      return fired.bits;
    };
    const { NOTE_FFAND = 0, NOTE_FFOR = 0, NOTE_FFCOPY = 0 } = abi.constants;
    assert.equal(bitsAfter(), 0);
    assert.equal(bitsAfter(0x123456), 0x123456);
    assert.equal(bitsAfter(0xffffff), 0xffffff);
    if (abi.name !== 'dragonfly') {
      // There, delivery sets them to 0.
      assert.equal(bitsAfter(), 0xffffff);
      assert.equal(bitsAfter(NOTE_FFAND | 0xf), 0xf);
      assert.equal(bitsAfter(NOTE_FFOR | 0xf0), 0xff);
    }
    assert.equal(bitsAfter((NOTE_FFCOPY | 5) >>> 0), 5);
    assert.equal(bitsAfter(NOTE_FFCOPY | 6), 6);
    assert.equal(bitsAfter(0), 0);
  });

  it('triggers that nobody fetched are one event', () => {
    const kq = closeAfter(new Kqueue());
    const [event] = kq.register(user(1, { clear: true }));
    event.trigger();
    event.trigger(3);
    assert.equal(kq.poll({ timeout: DEADLINE }).length, 1);
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
  });

  it('without clear, a user event repeats', () => {
    const kq = closeAfter(new Kqueue());
    const [event] = kq.register(user(1));
    event.trigger();
    for (let i = 0; i < 3; i++) assert.equal(kq.poll({ timeout: DEADLINE }).length, 1);
  });

  it('trigger() refuses what is no unsigned 32-bit integer', () => {
    const kq = closeAfter(new Kqueue());
    const [event] = kq.register(user(1, { clear: true }));
    for (const fflags of [-(2 ** 31) - 1, 2 ** 32, ...noIntegers])
      refuses(() => event.trigger(fflags), RangeError, 'fflags');
    for (const [fflags] of noNumbers) {
      if (fflags !== undefined) refuses(() => event.trigger(fflags as never), TypeError, 'fflags');
    }
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
  });

  it('only that of user() has trigger()', () => {
    const kq = closeAfter(new Kqueue());
    const [event, tick, six] = kq.register(
      user(1),
      timer(1, { every: DEADLINE }),
      raw({ ident: 2, filter: abi.constants['EVFILT_USER'] ?? 0 }),
    );
    assert.deepEqual(
      [event, tick, six].map((one) => 'trigger' in one),
      [true, false, false],
    );
  });

  it('ends once it was reported with oneshot', () => {
    const kq = closeAfter(new Kqueue());
    const [event] = kq.register(user(1, { oneshot: true }));
    event.trigger();
    assert.equal(event.active, true);
    assert.equal(kq.poll({ timeout: DEADLINE })[0]?.registration, event);
    assert.equal(event.active, false);
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    assert.throws(() => kq.unregister(user(1)), isCode('ENOENT'));
  });

  it('once it has ended, changing it is ENOENT with what it was about, and unregistering it is nothing', () => {
    const kq = closeAfter(new Kqueue());
    const [event] = kq.register(user(1));
    event.unregister();
    event.unregister();
    assert.equal(event.active, false);
    for (const change of [() => event.enable(), () => event.disable(), () => event.trigger()]) {
      assert.throws(change, (error: unknown) => {
        isCode('ENOENT')(error);
        const { interest, change: record, syscall } = error as KqueueError;
        assert.deepEqual([interest, record?.ident, syscall], [event.interest, 1, 'kevent']);
        return true;
      });
    }
  });

  it('what was replaced has ended, and does not touch its successor', () => {
    const kq = closeAfter(new Kqueue<string>());
    const [old] = kq.register(user(1, { token: 'old' }));
    const [next] = kq.register(user(1, { token: 'next', clear: true }));
    old.unregister();
    old[Symbol.dispose]();
    assert.throws(() => old.disable(), isCode('ENOENT'));
    assert.throws(() => old.trigger(), isCode('ENOENT'));
    next.trigger();
    assert.equal(kq.poll({ timeout: DEADLINE })[0]?.token, 'next');
  });

  it('that a descriptor was closed, a change finds out', () => {
    const kq = closeAfter(new Kqueue());
    const [r, w] = newPipe();
    const [one, two] = kq.register(read(r), write(w));
    closeSync(r);
    closeSync(w);
    assert.equal(one.active, true);
    for (const change of [() => one.enable(), () => two.disable()]) {
      assert.throws(change, (error: unknown) => {
        assert.ok(error instanceof KqueueError);
        // The number is not open (EBADF), or has no such knote (macOS: ENOENT).
        assert.match(error.code, /^(EBADF|ENOENT)$/);
        return true;
      });
    }
    assert.deepEqual([one.active, two.active], [false, false]);
    one.unregister();
  });

  it('unregister() of what a closed descriptor has ended is nothing', () => {
    const kq = closeAfter(new Kqueue());
    const [r, w] = newPipe();
    const [one, two] = kq.register(read(r), write(w));
    closeSync(r);
    closeSync(w);
    one.unregister();
    kq.unregister(two);
    assert.deepEqual([one.active, two.active], [false, false]);
  });

  it('prints as the record that it is', () => {
    const kq = new Kqueue({ sys: new FakeSys(abis.freebsd) });
    const [r, t, v] = kq.register(
      read(5, { clear: true }),
      timer(1, { after: 0.5 }),
      vnode(7, { on: ['write', 'close'] }),
    );
    assert.equal(String(r), 'registration { READ fd=5, CLEAR }');
    assert.equal(inspect(r), String(r));
    assert.equal(String(t), 'registration { TIMER ident=1, ONESHOT, fflags=USECONDS, data=500 }');
    assert.equal(String(v), 'registration { VNODE fd=7, fflags=WRITE|CLOSE }');
    r.unregister();
    assert.equal(String(r), 'registration (ended) { READ fd=5, CLEAR }');
  });
});
