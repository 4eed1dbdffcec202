// Every error that the high-level API gives: its shape, a closed queue, wrong arguments.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { getSystemErrorName, inspect } from 'node:util';
import { type Interest, Kqueue, KqueueError, read, timer, user, vnode, Waker } from '../../src/index.ts';
import { type Abi, abis, defaultSys } from '../../src/sys/index.ts';
import { errno, FakeSys } from '../helpers/fake-sys.ts';
import { noIntegers, noNumbers, refuses } from '../sys/refuses.ts';
import { closeAfter, DEADLINE, isCode, noProc, runChild, suite } from './helpers.ts';

/** Lets a wrong argument through the compiler. */
const wrong = (value: unknown): never => value as never;

describe('KqueueError', suite, () => {
  it("has the shape of Node's own errors", () => {
    const kq = closeAfter(new Kqueue());
    const interest = user(7);
    assert.throws(
      () => kq.unregister(interest),
      (error: unknown) => {
        assert.ok(error instanceof KqueueError && error instanceof Error);
        assert.deepEqual([error.name, error.code, error.syscall], ['KqueueError', 'ENOENT', 'kevent']);
        assert.ok(error.errno < 0);
        assert.equal(getSystemErrorName(error.errno), 'ENOENT');
        assert.equal(error.message, 'ENOENT: not registered, kevent { USER ident=7, DELETE }');
        assert.equal(error.interest, interest);
        assert.equal(error.change?.ident, 7);
        assert.match(inspect(error), /^KqueueError: ENOENT/);
        // Its name is no property of its own, as with Error.
        assert.ok(!Object.keys(error).includes('name'));
        return true;
      },
    );
  });

  it('names an errno that has no name by its number', () => {
    const sys = new FakeSys(abis.freebsd);
    sys.judge = () => 12_345;
    const kq = new Kqueue({ sys });
    assert.throws(() => kq.register(read(5)), { name: 'KqueueError', code: 'errno 12345', errno: -12_345 });
  });

  it('names the release that brought what the kernel refuses with EINVAL', () => {
    const refused = (abi: Abi, interest: Interest, code: 'EINVAL' | 'ENOMEM' = 'EINVAL'): string => {
      const sys = new FakeSys(abi);
      sys.judge = () => errno[code];
      try {
        new Kqueue({ sys }).register(interest);
      } catch (error) {
        return (error as Error).message;
      }
      return assert.fail('it is registered');
    };
    const { openbsd, netbsd, freebsd } = abis;
    assert.match(refused(openbsd, user(7)), /USER ident=7, ADD\|ENABLE \} \(EVFILT_USER needs OpenBSD 7\.8\)$/);
    assert.match(refused(netbsd, user(7)), /\(EVFILT_USER needs NetBSD 10\)$/);
    assert.match(refused(openbsd, timer(7, { every: 0.5 })), /\(NOTE_USECONDS needs OpenBSD 7\.4\)$/);
    assert.match(
      refused(netbsd, vnode(7, { on: ['open', 'read', 'write'] })),
      /\(NOTE_OPEN needs NetBSD 10, NOTE_READ needs NetBSD 10\)$/,
    );
    for (const message of [refused(freebsd, user(7)), refused(openbsd, read(7)), refused(openbsd, user(7), 'ENOMEM')]) {
      assert.doesNotMatch(message, /needs/);
    }
  });

  it('new Kqueue() says what kqueue(2) said', () => {
    const sys = new FakeSys(abis.freebsd);
    sys.kqueue = () => -1;
    sys.errno = () => errno.EMFILE;
    assert.throws(() => new Kqueue({ sys }), { name: 'KqueueError', code: 'EMFILE', syscall: 'kqueue' });
  });

  it('without descriptors: EMFILE, and a queue that is there goes on', { skip: noProc }, async () => {
    assert.equal(
      await runChild('no descriptors', { descriptors: 64 }),
      `EMFILE kqueue\nEMFILE open\nevent 1\nduplicates ${defaultSys().pollable ? 1 : 0}\nevent 1\n`,
    );
  });
});

