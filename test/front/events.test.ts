// Every type of event: what a real kqueue reports, and what records of each system are read as.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import {
  type Interest,
  Kqueue,
  type KqueueEvent,
  type ProcEvent,
  proc,
  type ReadEvent,
  raw,
  read,
  signal,
  timer,
  user,
  type VnodeNote,
  vnode,
  write,
} from '../../src/index.ts';
import { type Abi, abi, abis, type Kevent } from '../../src/sys/index.ts';
import { errno, FakeSys } from '../helpers/fake-sys.ts';
import {
  closeAfter,
  DEADLINE,
  idents,
  newPipe,
  newSocketPair,
  pollAll,
  put,
  suite,
  testFolder,
  until,
} from './helpers.ts';

const { darwin, freebsd, openbsd, netbsd, dragonfly, linux } = abis;
const folder = testFolder();
/** Why timers of a fraction, or at a time, are not to be had here. */
const milliseconds: string | false = abi.name === 'dragonfly' && 'DragonFly has timers in whole milliseconds only';

/** The one event of the next poll(), of the type that the filter has. */
function next<F extends KqueueEvent['filter']>(kq: Kqueue, filter: F): Extract<KqueueEvent, { filter: F }> {
  const [event, more] = kq.poll({ timeout: DEADLINE });
  assert.equal(event?.filter, filter);
  assert.equal(more, undefined);
  return event as Extract<KqueueEvent, { filter: F }>;
}

