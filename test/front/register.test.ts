// register() and unregister(): what is added, replaced, refused and removed.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, fstatSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  type Interest,
  Kqueue,
  KqueueError,
  proc,
  type Registration,
  raw,
  read,
  timer,
  user,
  vnode,
  write,
} from '../../src/index.ts';
import { abi, abis, defaultSys, EV_SET, type Kevent, KeventList } from '../../src/sys/index.ts';
import { errno, FakeSys, recording } from '../helpers/fake-sys.ts';
import { refuses } from '../sys/refuses.ts';
import { closeAfter, DEADLINE, idents, isCode, newPipe, pollAll, put, runChild, suite, testFolder } from './helpers.ts';

const folder = testFolder();
/** Lets a wrong argument through the compiler. */
const wrong = (value: unknown): never => value as never;
/** No descriptor and no process has this number. */
const NONE = 2 ** 30;

/** A kernel that refuses a read() of fewer than 100 bytes (NOTE_LOWAT), which tells records of one name apart. */
function picky(): { kq: Kqueue<string>; sys: FakeSys } {
  const sys = new FakeSys(abis.freebsd);
  sys.judge = ({ flags, data }): number => ((flags & 1) !== 0 && data !== 0 && data < 100 ? errno.EINVAL : 0);
  return { kq: new Kqueue<string>({ sys }), sys };
}

/** The udata that goes down when `read(5)` is removed: 0 where the queue knows of none. */
function udataOfRead5({ kq, sys }: { kq: Kqueue<string>; sys: FakeSys }): number | bigint | undefined {
  sys.takeChanges();
  kq.unregister(read(5));
  return sys.takeChanges()[0]?.udata;
}

describe('register()', suite, () => {
  it('returns a registration for each interest, in their order', () => {
    const kq = closeAfter(new Kqueue());
    const [r, w] = newPipe();
    const interests = [user(1), read(r), timer(1, { every: DEADLINE }), write(w)] as const;
    const registrations = kq.register(...interests);
    assert.deepEqual(
      registrations.map(({ interest, active }) => [interest, active]),
      interests.map((interest) => [interest, true]),
    );
    assert.deepEqual(kq.register(), []);
    closeSync(r);
    closeSync(w);
  });

  it('makes one call', () => {
    const sys = recording(defaultSys());
    const kq = closeAfter(new Kqueue({ sys }));
    const [r, w] = newPipe();
    kq.register(user(1), read(r), write(w));
    kq.register(user(1), read(r, { clear: true }), timer(1, { every: DEADLINE }));
    kq.unregister(user(1), read(r));
    assert.deepEqual(
      sys.calls.map(({ changes, result }) => [changes.length, result]),
      // A receipt for each change; the second mode of the reader takes an EV_DELETE.
      [
        [3, 3],
        [4, 4],
        [2, 2],
      ],
    );
    closeSync(r);
    closeSync(w);
  });

  it('refuses what no builder has made, before anything is registered', () => {
    const sys = recording(defaultSys());
    const kq = closeAfter(new Kqueue({ sys }));
    for (const bad of [undefined, null, 5, 'read', {}, () => {}, { ...read(0) }, Object.create(read(0))]) {
      refuses(() => kq.register(wrong(bad)), TypeError, 'interest');
      refuses(() => kq.register(user(1), wrong(bad)), TypeError, 'interest');
    }
    refuses(() => kq.register(wrong([user(1)])), TypeError, 'interest', { got: 'an array' });
    assert.deepEqual(sys.calls, []);
  });

  it('ten thousand at once', {
    skip:
      abi.name === 'openbsd' ? 'a process may have 1,024 knotes of TIMER and USER, since there is USER (7.8)' : false,
  }, () => {
    const kq = closeAfter(new Kqueue<number>());
    const count = 10_000;
    const interests = Array.from({ length: count }, (_, ident) => user(ident, { clear: true, token: ident * 2 }));
    const registrations = kq.register(...interests);
    // In an order that is not theirs.
    for (let i = 0; i < count; i++) registrations[(i * 7919) % count]?.trigger();
    const events = pollAll(kq, count);
    assert.ok(events.every(({ ident, token }) => token === ident * 2));
    assert.equal(new Set(idents(events)).size, count);
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    kq.unregister(...registrations);
    assert.ok(registrations.every(({ active }) => !active));
  });
});