describe('a closed queue', suite, () => {
  const closed = (): { kq: Kqueue; registration: ReturnType<typeof make>['registration']; waker: Waker } => {
    const made = make();
    made.kq.close();
    return made;
  };
  const make = () => {
    const kq = new Kqueue();
    const [registration] = kq.register(user(1));
    return { kq, registration, waker: kq.waker() };
  };

  const calls: Readonly<Record<string, (of: ReturnType<typeof closed>) => unknown>> = {
    'register()': ({ kq }) => kq.register(user(1)),
    'register() of nothing': ({ kq }) => kq.register(),
    'unregister() of an interest': ({ kq }) => kq.unregister(user(1)),
    'unregister() of a registration': ({ kq, registration }) => kq.unregister(registration),
    'unregister() of nothing': ({ kq }) => kq.unregister(),
    'poll()': ({ kq }) => kq.poll({ timeout: 0 }),
    'waker()': ({ kq }) => kq.waker(),
    'waker(1)': ({ kq }) => kq.waker(1),
    'ref()': ({ kq }) => kq.ref(),
    'unref()': ({ kq }) => kq.unref(),
    'for await': ({ kq }) => kq[Symbol.asyncIterator](),
    'registration.enable()': ({ registration }) => registration.enable(),
    'registration.disable()': ({ registration }) => registration.disable(),
    'registration.trigger()': ({ registration }) => registration.trigger(),
    'registration.unregister()': ({ registration }) => registration.unregister(),
  };
  for (const [name, call] of Object.entries(calls)) {
    it(`${name} throws EBADF`, () => {
      const of = closed();
      assert.throws(
        () => call(of),
        (error: unknown) => isCode('EBADF')(error) && (error as Error).message.includes('the queue is closed'),
      );
    });
  }

  it('wake() returns false', () => {
    const { waker } = closed();
    assert.equal(waker.wake(), false);
    assert.equal(new Waker(waker).wake(), false);
  });

  it('wait() rejects with EBADF', async () => {
    await assert.rejects(closed().kq.wait(), isCode('EBADF'));
    await assert.rejects(closed().kq.wait({ timeout: 0 }), isCode('EBADF'));
  });

  it('close() and the disposers do nothing; the rest says that it is closed', async () => {
    const { kq, registration } = closed();
    kq.close();
    kq[Symbol.dispose]();
    await kq[Symbol.asyncDispose]();
    registration[Symbol.dispose]();
    assert.deepEqual([kq.closed, kq.fd, registration.active], [true, -1, false]);
    assert.match(String(kq), /^kqueue \{ closed, /);
  });
});

describe('wrong arguments', suite, () => {
  it('of the constructor', () => {
    for (const options of [null, 5, 'sys']) refuses(() => new Kqueue(wrong(options)), TypeError, 'options');
    const { abi } = new FakeSys(abis.freebsd);
    for (const sys of [{}, 5, { abi }, { kevent() {} }, { kevent() {}, abi: { ...abi } }]) {
      refuses(() => new Kqueue(wrong({ sys })), TypeError, 'sys', { expected: 'a Sys made by bindKqueue()' });
    }
    new Kqueue({ sys: undefined }).close();
  });

  it('of poll() and wait(): nothing is fetched, and nobody waits', async () => {
    const kq = closeAfter(new Kqueue());
    const [event] = kq.register(user(1, { clear: true }));
    event.trigger();
    const attempts: [options: unknown, kind: typeof TypeError | typeof RangeError, argument: string][] = [
      [null, TypeError, 'options'],
      [5, TypeError, 'options'],
      ...[-1, -0.5, Number.NaN, Number.NEGATIVE_INFINITY].map(
        (timeout) => [{ timeout }, RangeError, 'timeout'] as const,
      ),
      ...noNumbers.flatMap(([timeout]) =>
        timeout === undefined ? [] : [[{ timeout }, TypeError, 'timeout'] as const],
      ),
      ...[0, -1, 2 ** 31, ...noIntegers].map((max) => [{ max }, RangeError, 'max'] as const),
      ...noNumbers.flatMap(([max]) => (max === undefined ? [] : [[{ max }, TypeError, 'max'] as const])),
    ].map(([options, kind, argument]) => [options, kind, argument] as never);
    for (const [options, kind, argument] of attempts) {
      refuses(() => kq.poll(wrong(options)), kind, argument);
      await assert.rejects(kq.wait(wrong(options)), kind);
    }
    for (const signal of [null, {}, 'abort', new Event('abort')]) {
      await assert.rejects(kq.wait(wrong({ signal })), {
        name: 'TypeError',
        message: /^signal: expected an AbortSignal/,
      });
    }
    // Undefined is as good as absent.
    assert.equal((await kq.wait({ timeout: undefined, max: undefined, signal: undefined })).length, 1);
  });

  it('of waker()', () => {
    const kq = closeAfter(new Kqueue());
    for (const ident of [-1, 2 ** 53, ...noIntegers]) refuses(() => kq.waker(ident), RangeError, 'ident');
    for (const [ident] of noNumbers) if (ident !== undefined) refuses(() => kq.waker(wrong(ident)), TypeError, 'ident');
  });

  it('of new Waker()', () => {
    const kq = closeAfter(new Kqueue());
    const { ident, activeWakes, route } = kq.waker();
    for (const handle of [
      undefined,
      null,
      1,
      'x',
      {},
      { activeWakes: 1 },
      { ident, route },
      { activeWakes: new ArrayBuffer(4) },
    ]) {
      refuses(() => new Waker(wrong(handle)), TypeError, 'handle');
    }
    for (const bad of [undefined, null, {}, { kind: 'open' }]) {
      refuses(() => new Waker(wrong({ ident, activeWakes, route: bad })), TypeError, 'handle.route');
    }
    for (const fd of [-1, 2 ** 31, Number.NaN]) {
      refuses(
        () => new Waker(wrong({ ident, activeWakes, route: { kind: 'write', fd } })),
        RangeError,
        'handle.route.fd',
      );
    }
    const foreign = { kind: 'kevent', kq: 5, udata: 0, library: null, abiName: 'none', symbols: {} };
    refuses(() => new Waker(wrong({ ident, activeWakes, route: foreign })), TypeError, 'handle.route.abiName');
  });

  it('a filter that is registered is not lost by any of it', () => {
    const kq = closeAfter(new Kqueue());
    const [tick] = kq.register(timer(1, { every: 1 }));
    assert.throws(() => kq.register(user(1), wrong({})), TypeError);
    assert.throws(() => kq.unregister(tick, wrong({})), TypeError);
    assert.equal(kq.poll({ timeout: DEADLINE })[0]?.registration, tick);
  });
});
