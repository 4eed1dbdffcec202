// for await: every event once, whoever takes it, and whenever it ends.

import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Kqueue, type KqueueEvent, read, timer, user } from '../../src/index.ts';
import { closeAfter, DEADLINE, idents, isCode, newPipe, pollAll, put, suite, turn, until } from './helpers.ts';

/** Fires user events of that queue. */
function fire(kq: Kqueue, ...numbers: number[]): void {
  for (const one of kq.register(...numbers.map((ident) => user(ident, { clear: true })))) one.trigger();
}

/** What is left for the next who asks. */
const left = (kq: Kqueue): number[] => idents(kq.poll({ timeout: 0 }));

describe('iteration', suite, () => {
  it('gives what is there and what comes, until close()', async () => {
    const kq = new Kqueue();
    fire(kq, 1, 2);
    const seen: number[] = [];
    for await (const { ident } of kq) {
      seen.push(ident);
      if (ident === 2) setImmediate(() => fire(kq, 3));
      if (ident === 3) setImmediate(() => kq.close());
    }
    assert.deepEqual(seen, [1, 2, 3]);
    assert.equal(kq.closed, true);
  });

  it('close() in its body ends it, and what was fetched with it', async () => {
    const kq = new Kqueue();
    fire(kq, 1, 2, 3);
    const seen: number[] = [];
    for await (const { ident } of kq) {
      seen.push(ident);
      kq.close();
    }
    assert.deepEqual(seen, [1]);
  });

  it('leaves what was fetched and not taken to the next, in order: break, return, throw', async () => {
    const kq = closeAfter(new Kqueue());
    fire(kq, 1, 2, 3, 4, 5, 6, 7);
    for await (const { ident } of kq) {
      assert.equal(ident, 1);
      break;
    }
    await (async () => {
      for await (const { ident } of kq) {
        assert.equal(ident, 2);
        return;
      }
    })();
    const thrown = (async () => {
      for await (const { ident } of kq) throw new Error(`at ${ident}`);
    })();
    await assert.rejects(thrown, /at 3/);
    assert.deepEqual(idents(await kq.wait({ max: 1 })), [4]);
    for await (const { ident } of kq) {
      assert.equal(ident, 5);
      break;
    }
    assert.deepEqual(left(kq), [6, 7]);
    assert.deepEqual(left(kq), []);
  });

  it('what comes meanwhile stands behind what is left over', async () => {
    const kq = closeAfter(new Kqueue());
    fire(kq, 1, 2);
    for await (const _ of kq) break;
    fire(kq, 3);
    const seen: number[] = [];
    for await (const { ident } of kq) {
      seen.push(ident);
      if (seen.length === 2) break;
    }
    assert.deepEqual(seen, [2, 3]);
    assert.deepEqual(left(kq), []);
  });

  it('drops what is left over of a registration that was disabled or replaced since, and of no other', async () => {
    for (const oneshot of [false, true]) {
      const kq = closeAfter(new Kqueue<string>());
      const numbers = [1, 2, 3, 4, 5, 6];
      const all = kq.register(...numbers.map((ident) => user(ident, { oneshot, clear: !oneshot, token: 'old' })));
      for (const one of all) one.trigger();
      for await (const { ident } of kq) {
        assert.equal(ident, 1);
        break;
      }
      const [again, other] = kq.register(
        user(2, { oneshot, clear: !oneshot, token: 'new' }),
        user(3, { dispatch: true, token: 'new' }),
      );
      // A one-shot that was fetched has ended: there is nothing to disable, and its one event is not lost.
      if (oneshot) assert.throws(() => all[3]?.disable(), isCode('ENOENT'));
      else all[3]?.disable();
      all[4]?.[oneshot ? 'unregister' : 'enable']();
      assert.deepEqual(left(kq as Kqueue), oneshot ? [4, 6] : [5, 6]);
      again.trigger();
      other.trigger();
      const tokens = pollAll(kq, 2).map(({ ident, token }) => [ident, token]);
      assert.deepEqual(tokens.sort(), [
        [2, 'new'],
        [3, 'new'],
      ]);
    }
  });

  it('returns what is left over of a descriptor that was closed since, until its number is registered again', async () => {
    for (const again of [false, true]) {
      const kq = closeAfter(new Kqueue<string>());
      const [reader, writer] = newPipe();
      kq.register(user(1, { clear: true, token: 'first' }))[0].trigger();
      kq.register(read(reader, { clear: true, token: 'closed' }));
      put(writer, 'x');
      for await (const { token } of kq) {
        assert.equal(token, 'first');
        break;
      }
      closeSync(reader);
      const [next, other] = newPipe();
      assert.equal(next, reader);
      if (again) kq.register(read(next));
      assert.deepEqual(left(kq as Kqueue), again ? [] : [reader]);
      for (const fd of [writer, next, other]) closeSync(fd);
    }
  });

  it('two iterators take turns: nothing is lost, nothing doubled', async () => {
    const kq = closeAfter(new Kqueue());
    const numbers = Array.from({ length: 20 }, (_, i) => i);
    fire(kq, ...numbers);
    const one = kq[Symbol.asyncIterator]();
    const two = kq[Symbol.asyncIterator]();
    const seen: number[] = [];
    for (let i = 0; i < 10; i++) for (const iterator of [one, two]) seen.push((await iterator.next()).value.ident);
    assert.deepEqual(seen, numbers);
    assert.deepEqual(left(kq), []);
    // The end of the one is not that of the other.
    await one.return?.();
    fire(kq, 30);
    assert.equal((await two.next()).value.ident, 30);
  });

  it('two iterators that wait at once: the second is refused, and may ask again', async () => {
    const kq = closeAfter(new Kqueue());
    const one = kq[Symbol.asyncIterator]();
    const two = kq[Symbol.asyncIterator]();
    const first = one.next();
    await assert.rejects(two.next(), { code: 'ERR_INVALID_STATE' });
    await assert.rejects(one.next(), { code: 'ERR_INVALID_STATE' });
    fire(kq, 1, 2);
    assert.equal((await first).value.ident, 1);
    assert.equal((await two.next()).value.ident, 2);
  });

  it('events that are left over are shared out in order', async () => {
    const kq = closeAfter(new Kqueue());
    fire(kq, 1, 2, 3);
    const iterator = kq[Symbol.asyncIterator]();
    const [first] = await Promise.all([iterator.next()]);
    const [second, third] = await Promise.all([iterator.next(), iterator.next()]);
    assert.deepEqual(
      [first, second, third].map(({ value }) => value.ident),
      [1, 2, 3],
    );
  });

  it('return() ends it, and answers whoever waits in it', async () => {
    const kq = closeAfter(new Kqueue());
    const iterator = kq[Symbol.asyncIterator]();
    const next = iterator.next();
    assert.deepEqual(await iterator.return?.(), { done: true, value: undefined });
    assert.deepEqual(await next, { done: true, value: undefined });
    assert.deepEqual(await iterator.next(), { done: true, value: undefined });
    fire(kq, 1);
    assert.deepEqual(await iterator.next(), { done: true, value: undefined });
    assert.deepEqual(left(kq), [1]);
  });

  it('return() again ends nothing else', async () => {
    const kq = closeAfter(new Kqueue());
    const iterator = kq[Symbol.asyncIterator]();
    const next = iterator.next();
    await iterator.return?.();
    await next;
    let told = false;
    const waiting = kq.wait().finally(() => {
      told = true;
    });
    await iterator.return?.();
    fire(kq, 1);
    await until('the wait of somebody else ends', () => told);
    assert.deepEqual(idents(await waiting), [1]);
  });

  it('return() of one that has not begun, and of a closed queue', async () => {
    const kq = new Kqueue();
    const waiting = kq.wait();
    assert.equal((await kq[Symbol.asyncIterator]().return?.())?.done, true);
    fire(kq, 1);
    assert.deepEqual(idents(await waiting), [1]);
    const iterator = kq[Symbol.asyncIterator]();
    const next = iterator.next();
    kq.close();
    assert.equal((await iterator.return?.())?.done, true);
    assert.equal((await next).done, true);
  });

  it('close() ends it quietly, for who waits and for who asks afterwards', async () => {
    const kq = new Kqueue();
    const iterator = kq[Symbol.asyncIterator]();
    const next = iterator.next();
    await turn();
    kq.close();
    assert.deepEqual(await next, { done: true, value: undefined });
    assert.deepEqual(await iterator.next(), { done: true, value: undefined });
  });

  it('of a closed queue throws EBADF at its beginning', async () => {
    const kq = new Kqueue();
    kq.close();
    await assert.rejects(async () => {
      for await (const event of kq) assert.fail(String(event));
    }, isCode('EBADF'));
  });

  it('an error ends it', async () => {
    const kq = new Kqueue();
    const { closeSync } = await import('node:fs');
    kq.register(timer(1, { after: 5 }));
    const iterator = kq[Symbol.asyncIterator]();
    const next = iterator.next();
    closeSync(kq.fd);
    // The timer goes on behind the descriptor that is gone; without it there would be silence.
    await assert.rejects(next, isCode('EBADF'));
    assert.equal((await iterator.next()).done, true);
    kq.close();
  });

  it('its iterator can be iterated, and delegated to', async () => {
    const kq = closeAfter(new Kqueue());
    fire(kq, 1, 2, 3);
    const iterator = kq[Symbol.asyncIterator]();
    assert.equal(iterator[Symbol.asyncIterator](), iterator);
    async function* doubled(): AsyncGenerator<KqueueEvent> {
      yield* iterator;
    }
    for await (const { ident } of doubled()) {
      assert.equal(ident, 1);
      break;
    }
    assert.deepEqual(left(kq), [2, 3]);
    assert.equal((await iterator.next()).done, true, 'its break has ended it');
  });

  it('an event that comes for one that has ended is for the next', async () => {
    const kq = closeAfter(new Kqueue());
    const iterator = kq[Symbol.asyncIterator]();
    const next = iterator.next();
    fire(kq, 1);
    await iterator.return?.();
    assert.equal((await next).done, true);
    assert.deepEqual(idents(await kq.wait({ timeout: DEADLINE })), [1]);
  });
});