describe('register() and what is pending', suite, () => {
  it('takes no event, however often it is called', () => {
    const kq = closeAfter(new Kqueue());
    const [r, w] = newPipe();
    const [, edge] = kq.register(read(r), user(1, { clear: true }), user(2));
    put(w, 'x');
    edge.trigger();
    for (let i = 10; i < 100; i++) kq.register(user(i), timer(i, { every: DEADLINE }));
    kq.unregister(user(10), timer(10, { every: 1 }));
    assert.deepEqual(idents(pollAll(kq, 2)).sort(), [1, r].sort());
    closeSync(r);
    closeSync(w);
  });

  it('what is replaced by its like keeps what is pending, under the new token', () => {
    const kq = closeAfter(new Kqueue<string>());
    const [r, w] = newPipe();
    const [edge] = kq.register(user(1, { clear: true, token: 'old' }), read(r, { clear: true, token: 'old' }));
    put(w, 'x');
    edge.trigger(5);
    const [again, reader] = kq.register(user(1, { clear: true, token: 'new' }), read(r, { clear: true, token: 'new' }));
    assert.equal(edge.active, false);
    const events = pollAll(kq, 2);
    assert.deepEqual(
      events.map(({ token }) => token),
      ['new', 'new'],
    );
    assert.deepEqual(new Set(events.map(({ registration }) => registration)), new Set([again, reader]));
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    closeSync(r);
    closeSync(w);
  });

  it('another clear, oneshot or dispatch takes effect on what is registered', () => {
    const kq = closeAfter(new Kqueue());
    const [r, w] = newPipe();
    put(w, 'x');
    const looks = (): number[] => [0, 0].map(() => kq.poll({ timeout: 0 }).length);
    kq.register(read(r));
    assert.deepEqual(looks(), [1, 1], 'level');
    kq.register(read(r, { clear: true }));
    assert.deepEqual(looks(), [1, 0], 'clear');
    kq.register(read(r));
    assert.deepEqual(looks(), [1, 1], 'level again');
    const [dispatched] = kq.register(read(r, { dispatch: true }));
    assert.deepEqual(looks(), [1, 0], 'dispatch');
    dispatched.enable();
    assert.deepEqual(looks(), [1, 0], 'dispatch, enabled');
    kq.register(read(r));
    assert.deepEqual(looks(), [1, 1], 'adding enables');
    const [once] = kq.register(read(r, { oneshot: true }));
    assert.deepEqual(looks(), [1, 0], 'oneshot');
    assert.equal(once.active, false);
    kq.register(read(r, { disabled: true }));
    assert.deepEqual(looks(), [0, 0], 'disabled');
    kq.register(read(r));
    assert.deepEqual(looks(), [1, 1], 'no longer disabled');
    closeSync(r);
    closeSync(w);
  });

  it('a timer starts over, with its new period', () => {
    const kq = closeAfter(new Kqueue());
    kq.register(timer(1, { after: 1 }));
    const end = performance.now() + 10;
    while (performance.now() < end);
    kq.register(timer(1, { after: 2 * DEADLINE }));
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    kq.register(timer(1, { after: 1 }));
    assert.equal(kq.poll({ timeout: DEADLINE }).length, 1);
  });
});

