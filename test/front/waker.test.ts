import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { Kqueue, Waker } from '../../src/index.ts';
import { typescriptWorker } from '../sys/typescript-worker.ts';

const DEADLINE = 10_000;

async function started(file: string): Promise<Worker> {
  const worker = typescriptWorker(new URL(file, import.meta.url));
  await once(worker, 'message');
  return worker;
}

describe('Waker', { skip: Kqueue.available ? false : 'there is no kqueue here' }, () => {
  it('wakes a queue from its own thread, once for wakes that nobody fetched', () => {
    using kq = new Kqueue();
    const waker = kq.waker(5);
    waker.wake();
    waker.wake();
    const events = kq.poll({ timeout: DEADLINE });
    assert.deepEqual(
      events.map(({ filter, ident }) => [filter, ident]),
      [['user', 5]],
    );
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    waker.wake();
    assert.equal(kq.poll({ timeout: DEADLINE }).length, 1);
  });

  it('a worker wakes a queue in wait(), and one that blocks in poll()', async () => {
    const worker = await started('wake-worker.ts');
    try {
      using kq = new Kqueue();
      const waker = kq.waker();
      worker.postMessage(waker);
      assert.equal((await kq.wait({ timeout: DEADLINE }))[0]?.filter, 'user');
      worker.postMessage(waker);
      assert.equal(kq.poll({ timeout: DEADLINE })[0]?.filter, 'user');
    } finally {
      await worker.terminate();
    }
  });

  it('a worker that wakes a closed queue gets EBADF', async () => {
    const worker = await started('wake-worker.ts');
    try {
      const kq = new Kqueue();
      const waker = kq.waker();
      kq.close();
      worker.postMessage(waker);
      assert.deepEqual(await once(worker, 'message'), ['EBADF']);
    } finally {
      await worker.terminate();
    }
  });

  it('is made of what kq.waker() gave, and of nothing else', () => {
    for (const wrong of [undefined, null, 1, {}, { gate: 1 }])
      assert.throws(() => new Waker(wrong as never), TypeError);
  });

  const reason = process.platform === 'linux' ? false : 'only Linux lists descriptors in /proc';
  it('a worker that is terminated while it waits leaves no descriptor open', { skip: reason }, async () => {
    const count = (): number => readdirSync('/proc/self/fd').length;
    const round = async (): Promise<void> => {
      const worker = await started('wait-worker.ts');
      await worker.terminate();
    };
    // Node keeps a few for its first worker.
    await round();
    const before = count();
    for (let i = 0; i < 3; i++) await round();
    assert.ok(count() <= before, `${count()} descriptors, ${before} before`);
  });
});
