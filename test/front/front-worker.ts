// A worker thread with queues of its own, for workers.test.ts: workerData says what it does.

import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Kqueue, KqueueError, proc, read, signal, timer, user, vnode } from '../../src/index.ts';
import { defaultSys, type Sys } from '../../src/sys/index.ts';

/** Queues with knotes of every kind, that nobody closes. */
function queues(): Kqueue[] {
  return [1, 2, 3].map(() => {
    const kq = new Kqueue();
    kq.register(
      timer(1, { every: 60_000 }),
      user(2),
      vnode('.', { on: ['write'] }),
      proc(process.ppid),
      read(new Kqueue().fd),
    );
    kq.waker();
    return kq;
  });
}

const orders: Readonly<Record<string, () => unknown>> = {
  async 'wait until terminated'() {
    for (const kq of queues()) kq.wait();
    parentPort?.postMessage('waiting');
    await sleep(60_000);
  },

  async 'iterate until terminated'() {
    for (const kq of queues()) kq[Symbol.asyncIterator]().next();
    parentPort?.postMessage('waiting');
    await sleep(60_000);
  },

  'poll until terminated'() {
    queues();
    const sys = defaultSys();
    let calls = 0;
    const kevent: Sys['kevent'] = (...given) => {
      // The first call of poll() has returned: the thread can be ended between two of them.
      if (++calls === 2) parentPort?.postMessage('waiting');
      return sys.kevent(...given);
    };
    new Kqueue({ sys: { ...sys, kevent } }).poll();
  },

  'poll with a timeout'() {
    const sys = defaultSys();
    const slices: number[] = [];
    const kevent: Sys['kevent'] = (...given) => {
      const [, , , , , timeout] = given;
      slices.push(timeout === null ? Number.POSITIVE_INFINITY : timeout.sec * 1000 + timeout.nsec / 1e6);
      return sys.kevent(...given);
    };
    const kq = new Kqueue({ sys: { ...sys, kevent } });
    const start = performance.now();
    const { length } = kq.poll({ timeout: 250.5 });
    parentPort?.postMessage({ length, slices, elapsed: performance.now() - start });
    kq.register(timer(1, { after: 250 }));
    parentPort?.postMessage(kq.poll().map(({ filter }) => filter));
    kq.close();
  },

  async 'be terminated between two events'() {
    const kq = new Kqueue();
    kq.register(timer(1, { every: 1 }));
    let told = false;
    for await (const _ of kq) {
      if (!told) parentPort?.postMessage('waiting');
      told = true;
    }
  },

  'end with everything open'() {
    for (const kq of queues()) kq.unref().wait();
  },

  'end while others can wake it'() {
    parentPort?.postMessage(new Kqueue().waker());
  },

  async 'be terminated while others can wake it'() {
    parentPort?.postMessage(new Kqueue().waker());
    await sleep(60_000);
  },

  async 'use all of it'() {
    const kq = new Kqueue<string>();
    const inner = new Kqueue();
    const [innerEvent] = inner.register(user(1));
    const [event] = kq.register(
      user(1, { token: 'user', clear: true }),
      read(inner.fd, { token: 'read', clear: true }),
    );
    const seen: (string | undefined)[] = [];
    event.trigger();
    seen.push(...kq.poll().map(({ token }) => token));
    innerEvent.trigger();
    seen.push(...(await kq.wait()).map(({ token }) => token));
    kq.register(timer(1, { after: 1, token: 'timer' }));
    for await (const { token } of kq) {
      seen.push(token);
      break;
    }
    kq.waker(1).wake();
    seen.push(...(await kq.wait()).map(({ token }) => token));
    inner.close();
    kq.close();
    parentPort?.postMessage(seen);
  },

  'watch a signal'() {
    const kq = new Kqueue();
    try {
      kq.register(signal('SIGHUP'));
      parentPort?.postMessage('registered');
    } catch (error) {
      parentPort?.postMessage(error instanceof KqueueError ? error.code : String(error));
    }
    kq.close();
  },
};

const order = orders[workerData as string];
if (order === undefined) throw new Error(`no order ${workerData}`);
await order();