describe('register() with changes that fail', suite, () => {
  it('one: its KqueueError', () => {
    const kq = closeAfter(new Kqueue());
    const interest = read(NONE, { token: undefined });
    assert.throws(
      () => kq.register(user(1, { clear: true }), interest, user(2)),
      (error: unknown) => {
        isCode('EBADF')(error);
        const { change, interest: about, syscall, path } = error as KqueueError;
        assert.deepEqual(
          [change?.ident, change?.filter, syscall, path],
          [NONE, abi.constants['EVFILT_READ'], 'kevent', undefined],
        );
        assert.equal(about, interest);
        return true;
      },
    );
    kq.unregister(user(1), user(2));
  });

  it('several: an AggregateError of them, and those that were good stay', () => {
    const kq = closeAfter(new Kqueue());
    const missing = join(folder, 'missing');
    assert.throws(
      () => kq.register(user(1), read(NONE), proc(NONE), vnode(missing, { on: ['write'] }), user(2)),
      (error: unknown) => {
        assert.ok(error instanceof AggregateError);
        const codes = error.errors.map((one) => one instanceof KqueueError && `${one.syscall} ${one.code}`);
        assert.deepEqual(codes.sort(), ['kevent EBADF', 'kevent ESRCH', 'open ENOENT']);
        for (const text of ['3 changes failed', 'EBADF', 'ESRCH', missing]) assert.ok(error.message.includes(text));
        return true;
      },
    );
    kq.unregister(user(1), user(2));
  });

  it('a path that cannot be opened: the error of open(2)', () => {
    const kq = closeAfter(new Kqueue());
    const path = join(folder, 'missing');
    const interest = vnode(path, { on: ['write'] });
    assert.throws(
      () => kq.register(interest),
      (error: unknown) => {
        isCode('ENOENT')(error);
        const { syscall, path: at, interest: about, change, message } = error as KqueueError;
        assert.deepEqual([syscall, at, about, change], ['open', path, interest, undefined]);
        assert.ok(message.includes(`open '${path}'`));
        return true;
      },
    );
  });

  it('a descriptor that has no such filter', () => {
    const kq = closeAfter(new Kqueue());
    const [r, w] = newPipe();
    assert.throws(
      () => kq.register(vnode(r, { on: ['write'] })),
      (error: unknown) => {
        assert.ok(error instanceof KqueueError);
        // EOPNOTSUPP on DragonFly.
        assert.match(error.code, /^(EINVAL|EOPNOTSUPP)$/);
        return true;
      },
    );
    closeSync(r);
    closeSync(w);
  });

  it('two interests with the same filter and ident in one call are refused, and nothing is registered', () => {
    const { kq, sys } = picky();
    for (const [one, other] of [
      [user(1), user(1, { clear: true })],
      [read(5, { token: 'one' }), read(5, { token: 'two' })],
      [timer(2n, { every: 1 }), timer(2, { after: 1 })],
      [raw({ ident: 5, filter: sys.constant('EVFILT_READ') }), read(5)],
    ] as const) {
      refuses(() => kq.register(user(9), one, write(5), other), RangeError, 'interests', {
        expected: 'each filter and ident once',
      });
    }
    assert.deepEqual(sys.calls, []);
    // The same number in two filters, and one path twice, are two knotes.
    kq.register(read(5), write(5), user(5));
    assert.equal(kq.register(vnode(folder, { on: ['write'] }), vnode(folder, { on: ['write'] })).length, 2);
  });

  it('what could not be replaced in another mode is gone, as it was deleted for that', () => {
    const { kq, sys } = picky();
    const [old] = kq.register(read(5, { token: 'old' }));
    assert.throws(() => kq.register(read(5, { lowat: 1, clear: true })), isCode('EINVAL'));
    assert.equal(old.active, false);
    assert.equal(udataOfRead5({ kq, sys }), 0);
  });

  it('what could not be replaced in the same mode stays as it was', () => {
    const { kq, sys } = picky();
    const [old] = kq.register(read(5, { token: 'old' }));
    const [{ udata = 0 } = {}] = sys.takeChanges();
    assert.throws(() => kq.register(read(5, { lowat: 1, token: 'new' })), isCode('EINVAL'));
    assert.equal(old.active, true);
    sys.pending.push({ ident: 5, filter: -1, udata });
    assert.equal(kq.poll({ timeout: 0 })[0]?.token, 'old');
    assert.equal(udataOfRead5({ kq, sys }), udata);
  });

  it('what has lost its descriptor is no obstacle to its successor', () => {
    const kq = closeAfter(new Kqueue<string>());
    const [r, w] = newPipe();
    const [old] = kq.register(read(r, { token: 'old', clear: true }));
    closeSync(r);
    closeSync(w);
    assert.throws(() => kq.register(read(r, { token: 'new' })), isCode('EBADF'));
    assert.equal(old.active, false);
    // The number comes round.
    const [again, otherEnd] = newPipe();
    assert.equal(again, r);
    kq.register(read(again, { token: 'next' }));
    put(otherEnd, 'x');
    assert.equal(kq.poll({ timeout: DEADLINE })[0]?.token, 'next');
    closeSync(again);
    closeSync(otherEnd);
  });
});