describe('events of a kqueue at work', suite, () => {
  it('read: the descriptor, the bytes, the end', () => {
    const kq = closeAfter(new Kqueue<string>());
    const [r, w] = newPipe();
    const [registration] = kq.register(read(r, { token: 'mine' }));
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    put(w, 'hello');
    const event = next(kq, 'read');
    assert.deepEqual([event.fd, event.ident, event.bytes, event.data, event.eof], [r, r, 5, 5, false]);
    assert.deepEqual([event.ident64, event.data64, event.udata], [BigInt(r), 5n, 0]);
    assert.deepEqual([event.token, event.registration, event.error], ['mine', registration, undefined]);
    assert.equal(event.evfilt, abi.constants['EVFILT_READ']);
    // Some systems repeat the flags of registration.
    assert.match(String(event), /^kevent \{ READ fd=\d+, ([A-Z|]+, )?data=5 \}$/);
    assert.equal(inspect(event), String(event));
    closeSync(w);
    const last = next(kq, 'read');
    assert.deepEqual([last.eof, last.bytes, last.error], [true, 5, undefined]);
    closeSync(r);
  });

  it('read: of a regular file, what is left behind its offset; of a queue, that it has events', () => {
    const kq = closeAfter(new Kqueue());
    const inner = closeAfter(new Kqueue());
    const path = join(folder, 'to read');
    writeFileSync(path, 'twelve bytes');
    const fd = openSync(path, 'r');
    const [file] = kq.register(read(fd));
    assert.equal(next(kq, 'read').bytes, 12);
    file.unregister();
    closeSync(fd);

    kq.register(read(inner.fd));
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    const [event] = inner.register(user(1));
    event.trigger();
    assert.deepEqual([next(kq, 'read').fd, inner.poll({ timeout: 0 }).length], [inner.fd, 1]);
  });

  it('write: the space', () => {
    const kq = closeAfter(new Kqueue());
    const [a, b] = newSocketPair();
    kq.register(write(a));
    const event = next(kq, 'write');
    assert.equal(event.fd, a);
    assert.ok(event.bytes > 0);
    assert.equal(event.eof, false);
    closeSync(b);
    assert.equal(next(kq, 'write').eof, true);
    closeSync(a);
  });

  it('lowat: fewer bytes are no event', () => {
    const kq = closeAfter(new Kqueue());
    const [a, b] = newSocketPair();
    kq.register(read(a, { lowat: 3 }));
    put(b, 'xx');
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    put(b, 'x');
    assert.equal(next(kq, 'read').bytes, 3);
    closeSync(a);
    closeSync(b);
  });

  describe('vnode', () => {
    const does: Readonly<Partial<Record<VnodeNote, (path: string) => void>>> = {
      write: (path) => appendFileSync(path, 'more'),
      extend: (path) => appendFileSync(path, 'more'),
      attrib: (path) => chmodSync(path, 0o600),
      link: (path) => linkSync(path, `${path} too`),
      rename: (path) => renameSync(path, `${path} renamed`),
      delete: (path) => unlinkSync(path),
    };
    for (const [note, act] of Object.entries(does) as [VnodeNote, (path: string) => void][]) {
      // Its tmpfs, which /tmp is there, tells nothing of growth but NOTE_WRITE.
      it(note, {
        skip: note === 'extend' && abi.name === 'dragonfly' && 'DragonFly tells it by the file system',
      }, () => {
        const kq = closeAfter(new Kqueue());
        const path = join(folder, `file to ${note}`);
        writeFileSync(path, 'x');
        kq.register(vnode(path, { on: [note], clear: true }));
        assert.deepEqual(kq.poll({ timeout: 0 }), []);
        act(path);
        const event = next(kq, 'vnode');
        assert.ok(event.has(note), String(event));
        assert.ok(event.notes.includes(note));
        assert.equal(event.path, path);
        assert.equal(event.fd, event.ident);
      });
    }

    it('a directory, by descriptor', () => {
      const kq = closeAfter(new Kqueue());
      const path = join(folder, 'directory');
      mkdirSync(path);
      const fd = openSync(path, 'r');
      kq.register(vnode(fd, { on: ['write', 'delete'], clear: true }));
      writeFileSync(join(path, 'file'), '');
      const event = next(kq, 'vnode');
      assert.deepEqual([event.fd, event.path, event.has('write'), event.has('delete')], [fd, undefined, true, false]);
      closeSync(fd);
    });
  });

  describe('proc', () => {
    const ends: readonly [how: string, code: string, status: object][] = [
      ['exit(7)', 'process.exit(7)', { code: 7 }],
      ['exit(0)', 'process.exit(0)', { code: 0 }],
      ['a signal', 'process.kill(process.pid, "SIGKILL")', { signal: 'SIGKILL' }],
    ];
    for (const [how, code, status] of ends) {
      it(how, async () => {
        const kq = closeAfter(new Kqueue());
        const child = spawn(process.execPath, ['-e', `process.stdin.once('data', () => ${code})`]);
        const [registration] = kq.register(proc(child.pid as number));
        assert.deepEqual(kq.poll({ timeout: 0 }), []);
        child.stdin.write('go\n');
        const [event] = await kq.wait({ timeout: DEADLINE });
        assert.ok(event?.filter === 'proc');
        assert.deepEqual([event.pid, event.exited, event.eof, event.has('exit')], [child.pid, true, true, true]);
        assert.deepEqual(event.notes.includes('exit'), true);
        assert.deepEqual(event.exitStatus, status);
        assert.deepEqual([event.parent, registration.active], [undefined, false]);
      });
    }
  });

  it('signal: which, and how often', async () => {
    const kq = closeAfter(new Kqueue());
    kq.register(signal('SIGHUP'));
    process.kill(process.pid, 'SIGHUP');
    const [event] = await kq.wait({ timeout: DEADLINE });
    assert.ok(event?.filter === 'signal');
    assert.deepEqual([event.signal, event.ident], ['SIGHUP', constants.signals.SIGHUP]);
    assert.ok(event.count >= 1);
  });

  it('signal: its default action does not kill the process, and it comes to who listens too', async () => {
    const kq = closeAfter(new Kqueue());
    let heard = 0;
    const listener = (): void => {
      heard++;
    };
    process.on('SIGHUP', listener);
    const [registration] = kq.register(signal('SIGHUP'));
    process.kill(process.pid, 'SIGHUP');
    assert.equal((await kq.wait({ timeout: DEADLINE }))[0]?.filter, 'signal');
    // Another thread may have taken the signal, on NetBSD, and be about to tell Node.
    await until('the listener hears of it', () => heard > 0);
    process.removeListener('SIGHUP', listener);
    assert.equal(heard, 1);
    process.kill(process.pid, 'SIGHUP');
    assert.equal((await kq.wait({ timeout: DEADLINE })).length, 1);
    registration.unregister();
  });

  it('timer: every, after, at, in fractions too; how often', { skip: milliseconds }, () => {
    const kq = closeAfter(new Kqueue());
    const [once] = kq.register(timer(1, { after: 0.5 }));
    // Fetched late, some count on.
    assert.ok(next(kq, 'timer').expirations >= 1);
    assert.equal(once.active, false);
    assert.deepEqual(kq.poll({ timeout: 2 }), []);
    kq.register(timer(2, { at: Date.now() + 5 }));
    assert.deepEqual(idents([next(kq, 'timer')]), [2]);
    kq.register(timer(3, { at: new Date(0) }));
    assert.deepEqual(idents([next(kq, 'timer')]), [3]);
    kq.register(timer(4, { every: 0.25 }));
    let expirations = 0;
    for (let i = 0; i < 3; i++) expirations += next(kq, 'timer').expirations;
    assert.ok(expirations >= 3);
  });

  it('a timer is not early', () => {
    const kq = closeAfter(new Kqueue());
    const start = performance.now();
    const after = milliseconds === false ? 20.5 : 21;
    kq.register(timer(1, { after }));
    next(kq, 'timer');
    assert.ok(performance.now() - start >= after);
  });

  it('an ident beyond 2^53 is exact, and has its token', () => {
    const kq = closeAfter(new Kqueue<string>());
    const ident = 2n ** 64n - 1n;
    const other = 2n ** 64n - 2n;
    kq.register(timer(ident, { after: 1, token: 'this' }), timer(other, { after: 1, token: 'that' }));
    const events = pollAll(kq, 2).sort((a, b) => Number(b.ident64 - a.ident64));
    assert.deepEqual(
      events.map(({ ident64, token }) => [ident64, token]),
      [
        [ident, 'this'],
        [other, 'that'],
      ],
    );
    assert.ok(String(events[0]).includes('ident=18446744073709551615'));
  });

  it('raw: udata of 64 bits, and the type of its filter', () => {
    const kq = closeAfter(new Kqueue<string>());
    const { EVFILT_TIMER = 0, EV_ONESHOT = 0 } = abi.constants;
    const udata = 2n ** 64n - 1n;
    const [registration] = kq.register(
      raw({ ident: 5, filter: EVFILT_TIMER, flags: EV_ONESHOT, data: 1, udata, token: 'raw' }),
    );
    const event = next(kq as Kqueue, 'timer');
    assert.deepEqual([event.udata, event.evfilt, event.token], [udata, EVFILT_TIMER, 'raw']);
    assert.deepEqual([event.registration, registration.active], [registration, false]);
  });
});

