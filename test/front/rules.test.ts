// What is sent to kevent(2), and how its answers are read, where some kernel does otherwise than the others: seen on
// kernels of every ABI that only write down what they are handed.

// biome-ignore assist/source/organizeImports: the clock must be in place before the library is imported
import { stopClock } from '../helpers/clock.ts';
import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  type Interest,
  Kqueue,
  type KqueueError,
  proc,
  raw,
  read,
  signal,
  timer,
  user,
  vnode,
  write,
} from '../../src/index.ts';
import { type Abi, abis, defaultSys, type Kevent } from '../../src/sys/index.ts';
import { errno, FakeSys } from '../helpers/fake-sys.ts';
import { closeAfter, isCode, newPipe, put, runChild, suite, turn } from './helpers.ts';

const { darwin, freebsd, openbsd, netbsd, dragonfly, linux, libkqueue } = abis;
/** All but libkqueue, which has none of the rules that concern receipts. */
const systems: readonly Abi[] = [darwin, freebsd, openbsd, netbsd, dragonfly, linux];

/** A queue on a kernel of that ABI. */
function queueOf<Token = unknown>(abi: Abi): { kq: Kqueue<Token>; sys: FakeSys } {
  const sys = new FakeSys(abi);
  return { kq: new Kqueue<Token>({ sys }), sys };
}

const EV_ADD = 1;
const EV_DELETE = 2;
const EV_ENABLE = 4;
const EV_DISABLE = 8;
const EV_ONESHOT = 0x10;
const EV_CLEAR = 0x20;
const EV_RECEIPT = 0x40;
const EV_DISPATCH = 0x80;
const EV_ERROR = 0x4000;
const EV_EOF = 0x8000;
const NOTE_TRIGGER = 0x1000000;
const NOTE_FFAND = 0x40000000;
const NOTE_FFOR = 0x80000000;
const NOTE_FFCOPY = 0xc0000000;

const flagsOf = (changes: readonly Kevent[]): number[] => changes.map(({ flags }) => flags);