/** Only Linux's and the BSDs' file systems take any bytes for a name. */
const noRawNames = process.platform === 'darwin' && 'APFS takes names in UTF-8 only';

describe('the descriptor of a path', suite, () => {
  const isOpen = (fd: number): boolean => {
    try {
      fstatSync(fd);
      return true;
    } catch {
      return false;
    }
  };
  const path = join(folder, 'file');
  writeFileSync(path, 'x');
  /** A queue on no kernel, so that every outcome can be had. */
  const watch = (
    options: { oneshot?: boolean } = {},
  ): { kq: Kqueue; sys: FakeSys; change: Kevent; registration: Registration } => {
    const sys = new FakeSys(abis.openbsd);
    const kq = new Kqueue({ sys });
    const [registration] = kq.register(vnode(path, { on: ['write'], ...options }));
    const change = sys.takeChanges()[0] as Kevent;
    assert.ok(isOpen(Number(change.ident)));
    return { kq, sys, change, registration };
  };

  it('is closed when it is unregistered, by whatever name', () => {
    for (const remove of [
      ({ kq }: ReturnType<typeof watch>) => kq.unregister(vnode(path, { on: ['delete'] })),
      ({ registration }: ReturnType<typeof watch>) => registration.unregister(),
      ({ kq, registration }: ReturnType<typeof watch>) => kq.unregister(registration.interest),
    ]) {
      const watched = watch();
      remove(watched);
      assert.equal(isOpen(Number(watched.change.ident)), false);
      assert.equal(watched.sys.takeChanges().length, 1);
    }
  });

  it('is closed when it was reported once, and when the queue is closed', () => {
    const { kq, sys, change } = watch({ oneshot: true });
    sys.pending.push({ ...change, flags: 0x10, fflags: 2 });
    const [event] = kq.poll({ timeout: 0 });
    assert.ok(event?.filter === 'vnode' && event.path === path);
    assert.equal(isOpen(Number(change.ident)), false);

    const other = watch();
    other.kq.close();
    assert.equal(isOpen(Number(other.change.ident)), false);
  });

  it('is closed when the change is refused', () => {
    const sys = new FakeSys(abis.openbsd);
    const kq = new Kqueue({ sys });
    sys.judge = () => errno.EINVAL;
    assert.throws(() => kq.register(vnode(path, { on: ['write'] })), isCode('EINVAL'));
    assert.equal(isOpen(Number(sys.takeChanges()[0]?.ident)), false);
    sys.answer = () => ({ errno: errno.EBADF });
    assert.throws(() => kq.register(vnode(path, { on: ['write'] })), isCode('EBADF'));
    assert.equal(isOpen(Number(sys.takeChanges()[0]?.ident)), false);
  });

  it('each registration of a path has its own', () => {
    const kq = closeAfter(new Kqueue<number>());
    const [one, two] = kq.register(
      vnode(path, { on: ['write'], token: 1, clear: true }),
      vnode(path, { on: ['write'], token: 2, clear: true }),
    );
    writeFileSync(path, 'xy');
    assert.deepEqual(
      pollAll(kq, 2)
        .map(({ token }) => token)
        .sort(),
      [1, 2],
    );
    one.unregister();
    assert.equal(two.active, true);
    writeFileSync(path, 'xyz');
    assert.equal(kq.poll({ timeout: DEADLINE })[0]?.token, 2);
  });

  it('is that of a FIFO too, whose opening does not wait for a writer', async () => {
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const said = await runChild('a FIFO that nobody writes to', { env: { FIFO: fifo } });
    // Whether a FIFO has the filter differs: a refusal is an answer, and a process that hangs is none.
    assert.match(said, process.platform === 'linux' ? /^EINVAL kevent\n$/ : /^(registered \[ true \]|E\w+ kevent)\n$/);
  });

  it('takes a path as Node has it: a URL, and bytes, which need not be UTF-8', { skip: noRawNames }, () => {
    const kq = closeAfter(new Kqueue<string>());
    const [name, bytes] = [join(folder, 'ä b'), Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe])])];
    const twin = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xfe, 0xff])]);
    for (const file of [name, bytes, twin]) writeFileSync(file, '');
    const on = ['write'] as const;
    const given = [pathToFileURL(name), Buffer.from(name), new Uint8Array(bytes), twin];
    const [url, buffer, array, other] = given.map((target) => kq.register(vnode(target, { on, clear: true }))[0]);
    const changed = (file: string | Buffer): Set<unknown> => {
      writeFileSync(file, 'x');
      return new Set(kq.poll({ timeout: 0 }).map(({ registration }) => registration));
    };
    assert.deepEqual(changed(name), new Set([url, buffer]));
    assert.deepEqual(changed(bytes), new Set([array]));
    assert.deepEqual(
      [url, buffer].map((one) => one?.interest.filter === 'vnode' && one.interest.path),
      [name, name],
    );
    // By its path, however that is spelled; both of these decode to the same text.
    kq.unregister(vnode(name, { on }), vnode(twin, { on }));
    kq.unregister(vnode(pathToFileURL(name), { on }));
    assert.deepEqual(
      [url, buffer, array, other].map((one) => one?.active),
      [false, false, true, false],
    );
    assert.throws(() => kq.unregister(vnode(twin, { on })), isCode('ENOENT'));
    const missing = pathToFileURL(join(folder, 'missing'));
    assert.throws(() => kq.register(vnode(missing, { on })), { code: 'ENOENT', path: join(folder, 'missing') });
  });

  it('a registration of the number that replaces that of the path keeps it open, and owns it then', () => {
    const { kq, sys, change, registration } = watch();
    const fd = Number(change.ident);
    const [next] = kq.register(vnode(fd, { on: ['write', 'delete'] }));
    assert.deepEqual([registration.active, next.active], [false, true]);
    assert.ok(isOpen(fd));
    next.unregister();
    assert.equal(isOpen(fd), false);
    sys.takeChanges();
  });

  for (const [what, other] of [
    ['another file', join(folder, 'other')],
    ['the same file, opened again,', path],
  ] as const) {
    it(`that somebody else has closed: ${what} on its number stays open, however the registration ends`, () => {
      writeFileSync(join(folder, 'other'), '');
      const ends: ((kq: Kqueue, registration: Registration, fd: number) => void)[] = [
        (_, registration) => registration.unregister(),
        (_, registration) => registration[Symbol.dispose](),
        (kq) => kq.unregister(vnode(path, { on: ['write'] }), user(1)),
        (_, registration) => assert.throws(() => registration.disable(), isCode('ENOENT')),
        (kq) => kq.close(),
        (kq, _, fd) => kq.register(vnode(fd, { on: ['write'], clear: true }))[0].unregister(),
      ];
      for (const end of ends) {
        const kq = closeAfter(new Kqueue());
        const [registration] = kq.register(vnode(path, { on: ['write'] }), user(1));
        const fd = Number(/fd=(\d+)/.exec(String(registration))?.[1]);
        closeSync(fd);
        // open(2) gives the lowest number that is free: the same.
        assert.equal(openSync(other, 'r'), fd);
        try {
          end(kq, registration, fd);
        } catch (error) {
          // By path it is an interest, and an interest that is not registered is a failure.
          isCode('ENOENT')(error);
        }
        assert.equal(registration.active, false);
        assert.ok(isOpen(fd), String(end));
        closeSync(fd);
        kq.close();
      }
    });
  }

  it('that somebody else has closed is no failure, and its number no danger to whoever has it then', () => {
    const { kq, change, registration } = watch();
    const fd = Number(change.ident);
    closeSync(fd);
    // open(2) gives the lowest number that is free: the same.
    const [next] = kq.register(vnode(path, { on: ['write'] }));
    assert.deepEqual([registration.active, next.active, isOpen(fd)], [false, true, true]);
    kq.close();
    assert.equal(isOpen(fd), false);
  });
});