/** What a kernel of that ABI reports of what was registered: `record` beside ident, filter and udata. */
function reported(system: Abi, interest: Interest<string> | undefined, record: Partial<Kevent>): KqueueEvent<string> {
  const sys = new FakeSys(system);
  const kq = new Kqueue<string>({ sys });
  if (interest !== undefined) kq.register(interest);
  const { ident, filter, udata } = sys.takeChanges()[0] ?? {};
  sys.pending.push({ ...(ident === undefined ? {} : { ident, filter, udata }), ...record } as Partial<Kevent>);
  return kq.poll({ timeout: 0 })[0] ?? assert.fail('no event');
}

const EV_ONESHOT = 0x10;
const EV_EOF = 0x8000;
const EV_ERROR = 0x4000;
const NOTE_EXIT = 0x80000000;

describe('records of each system', suite, () => {
  it('a filter that has no builder comes as it is', () => {
    for (const [system, name, ident] of [
      [darwin, 'EVFILT_MACHPORT', 0x1203],
      [openbsd, 'EVFILT_EXCEPT', 5],
      [openbsd, 'EVFILT_DEVICE', 5],
      [freebsd, 'EVFILT_PROCDESC', 5],
      [netbsd, 'EVFILT_EMPTY', 5],
      [dragonfly, 'EVFILT_FS', 0],
    ] as const) {
      const filter = system.constants[name] ?? assert.fail(name);
      const event = reported(system, raw({ ident, filter, token: 'x' }), { fflags: 4, data: 3 });
      const { evfilt, fflags, data, token } = event;
      assert.deepEqual([event.filter, evfilt, event.ident, fflags, data, token], ['raw', filter, ident, 4, 3, 'x']);
    }
  });

  it('read: its notes, but not where fflags is an errno', () => {
    const atEnd = reported(openbsd, read(5, { on: ['eof'] }), { fflags: 2 }) as ReadEvent;
    assert.deepEqual([atEnd.has('eof'), atEnd.has('file_poll')], [true, false]);
    const polled = reported(freebsd, read(5, { on: ['file_poll'] }), { fflags: 2 }) as ReadEvent;
    assert.deepEqual([polled.has('file_poll'), polled.has('eof')], [true, false]);
    const gone = reported(openbsd, read(5, { on: ['eof'] }), { fflags: 2, flags: EV_EOF }) as ReadEvent;
    assert.equal(gone.has('eof'), false);
  });

  it('read and write: the error that came with the end, of which no call throws', () => {
    for (const system of [darwin, freebsd, openbsd, netbsd, dragonfly, linux]) {
      for (const interest of [read(5), write(5)]) {
        const event = reported(system, interest, { flags: EV_EOF, fflags: errno.EINVAL, data: 3 });
        assert.deepEqual([event.eof, event.error?.code, event.data], [true, 'EINVAL', 3], system.name);
        assert.match(String(event), /^kevent \{ (READ|WRITE) fd=5, EOF, fflags=EINVAL, data=3 \}$/);
        const message = String(event.error?.message);
        assert.match(message, /^EINVAL: [a-z ]+, kevent \{ (READ|WRITE) fd=5, EOF, fflags=EINVAL, data=3 \}$/);
        assert.equal(reported(system, interest, { flags: EV_EOF }).error, undefined);
        // Without the end it is no errno.
        assert.equal(reported(system, interest, { fflags: errno.EINVAL }).error, undefined);
      }
    }
  });

  it('EV_ERROR: the errno in data', () => {
    const event = reported(freebsd, timer(1, { every: 1 }), { flags: EV_ERROR, data: errno.EINVAL });
    assert.deepEqual([event.filter, event.error?.code, event.error?.syscall], ['timer', 'EINVAL', 'kevent']);
  });

  it('vnode: notes by their names; bits that have none are left out', () => {
    const on = ['write'] as const;
    const names = (system: Abi, fflags: number): VnodeNote[] => {
      const event = reported(system, vnode(5, { on }), { fflags });
      assert.ok(event.filter === 'vnode');
      return event.notes;
    };
    assert.deepEqual(names(freebsd, 0x2 | 0x4 | 0x80), ['write', 'extend', 'open']);
    assert.deepEqual(names(openbsd, 0x2 | 0x80), ['write', 'truncate']);
    assert.deepEqual(names(darwin, 0x1 | 0x10 | 0x100), ['delete', 'link', 'funlock']);
    assert.deepEqual(names(linux, 0x80 | 0x800), ['truncate', 'open']);
    assert.deepEqual(names(netbsd, 0x20 | 0x4000), ['rename']);
    assert.deepEqual(names(netbsd, 0x4000), []);
    assert.deepEqual(names(dragonfly, 0), []);
    const event = reported(dragonfly, vnode(5, { on }), { fflags: 0x80 });
    // What this system has no bit for has not happened.
    assert.equal(event.filter === 'vnode' && event.has('open'), false);
  });

  it('vnode: no path, of one that was registered by raw(), and of one that was not registered', () => {
    for (const interest of [raw({ ident: 5, filter: -4, fflags: 2 }), undefined]) {
      const event = reported(freebsd, interest, { ident: 5, filter: -4, fflags: 2 });
      assert.ok(event.filter === 'vnode');
      assert.deepEqual([event.path, event.fd, event.has('write')], [undefined, 5, true]);
    }
  });

  describe('proc: exitStatus', () => {
    const end = (system: Abi, data: number, more: Partial<Kevent> = {}): ProcEvent<string> => {
      const event = reported(system, proc(77), { flags: EV_EOF | EV_ONESHOT, fflags: NOTE_EXIT, data, ...more });
      assert.ok(event.filter === 'proc');
      return event;
    };
    for (const system of [freebsd, openbsd, netbsd, dragonfly, linux]) {
      it(system.name, () => {
        assert.deepEqual(end(system, 0).exitStatus, { code: 0 });
        assert.deepEqual(end(system, 255 << 8).exitStatus, { code: 255 });
        assert.deepEqual(end(system, 9).exitStatus, { signal: 'SIGKILL' });
        // With a core dump; and a signal that has no name.
        assert.deepEqual(end(system, 0x80 | 6).exitStatus, { signal: 'SIGABRT' });
        assert.deepEqual(end(system, 100).exitStatus, { signal: 100 });
      });
    }

    it('macOS has one only where it says so', () => {
      assert.equal(end(darwin, 0).exitStatus, undefined);
      assert.deepEqual(end(darwin, 3 << 8, { fflags: NOTE_EXIT + 0x4000000 }).exitStatus, { code: 3 });
    });

    it('there is none where nobody can tell, and while it lives', () => {
      assert.equal(end(linux, -1).exitStatus, undefined);
      const forked = reported(freebsd, proc(77, { on: ['fork'] }), { fflags: 0x40000000 });
      assert.ok(forked.filter === 'proc');
      assert.deepEqual([forked.exited, forked.exitStatus, forked.notes], [false, undefined, ['fork']]);
    });

    it('the end is told even by those that were not asked for it: fflags is 0 then', () => {
      for (const system of [openbsd, netbsd, dragonfly]) {
        const event = reported(system, proc(77, { on: ['fork'] }), { flags: EV_EOF | EV_ONESHOT, data: 1 << 8 });
        assert.ok(event.filter === 'proc');
        assert.deepEqual([event.exited, event.exitStatus, event.has('exit')], [true, { code: 1 }, false]);
      }
    });
  });

  it('proc: children of a process that is tracked are reported under its registration', () => {
    const sys = new FakeSys(freebsd);
    const kq = new Kqueue<string>({ sys });
    const [registration] = kq.register(proc(77, { on: ['exit', 'track'], token: 'family' }));
    const { filter, udata } = sys.takeChanges()[0] as Kevent;
    const report = (record: Partial<Kevent>): ProcEvent<string> => {
      sys.pending.push({ filter, udata, ...record } as Kevent);
      const [event] = kq.poll({ timeout: 0 });
      assert.ok(event?.filter === 'proc');
      assert.equal(event.registration, registration);
      assert.equal(event.token, 'family');
      return event;
    };
    const child = report({ ident: 78, fflags: 4, data: 77 });
    assert.deepEqual([child.pid, child.parent, child.notes, child.exited], [78, 77, ['child'], false]);
    const over = { flags: EV_EOF | EV_ONESHOT, fflags: NOTE_EXIT };
    assert.deepEqual(report({ ident: 77, ...over, data: 0 }).exitStatus, { code: 0 });
    assert.equal(registration.active, true, 'the child lives');
    // Its beginning and its end in one event: data is the status then.
    const grandchild = report({ ident: 79, ...over, fflags: NOTE_EXIT + 4, data: 9 });
    assert.deepEqual([grandchild.parent, grandchild.exitStatus], [undefined, { signal: 'SIGKILL' }]);
    report({ ident: 78, ...over, data: 0 });
    assert.equal(registration.active, false, 'the last has gone');
  });

  it('signal: the number of one that has no name', () => {
    const named = reported(freebsd, signal('SIGHUP'), { data: 3 });
    assert.ok(named.filter === 'signal');
    assert.deepEqual([named.signal, named.count], ['SIGHUP', 3]);
    const other = reported(freebsd, undefined, { ident: 200, filter: -6, data: 1 });
    assert.equal(other.filter === 'signal' && other.signal, 200);
  });

  it('user: 24 bits, whatever control bits come with them', () => {
    const event = reported(netbsd, user(5), { fflags: 0xc1001234 });
    assert.equal(event.filter === 'user' && event.bits, 0x1234);
  });

  it('raw: a filter that has no builder', () => {
    const lio = freebsd.constants['EVFILT_LIO'] as number;
    const event = reported(freebsd, raw({ ident: 5, filter: lio, udata: 2n ** 63n, token: 'x' }), { data: -5 });
    assert.deepEqual([event.filter, event.evfilt, event.udata, event.token], ['raw', lio, 2n ** 63n, 'x']);
    assert.equal(String(event), 'kevent { LIO ident=5, data=-5, udata=9223372036854775808 }');
    assert.equal(reported(freebsd, undefined, { filter: -99 }).filter, 'raw');
    assert.equal(reported(freebsd, raw({ ident: 5, filter: -1 }), {}).filter, 'read');
  });

  it('what was not registered here has neither registration nor token, and its udata as it is', () => {
    const event = reported(freebsd, undefined, { ident: 2n ** 63n, filter: -11, data: 2n ** 62n, udata: 12 });
    assert.deepEqual([event.registration, event.token, event.udata], [undefined, undefined, 12]);
    assert.deepEqual([event.ident64, event.data64], [2n ** 63n, 2n ** 62n]);
    const far = reported(freebsd, undefined, { filter: -11, udata: 2n ** 64n - 1n });
    assert.equal(far.udata, 2n ** 64n - 1n);
  });

  it('data beyond 2^53 is exact, of what was registered too', () => {
    const event = reported(freebsd, timer(1, { every: 1 }), { data: 2n ** 62n + 1n });
    assert.equal(event.data64, 2n ** 62n + 1n);
    assert.equal(event.data, 2 ** 62);
    // It serves to carry the token.
    assert.equal(event.udata, 0);
    assert.ok(!String(event).includes('udata'));
  });

  it('JSON has the filter, the record and the token; what is beyond 2^53 is a string', () => {
    const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
    const sys = new FakeSys(freebsd);
    const kq = new Kqueue<unknown>({ sys });
    const ident = 2n ** 64n - 1n;
    const [big, path] = kq.register(
      timer(ident, { every: 1, token: { mine: [1] } }),
      vnode('/', { on: ['write'], token: 7n }),
    );
    const [{ udata } = { udata: 0 }] = sys.takeChanges();
    const filter = freebsd.constants['EVFILT_TIMER'] ?? 0;
    sys.pending.push({ ident, filter, flags: 0x20, data: 2n ** 62n, udata });
    const record = { ident: String(ident), flags: 0x20, fflags: 0, data: String(2n ** 62n), udata: 0 };
    assert.deepEqual(json(kq.poll({ timeout: 0 })), [{ filter: 'timer', ...record, token: { mine: [1] } }]);

    const named = { ident: String(ident), active: true, token: { mine: [1] } };
    assert.deepEqual(json(big), { filter: 'timer', ...named });
    const fd = (json(path) as { ident: unknown }).ident;
    assert.deepEqual(json(path), { filter: 'vnode', ident: fd, path: '/', active: true, token: 7 });
    assert.equal((json(big.interest) as { ident: unknown }).ident, String(ident));
    assert.deepEqual(json(kq), { fd: kq.fd, closed: false, kqueue: sys.name });

    sys.judge = () => errno.ENOENT;
    try {
      big.disable();
      assert.fail('it is refused');
    } catch (error) {
      const { code, syscall, change, interest } = json(error) as Record<string, unknown>;
      assert.deepEqual([code, syscall, interest], ['ENOENT', 'kevent', undefined]);
      assert.equal((change as { ident: unknown }).ident, String(ident));
    }
    kq.close();
  });
});