describe('the rules of the call', suite, () => {
  for (const abi of systems) {
    describe(abi.name, () => {
      it('one call for all changes, with room for a receipt of each, and no wait', () => {
        const { kq, sys } = queueOf(abi);
        kq.register(read(5), write(5), user(1), vnode(6, { on: ['write'] }));
        kq.register(read(5, { clear: true }), timer(1, { every: 5 }));
        kq.unregister(read(5), user(1));
        const seen = sys.calls.map(({ changes, nevents, room, timeout }) => [
          changes.length,
          nevents,
          room >= nevents,
          timeout,
        ]);
        assert.deepEqual(seen, [
          [4, 4, true, 0],
          [3, 3, true, 0],
          [2, 2, true, 0],
        ]);
        for (const { changes } of sys.calls)
          for (const { flags } of changes) assert.equal(flags & EV_RECEIPT, EV_RECEIPT);
      });

      it('a change alone has no event list, so that no kernel can write or fetch', () => {
        const { kq, sys } = queueOf(abi);
        const [one] = kq.register(user(1));
        sys.calls.length = 0;
        one.enable();
        one.disable();
        one.trigger();
        for (const { changes, nevents, room } of sys.calls)
          assert.deepEqual([changes.length, nevents, room], [1, 0, 0]);
        assert.equal(sys.calls.length, 3);
        // EV_ADD would start a timer over, and bring back what is gone.
        assert.deepEqual(flagsOf(sys.takeChanges()), [EV_ENABLE, EV_DISABLE, 0]);
      });

      it('added again, it is enabled; with EV_DELETE before where the mode is another', () => {
        const { kq, sys } = queueOf(abi);
        const again: readonly (readonly [Interest, number[]])[] = [
          [read(5), [EV_ADD | EV_ENABLE]],
          [read(5), [EV_ADD | EV_ENABLE]],
          [read(5, { clear: true }), [EV_DELETE, EV_ADD | EV_ENABLE | EV_CLEAR]],
          [read(5, { clear: true, disabled: true }), [EV_ADD | EV_DISABLE | EV_CLEAR]],
          [read(5, { clear: true }), [EV_ADD | EV_ENABLE | EV_CLEAR]],
          [read(5, { dispatch: true }), [EV_DELETE, EV_ADD | EV_ENABLE | EV_DISPATCH]],
          [read(5, { oneshot: true }), [EV_DELETE, EV_ADD | EV_ENABLE | EV_ONESHOT]],
          [read(5), [EV_DELETE, EV_ADD | EV_ENABLE]],
          // Another filter of the same descriptor is another knote.
          [write(5, { clear: true }), [EV_ADD | EV_ENABLE | EV_CLEAR]],
        ];
        for (const [interest, flags] of again) {
          kq.register(interest);
          assert.equal(sys.calls.length, 1, 'in one call');
          assert.deepEqual(
            flagsOf(sys.takeChanges()),
            flags.map((one) => one | EV_RECEIPT),
          );
        }
      });

      it('a timer that runs is deleted first: DragonFly would let it run on', () => {
        const { kq, sys } = queueOf(abi);
        kq.register(timer(1, { every: 5 }));
        sys.takeChanges();
        kq.register(timer(1, { every: 10 }));
        const changes = sys.takeChanges();
        assert.deepEqual(flagsOf(changes), [EV_DELETE | EV_RECEIPT, EV_ADD | EV_ENABLE | EV_RECEIPT]);
        assert.equal(changes[1]?.data, 10);
      });

      it('vnode notes that were not asked for before: deleted first on NetBSD only, which would stay deaf to them', () => {
        const { kq, sys } = queueOf(abi);
        const changesFor = (...on: ('write' | 'delete' | 'attrib')[]): number => {
          kq.register(vnode(5, { on }));
          return sys.takeChanges().length;
        };
        assert.equal(changesFor('write', 'delete'), 1);
        assert.equal(changesFor('write'), 1, 'fewer');
        assert.equal(changesFor('write', 'attrib'), abi === netbsd ? 2 : 1, 'more');
      });

      it('every later change is the whole record again: several kernels overwrite fflags, data and udata', () => {
        const { kq, sys } = queueOf<string>(abi);
        const oneshot = { oneshot: true, token: 'x' };
        const interests: Interest<string>[] = [
          vnode(5, { on: ['write', 'delete'], token: 'x', clear: true }),
          proc(77, { token: 'x' }),
          timer(2n ** 64n - 1n, { every: 2 ** 60, ...oneshot }),
          user(7, { token: 'x', dispatch: true }),
          raw({ ident: 3, filter: abi.constants['EVFILT_WRITE'] as number, fflags: 9, data: -8, udata: 2n ** 63n }),
        ];
        if (abi.constants['NOTE_LOWAT'] !== undefined) interests.push(read(5, { lowat: 100, token: 'x' }));
        for (const interest of interests) {
          const [registration] = kq.register(interest);
          const { flags: _, ...record } = sys.takeChanges()[0] as Kevent;
          registration.disable();
          registration.enable();
          registration.unregister();
          assert.deepEqual(
            sys.takeChanges(),
            [EV_DISABLE, EV_ENABLE, EV_DELETE | EV_RECEIPT].map((flags) => ({ ...record, flags })),
          );
        }
      });

      it('a trigger has flags 0, and never comes with the first change', () => {
        const { kq, sys } = queueOf<string>(abi);
        const [one] = kq.register(user(7, { clear: true, token: 'x' }));
        const [added] = sys.takeChanges();
        assert.deepEqual([added?.fflags, added?.flags], [0, EV_ADD | EV_ENABLE | EV_CLEAR | EV_RECEIPT]);
        one.trigger();
        one.trigger(0x1234);
        one.trigger(0);
        one.trigger(NOTE_FFAND | 0xff);
        one.trigger(NOTE_FFOR + 1);
        one.trigger(NOTE_FFCOPY + 2);
        const sent = sys.takeChanges();
        assert.deepEqual(
          sent.map(({ fflags }) => fflags),
          // Bits without an operation are copied: with NOTE_FFNOP they would be lost.
          [
            NOTE_TRIGGER,
            NOTE_FFCOPY + NOTE_TRIGGER + 0x1234,
            NOTE_FFCOPY + NOTE_TRIGGER,
            NOTE_FFAND + NOTE_TRIGGER + 0xff,
            NOTE_FFOR + NOTE_TRIGGER + 1,
            NOTE_FFCOPY + NOTE_TRIGGER + 2,
          ],
        );
        for (const { flags, udata, data } of sent) assert.deepEqual([flags, udata, data], [0, added?.udata, 0]);
      });

      it('a user event that is changed loses no trigger: EV_CLEAR in a change would take it back', () => {
        const { kq, sys } = queueOf(abi);
        kq.register(user(7, { clear: true }));
        kq.register(user(7, { clear: true }));
        assert.deepEqual(flagsOf(sys.takeChanges()), [
          EV_ADD | EV_ENABLE | EV_CLEAR | EV_RECEIPT,
          EV_ADD | EV_ENABLE | EV_RECEIPT,
        ]);
      });

      it('a timeout is cut to the 2^31 - 1 seconds that every kernel takes', (t) => {
        const clock = stopClock(t);
        const { kq, sys } = queueOf(abi);
        // Some time passes, in DragonFly's slices too; then there is an event.
        sys.answer = ({ timeout }) => {
          clock.now += timeout ?? 0;
          return sys.calls.length < 3 ? [] : [{ ident: 1, filter: sys.constant('EVFILT_USER') }];
        };
        kq.poll({ timeout: 2 ** 31 * 1000 * 5 });
        kq.poll({ timeout: Number.MAX_VALUE });
        kq.poll({ timeout: Number.POSITIVE_INFINITY });
        kq.poll();
        for (const { timeout } of sys.calls) assert.ok((timeout ?? 0) <= (2 ** 31 - 1) * 1000, String(timeout));
        const last = sys.calls.slice(-2).map(({ timeout }) => timeout);
        assert.deepEqual(last, abi === dragonfly ? [60_000, 60_000] : [null, null]);
      });

      it('a fraction of a millisecond goes down as it is; 0 looks', () => {
        const { kq, sys } = queueOf(abi);
        sys.answer = () => [{ ident: 1, filter: sys.constant('EVFILT_USER') }];
        for (const timeout of [0.25, 0, 1500.5]) kq.poll({ timeout });
        const sent = sys.calls.map(({ timeout }) => timeout as number);
        assert.equal(sent[1], 0);
        for (const [i, ms] of [0.25, 0, 1500.5].entries()) {
          const given = sent[i] as number;
          // Up to a nanosecond later, and a little earlier for what was spent since.
          assert.ok(given <= ms + 1e-6, `${given} for ${ms}`);
          assert.ok(ms === 0 || given > 0, `${given} for ${ms}`);
        }
      });

      it('EINTR: the wait goes on with the rest of the time', (t) => {
        const clock = stopClock(t);
        const { kq, sys } = queueOf(abi);
        sys.answer = ({ timeout }) => {
          clock.now += 300;
          if (sys.calls.length < 3) return { errno: errno.EINTR };
          clock.now += timeout ?? 0;
          return [];
        };
        assert.deepEqual(kq.poll({ timeout: 1000 }), []);
        assert.deepEqual(
          sys.calls.map(({ timeout }) => timeout),
          [1000, 700, 400],
        );
        // Over by then: it looks once more, and does not wait.
        sys.calls.length = 0;
        sys.answer = () => {
          clock.now += 2000;
          return sys.calls.length < 2 ? { errno: errno.EINTR } : [];
        };
        assert.deepEqual(kq.poll({ timeout: 1000 }), []);
        assert.deepEqual(
          sys.calls.map(({ timeout }) => timeout),
          [1000, 0],
        );
      });

      it('EINTR of a change: it was applied', () => {
        const { kq, sys } = queueOf(abi);
        sys.answer = () => ({ errno: errno.EINTR });
        const [registration] = kq.register(read(5));
        assert.equal(registration.active, true);
      });

      it('receipts are in the order of the changes', () => {
        const { kq, sys } = queueOf(abi);
        sys.judge = ({ ident }) => (ident === 6 ? errno.EBADF : 0);
        assert.throws(
          () => kq.register(read(6), read(5), write(5), user(2n ** 64n - 1n)),
          (error: unknown) => isCode('EBADF')(error) && (error as KqueueError).change?.ident === 6,
        );
        sys.takeChanges();
        sys.judge = () => 0;
        // The kernel is asked about a knote that is not known here, and its udata is 0.
        kq.unregister(read(6), user(2n ** 64n - 1n));
        const [unknown, known] = sys.takeChanges();
        assert.equal(unknown?.udata, 0);
        assert.notEqual(known?.udata, 0);
      });

      it('flags that come back are looked at bit by bit', () => {
        const { kq, sys } = queueOf(abi);
        const [r, p] = kq.register(read(5), proc(77));
        const [{ udata: ofRead = 0 } = {}, { udata: ofProc = 0 } = {}] = sys.takeChanges();
        const echo = EV_ADD | EV_ENABLE | EV_RECEIPT | EV_CLEAR;
        sys.pending.push({ ident: 5, filter: sys.constant('EVFILT_READ'), flags: echo | EV_EOF, udata: ofRead });
        sys.pending.push({ ident: 77, filter: sys.constant('EVFILT_PROC'), flags: EV_EOF | EV_ONESHOT, udata: ofProc });
        const [read5, proc77] = kq.poll({ timeout: 0 });
        assert.deepEqual([read5?.eof, read5?.error, read5?.registration], [true, undefined, r]);
        assert.equal(r.active, true);
        // NOTE_EXIT that was not asked for: fflags 0, and yet the end.
        assert.ok(proc77?.filter === 'proc');
        assert.deepEqual([proc77.exited, p.active], [true, false]);
      });

      it('a knote that the kernel made one-shot is gone', () => {
        const { kq, sys } = queueOf(abi);
        const [registration] = kq.register(write(5));
        const [{ udata = 0 } = {}] = sys.takeChanges();
        sys.pending.push({ ident: 5, filter: sys.constant('EVFILT_WRITE'), flags: EV_EOF | EV_ONESHOT, udata });
        assert.equal(kq.poll({ timeout: 0 })[0]?.registration, registration);
        assert.equal(registration.active, false);
        assert.throws(() => registration.enable(), isCode('ENOENT'));
        assert.deepEqual(
          sys.calls.filter(({ changes }) => changes.length > 0),
          [],
        );
      });

      it('an error that comes late is told by the event, and thrown by nothing', () => {
        const { kq, sys } = queueOf(abi);
        kq.register(timer(1, { every: 5 }));
        const [{ udata = 0 } = {}] = sys.takeChanges();
        sys.pending.push({
          ident: 1,
          filter: sys.constant('EVFILT_TIMER'),
          flags: EV_ERROR,
          data: errno.EINVAL,
          udata,
        });
        const [event] = kq.poll({ timeout: 0 });
        isCode('EINVAL')(event?.error);
      });

      it('a call that fails as a whole has registered nothing', () => {
        const { kq, sys } = queueOf(abi);
        const [old] = kq.register(read(5));
        sys.answer = () => ({ errno: errno.ENOMEM });
        assert.throws(() => kq.register(read(6), read(5, { clear: true })), isCode('ENOMEM'));
        assert.throws(() => kq.poll({ timeout: 0 }), isCode('ENOMEM'));
        sys.answer = undefined;
        sys.takeChanges();
        kq.unregister(old);
        kq.register(read(6));
        assert.deepEqual(flagsOf(sys.takeChanges()).at(-1), EV_ADD | EV_ENABLE | EV_RECEIPT);
      });
    });
  }
});

