// The end of a queue, and of what it watches: close(), using, and closing underneath.

import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import koffi from 'koffi';
import { Kqueue, proc, read, signal, timer, user, vnode, write } from '../../src/index.ts';
import { abis, defaultSys } from '../../src/sys/index.ts';
import { descriptors } from '../helpers/descriptors.ts';
import { FakeSys } from '../helpers/fake-sys.ts';
import { closeAfter, DEADLINE, isCode, newPipe, noProc, put, runChild, suite, testFolder, turn } from './helpers.ts';

const folder = testFolder();

describe('a queue', suite, () => {
  it('has a descriptor while it is open', () => {
    const kq = new Kqueue();
    assert.equal(Kqueue.available, true);
    const { fd } = kq;
    fstatSync(fd);
    assert.deepEqual([kq.closed, String(kq)], [false, `kqueue { fd=${fd}, ${defaultSys().name} }`]);
    assert.equal(inspect(kq), String(kq));
    kq.close();
    assert.deepEqual([kq.closed, kq.fd, String(kq)], [true, -1, `kqueue { closed, ${defaultSys().name} }`]);
    assert.throws(() => fstatSync(fd), { code: 'EBADF' });
  });

  it('close() leaves a number open that a worker’s event loop has by now', { skip: noProc }, async () => {
    assert.equal(await runChild('the number of a worker’s loop'), 'open\nstill here\n');
  });

  it('close() ends its registrations', () => {
    const kq = new Kqueue();
    const registrations = kq.register(user(1), timer(2, { every: DEADLINE }), vnode(folder, { on: ['write'] }));
    kq.close();
    assert.deepEqual(
      registrations.map(({ active }) => active),
      [false, false, false],
    );
  });

  it('close() again does not close what has its number by then', () => {
    const kq = new Kqueue();
    const { fd } = kq;
    kq.close();
    const other = openSync(folder, 'r');
    assert.equal(other, fd);
    kq.close();
    kq[Symbol.dispose]();
    fstatSync(other);
    closeSync(other);
  });

  it('a file that was opened by its path stays closed, and another file with its number stays open', () => {
    const sys = new FakeSys(abis.freebsd);
    const kq = closeAfter(new Kqueue({ sys }));
    for (const isReused of [false, true]) {
      const [registration] = kq.register(vnode(folder, { on: ['write'] }));
      const fd = Number(sys.takeChanges()[0]?.ident);
      closeSync(fd);
      const other = isReused ? openSync('/dev/null', 'r') : -1;
      if (isReused) assert.equal(other, fd);
      registration.unregister();
      if (!isReused) continue;
      fstatSync(other);
      closeSync(other);
    }
  });

  it("close() in a 'removeListener' handler of close(): the number is closed once", () => {
    const sys = new FakeSys(abis.freebsd);
    const kq = new Kqueue({ sys });
    const { fd } = kq;
    kq.register(signal('SIGHUP'));
    process.once('removeListener', () => kq.close());
    kq.close();
    assert.deepEqual(sys.closed, [fd]);
  });

  it('is disposed of as it is closed', async () => {
    const one = new Kqueue();
    one[Symbol.dispose]();
    assert.equal(one.closed, true);
    const two = new Kqueue();
    const waiting = assert.rejects(two.wait(), isCode('EBADF'));
    await two[Symbol.asyncDispose]();
    assert.equal(two.closed, true);
    await waiting;
  });

  it('and a registration: using', async (t) => {
    const loaded = await import('./using.ts').catch((error: unknown) => {
      if (error instanceof SyntaxError) return undefined;
      throw error;
    });
    if (loaded === undefined) return t.skip('this Node does not know the syntax');
    await loaded.tryUsing();
  });
});