describe('unregister()', suite, () => {
  it('by registration, by an interest of the same name, and both', () => {
    const kq = closeAfter(new Kqueue());
    const [r, w] = newPipe();
    const [one, two, three] = kq.register(user(1), read(r, { clear: true }), timer(3, { every: DEADLINE }));
    kq.unregister(one, read(r), timer(3, { after: 1 }));
    assert.deepEqual([one.active, two.active, three.active], [false, false, false]);
    put(w, 'x');
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    // A registration that has ended already is no failure, an interest is.
    kq.unregister(one, two);
    one.unregister();
    assert.throws(() => kq.unregister(user(1)), isCode('ENOENT'));
    closeSync(r);
    closeSync(w);
  });

  it('says what could not be removed, and removes the rest', () => {
    const kq = closeAfter(new Kqueue());
    const missing = join(folder, 'not registered');
    for (const absent of [user(9), read(NONE), vnode(missing, { on: ['write'] })]) {
      const [one, two] = kq.register(user(1), user(2));
      assert.throws(
        () => kq.unregister(user(1), absent, two),
        (error: unknown) => {
          assert.ok(error instanceof KqueueError);
          assert.match(error.code, /^(ENOENT|EBADF)$/);
          assert.equal(error.interest, absent);
          return true;
        },
      );
      assert.deepEqual([one.active, two.active], [false, false], String(error(absent)));
    }
    assert.throws(
      () => kq.unregister(user(8), vnode(missing, { on: ['write'] }), user(9)),
      (error: unknown) => error instanceof AggregateError && error.errors.length === 3,
    );
    function error(interest: Interest): string {
      return interest.filter;
    }
  });

  it('what another program part has added through the system-call API can be removed by name', () => {
    const sys = defaultSys();
    const kq = closeAfter(new Kqueue({ sys }));
    const list = new KeventList(1, sys.abi);
    const { EVFILT_USER = 0, EV_ADD = 0 } = sys.abi.constants;
    EV_SET(list, 0, 5, EVFILT_USER, EV_ADD, 0, 0, 77);
    assert.equal(sys.kevent(kq.fd, list, 1, null, 0, null), 0);
    kq.unregister(user(5));
    assert.throws(() => kq.unregister(user(5)), isCode('ENOENT'));
  });

  it('drops what was fetched of it and not handed out yet', async () => {
    for (const oneshot of [false, true]) {
      const kq = closeAfter(new Kqueue());
      const all = kq.register(...[1, 2, 3, 4].map((ident) => user(ident, { oneshot, clear: !oneshot })));
      for (const one of all) one.trigger();
      // All are fetched, one is taken.
      for await (const event of kq) {
        assert.equal(event.registration, all[0]);
        break;
      }
      all[1]?.unregister();
      kq.unregister(all[2] as Registration);
      assert.deepEqual(idents(kq.poll({ timeout: 0 })), [4], oneshot ? 'oneshot' : 'clear');
    }
  });

  it('refuses what is neither, and what is of another queue', () => {
    const kq = closeAfter(new Kqueue());
    const other = closeAfter(new Kqueue());
    const [foreign] = other.register(user(1));
    refuses(() => kq.unregister(foreign), TypeError, 'registration', { expected: 'a registration of this queue' });
    for (const bad of [undefined, null, 5, {}, []]) refuses(() => kq.unregister(wrong(bad)), TypeError, 'what');
    assert.equal(foreign.active, true);
    kq.unregister();
  });

  it('raw()', () => {
    const kq = closeAfter(new Kqueue());
    const filter = abi.constants['EVFILT_TIMER'] as number;
    const [registration] = kq.register(raw({ ident: 5, filter, data: 2 * DEADLINE, udata: 9 }));
    kq.unregister(raw({ ident: 5, filter }));
    assert.equal(registration.active, false);
  });
});