describe('macOS', suite, () => {
  const NOTE_EXITSTATUS = 0x4000000;
  const NOTE_EXIT = 0x80000000;

  it('the exit status of a process that is not ours is EACCES: the exit alone is asked for, and it alone again later', () => {
    const { kq, sys } = queueOf<string>(darwin);
    sys.judge = ({ fflags }) => ((fflags & NOTE_EXITSTATUS) !== 0 ? errno.EACCES : 0);
    const [registration] = kq.register(proc(77, { token: 'other' }), user(1));
    const [first, , again] = sys.takeChanges();
    assert.deepEqual([first?.fflags, again?.fflags], [NOTE_EXIT + NOTE_EXITSTATUS, NOTE_EXIT]);
    assert.equal(registration.active, true);
    registration.disable();
    assert.equal(sys.takeChanges()[0]?.fflags, NOTE_EXIT);

    const udata = again?.udata ?? 0;
    sys.pending.push({ ident: 77, filter: -5, flags: EV_EOF | EV_ONESHOT, fflags: NOTE_EXIT, data: 0, udata });
    const [event] = kq.poll({ timeout: 0 });
    assert.ok(event?.filter === 'proc');
    assert.deepEqual([event.token, event.exited, event.exitStatus], ['other', true, undefined]);
  });

  it('who insists on the status is told EACCES', () => {
    const { kq, sys } = queueOf(darwin);
    sys.judge = ({ fflags }) => ((fflags & NOTE_EXITSTATUS) !== 0 ? errno.EACCES : 0);
    assert.throws(() => kq.register(proc(77, { on: ['exit', 'exitstatus'] })), isCode('EACCES'));
    assert.equal(sys.calls.length, 1);
  });

  it('what was refused a second time is not registered, and what it replaced is gone', () => {
    const { kq, sys } = queueOf(darwin);
    const [old] = kq.register(proc(77));
    sys.takeChanges();
    // The first list has deleted the old one: in the second there is nothing left to delete.
    let deleted = false;
    sys.judge = ({ flags, fflags }) => {
      if ((flags & EV_DELETE) !== 0) {
        const gone = deleted;
        deleted = true;
        return gone ? errno.ENOENT : 0;
      }
      return (fflags & NOTE_EXITSTATUS) !== 0 ? errno.EACCES : errno.ESRCH;
    };
    assert.throws(() => kq.register(proc(77, { clear: true })), isCode('ESRCH'));
    assert.equal(old.active, false);
  });

  it('elsewhere EACCES is EACCES', () => {
    for (const abi of [freebsd, openbsd, netbsd, dragonfly, linux]) {
      const { kq, sys } = queueOf(abi);
      sys.judge = () => errno.EACCES;
      assert.throws(() => kq.register(proc(77)), isCode('EACCES'));
      assert.equal(sys.calls.length, 1);
    }
  });
});