describe('closed underneath', suite, () => {
  it("the queue's descriptor: EBADF, and no end of the process", async () => {
    const kq = closeAfter(new Kqueue());
    const [r, w] = newPipe();
    const [registration] = kq.register(read(r), user(1), vnode(folder, { on: ['write'] }));
    closeSync(kq.fd);
    put(w, 'x');
    assert.throws(() => kq.register(user(2)), isCode('EBADF'));
    assert.throws(() => kq.unregister(user(1)), isCode('EBADF'));
    assert.throws(() => registration.disable(), isCode('EBADF'));
    assert.throws(() => kq.poll({ timeout: 0 }), isCode('EBADF'));
    await assert.rejects(kq.wait({ timeout: 1 }), isCode('EBADF'));
    kq.close();
    closeSync(r);
    closeSync(w);
  });

  it("the queue's descriptor, whose number is another file's by now: that stays open", async () => {
    const dup2 = koffi.load(null).func('int dup2(int from, int to)') as unknown as (from: number, to: number) => number;
    for (const seen of [true, false]) {
      const kq = closeAfter(new Kqueue());
      kq.register(user(1));
      const { fd } = kq;
      const [r, w] = newPipe();
      // Closed and opened in one: no other thread gets the number in between.
      assert.equal(dup2(r, fd), fd);
      if (seen) assert.throws(() => kq.poll({ timeout: 0 }), isCode('EBADF'));
      kq.close();
      assert.equal(kq.closed, true);
      put(w, 'x');
      assert.equal(readSync(fd, new Uint8Array(1)), 1);
      for (const one of [fd, r, w]) closeSync(one);
    }
  });

  it("the queue's descriptor, at each point of a wait", async () => {
    for (const turns of [0, 1, 2]) {
      const kq = closeAfter(new Kqueue());
      const [event] = kq.register(user(1, { clear: true }));
      const outcome = kq.wait({ timeout: 20 }).then(
        (events) => events.length,
        (error) => error.code,
      );
      event.trigger();
      for (let i = 0; i < turns; i++) await turn();
      closeSync(kq.fd);
      assert.ok([1, 'EBADF'].includes(await outcome));
      kq.close();
    }
  });

  it('the number of the queue belongs to another file then: that is no queue', () => {
    const kq = new Kqueue();
    const { fd } = kq;
    closeSync(fd);
    const other = openSync(folder, 'r');
    assert.equal(other, fd);
    assert.throws(() => kq.poll({ timeout: 0 }), isCode('EBADF'));
    closeSync(other);
    kq.close();
  });

  it('the number of the queue belongs to another queue then: that is left alone', async () => {
    const older = new Kqueue<string>();
    const { fd } = older;
    const [trigger] = older.register(user(1, { token: 'older' }));
    const waiting = assert.rejects(older.wait({ timeout: DEADLINE }), isCode('EBADF'));
    closeSync(fd);
    const newer = closeAfter(new Kqueue<string>());
    assert.equal(newer.fd, fd);
    newer.register(user(1, { token: 'newer' }));
    await waiting;
    assert.throws(() => trigger.trigger(), isCode('EBADF'));
    assert.throws(() => older.poll({ timeout: 0 }), isCode('EBADF'));
    assert.deepEqual(newer.poll({ timeout: 0 }), []);
    older.close();
    newer.register(user(2)).map((registration) => registration.trigger());
    assert.deepEqual(
      newer.poll({ timeout: 0 }).map(({ ident }) => ident),
      [2],
    );
  });

  it('what is registered is silent, and its number starts clean', () => {
    const kq = closeAfter(new Kqueue<string>());
    const [r, w] = newPipe();
    kq.register(read(r, { token: 'old' }), write(w, { token: 'old', clear: true }));
    kq.poll({ timeout: DEADLINE });
    put(w, 'x');
    closeSync(r);
    closeSync(w);
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    const [again, other] = newPipe();
    assert.deepEqual([again, other].sort(), [r, w].sort());
    put(other, 'x');
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    kq.register(read(again, { token: 'new' }));
    assert.equal(kq.poll({ timeout: DEADLINE })[0]?.token, 'new');
    closeSync(again);
    closeSync(other);
  });

  it('what is registered, while somebody waits: silence', async () => {
    const kq = closeAfter(new Kqueue());
    const [r, w] = newPipe();
    const [, event] = kq.register(read(r), user(1, { clear: true }));
    const waiting = kq.wait({ timeout: DEADLINE });
    closeSync(r);
    closeSync(w);
    await turn();
    event.trigger();
    const [only, more] = await waiting;
    assert.deepEqual([only?.ident, more], [1, undefined]);
  });

  it('a queue that another watches', () => {
    const kq = closeAfter(new Kqueue());
    const inner = new Kqueue();
    const [event] = inner.register(user(1));
    kq.register(read(inner.fd));
    event.trigger();
    assert.equal(kq.poll({ timeout: DEADLINE }).length, 1);
    inner.close();
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
  });
});

describe('nothing is left open', { ...suite, skip: suite.skip || noProc }, () => {
  const missing = vnode(`${folder}/missing`, { on: ['write'] });
  const rounds: Readonly<Record<string, () => unknown>> = {
    'a queue with knotes of every kind': () => {
      const kq = new Kqueue();
      kq.register(timer(1, { every: 5 }), user(1), write(1), vnode(folder, { on: ['write'] }), proc(process.ppid));
      kq.waker();
      kq.poll({ timeout: 0 });
      kq.close();
    },
    'a queue that was waited for': async () => {
      const kq = new Kqueue();
      await kq.wait({ timeout: 0 });
      await assert.rejects(kq.wait({ signal: AbortSignal.abort() }));
      const waiting = assert.rejects(kq.wait());
      kq.close();
      await waiting;
    },
    'a queue that was iterated': async () => {
      const kq = new Kqueue();
      kq.register(timer(1, { every: 1 }));
      for await (const _ of kq) break;
      kq.close();
    },
    'registrations that were refused': () => {
      const kq = new Kqueue();
      assert.throws(() => kq.register(missing, vnode(folder, { on: ['write'] }), read(2 ** 30)));
      assert.throws(() => kq.register(proc(2 ** 30)));
      kq.close();
    },
    'paths that were registered and unregistered, in one queue': () => {
      const kq = lasting;
      for (let i = 0; i < 3; i++) kq.register(vnode(folder, { on: ['write'] }))[0].unregister();
      const [one] = kq.register(vnode(folder, { on: ['write'] }));
      kq.unregister(one.interest);
    },
    'a queue whose descriptor was closed underneath': async () => {
      const kq = new Kqueue();
      kq.register(user(1), vnode(folder, { on: ['write'] }));
      kq.waker();
      const waiting = assert.rejects(kq.wait({ timeout: 1 }));
      closeSync(kq.fd);
      await waiting;
      kq.close();
    },
  };
  const lasting = new Kqueue();
  for (const [what, round] of Object.entries(rounds)) {
    it(what, async () => {
      // What Node and koffi load at the first use stays.
      await round();
      await turn();
      const before = descriptors().length;
      for (let i = 0; i < 20; i++) await round();
      await turn();
      // Fewer where Node closes one of its own meanwhile.
      assert.ok(descriptors().length <= before, `${descriptors().length} descriptors, ${before} before`);
    });
  }
});
