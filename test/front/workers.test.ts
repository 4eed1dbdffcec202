// The high-level API in worker threads, and what is left of it when they end.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { defaultSys } from '../../src/sys/index.ts';
import { descriptors } from '../helpers/descriptors.ts';
import { typescriptWorker } from '../sys/typescript-worker.ts';
import { noProc, suite } from './helpers.ts';

/** A worker that does what front-worker.ts has under that name. */
function start(order: string): Worker {
  return typescriptWorker(new URL('front-worker.ts', import.meta.url), { workerData: order });
}

describe('in a worker thread', suite, () => {
  it('everything works as it does elsewhere', async () => {
    const worker = start('use all of it');
    const [[seen]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
    assert.deepEqual(seen, ['user', 'read', 'timer', 'user']);
  });

  it("signal(): Node gives signals to its main thread only, and where the kqueue hears them through Node that's EINVAL", async () => {
    const worker = start('watch a signal');
    const [[answer]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
    assert.equal(answer, defaultSys().name === 'linux' ? 'EINVAL' : 'registered');
  });

  it('poll() waits in slices: neither shorter nor longer than its timeout, and without one until there is an event', async () => {
    const worker = start('poll with a timeout');
    const answers: unknown[] = [];
    worker.on('message', (answer) => answers.push(answer));
    await once(worker, 'exit');
    const [first, second] = answers;
    const { length, slices, elapsed } = first as { length: number; slices: number[]; elapsed: number };
    assert.equal(length, 0);
    assert.ok(elapsed >= 250.5, String(elapsed));
    assert.ok(Math.max(...slices) <= 100, String(slices));
    // Each is rounded up to the nanosecond.
    const total = slices.reduce((sum, slice) => sum + slice, 0);
    assert.ok(total <= 250.5 + slices.length * 1e-6, String(slices));
    assert.deepEqual(second, ['timer']);
  });

  for (const order of [
    'wait until terminated',
    'iterate until terminated',
    'poll until terminated',
    'be terminated between two events',
  ]) {
    it(`${order}: nothing is left open`, { skip: noProc }, async () => {
      const round = async (): Promise<void> => {
        const worker = start(order);
        await once(worker, 'message');
        await worker.terminate();
      };
      // Node keeps a few for its first worker.
      await round();
      const before = descriptors().length;
      for (let i = 0; i < 3; i++) await round();
      assert.ok(descriptors().length <= before, `${descriptors().length} descriptors, ${before} before`);
    });
  }

  it('end with everything open: nothing is left open', { skip: noProc }, async () => {
    const round = async (): Promise<void> => {
      const [code] = await once(start('end with everything open'), 'exit');
      assert.equal(code, 0);
    };
    await round();
    const before = descriptors().length;
    for (let i = 0; i < 3; i++) await round();
    assert.ok(descriptors().length <= before, `${descriptors().length} descriptors, ${before} before`);
  });
});