describe('libkqueue', suite, () => {
  it('each change has a call of its own, whose result is what became of it: its receipts do not tell', () => {
    const { kq, sys } = queueOf(libkqueue);
    sys.judge = ({ ident }) => (ident === 6 ? errno.EBADF : 0);
    assert.throws(() => kq.register(read(5), read(6), user(1)), isCode('EBADF'));
    assert.deepEqual(
      sys.calls.map(({ changes, room }) => [changes.map(({ ident, flags }) => [ident, flags]), room]),
      [5, 6, 1].map((ident) => [[[ident, EV_ADD | EV_ENABLE]], 0]),
    );
    sys.takeChanges();
    kq.register(read(5, { clear: true }));
    assert.deepEqual(flagsOf(sys.takeChanges()), [EV_DELETE, EV_ADD | EV_ENABLE | EV_CLEAR]);
  });
});

describe('DragonFly', suite, () => {
  it('waits in slices of a minute: it panics where one call loops a million times', (t) => {
    const clock = stopClock(t);
    const { kq, sys } = queueOf(dragonfly);
    sys.answer = ({ timeout }) => {
      clock.now += timeout ?? 0;
      return [];
    };
    assert.deepEqual(kq.poll({ timeout: 150_000 }), []);
    assert.deepEqual(
      sys.calls.map(({ timeout }) => timeout),
      [60_000, 60_000, 30_000],
    );
  });

  it('for ever is as many slices as it takes', (t) => {
    const clock = stopClock(t);
    const { kq, sys } = queueOf(dragonfly);
    sys.answer = ({ timeout }) => {
      clock.now += timeout ?? 0;
      return sys.calls.length < 5 ? [] : [{ ident: 1, filter: sys.constant('EVFILT_USER') }];
    };
    assert.equal(kq.poll().length, 1);
    assert.deepEqual(
      sys.calls.map(({ timeout }) => timeout),
      [60_000, 60_000, 60_000, 60_000, 60_000],
    );
  });
});

