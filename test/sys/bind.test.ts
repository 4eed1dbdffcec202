// bindKqueue: the calls of any shared library, in the layout of any ABI.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import { type Abi, abis, bindKqueue, EV_SET, errnoName, KeventList, type Sys, Timespec } from '../../src/sys/index.ts';
import { libkqueue } from '../helpers/libkqueue.ts';
import { refuses } from './refuses.ts';

const wrong = (value: unknown): never => value as never;
const compiler = ['cc', 'gcc', 'clang'].find((name) => spawnSync(name, ['--version']).status === 0);
const noCompiler = compiler === undefined && 'needs a C compiler: cc, gcc or clang';

describe('bindKqueue', { skip: noCompiler }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'kqueue-ffi-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** A library with echo.c's calls, compiled for one ABI; `kevent` by another name, where one is given. */
  function echo(abi: Abi, kevent = abi.symbols.kevent): string {
    const library = join(folder, kevent === abi.symbols.kevent ? `${abi.name}.so` : `${kevent}.so`);
    const flags = [`-DKEVENT=${kevent}`, `-DCOUNT=${abi.counts}`, `-DRECORD=${abi.kevent.size}`];
    const source = fileURLToPath(new URL('echo.c', import.meta.url));
    // -lc: close(2) is found as the library's dependency, and OpenBSD's compiler links no library to its libc by itself.
    const args = ['-shared', '-fPIC', '-o', library, ...flags, source, '-lc'];
    const made = spawnSync(compiler ?? '', args, { encoding: 'utf8' });
    assert.equal(made.status, 0, made.stderr);
    return library;
  }

  for (const abi of Object.values(abis).filter(({ bindable }) => bindable)) {
    describe(`with the ABI ${abi.name}`, () => {
      let sys: Sys;
      let seen: () => number[];
      before(() => {
        const library = echo(abi);
        sys = bindKqueue({ library, abi });
        const symbol: unknown = koffi.load(library).symbol('echo_seen');
        seen = () => Array.from(koffi.decode(symbol, 'int64_t', 8) as Iterable<number | bigint>, Number);
      });

      test('names the library and the ABI', () => {
        assert.equal(sys.name, join(folder, `${abi.name}.so`));
        assert.equal(sys.abi, abi);
        assert.equal(sys.pollable, false);
      });

      test('hands down every argument in its place', () => {
        const [changes, events] = [new KeventList(5, abi), new KeventList(9, abi)];
        assert.equal(sys.kevent(77, changes, 3, events, 8, new Timespec(2 ** 40 + 1, 999_999_999)), 3);
        assert.deepEqual(seen(), [77, 3, 8, 0, 0, 0, 2 ** 40 + 1, 999_999_999]);
        assert.equal(sys.kevent(2 ** 31 - 1, null, 0, null, 0, null), 0);
        assert.deepEqual(seen(), [2 ** 31 - 1, 0, 0, 1, 1, 1, 0, 0]);
        assert.equal(sys.kevent(0, null, 0, events, 9, new Timespec(-1, -2)), 0);
        assert.deepEqual(seen(), [0, 0, 9, 1, 0, 0, -1, -2]);
      });

      test('records cross the border whole, and only as many as were counted', () => {
        const [changes, events] = [new KeventList(3, abi), new KeventList(4, abi)];
        const filter = abi.name === 'netbsd' ? 2 ** 32 - 2 : -2;
        for (let i = 0; i < 3; i++) EV_SET(changes, i, 2n ** 64n - 1n, filter, 0xfffe, 2 ** 32 - 3, -4n - BigInt(i), 5);
        for (let i = 0; i < 4; i++) EV_SET(events, i, 0, 0, 0, 0, 0, 0xdead);
        assert.equal(sys.kevent(3, changes, 2, events, 4, null), 2);
        for (const i of [0, 1]) assert.deepEqual(events.bytes(i), changes.bytes(i));
        for (const i of [2, 3]) assert.equal(events.udata(i), 0xdead);
      });

      test('-1 comes with the errno of that call', () => {
        assert.equal(sys.kevent(-constants.errno.ENOTDIR, null, 0, null, 0, null), -1);
        assert.equal(errnoName(sys.errno()), 'ENOTDIR');
        assert.equal(sys.kevent(1, null, 0, null, 0, null), 0);
        assert.equal(errnoName(sys.errno()), 'ENOTDIR', 'success leaves errno alone, as in C');
      });

      test("kqueue and close are the library's", () => {
        const kq = sys.kqueue();
        assert(kq > 2);
        assert.equal(sys.close(kq), 0);
        assert.equal(sys.close(kq), -1);
        assert.equal(errnoName(sys.errno()), 'EBADF');
      });
    });
  }

  describe('a kernel that writes error records past nevents', () => {
    const abi = abis.dragonfly;
    const { EV_RECEIPT = 0, EV_ERROR = 0 } = abi.constants;
    const { ENOENT, EBADF } = constants.errno;
    let sys: Sys;
    before(() => {
      const library = join(folder, 'past-nevents.so');
      const source = fileURLToPath(new URL('dragonfly.c', import.meta.url));
      const made = spawnSync(compiler ?? '', ['-shared', '-fPIC', '-o', library, source, '-lc'], { encoding: 'utf8' });
      assert.equal(made.status, 0, made.stderr);
      sys = bindKqueue({ library, abi });
    });
    /** A call with such changes: [errno, flags]. What it returns, its errno, and what is in its event list of four. */
    const call = (changes: readonly [number, number][], nevents: number): [number, string, unknown[]] => {
      const [changelist, eventlist] = [new KeventList(changes.length, abi), new KeventList(4, abi)];
      for (const [i, [errno, flags]] of changes.entries()) EV_SET(changelist, i, i + 1, -1, flags, 0, errno, 0);
      for (let i = 0; i < 4; i++) EV_SET(eventlist, i, 0xdead, -1, 0, 0, 0, 0);
      const n = sys.kevent(1, changelist, changes.length, eventlist, nevents, null);
      const records = [...eventlist].map(({ ident, flags, data }) => (ident === 0xdead ? '-' : [ident, flags, data]));
      return [n, n === -1 ? errnoName(sys.errno()) : '', records];
    };

    test('writes no record past nevents, and fails with the errno of the change that has none', () => {
      const good: [number, number] = [0, 0];
      const [first, third] = [
        [1, EV_ERROR, ENOENT],
        [3, EV_ERROR, EBADF],
      ];
      const failing: [number, number][] = [[ENOENT, 0], good, [EBADF, 0]];
      assert.deepEqual(call(failing, 4), [2, '', [first, third, '-', '-']]);
      assert.deepEqual(call(failing, 2), [2, '', [first, third, '-', '-']]);
      assert.deepEqual(call(failing, 1), [-1, 'EBADF', [first, '-', '-', '-']]);
      assert.deepEqual(call(failing, 0), [-1, 'ENOENT', ['-', '-', '-', '-']]);
      assert.deepEqual(call([good, good], 1), [1, '', [[7, 0, 0], '-', '-', '-']]);
      assert.deepEqual(call([good, good], 0), [0, '', ['-', '-', '-', '-']]);
    });

    test('a receipt without room is no failure', () => {
      const receipt: [number, number] = [0, EV_RECEIPT];
      assert.deepEqual(call([receipt, receipt, receipt], 1), [1, '', [[1, EV_ERROR, 0], '-', '-', '-']]);
      assert.deepEqual(call([receipt, receipt, [EBADF, 0]], 1), [-1, 'EBADF', [[1, EV_ERROR, 0], '-', '-', '-']]);
    });

    test('one list may be both', () => {
      const list = new KeventList(3, abi);
      for (let i = 0; i < 3; i++) EV_SET(list, i, i + 1, -1, 0, 0, i === 0 ? 0 : ENOENT, 0);
      assert.equal(sys.kevent(1, list, 3, list, 2, null), 2);
      assert.deepEqual([list.ident(0), list.ident(1), list.ident(2)], [2, 3, 3]);
    });
  });

  test('symbols replace the names that the ABI has', () => {
    const abi = abis.netbsd;
    const library = echo(abi, 'echo_kevent');
    // NetBSD's libc has this call, and libc is a dependency of the library.
    if (process.platform !== 'netbsd')
      assert.throws(() => bindKqueue({ library, abi }), new RegExp(abi.symbols.kevent));
    const symbols = { kqueue: 'kqueue', kevent: 'echo_kevent' };
    assert.equal(bindKqueue({ library, abi, symbols }).kevent(1, null, 0, null, 0, null), 0);
    for (const [call, name] of [
      ['kevent', 'kevent_of_2050'],
      ['kqueue', 'kqueue7'],
      ['close', 'close_not'],
    ] as const) {
      assert.throws(() => bindKqueue({ library, abi, symbols: { ...symbols, [call]: name } }), new RegExp(name));
    }
  });

  test('a kqueue that cannot be made is -1 and the errno of that', () => {
    const sys = bindKqueue({ library: echo(abis.linux), abi: abis.linux, symbols: { kqueue: 'kqueue_none' } });
    assert.equal(sys.kqueue(), -1);
    assert.equal(errnoName(sys.errno()), 'EMFILE');
  });

  test('a number of a library’s own kernel is not changed as a descriptor of this process', () => {
    const F_GETFD = 1;
    const fcntl = koffi.load(null).func('int fcntl(int fd, int command, ...)');
    const flags = (abi: Abi): number => {
      const sys = bindKqueue({ library: echo(abi), abi });
      const fd = sys.kqueue();
      const set = fcntl(fd, F_GETFD, 'int', 0);
      sys.close(fd);
      return set;
    };
    assert.equal(flags(abis.netbsd), 0);
    // libkqueue makes its queues of descriptors of this process.
    assert.equal(flags(abis.libkqueue), 1);
  });

  test('each binding has an errno of its own', () => {
    const library = echo(abis.linux);
    const [one, other] = [bindKqueue({ library, abi: abis.linux }), bindKqueue({ library, abi: abis.linux })];
    assert.equal(one.kevent(-constants.errno.ENOTDIR, null, 0, null, 0, null), -1);
    assert.equal(other.kevent(-constants.errno.EBUSY, null, 0, null, 0, null), -1);
    assert.deepEqual([errnoName(one.errno()), errnoName(other.errno())], ['ENOTDIR', 'EBUSY']);
  });

  test('a file that is no library', () => {
    const file = join(folder, 'text.so');
    writeFileSync(file, 'not a library');
    assert.throws(
      () => bindKqueue({ library: file, abi: abis.linux }),
      (error) => error instanceof Error && error.message.includes(file),
    );
  });
});

