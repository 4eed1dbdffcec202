// wait(): within Node's event loop, which it neither blocks nor starves.

import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { closeSync, stat, utimesSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { describe, it } from 'node:test';
import { type AbortSignalLike, Kqueue, read, timer, user, vnode, type WaitOptions } from '../../src/index.ts';
import { defaultSys } from '../../src/sys/index.ts';
import { koffi } from '../../src/sys/koffi.ts';
import {
  closeAfter,
  collectGarbage,
  DEADLINE,
  idents,
  isCode,
  newPipe,
  noProc,
  put,
  runChild,
  suite,
  testFolder,
  threads,
  turn,
  until,
} from './helpers.ts';

const folder = testFolder();
const statNow = (): Promise<unknown> => new Promise((done) => stat(folder, done));

/** A queue with a user event to trigger. */
function queue(): { kq: Kqueue; trigger: () => void } {
  const kq = closeAfter(new Kqueue());
  const [event] = kq.register(user(1, { clear: true }));
  return { kq, trigger: () => event.trigger() };
}

describe('wait()', suite, () => {
  it('gives what is there, and what comes later', async () => {
    const q = queue();
    q.trigger();
    assert.deepEqual(idents(await q.kq.wait()), [1]);
    const later = q.kq.wait();
    await turn();
    q.trigger();
    assert.deepEqual(idents(await later), [1]);
    assert.deepEqual(await q.kq.wait({ timeout: 1 }), []);
  });

  it('gives what is registered while it waits', async () => {
    const kq = closeAfter(new Kqueue());
    const waiting = kq.wait();
    await turn();
    kq.register(timer(1, { after: 1 }));
    assert.deepEqual(idents(await waiting), [1]);
  });

  it('gives at most max, and the rest next time', async () => {
    const kq = closeAfter(new Kqueue());
    for (const one of kq.register(...[1, 2, 3].map((ident) => user(ident, { clear: true })))) one.trigger();
    assert.deepEqual(idents(await kq.wait({ max: 2 })), [1, 2]);
    assert.deepEqual(idents(await kq.wait({ max: 2 })), [3]);
  });

  it('takes what an iteration has left over first', async () => {
    const kq = closeAfter(new Kqueue());
    for (const one of kq.register(...[1, 2, 3].map((ident) => user(ident, { clear: true })))) one.trigger();
    for await (const _ of kq) break;
    assert.deepEqual(idents(await kq.wait({ max: 1 })), [2]);
    assert.deepEqual(idents(await kq.wait()), [3]);
  });

  it('of a queue whose descriptor was closed underneath: EBADF, or silence', async () => {
    const kq = new Kqueue();
    const waiting = kq.wait({ timeout: 50 });
    closeSync(kq.fd);
    await assert.rejects(waiting, isCode('EBADF'));
    await assert.rejects(kq.wait({ timeout: 50 }), isCode('EBADF'));
    kq.close();
    kq.close();
  });
});

/** What the epoll of Node's loop cannot watch, so that libuv would abort the process. */
const crowds: [what: string, scenario: string, says: string][] = [
  [
    'works on top of as many queues as may be nested, also where they come between two waits',
    'a nest that grows while nobody waits',
    '1\nread\nuser\n',
  ],
  ['works in more queues of one file than Linux allows', 'a hundred queues of one file', '120\n'],
];

// Several at a time: most of the time a child starts or waits.
describe('wait() and the process', { ...suite, concurrency: availableParallelism() }, () => {
  const children: readonly [what: string, scenario: string, says: string][] = [
    ['works when nothing else keeps the loop turning', 'wait alone', '1\n1\n1\ntimer\ntimer\ntimer\nend\n'],
    ['works for what the program itself triggers', 'user event alone', '1\n1\n1\nend\n'],
    ['works when what keeps the loop has nothing to do', 'wait beside what is idle', '1\n1\n1\n'],
    ['unref() lets the process go', 'unref, then wait', 'started\n'],
    ['unref() lets it go, and a timeout with it', 'unref, then wait for a time', 'started\n'],
    ['unref() lets it go while it waits, and a timeout with it', 'unref while waiting', 'let go\n'],
    ['unref() lets it go while it iterates', 'unref, then iterate', 'started\n'],
    ['ref() after unref() keeps it', 'ref after unref', 'timer\n'],
    ['ref() after unref() keeps it while it waits', 'ref after unref while waiting', 'timer\n'],
    ['ref() after unref() keeps it for the timeout too', 'ref after unref, until the time is over', '0\n0\n'],
    ['a queue that nobody waits for does not keep it', 'a queue that nobody waits for', 'registered\n'],
    ['works for queues in queues, as deep as they go', 'queues in queues', 'read\n'],
    ['works for queues that get into it while it waits', 'queues in queues, from without', 'user\nuser\n'],
    ['one that is ready and waits lets it end in peace', 'ends while the queue is ready, in a wait', 'end\n'],
    ['and one that is first waited for when all is over', 'waits at the exit', 'end\nexit\n'],
    ...(process.platform === 'linux' ? crowds : []),
  ];
  for (const [what, scenario, says] of children) {
    it(what, async () => assert.equal(await runChild(scenario), says));
    it(`${what}, where it is looked at`, async () => assert.equal(await runChild(scenario, { pollable: false }), says));
  }

  it(
    'works with epolls of others in the queue, as deep as the kernel takes them',
    {
      skip: process.platform === 'linux' ? false : 'epoll is of Linux',
    },
    async () => assert.equal(await runChild('epolls in a queue'), 'user\n'),
  );
});

describe('wait() of queues in queues, ref() and unref()', suite, () => {
  it('a queue of many that each watch a file is told of each', { skip: noProc }, async () => {
    const outer = closeAfter(new Kqueue());
    const waiting = outer.wait();
    const inner = Array.from({ length: 130 }, () => closeAfter(new Kqueue()));
    for (const kq of inner) kq.register(vnode(folder, { on: ['attrib'] }));
    outer.register(...inner.map((kq) => read(kq.fd)));
    utimesSync(folder, 1, 1);
    const events = await waiting;
    while (events.length < inner.length) events.push(...(await outer.wait({ max: inner.length - events.length })));
    assert.deepEqual(new Set(idents(events)), new Set(inner.map((kq) => kq.fd)));
  });

  it('ref() and unref() return the queue, and may be called again and again', () => {
    const kq = closeAfter(new Kqueue());
    assert.equal(kq.ref().unref().unref().ref().ref(), kq);
  });
});

describe('wait() and the event loop', suite, () => {
  it('a queue that is always ready starves neither timers nor immediates nor fs', async () => {
    const [r, w] = newPipe();
    put(w, 'x');
    for (const way of ['wait', 'iteration'] as const) {
      const kq = closeAfter(new Kqueue());
      kq.register(read(r));
      let others = 3;
      const over = (): void => {
        others--;
      };
      setTimeout(over, 1);
      setImmediate(over);
      stat(folder, over);
      const end = performance.now() + DEADLINE;
      if (way === 'wait') {
        while (others > 0) {
          assert.ok(performance.now() < end, 'starved');
          assert.equal((await kq.wait()).length, 1);
        }
      } else {
        for await (const _ of kq) {
          assert.ok(performance.now() < end, 'starved');
          if (others === 0) break;
        }
      }
    }
    closeSync(r);
    closeSync(w);
  });

  it('looks with timeout 0 starve nothing either', async () => {
    const kq = closeAfter(new Kqueue());
    let over = false;
    setTimeout(() => {
      over = true;
    }, 1);
    const end = performance.now() + DEADLINE;
    while (!over) {
      assert.ok(performance.now() < end, 'starved');
      assert.deepEqual(await kq.wait({ timeout: 0 }), []);
    }
  });

  it('eight queues that wait hold no slot of the thread pool, and no thread', { skip: noProc }, async () => {
    // The pool's threads are made at its first use.
    await statNow();
    const before = threads();
    const queues = Array.from({ length: 8 }, () => new Kqueue());
    const waiting = queues.map((kq) => assert.rejects(kq.wait(), isCode('EBADF')));
    await statNow();
    assert.equal(threads(), before);
    for (const kq of queues) kq.close();
    await Promise.all(waiting);
  });

  it('events that nobody waits for cost one callback, and no more', {
    skip: defaultSys().pollable ? false : 'this queue cannot be polled',
  }, async (t) => {
    let callbacks = 0;
    const { node } = koffi();
    const { poll } = node;
    t.mock.method(node, 'poll', (fd: number, options: object, callback: () => void) => {
      const counting = (): void => {
        callbacks++;
        callback();
      };
      const handle = poll(fd, options, counting);
      return {
        // Whoever starts it again brings the callback along.
        start: (again: object) => handle.start(again, counting),
        stop: () => handle.stop(),
        close: () => handle.close(),
        ref: () => handle.ref(),
        unref: () => handle.unref(),
      };
    });
    const [r, w] = newPipe();
    const kq = closeAfter(new Kqueue());
    kq.register(read(r));
    const waiting = kq.wait();
    put(w, 'x');
    assert.equal((await waiting).length, 1);
    assert.ok(callbacks >= 1, 'the callbacks are not counted');
    // There is still something to read. Each turn of the loop polls.
    callbacks = 0;
    for (let i = 0; i < 50; i++) await turn();
    assert.ok(callbacks <= 1, `${callbacks} callbacks in 50 turns`);
    // And who waits again is told.
    assert.equal((await kq.wait()).length, 1);
    closeSync(r);
    closeSync(w);
  });

  it('a reference that is dropped loses no event', async () => {
    const [r, w] = newPipe();
    // In a function of its own, whose variables are gone when it returns.
    const start = (): Promise<readonly unknown[]> => {
      const kq = new Kqueue();
      kq.register(read(r, { token: 'kept' }));
      return kq.wait().then((events) => events.map(({ token }) => token));
    };
    const events = start();
    for (let i = 0; i < 10; i++) {
      await turn();
      collectGarbage();
    }
    put(w, 'x');
    assert.deepEqual(await events, ['kept']);
    closeSync(r);
    closeSync(w);
  });
});

describe('one waiter at a time', suite, () => {
  it('a second gets ERR_INVALID_STATE, and the first his event', async () => {
    const q = queue();
    const first = q.kq.wait();
    await assert.rejects(q.kq.wait(), { code: 'ERR_INVALID_STATE', message: /lost a Promise\.race\(\) .*signal/ });
    await assert.rejects(q.kq.wait({ timeout: 0 }), { code: 'ERR_INVALID_STATE' });
    await assert.rejects(q.kq[Symbol.asyncIterator]().next(), { code: 'ERR_INVALID_STATE' });
    q.trigger();
    assert.deepEqual(idents(await first), [1]);
    assert.deepEqual(await q.kq.wait({ timeout: 0 }), []);
  });

  it('who waits in an iteration is one too', async () => {
    const q = queue();
    const next = q.kq[Symbol.asyncIterator]().next();
    await assert.rejects(q.kq.wait(), { code: 'ERR_INVALID_STATE' });
    q.trigger();
    assert.equal((await next).value.ident, 1);
  });

  it('once it has ended, however, the next may wait', async () => {
    const q = queue();
    const abort = new AbortController();
    const aborted = q.kq.wait({ signal: abort.signal });
    abort.abort();
    await assert.rejects(aborted);
    assert.deepEqual(await q.kq.wait({ timeout: 1 }), []);
    const iterator = q.kq[Symbol.asyncIterator]();
    const next = iterator.next();
    await iterator.return?.();
    assert.equal((await next).done, true);
    q.trigger();
    assert.equal((await q.kq.wait()).length, 1);
  });
});

describe('wait() with a timeout', suite, () => {
  it('of 0 looks, and gives what is there', async () => {
    const q = queue();
    assert.deepEqual(await q.kq.wait({ timeout: 0 }), []);
    q.trigger();
    assert.deepEqual(idents(await q.kq.wait({ timeout: 0 })), [1]);
  });

  it('gives [] when it is over, and not before', async () => {
    const q = queue();
    for (const timeout of [0.25, 1, 20.5]) {
      const start = performance.now();
      assert.deepEqual(await q.kq.wait({ timeout }), []);
      assert.ok(performance.now() - start >= timeout, `${performance.now() - start} of ${timeout} ms`);
    }
  });

  it('of Infinity, and of more than setTimeout() takes, waits on', async () => {
    const q = queue();
    const warnings: Error[] = [];
    const warned = (warning: Error): number => warnings.push(warning);
    process.on('warning', warned);
    for (const timeout of [Number.POSITIVE_INFINITY, Number.MAX_VALUE, 2 ** 31, 2 ** 40]) {
      let over = false;
      const waiting = q.kq.wait({ timeout }).finally(() => {
        over = true;
      });
      // setTimeout() would make 1 ms of it, with a warning.
      await new Promise((done) => setTimeout(done, 10));
      assert.equal(over, false, String(timeout));
      q.trigger();
      assert.deepEqual(idents(await waiting), [1]);
    }
    process.removeListener('warning', warned);
    assert.deepEqual(warnings, []);
  });

  it('an event that comes in time ends it, and it does not end the next', async () => {
    const q = queue();
    q.trigger();
    assert.equal((await q.kq.wait({ timeout: 5 })).length, 1);
    let over = false;
    const next = q.kq.wait().finally(() => {
      over = true;
    });
    await new Promise((done) => setTimeout(done, 20));
    assert.equal(over, false);
    q.trigger();
    assert.equal((await next).length, 1);
  });

  it('what comes with the end of the time is not left lying', async () => {
    const q = queue();
    const waiting = q.kq.wait({ timeout: 5 });
    // The loop cannot turn until the time is over.
    const end = performance.now() + 20;
    while (performance.now() < end);
    q.trigger();
    assert.equal((await waiting).length, 1);
  });
});

describe('wait() with an AbortSignal', suite, () => {
  /** The listeners that a wait has left on it. */
  const left = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

  it('aborted before: rejects with its reason, and takes nothing', async () => {
    const q = queue();
    q.trigger();
    const reason = new Error('before');
    await assert.rejects(q.kq.wait({ signal: AbortSignal.abort(reason) }), (error) => error === reason);
    assert.deepEqual(idents(await q.kq.wait()), [1]);
  });

  it('also where an iteration has left events over', async () => {
    const kq = closeAfter(new Kqueue());
    for (const one of kq.register(...[1, 2].map((ident) => user(ident, { clear: true })))) one.trigger();
    for await (const _ of kq) break;
    await assert.rejects(kq.wait({ signal: AbortSignal.abort() }), { name: 'AbortError' });
    assert.deepEqual(idents(await kq.wait()), [2]);
  });

  it('aborted meanwhile: rejects with its reason, whatever that is', async () => {
    const q = queue();
    for (const reason of [new Error('meanwhile'), 'a string', { an: 'object' }, 0]) {
      const abort = new AbortController();
      const waiting = q.kq.wait({ signal: abort.signal, timeout: DEADLINE });
      await turn();
      abort.abort(reason);
      await assert.rejects(waiting, (error) => error === reason);
      assert.equal(left(abort.signal), 0);
    }
    q.trigger();
    assert.deepEqual(idents(await q.kq.wait()), [1]);
  });

  it('in the turn in which the event came: the event is for the next', async () => {
    const q = queue();
    for (const turns of [0, 1, 2]) {
      const abort = new AbortController();
      const waiting = q.kq.wait({ signal: abort.signal });
      const outcome = waiting.then(
        (events) => events.length,
        () => 0,
      );
      q.trigger();
      for (let i = 0; i < turns; i++) await turn();
      abort.abort();
      // Whichever came first: one event, and one only.
      const got = await outcome;
      const rest = await q.kq.wait({ timeout: 0 });
      assert.equal(got + rest.length, 1);
    }
  });

  it('aborted afterwards: does nothing, and nothing listens', async () => {
    const q = queue();
    const abort = new AbortController();
    const { signal } = abort;
    const options: WaitOptions = { signal, timeout: DEADLINE };
    q.trigger();
    assert.equal((await q.kq.wait(options)).length, 1);
    assert.equal(left(signal), 0, 'after an event');
    assert.equal((await q.kq.wait({ signal, timeout: 0 })).length, 0);
    assert.equal(left(signal), 0, 'after the time');
    const closing = new Kqueue();
    const waiting = closing.wait(options);
    closing.close();
    await assert.rejects(waiting, isCode('EBADF'));
    assert.equal(left(signal), 0, 'after close()');
    const next = q.kq.wait();
    abort.abort();
    q.trigger();
    assert.equal((await next).length, 1);
  });

  it('of a timeout', async () => {
    const q = queue();
    await assert.rejects(q.kq.wait({ signal: AbortSignal.timeout(1) }), { name: 'TimeoutError' });
  });
});

describe('wait() with a signal of another implementation', suite, () => {
  const signalWith = (parts: Partial<AbortSignalLike>): AbortSignalLike => ({
    aborted: false,
    reason: new Error('aborted'),
    addEventListener() {},
    removeEventListener() {},
    ...parts,
  });

  it('ends no other wait, although it calls a listener that was removed', async () => {
    const q = queue();
    const listeners: (() => void)[] = [];
    const addEventListener = (_: string, listener: () => void): void => void listeners.push(listener);
    const waiting = q.kq.wait({ signal: signalWith({ addEventListener }) });
    q.trigger();
    assert.deepEqual(idents(await waiting), [1]);
    const next = q.kq.wait();
    for (const listener of listeners) listener();
    q.trigger();
    assert.deepEqual(idents(await next), [1]);
  });

  it('rejects with a TypeError if a method is missing', async () => {
    const q = queue();
    for (const missing of ['addEventListener', 'removeEventListener']) {
      const signal = signalWith({ [missing]: undefined });
      await assert.rejects(q.kq.wait({ signal }), { code: 'ERR_INVALID_ARG_TYPE' });
    }
  });
});

describe('close() and whoever waits', suite, () => {
  it('rejects with EBADF', async () => {
    for (const options of [{}, { timeout: DEADLINE }, { timeout: 0 }, { max: 1 }]) {
      const q = queue();
      const waiting = q.kq.wait(options);
      q.kq.close();
      await assert.rejects(waiting, isCode('EBADF'));
    }
  });

  it('also in the turn in which an event has come', async () => {
    for (const turns of [0, 1]) {
      const q = queue();
      const outcome = q.kq.wait().then(
        (events) => events.length,
        (error) => error.code,
      );
      q.trigger();
      for (let i = 0; i < turns; i++) await turn();
      q.kq.close();
      assert.ok([1, 'EBADF'].includes(await outcome));
    }
  });

  it('the queue is closed by the time that he is told', async () => {
    const q = queue();
    const told = q.kq.wait().catch(() => [q.kq.closed, q.kq.fd]);
    q.kq.close();
    assert.deepEqual(await told, [true, -1]);
  });

  it('nothing of it fires any more', async () => {
    const q = queue();
    q.kq.register(timer(2, { every: 1 }));
    const waiting = q.kq.wait({ timeout: 1 });
    q.kq.close();
    await assert.rejects(waiting, isCode('EBADF'));
    let turns = 0;
    await until('a few turns', () => ++turns > 20);
  });
});
