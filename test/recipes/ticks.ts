// The tests of ticks(), for each kqueue at hand.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ticks } from '../../src/recipes/index.ts';
import { block } from './helpers.ts';

export function ticksTests(): void {
  it('ticks() counts every period, and break ends it', async () => {
    let last = 0;
    for await (const { count, missed } of ticks({ every: 2 })) {
      assert.equal(count, last + 1 + missed);
      last = count;
      if (count >= 5) break;
    }
    assert.ok(last >= 5);
  });

  it('ticks() reports the periods that a slow consumer missed', async () => {
    using iterator = ticks({ every: 10 });
    await iterator.next();
    // 10 ms are 20 on NetBSD 10, which adds a tick.
    block(100);
    // A kernel timer may have run out just before the wait began.
    const missed = [(await iterator.next()).value?.missed ?? 0, (await iterator.next()).value?.missed ?? 0];
    assert.ok(Math.max(...missed) >= 3, `missed ${missed}`);
  });

  it('two iterations do not disturb each other', async () => {
    using one = ticks({ every: 3 });
    using other = ticks({ every: 5 });
    await Promise.all([one.next(), other.next()]);
    one.close();
    assert.deepEqual(await one.next(), { done: true, value: undefined });
    assert.equal((await other.next()).done, false);
  });

  it('next() calls at the same time are answered in order', async () => {
    using iterator = ticks({ every: 1 });
    const results = await Promise.all([iterator.next(), iterator.next(), iterator.next()]);
    const counts = results.map(({ value }) => value?.count ?? 0);
    const [first = 0, second = 0, third = 0] = counts;
    assert.ok(0 < first && first < second && second < third, String(counts));
  });

  it('close() ends a next() that waits, and an abort rejects it with the reason', async () => {
    const closed = ticks({ every: 1e6 });
    const next = closed.next();
    closed.close();
    assert.deepEqual(await next, { done: true, value: undefined });

    const controller = new AbortController();
    const aborted = ticks({ every: 1e6, signal: controller.signal });
    const waits = aborted.next();
    controller.abort('enough');
    await assert.rejects(waits, (reason) => reason === 'enough');
    assert.deepEqual(await aborted.next(), { done: true, value: undefined });
    assert.throws(
      () => ticks({ every: 1, signal: controller.signal }),
      (reason) => reason === 'enough',
    );
  });

  it('invalid options are an error that names them', () => {
    assert.throws(() => ticks({ every: 0 }), { name: 'RangeError', message: /every/ });
    assert.throws(() => ticks({} as never), { name: 'TypeError', message: /every/ });
    assert.throws(() => ticks({ every: 1, evry: 1 } as never), { name: 'TypeError', message: /evry/ });
  });
}
