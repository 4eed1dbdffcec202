// The high-level API on every kqueue at hand: that of the system, and libkqueue through bindKqueue().

import assert from 'node:assert/strict';
import { closeSync, readSync, writeSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Kqueue, type KqueueEvent, proc, read, timer, user, write } from '../../src/index.ts';
import { kqueues } from '../sys/kqueues.ts';
import { closeAfter, DEADLINE, idents, isCode, newPipe, newSocketPair, suite } from './helpers.ts';

for (const door of await kqueues()) {
  const { name, skip } = door;
  describe(name, { ...suite, skip }, () => {
    // libkqueue takes a closed queue apart in a thread of its own, and a process that ends meanwhile may die of that: what
    // need not be closed is left to the end of the process there.
    const queue = (): Kqueue<string> => {
      const kq = new Kqueue<string>({ sys: door.sys });
      return name === 'libkqueue' ? kq : closeAfter(kq);
    };
    /** What poll() gives until there is something. */
    const next = (kq: Kqueue<string>): KqueueEvent<string> => {
      const [event, more] = kq.poll({ timeout: DEADLINE });
      assert.ok(event !== undefined && more === undefined);
      return event;
    };

    it('close() ends a wait with EBADF, and every call from then on', async () => {
      const kq = queue();
      const [registration] = kq.register(user(1));
      const waiting = kq.wait();
      kq.close();
      await assert.rejects(waiting, isCode('EBADF'));
      assert.throws(() => kq.poll(), isCode('EBADF'));
      assert.throws(() => kq.register(user(1)), isCode('EBADF'));
      assert.throws(() => registration.trigger(), isCode('EBADF'));
    });

    it('for await: each event once, whoever takes what is left over; until close()', async () => {
      const kq = queue();
      for (const one of kq.register(...[1, 2, 3].map((ident) => user(ident, { clear: true })))) one.trigger();
      const seen: number[] = [];
      for await (const { ident } of kq) {
        seen.push(ident);
        break;
      }
      seen.push(...idents(kq.poll({ timeout: 0, max: 1 })));
      seen.push(...idents(await kq.wait()));
      assert.deepEqual(seen.sort(), [1, 2, 3]);
      setTimeout(() => kq.close(), 5);
      for await (const event of kq) assert.fail(String(event));
      assert.equal(kq.closed, true);
    });

    it('read: bytes, token, registration, the end', () => {
      const kq = queue();
      const [r, w] = newPipe();
      const [registration] = kq.register(read(r, { token: 'mine' }));
      assert.deepEqual(kq.poll({ timeout: 0 }), []);
      writeSync(w, 'hello');
      const event = next(kq);
      assert.ok(event.filter === 'read');
      assert.deepEqual([event.fd, event.bytes, event.token], [r, 5, 'mine']);
      assert.equal(event.registration, registration);
      readSync(r, Buffer.alloc(10));
      assert.deepEqual(kq.poll({ timeout: 0 }), []);
      closeSync(w);
      assert.equal(next(kq).eof, true);
      registration.unregister();
      assert.deepEqual([registration.active, kq.poll({ timeout: 0 })], [false, []]);
      closeSync(r);
    });

    it('write: space', () => {
      const kq = queue();
      const [a, b] = newSocketPair();
      kq.register(write(a, { token: 'writer' }));
      const event = next(kq);
      assert.deepEqual([event.filter, event.token, event.ident], ['write', 'writer', a]);
      closeSync(a);
      closeSync(b);
    });

    it('timer: once, and again and again', () => {
      const kq = queue();
      const [once] = kq.register(timer(1, { after: 5, token: 'once' }));
      assert.equal(next(kq).token, 'once');
      assert.equal(once.active, false);
      const [again] = kq.register(timer(2, { every: 5, token: 'again' }));
      for (let i = 0; i < 3; i++) assert.equal(next(kq).token, 'again');
      again.unregister();
      assert.throws(() => again.enable(), isCode('ENOENT'));
    });

    it('user: triggered, once for as often as nobody fetched, with its bits', () => {
      const kq = queue();
      const [event] = kq.register(user(7, { clear: true, token: 'mine' }));
      assert.deepEqual(kq.poll({ timeout: 0 }), []);
      event.trigger();
      event.trigger(0x1234);
      const fired = next(kq);
      assert.ok(fired.filter === 'user');
      assert.deepEqual([fired.bits, fired.token, fired.registration], [0x1234, 'mine', event]);
      assert.deepEqual(kq.poll({ timeout: 0 }), []);
    });

    it('oneshot ends, dispatch waits for enable()', () => {
      const kq = queue();
      const [once, dispatched] = kq.register(user(1, { oneshot: true }), user(2, { dispatch: true }));
      once.trigger();
      assert.deepEqual([next(kq).ident, once.active], [1, false]);
      dispatched.trigger();
      assert.equal(next(kq).ident, 2);
      assert.deepEqual(kq.poll({ timeout: 0 }), []);
      assert.throws(() => kq.unregister(user(1)), isCode('ENOENT'));
    });

    it('another mode takes effect on what is registered, and another token', () => {
      const kq = queue();
      const [r, w] = newPipe();
      writeSync(w, 'x');
      kq.register(read(r, { token: 'level' }));
      for (let i = 0; i < 2; i++) assert.equal(next(kq).token, 'level');
      kq.register(read(r, { clear: true, token: 'edge' }));
      assert.equal(next(kq).token, 'edge');
      assert.deepEqual(kq.poll({ timeout: 0 }), []);
      closeSync(r);
      closeSync(w);
    });

    it('wait(): for what is there, for what comes, for a time; one at a time; abort', async () => {
      const kq = queue();
      const [event] = kq.register(user(1, { clear: true }));
      event.trigger();
      assert.deepEqual(idents(await kq.wait()), [1]);
      const waiting = kq.wait();
      await assert.rejects(kq.wait(), { code: 'ERR_INVALID_STATE' });
      setTimeout(() => event.trigger(), 5);
      assert.deepEqual(idents(await waiting), [1]);
      kq.register(timer(2, { after: 5 }));
      assert.deepEqual(idents(await kq.wait()), [2]);
      assert.deepEqual(await kq.wait({ timeout: 1 }), []);
      await assert.rejects(kq.wait({ signal: AbortSignal.timeout(5) }), { name: 'TimeoutError' });
    });

    it('wait() for a descriptor', async () => {
      const kq = queue();
      const [r, w] = newPipe();
      kq.register(read(r));
      const waiting = kq.wait({ timeout: DEADLINE });
      setTimeout(() => writeSync(w, 'x'), 5);
      assert.deepEqual(idents(await waiting), [r]);
      closeSync(r);
      closeSync(w);
    });

    it('a timer in an iteration', async () => {
      const kq = queue();
      kq.register(timer(1, { every: 2, token: 'tick' }));
      let left = 3;
      for await (const { token } of kq) {
        assert.equal(token, 'tick');
        if (--left === 0) break;
      }
    });

    it('max', () => {
      const kq = queue();
      for (const one of kq.register(...[1, 2, 3].map((ident) => user(ident, { clear: true })))) one.trigger();
      const first = kq.poll({ timeout: DEADLINE, max: 2 });
      assert.equal(first.length, 2);
      assert.deepEqual(idents([...first, ...kq.poll({ timeout: 0 })]).sort(), [1, 2, 3]);
    });

    it('each change that fails is told, and the good ones stay', () => {
      const kq = queue();
      assert.throws(
        () => kq.register(user(1, { clear: true }), read(2 ** 30), proc(2 ** 30), user(2, { clear: true })),
        (error: unknown) => error instanceof AggregateError && error.errors.length === 2,
      );
      kq.unregister(user(1), user(2));
      assert.throws(() => kq.unregister(user(1)), isCode('ENOENT'));
    });

    it('register() takes no event', () => {
      const kq = queue();
      const [event] = kq.register(user(1, { clear: true }));
      event.trigger();
      for (let i = 2; i < 20; i++) kq.register(user(i));
      assert.deepEqual(idents(kq.poll({ timeout: DEADLINE })), [1]);
    });
  });
}
