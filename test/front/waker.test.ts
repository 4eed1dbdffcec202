// Waker: a queue is woken from its own thread and from others.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { Kqueue, user, Waker } from '../../src/index.ts';
import { abis, bindKqueue, defaultSys } from '../../src/sys/index.ts';
import { errno, FakeSys } from '../helpers/fake-sys.ts';
import { libkqueue } from '../helpers/libkqueue.ts';
import { typescriptWorker } from '../sys/typescript-worker.ts';
import { closeAfter, DEADLINE, idents, isCode, noProc, pollAll, runChild, suite, testFolder } from './helpers.ts';

const folder = testFolder();

/** A worker thread that wakes what it is sent: see wake-worker.ts. */
async function wakeWorker(): Promise<Worker> {
  const worker = typescriptWorker(new URL('wake-worker.ts', import.meta.url));
  await once(worker, 'message');
  closeAfter({ close: () => worker.terminate() });
  return worker;
}

describe('Waker', suite, () => {
  it('wakes a queue from its own thread, once for wakes that nobody fetched', () => {
    const kq = closeAfter(new Kqueue());
    const waker = kq.waker(5);
    assert.equal(waker.ident, 5);
    assert.equal(waker.wake(), true);
    assert.equal(waker.wake(), true);
    assert.deepEqual(
      kq.poll({ timeout: DEADLINE }).map(({ filter, ident }) => [filter, ident]),
      [['user', 5]],
    );
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    waker.wake();
    assert.equal(kq.poll({ timeout: DEADLINE }).length, 1);
  });

  it('writes to no file that has its number, where the queue was closed underneath', { skip: noProc }, () => {
    const kq = closeAfter(new Kqueue());
    const waker = kq.waker();
    closeSync(kq.fd);
    assert.throws(() => kq.poll({ timeout: 0 }), isCode('EBADF'));
    const path = join(folder, 'somebody else’s');
    const files = Array.from({ length: 10 }, () => openSync(path, 'w'));
    assert.equal(waker.wake(), false);
    kq.close();
    assert.equal(waker.wake(), false);
    for (const fd of files) closeSync(fd);
    assert.equal(statSync(path).size, 0);
  });

  it('without an ident takes one that is free, the same each time', () => {
    const kq = closeAfter(new Kqueue());
    const taken = 2 ** 31 - 1;
    kq.register(user(taken));
    const one = kq.waker();
    const two = kq.waker();
    assert.equal(one.ident, two.ident);
    assert.notEqual(one.ident, taken);
    two.wake();
    assert.deepEqual(idents(kq.poll({ timeout: DEADLINE })), [one.ident]);
    one.wake();
    assert.deepEqual(idents(kq.poll({ timeout: DEADLINE })), [one.ident]);
  });

  it('with an ident that is registered fires that, with its token, and leaves it as it is', () => {
    const kq = closeAfter(new Kqueue<string>());
    const [registration] = kq.register(user(7, { token: 'mine' }));
    const waker = kq.waker(7);
    assert.equal(registration.active, true);
    waker.wake();
    for (let i = 0; i < 2; i++) {
      // Without clear, it repeats.
      const [event] = kq.poll({ timeout: DEADLINE });
      assert.deepEqual([event?.token, event?.registration], ['mine', registration]);
    }
  });

  it('with one that was registered again since, fires what is registered now', () => {
    const kq = closeAfter(new Kqueue<string>());
    kq.register(user(7, { token: 'old', clear: true }));
    const waker = kq.waker(7);
    kq.register(user(7, { token: 'new', clear: true }));
    waker.wake();
    assert.equal(kq.poll({ timeout: DEADLINE })[0]?.token, 'new');
  });

  it('with one that is not registered any more: ENOENT, or nothing', () => {
    const kq = closeAfter(new Kqueue());
    const waker = kq.waker(7);
    kq.unregister(user(7));
    if (defaultSys().wakefd === undefined) assert.throws(() => waker.wake(), isCode('ENOENT'));
    else waker.wake();
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    // Asked for again, it is registered again.
    kq.waker(7).wake();
    assert.deepEqual(idents(kq.poll({ timeout: DEADLINE })), [7]);
  });

  it('several are told apart', () => {
    const kq = closeAfter(new Kqueue());
    const wakers = [1, 2, 3].map((ident) => kq.waker(ident));
    wakers[2]?.wake();
    wakers[0]?.wake();
    assert.deepEqual(idents(pollAll(kq, 2)).sort(), [1, 3]);
  });

  it('is plain data that can be posted, and a Waker again on the other side', () => {
    const kq = closeAfter(new Kqueue());
    const handle = structuredClone(kq.waker(9));
    assert.equal(handle instanceof Waker, false);
    new Waker(handle).wake();
    assert.deepEqual(idents(kq.poll({ timeout: DEADLINE })), [9]);
  });

  it('as many wakes as one likes before anybody fetches', () => {
    const kq = closeAfter(new Kqueue());
    const waker = kq.waker();
    for (let i = 0; i < 5000; i++) waker.wake();
    assert.equal(kq.poll({ timeout: DEADLINE }).length, 1);
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
  });

  it('one more wake where the pipe of a queue is full of them', (t) => {
    const kq = closeAfter(new Kqueue());
    const waker = kq.waker();
    const { route } = waker;
    if (route.kind !== 'write') return t.skip('this kqueue is woken by kevent(2)');
    assert.throws(() => {
      for (;;) writeSync(route.fd, new Uint8Array(4096));
    }, /EAGAIN/);
    assert.equal(waker.wake(), true);
    assert.equal(kq.poll({ timeout: DEADLINE }).length, 1);
    // All of them were taken.
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    // The fetch has emptied the pipe. Linux 5.5 does not wake epoll for a write to a pipe that is not empty.
    assert.equal(writeSync(route.fd, new Uint8Array(4096)), 4096);
    assert.equal(kq.poll({ timeout: DEADLINE }).length, 1);
    assert.equal(waker.wake(), true);
    assert.equal(kq.poll({ timeout: DEADLINE }).length, 1);
  });

  it('of a closed queue does nothing and returns false, also when other files have its numbers', () => {
    const kq = new Kqueue();
    const waker = kq.waker();
    kq.close();
    const next = closeAfter(new Kqueue());
    next.waker();
    assert.equal(waker.wake(), false);
    assert.equal(new Waker(structuredClone(waker)).wake(), false);
    assert.deepEqual(next.poll({ timeout: 0 }), []);
  });

  it('is not to be had of a kqueue that no other thread can reach', () => {
    const kq = new Kqueue({ sys: new FakeSys(abis.freebsd) });
    assert.throws(() => kq.waker(), /fake freebsd: this kqueue cannot be reached from another thread/);
  });

  it('says why it cannot be made', () => {
    const sys = new FakeSys(abis.freebsd);
    const kq = new Kqueue({ sys });
    sys.judge = () => errno.ENOMEM;
    assert.throws(() => kq.waker(), isCode('ENOMEM'));
    sys.judge = () => 0;
    (sys as { wakefd?: () => number }).wakefd = () => -1;
    sys.errno = () => errno.EMFILE;
    assert.throws(() => kq.waker(), { code: 'EMFILE', syscall: 'wakefd' });
  });

  it('cannot be made where one descriptor is left', { skip: noProc || defaultSys().wakefd === undefined }, async () => {
    assert.equal(await runChild('one descriptor', { descriptors: 64 }), 'EMFILE wakefd\nevent 7\n');
  });

  it('of libkqueue goes through kevent(2), and repeats what the kernel carries for the knote', async (t) => {
    const found = await libkqueue();
    if ('skip' in found) return t.skip(found.skip);
    const kq = closeAfter(new Kqueue<string>({ sys: bindKqueue({ library: found.path, abi: abis.libkqueue }) }));
    kq.register(user(7, { token: 'mine', clear: true }));
    const waker = kq.waker(7);
    new Waker(structuredClone(waker)).wake();
    assert.equal(kq.poll({ timeout: DEADLINE })[0]?.token, 'mine');
    kq.unregister(user(7));
    assert.throws(() => waker.wake(), isCode('ENOENT'));
  });
});