describe('signals, and what a kernel may say', suite, () => {
  const listeners = (): number => process.listenerCount('SIGHUP');

  it('while one is registered with a kernel, a handler keeps its default action off', () => {
    const before = listeners();
    for (const abi of [darwin, freebsd, openbsd, netbsd, dragonfly, libkqueue]) {
      const { kq, sys } = queueOf(abi);
      const [one] = kq.register(signal('SIGHUP'));
      assert.equal(listeners(), before + 1, abi.name);
      // A second queue needs no second handler, and the first to go does not take it along.
      const other = queueOf(abi).kq;
      const [two] = other.register(signal('SIGHUP'));
      assert.equal(listeners(), before + 1);
      one.unregister();
      assert.equal(listeners(), before + 1);
      two.unregister();
      assert.equal(listeners(), before);

      kq.register(signal('SIGHUP'));
      kq.register(signal('SIGHUP', { dispatch: true }));
      assert.equal(listeners(), before + 1);
      kq.close();
      assert.equal(listeners(), before, 'closed');

      sys.judge = () => errno.EINVAL;
      const third = new Kqueue({ sys });
      assert.throws(() => third.register(signal('SIGHUP')), isCode('EINVAL'));
      assert.equal(listeners(), before, 'refused');

      sys.judge = () => 0;
      third.register(signal('SIGHUP', { oneshot: true }));
      const { ident, filter, udata } = sys.takeChanges().at(-1) as Kevent;
      sys.pending.push({ ident, filter, udata, flags: EV_ONESHOT, data: 1 });
      assert.equal(third.poll({ timeout: 0 }).length, 1);
      assert.equal(listeners(), before, 'reported once');
    }
  });

  it("register() throws the error of a 'newListener' handler of the program", () => {
    const { kq, sys } = queueOf(freebsd);
    const before = listeners();
    const error = new Error('of a handler');
    process.once('newListener', () => {
      throw error;
    });
    assert.throws(() => kq.register(user(1), signal('SIGHUP')), error);
    assert.equal(listeners(), before);
    assert.deepEqual(
      sys.takeChanges().map(({ ident }) => ident),
      [1],
    );
    kq.close();
  });

  it('a handler that polls or throws while a handler of a signal is removed takes each event once', () => {
    for (const fails of [false, true]) {
      const { kq, sys } = queueOf<string>(freebsd);
      kq.register(
        user(1, { token: 'before' }),
        signal('SIGHUP', { oneshot: true, token: 'signal' }),
        user(2, { token: 'after' }),
      );
      for (const { ident, filter, udata } of sys.takeChanges())
        sys.pending.push({ ident, filter, udata, flags: 0, data: 1 });
      const tokens: (string | undefined)[] = [];
      const poll = (): void => {
        for (const { token } of kq.poll({ timeout: 0 })) tokens.push(token);
      };
      const handler = (): void => {
        if (fails) throw new Error('of a handler');
        poll();
      };
      process.once('removeListener', handler);
      if (fails) assert.throws(poll, /of a handler/);
      poll();
      poll();
      assert.deepEqual(tokens, ['before', 'signal', 'after']);
      kq.close();
    }
  });

  it('a handler that throws while the built-in kqueue removes its listener does not end the call: its error is uncaught', {
    skip: defaultSys().handlesSignals !== true && 'a kernel has no listeners',
  }, async () => {
    assert.equal(await runChild("a 'removeListener' handler that throws"), '0\nof a handler\n');
  });

  it('what Node ignores does not end the process afterwards', async () => {
    assert.equal(await runChild('SIGPIPE, once it is registered no longer'), '1 1\n');
  });

  it('an errno that does not say that a knote is gone leaves its registration', () => {
    const { kq, sys } = queueOf(freebsd);
    const [registration] = kq.register(timer(1, { every: 1000 }));
    sys.judge = () => errno.ENOMEM;
    assert.throws(() => registration.enable(), isCode('ENOMEM'));
    assert.equal(registration.active, true);
    sys.judge = () => errno.ENOENT;
    assert.throws(() => registration.enable(), isCode('ENOENT'));
    assert.equal(registration.active, false);
  });

  it('a look that is interrupted is looked again, without waiting', () => {
    const { kq, sys } = queueOf(freebsd);
    let interrupted = 0;
    sys.answer = () => (interrupted++ === 0 ? { errno: errno.EINTR } : undefined);
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    assert.deepEqual(
      sys.calls.map(({ timeout }) => timeout),
      [0, 0],
    );
  });
});

