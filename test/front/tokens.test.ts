// Tokens: they come back with the event, are found by nothing stale, and are not kept longer than they are needed.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Kqueue, proc, raw, read, timer, user, vnode, write } from '../../src/index.ts';
import { abi, abis, defaultSys, type Kevent, KeventList } from '../../src/sys/index.ts';
import { errno, FakeSys } from '../helpers/fake-sys.ts';
import { closeAfter, collectGarbage, DEADLINE, newPipe, pollAll, put, suite, testFolder, turn } from './helpers.ts';

const folder = testFolder();

describe('tokens', suite, () => {
  it('any value comes back as it is', () => {
    const kq = closeAfter(new Kqueue());
    const tokens = ['text', 0, null, Symbol('s'), { an: 'object' }, () => {}, Number.NaN, [1, 2], 5n, false, ''];
    const users = tokens.map((token, ident) => user(ident, { token, clear: true }));
    for (const one of kq.register(...users)) one.trigger();
    const events = pollAll(kq, tokens.length);
    for (const { ident, token } of events) assert.ok(Object.is(token, tokens[ident]));
  });

  it('what has none has undefined', () => {
    const kq = closeAfter(new Kqueue());
    const [one, two] = kq.register(user(1, { clear: true }), user(2, { clear: true, token: undefined }));
    one.trigger();
    two.trigger();
    for (const event of pollAll(kq, 2)) assert.equal(event.token, undefined);
  });

  it('each filter of one number has its own', () => {
    const kq = closeAfter(new Kqueue<string>());
    const [r, w] = newPipe();
    put(w, 'x');
    const [event] = kq
      .register(
        read(r, { token: 'reader', clear: true }),
        write(w, { token: 'writer', clear: true }),
        user(r, { token: 'user', clear: true }),
        timer(r, { after: 1, token: 'timer' }),
        vnode(folder, { on: ['write'], token: 'vnode' }),
      )
      .slice(2) as { trigger(): void }[];
    event?.trigger();
    const found = new Map(pollAll(kq, 4).map(({ filter, token }) => [filter, token]));
    assert.deepEqual([...found].sort(), [
      ['read', 'reader'],
      ['timer', 'timer'],
      ['user', 'user'],
      ['write', 'writer'],
    ]);
    closeSync(r);
    closeSync(w);
  });

  it('each queue has its own', () => {
    const one = closeAfter(new Kqueue<string>());
    const two = closeAfter(new Kqueue<string>());
    const [a] = one.register(user(1, { token: 'of one', clear: true }));
    const [b] = two.register(user(1, { token: 'of two', clear: true }));
    a.trigger();
    b.trigger();
    assert.equal(one.poll({ timeout: DEADLINE })[0]?.token, 'of one');
    assert.equal(two.poll({ timeout: DEADLINE })[0]?.token, 'of two');
  });

  it('a stale udata finds nothing', () => {
    const sys = new FakeSys(abis.freebsd);
    const kq = new Kqueue<string>({ sys });
    const READ = -1;
    kq.register(read(5, { token: 'old' }));
    const [old] = sys.takeChanges() as [Kevent];
    kq.unregister(read(5));
    const tokenOf = (record: Partial<Kevent>): string | undefined => {
      sys.pending.push(record);
      return kq.poll({ timeout: 0 })[0]?.token;
    };
    const stale = { ident: 5, filter: READ, udata: old.udata };
    assert.equal(tokenOf(stale), undefined);
    // The slot is another's by now.
    kq.register(read(5, { token: 'next' }));
    const [, next] = sys.takeChanges() as [Kevent, Kevent];
    assert.notEqual(next.udata, old.udata);
    assert.equal(tokenOf(stale), undefined);
    assert.equal(tokenOf({ ident: 5, filter: READ, udata: next.udata }), 'next');
    // The right udata under another name: somebody else's, who happens to have the number.
    assert.equal(tokenOf({ ident: 6, filter: READ, udata: next.udata }), undefined);
    assert.equal(tokenOf({ ident: 5, filter: -2, udata: next.udata }), undefined);
    for (const udata of [0, 1, 2 ** 53 - 1, 2n ** 64n - 1n, Number(next.udata) + 2 ** 24]) {
      assert.equal(tokenOf({ ident: 5, filter: READ, udata }), undefined, String(udata));
    }
  });

  it('nor does that of an event of a real kqueue that another has registered over it', () => {
    const sys = defaultSys();
    const kq = closeAfter(new Kqueue<string>({ sys }));
    const [registration] = kq.register(timer(1, { every: 1, token: 'mine' }));
    const list = new KeventList(1, sys.abi);
    const { EVFILT_TIMER = 0, EV_ADD = 0 } = sys.abi.constants;
    list.set(0, { ident: 1, filter: EVFILT_TIMER, flags: EV_ADD, data: 1, udata: 12_345 });
    assert.equal(sys.kevent(kq.fd, list, 1, null, 0, null), 0);
    const end = performance.now() + DEADLINE;
    for (;;) {
      assert.ok(performance.now() < end);
      const [event] = kq.poll({ timeout: DEADLINE });
      // DragonFly keeps the udata of the first EV_ADD.
      if (event?.registration === undefined || abi.name === 'dragonfly') break;
    }
    assert.equal(registration.active, true);
  });

  it('the udata of user() may be an older one, which a waker has repeated', () => {
    const sys = new FakeSys(abis.freebsd);
    const kq = new Kqueue<string>({ sys });
    kq.register(user(1, { token: 'old', clear: true }));
    const [old] = sys.takeChanges() as [Kevent];
    kq.register(user(1, { token: 'new', clear: true }));
    sys.pending.push({ ident: 1, filter: -11, udata: old.udata });
    assert.equal(kq.poll({ timeout: 0 })[0]?.token, 'new');
  });

  it('raw() has its own udata, and its token by its name', () => {
    const sys = new FakeSys(abis.freebsd);
    const kq = new Kqueue<string>({ sys });
    // One that looks like a slot of the table.
    kq.register(user(1, { token: 'user' }), raw({ ident: 1, filter: -7, udata: 2 ** 24, token: 'raw' }));
    const [first, second] = sys.takeChanges() as [Kevent, Kevent];
    assert.deepEqual([first.udata, second.udata], [2 ** 24, 2 ** 24]);
    sys.pending.push({ ident: 1, filter: -7, udata: 2 ** 24 }, { ident: 1, filter: -11, udata: 2 ** 24 });
    const [ofRaw, ofUser] = kq.poll({ timeout: 0 });
    assert.deepEqual([ofRaw?.token, ofRaw?.udata, ofUser?.token, ofUser?.udata], ['raw', 2 ** 24, 'user', 0]);
    kq.unregister(raw({ ident: 1, filter: -7 }));
    sys.pending.push({ ident: 1, filter: -11, udata: 2 ** 24 });
    assert.equal(kq.poll({ timeout: 0 })[0]?.token, 'user', 'its slot was not given back for another');
  });

  it('slots are used again: udata numbers as many as were registered at one time', () => {
    const sys = new FakeSys(abis.freebsd);
    const kq = new Kqueue({ sys });
    const slots = new Set<number>();
    for (let i = 0; i < 100; i++) {
      const [one, two] = kq.register(user(i), read(i));
      for (const { udata } of sys.takeChanges()) slots.add(Number(udata) % 2 ** 24);
      one.unregister();
      two.unregister();
      sys.takeChanges();
      // Replaced, in the same mode and in another.
      kq.register(user(1_000));
      kq.register(user(1_000, { clear: i % 2 === 0 }));
      // Refused.
      sys.judge = ({ ident }) => (ident === 2_000 ? errno.EINVAL : 0);
      assert.throws(() => kq.register(read(2_000)));
      for (const { udata, flags } of sys.takeChanges()) if ((flags & 1) !== 0) slots.add(Number(udata) % 2 ** 24);
    }
    assert.ok(slots.size <= 4, `${slots.size} slots`);
  });

  describe('are let go of', () => {
    /** Registers a token that nothing else refers to, and does with it what is to be its end. */
    type End = (kq: Kqueue<object>, token: object) => Promise<unknown> | unknown;
    const ends: Readonly<Record<string, End>> = {
      'a one-shot that was reported': (kq, token) => {
        const [event] = kq.register(user(1, { oneshot: true, token }));
        event.trigger();
        assert.equal(kq.poll({ timeout: DEADLINE })[0]?.token, token);
      },
      'a timer that has fired once': async (kq, token) => {
        kq.register(timer(1, { after: 1, token }));
        assert.equal((await kq.wait({ timeout: DEADLINE }))[0]?.token, token);
      },
      'a process that has exited': async (kq, token) => {
        const child = spawn(process.execPath, ['-e', 'process.stdin.once("data", () => process.exit())']);
        const exit = once(child, 'exit');
        kq.register(proc(child.pid as number, { token }));
        child.stdin.write('go\n');
        assert.equal((await kq.wait({ timeout: DEADLINE }))[0]?.token, token);
        await exit;
      },
      'a registration that was unregistered': (kq, token) => kq.register(user(1, { token }))[0].unregister(),
      'an interest that was unregistered': (kq, token) => {
        kq.register(vnode(folder, { on: ['write'], token }));
        kq.unregister(vnode(folder, { on: ['write'] }));
      },
      'what was replaced': (kq, token) => {
        kq.register(user(1, { token }));
        kq.register(user(1, { token: {} }));
      },
      'what was replaced in another mode': (kq, token) => {
        kq.register(user(1, { token }));
        kq.register(user(1, { token: {}, clear: true }));
      },
      'what was refused': (kq, token) => {
        assert.throws(() => kq.register(read(2 ** 30, { token })));
      },
      'a descriptor that was closed, when its number is registered again': (kq, token) => {
        const [r, w] = newPipe();
        kq.register(read(r, { token }));
        closeSync(r);
        closeSync(w);
        const [again, other] = newPipe();
        assert.equal(again, r);
        kq.register(read(again));
        closeSync(again);
        closeSync(other);
      },
      'a closed descriptor that a change has found out': (kq, token) => {
        const [r, w] = newPipe();
        const [registration] = kq.register(read(r, { token }));
        closeSync(r);
        closeSync(w);
        assert.throws(() => registration.enable());
      },
      'what an iteration has fetched and nobody has taken, when it is unregistered': async (kq, token) => {
        const [first, second] = kq.register(user(1, { clear: true }), user(2, { clear: true, token }));
        first.trigger();
        second.trigger();
        for await (const _ of kq) break;
        second.unregister();
      },
      'a queue that was closed': (kq, token) => {
        kq.register(user(1, { token }), timer(2, { every: DEADLINE, token }));
        kq.close();
      },
    };
    for (const [what, end] of Object.entries(ends)) {
      it(what, async () => {
        const kq = closeAfter(new Kqueue<object>());
        // In a function of its own, whose variables are gone when it returns.
        const registered = async (): Promise<WeakRef<object>> => {
          const token = { what };
          await end(kq, token);
          return new WeakRef(token);
        };
        const reference = await registered();
        const deadline = performance.now() + DEADLINE;
        while (reference.deref() !== undefined) {
          assert.ok(performance.now() < deadline, 'the token is still there');
          await turn();
          collectGarbage();
        }
        assert.equal(typeof kq.fd, 'number');
      });
    }

    it('but not before: what is registered keeps its token, though nobody else does', async () => {
      const kq = closeAfter(new Kqueue<object>());
      const [event] = kq.register(user(1, { token: { kept: true }, clear: true }));
      await turn();
      collectGarbage();
      event.trigger();
      assert.deepEqual(kq.poll({ timeout: DEADLINE })[0]?.token, { kept: true });
    });
  });
});