describe('Waker in other threads', suite, () => {
  it('wakes a queue in wait(), in an iteration, and one that blocks in poll()', async () => {
    const worker = await wakeWorker();
    const kq = closeAfter(new Kqueue<string>());
    kq.register(user(3, { token: 'from afar', clear: true }));
    const waker = kq.waker(3);
    for (let i = 0; i < 3; i++) {
      worker.postMessage({ handle: waker });
      const [event] = await kq.wait({ timeout: DEADLINE });
      assert.deepEqual([event?.filter, event?.token], ['user', 'from afar']);
      worker.postMessage({ handle: waker });
      assert.equal(kq.poll({ timeout: DEADLINE })[0]?.token, 'from afar');
      worker.postMessage({ handle: waker });
      for await (const { token } of kq) {
        assert.equal(token, 'from afar');
        break;
      }
    }
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
  });

  it('several at once lose no wake', async () => {
    const kq = closeAfter(new Kqueue());
    const workers = await Promise.all([1, 2, 3].map(() => wakeWorker()));
    const shared = kq.waker(100);
    let answers = 0;
    for (const [i, worker] of workers.entries()) {
      worker.on('message', (answer) => {
        assert.equal(answer, 'woken');
        answers++;
      });
      for (const handle of [kq.waker(i + 1), shared]) worker.postMessage({ handle, times: 200 });
    }
    // After the last wake by each waker there is an event of it.
    const seen = new Set<number>();
    const fetch = async (): Promise<void> => {
      for (const { ident } of await kq.wait({ timeout: 1 })) seen.add(ident);
    };
    const end = performance.now() + DEADLINE;
    while (answers < 6) {
      assert.ok(performance.now() < end, `${answers} answers`);
      await fetch();
    }
    await fetch();
    assert.deepEqual(
      [...seen].sort((a, b) => a - b),
      [1, 2, 3, 100],
    );
  });

  it('each wake after a fetch is an event', async () => {
    const worker = await wakeWorker();
    const kq = closeAfter(new Kqueue());
    const waker = kq.waker();
    for (let i = 0; i < 50; i++) {
      worker.postMessage({ handle: waker });
      assert.equal(kq.poll({ timeout: DEADLINE }).length, 1);
    }
  });

  it('of a closed queue returns false', async () => {
    const worker = await wakeWorker();
    const kq = new Kqueue();
    const waker = kq.waker();
    kq.close();
    worker.postMessage({ handle: waker });
    assert.deepEqual(await once(worker, 'message'), ['closed']);
  });

  it('a queue is closed while a thread wakes it: the thread learns it', async () => {
    const worker = await wakeWorker();
    for (let i = 0; i < 10; i++) {
      const kq = new Kqueue();
      const waker = kq.waker();
      worker.postMessage({ handle: waker, times: Number.POSITIVE_INFINITY });
      kq.poll({ timeout: DEADLINE });
      kq.close();
      assert.deepEqual(await once(worker, 'message'), ['closed']);
    }
  });

  it('a thread that ended in the middle of a wake does not hold up close()', () => {
    const kq = new Kqueue();
    const { activeWakes } = kq.waker();
    // As it is left by a thread that entered and never came out.
    Atomics.add(new Int32Array(activeWakes), 0, 1);
    kq.close();
    assert.equal(kq.closed, true);
  });

  for (const order of ['end while others can wake it', 'be terminated while others can wake it']) {
    it(`of a queue that was not closed in its worker (${order}) returns false, and writes to no other file`, async () => {
      const worker = typescriptWorker(new URL('front-worker.ts', import.meta.url), { workerData: order });
      const exit = once(worker, 'exit');
      const [handle] = await once(worker, 'message');
      const waker = new Waker(handle);
      waker.wake();
      const terminated = order.startsWith('be terminated');
      if (terminated) await worker.terminate();
      await exit;
      const { route } = waker;
      const refuses = (): void => {
        // A library's queue does not know that its thread is gone.
        if (route.kind === 'write' || !terminated) assert.equal(waker.wake(), false);
      };
      refuses();
      const path = join(folder, 'whose number it was');
      const files: number[] = [];
      do files.push(openSync(path, 'w'));
      while ((files.at(-1) as number) < (route.kind === 'write' ? route.fd : route.kq));
      refuses();
      for (const fd of files) closeSync(fd);
      assert.equal(statSync(path).size, 0);
    });
  }

  it("a Waker has no business with the descriptor of another: the queue's is closed by the queue alone", async () => {
    const kq = closeAfter(new Kqueue());
    const waker = kq.waker();
    const worker = typescriptWorker(new URL('wake-worker.ts', import.meta.url));
    await once(worker, 'message');
    worker.postMessage({ handle: waker });
    await once(worker, 'message');
    await worker.terminate();
    fstatSync(kq.fd);
    assert.equal(kq.poll({ timeout: DEADLINE }).length, 1);
    waker.wake();
    assert.equal(kq.poll({ timeout: DEADLINE }).length, 1);
  });

  it("a queue of a worker can be woken again after other code has emitted 'exit'", async () => {
    const worker = typescriptWorker(new URL('emit-exit-worker.ts', import.meta.url));
    const [answers] = await once(worker, 'message');
    assert.deepEqual(answers, [false, true]);
    await worker.terminate();
  });
});