describe('a queue that is to be watched by libuv', suite, () => {
  it('is shown to that queue at each start of the handle, because it may have become deeper', async () => {
    const [reader, writer] = newPipe();
    const sys = new FakeSys(darwin);
    sys.pollable = true;
    // A descriptor that libuv can watch, so that there is a handle.
    let made = 0;
    sys.kqueue = () => (made++ === 0 ? reader : 2 ** 30 + made);
    const kq = closeAfter(new Kqueue({ sys }));
    const asked = (): number => sys.takeChanges().filter(({ ident }) => ident === reader).length;
    put(writer, 'x');
    for (const refused of [false, true, false]) {
      sys.judge = ({ ident }) => (refused && ident === reader ? errno.EINVAL : 0);
      sys.pending.push({ ident: 1, filter: sys.constant('EVFILT_USER') });
      assert.equal((await kq.wait()).length, 1);
      assert.equal(asked(), 1, refused ? 'refused' : 'taken');
      // Nobody waits, so the handle stops.
      for (let i = 0; i < 5; i++) await turn();
    }
    for (const fd of [reader, writer]) closeSync(fd);
  });

  it('is first shown, on macOS, to a queue that has watched one: libuv must not find out that it nests too deep', async () => {
    for (const refused of [false, true]) {
      const { kq, sys } = queueOf(darwin);
      sys.pollable = true;
      let asked = 0;
      sys.judge = () => (++asked === 2 && refused ? errno.EINVAL : 0);
      sys.pending.push({ ident: 1, filter: sys.constant('EVFILT_USER') });
      assert.equal((await kq.wait()).length, 1);
      const [first, second, ...more] = sys.takeChanges();
      assert.deepEqual([first?.filter, second?.filter, more.length], [-1, -1, 0]);
      assert.equal(second?.ident, kq.fd);
      assert.equal(sys.closed.length, 2);
      kq.close();
    }
    // None left to ask with: it is looked at, and what there was is given back.
    for (const have of [0, 1]) {
      const { kq, sys } = queueOf(darwin);
      sys.pollable = true;
      let made = 0;
      sys.kqueue = () => (made++ < have ? 2 ** 30 + made : -1);
      sys.pending.push({ ident: 1, filter: sys.constant('EVFILT_USER') });
      assert.equal((await kq.wait()).length, 1);
      assert.deepEqual([sys.takeChanges(), sys.closed], [[], have === 0 ? [] : [2 ** 30 + 1]]);
      kq.close();
    }
    const other = queueOf(freebsd);
    other.sys.pollable = true;
    other.sys.pending.push({ ident: 1, filter: other.sys.constant('EVFILT_USER') });
    assert.equal((await other.kq.wait()).length, 1);
    assert.deepEqual(other.sys.takeChanges(), []);
  });
});