describe('bindKqueue refuses', () => {
  test('a library that is not there, by its name', () => {
    const library = '/nowhere/libkqueue.so.0';
    assert.throws(
      () => bindKqueue({ library, abi: abis.linux }),
      (error) => error instanceof Error && error.message.includes(library),
    );
  });

  test('a library without the calls', { skip: process.platform !== 'linux' && 'libc has them here' }, () => {
    assert.throws(() => bindKqueue({ library: null, abi: abis.linux }), /kqueue/);
  });

  test('arguments of another form', () => {
    const abi = abis.linux;
    for (const library of [undefined, 0, '', {}, ['libkqueue.so']]) {
      refuses(() => bindKqueue({ library: wrong(library), abi }), TypeError, 'library', { expected: 'a path or null' });
    }
    const forged = [undefined, null, 'linux', {}, { ...abi }, Object.create(abi), new Proxy(abi, {})];
    for (const value of forged) {
      refuses(() => bindKqueue({ library: null, abi: wrong(value) }), TypeError, 'abi', { expected: 'one of abis' });
    }
    for (const abi of [abis.darwin64, abis.freebsd11]) {
      refuses(() => bindKqueue({ library: null, abi }), RangeError, 'abi', {
        expected: 'darwin64 and freebsd11 are layouts only',
      });
    }
    for (const value of [undefined, null, 'libkqueue.so', 5]) {
      refuses(() => bindKqueue(wrong(value)), TypeError, 'binding');
    }
    for (const value of [null, 'kevent', 5]) {
      refuses(() => bindKqueue({ library: null, abi, symbols: wrong(value) }), TypeError, 'symbols');
    }
  });

  test('symbols that are no names', async (t) => {
    const found = await libkqueue();
    if ('skip' in found) return t.skip(found.skip);
    const abi = abis.libkqueue;
    for (const value of ['', 'kevent; x', 'kevent()', 5, {}]) {
      for (const call of ['kqueue', 'kevent', 'close'] as const) {
        const bind = (): Sys => bindKqueue({ library: found.path, abi, symbols: { [call]: wrong(value) } });
        refuses(bind, TypeError, `symbols.${call}`);
      }
    }
  });
});

test('what bindKqueue returns cannot be altered', async (t) => {
  const found = await libkqueue();
  if ('skip' in found) return t.skip(found.skip);
  const sys = bindKqueue({ library: found.path, abi: abis.libkqueue });
  assert(Object.isFrozen(sys));
});
