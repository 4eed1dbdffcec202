// What the builders make, and what they refuse. Nothing here reaches a kernel.

import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import {
  type Interest,
  type InterestOptions,
  proc,
  raw,
  read,
  signal,
  timer,
  user,
  vnode,
  write,
} from '../../src/index.ts';
import { noIntegers, noInts, noNumbers, refuses } from '../sys/refuses.ts';

/** Lets a wrong argument through the compiler. */
const wrong = (value: unknown): never => value as never;

type Builder = (options: InterestOptions<string>) => Interest<string>;

/** Each builder, with the options that all of them take. */
const builders: Readonly<Record<string, Builder>> = {
  read: (options) => read(5, options),
  write: (options) => write(5, options),
  vnode: (options) => vnode(5, { on: ['write'], ...options }),
  proc: (options) => proc(5, options),
  signal: (options) => signal('SIGHUP', options),
  timer: (options) => timer(5, { every: 1, ...options }),
  user: (options) => user(5, options),
};

/** Those that take a descriptor. */
const ofDescriptors: Readonly<Record<string, (fd: number) => Interest>> = {
  read,
  write,
  vnode: (fd) => vnode(fd, { on: ['write'] }),
};

describe('every builder', () => {
  for (const [name, build] of Object.entries(builders)) {
    it(`${name}(): is named by its filter, and all options are off at first`, () => {
      const { filter, clear, oneshot, dispatch, disabled, token } = build({});
      assert.deepEqual(
        { filter, clear, oneshot, dispatch, disabled, token },
        { filter: name, clear: false, oneshot: false, dispatch: false, disabled: false, token: undefined },
      );
    });

    it(`${name}(): takes each option and the token, and cannot be changed afterwards`, () => {
      for (const option of ['clear', 'oneshot', 'dispatch', 'disabled'] as const) {
        const interest = build({ [option]: true, token: 'mine' });
        for (const other of ['clear', 'oneshot', 'dispatch', 'disabled'] as const) {
          assert.equal(interest[other], other === option, `${other} with ${option}`);
        }
        assert.equal(interest.token, 'mine');
        assert.throws(() => Object.assign(interest, { [option]: false }), TypeError);
        // An option that is there, but undefined, is one that is not there.
        assert.equal(build({ [option]: undefined })[option], false);
      }
    });

    it(`${name}(): refuses options that are no booleans`, () => {
      for (const option of ['clear', 'oneshot', 'dispatch', 'disabled']) {
        for (const value of [1, 0, 'true', null, {}]) {
          refuses(() => build(wrong({ [option]: value })), TypeError, option, { expected: 'a boolean' });
        }
      }
    });
  }

  for (const [name, build] of Object.entries(ofDescriptors)) {
    it(`${name}(): takes a descriptor as it is, and refuses what is no C int of 0 or more`, () => {
      for (const fd of [0, 5, 2 ** 31 - 1]) assert.equal(build(fd).ident, fd);
      for (const fd of [-1, -5, ...noIntegers, ...noInts]) refuses(() => build(fd), RangeError, 'fd');
      for (const [fd, got] of noNumbers) {
        // A string is a path to vnode().
        if (name === 'vnode' && typeof fd === 'string') continue;
        refuses(() => build(wrong(fd)), TypeError, name === 'vnode' ? 'target' : 'fd', { got });
      }
    });
  }

  it('options are an object', () => {
    for (const options of [null, 5, 'clear', true]) {
      refuses(() => read(5, wrong(options)), TypeError, 'options');
      refuses(() => write(5, wrong(options)), TypeError, 'options');
      refuses(() => user(5, wrong(options)), TypeError, 'options');
      refuses(() => signal('SIGHUP', wrong(options)), TypeError, 'options');
      refuses(() => timer(5, wrong(options)), TypeError, 'options');
    }
    refuses(() => raw(wrong(null)), TypeError, 'fields');
    refuses(() => timer(5, wrong(undefined)), TypeError, 'options');
  });

  it('prints as what it is', () => {
    assert.match(inspect(read(5, { clear: true })), /^Interest \{\n? *filter: 'read',\s+ident: 5,/);
  });
});

describe('read() and write()', () => {
  it('lowat is a C int of 1 or more', () => {
    assert.equal(read(5, { lowat: 100 }).lowat, 100);
    assert.equal(write(5, { lowat: 2 ** 31 - 1 }).lowat, 2 ** 31 - 1);
    assert.equal(read(5).lowat, undefined);
    for (const build of [read, write]) {
      for (const lowat of [0, -1, ...noIntegers, ...noInts]) refuses(() => build(5, { lowat }), RangeError, 'lowat');
      for (const [lowat] of noNumbers) {
        if (lowat !== undefined) refuses(() => build(5, { lowat: wrong(lowat) }), TypeError, 'lowat');
      }
    }
  });
});

describe('notes', () => {
  it('are taken as a copy that cannot be changed', () => {
    const on: ('write' | 'delete')[] = ['write'];
    const interest = vnode(5, { on });
    on.push('delete');
    assert.deepEqual(interest.on, ['write']);
    assert.ok(Object.isFrozen(interest.on));
  });

  it('have defaults where there is one thing to watch for', () => {
    assert.deepEqual(read(5).on, []);
    assert.deepEqual(proc(5).on, ['exit']);
  });

  it('of other filters, and what is no list of them, are refused by name', () => {
    refuses(() => vnode(5, { on: wrong(['exit']) }), TypeError, 'on', { expected: 'notes of vnode()', got: '"exit"' });
    refuses(() => proc(5, { on: wrong(['write']) }), TypeError, 'on', { expected: 'notes of proc()', got: '"write"' });
    refuses(() => read(5, { on: wrong(['oob']) }), TypeError, 'on', { expected: 'notes of read() (eof, file_poll)' });
    refuses(() => vnode(5, { on: wrong(['toString']) }), TypeError, 'on');
    refuses(() => vnode(5, { on: wrong('write') }), TypeError, 'on', { expected: 'an array of', got: '"write"' });
    refuses(() => vnode(5, wrong({})), TypeError, 'on', { got: 'undefined' });
    refuses(() => vnode(5, wrong(undefined)), TypeError, 'on');
    refuses(() => vnode(5, { on: [] }), TypeError, 'on', { expected: 'at least one note' });
    refuses(() => proc(5, { on: [] }), TypeError, 'on', { expected: 'at least one note' });
  });
});

describe('vnode()', () => {
  it('takes a path or a descriptor', () => {
    const { ident, path } = vnode('/tmp', { on: ['write'] });
    assert.deepEqual([ident, path], [undefined, '/tmp']);
    assert.equal(vnode(5, { on: ['write'] }).path, undefined);
  });

  it('takes a file: URL and bytes as Node does, copies the bytes, and refuses another URL as Node does', () => {
    const on = ['write'] as const;
    const bytes = Buffer.from([0x2f, 0xff]);
    const made = vnode(bytes, { on });
    bytes.fill(0x2e);
    assert.deepEqual([made.path, made.bytes, made.ident], ['/\ufffd', Buffer.from([0x2f, 0xff]), undefined]);
    const text = vnode(new Uint8Array(Buffer.from('/ä')), { on });
    assert.deepEqual([text.path, text.bytes], ['/ä', undefined]);
    assert.equal(vnode(new URL('file:///a%20b'), { on }).path, '/a b');
    assert.throws(() => vnode(new URL('http://a/b'), { on }), { name: 'TypeError', code: 'ERR_INVALID_URL_SCHEME' });
    for (const path of [new Uint8Array(0), Buffer.from('a\0b'), new URL('file:///a%00b')]) {
      refuses(() => vnode(path, { on }), TypeError, 'path', { expected: 'a path' });
    }
    for (const value of [{}, { href: 'file:///a' }, new Uint16Array(2), new ArrayBuffer(2)]) {
      refuses(() => vnode(wrong(value), { on }), TypeError, 'target', { expected: 'a path' });
    }
  });

  it('refuses what cannot be a path', () => {
    for (const path of ['', '\0', '/tmp/\0x']) {
      refuses(() => vnode(path, { on: ['write'] }), TypeError, 'path', { expected: 'a path' });
    }
  });
});

describe('proc()', () => {
  it('takes a pid of 1 or more', () => {
    assert.equal(proc(1).ident, 1);
    for (const pid of [0, -1, ...noIntegers, ...noInts]) refuses(() => proc(pid), RangeError, 'pid');
    for (const [pid] of noNumbers) refuses(() => proc(wrong(pid)), TypeError, 'pid');
  });
});

describe('signal()', () => {
  it('takes a name or a number, and knows both', () => {
    const { SIGHUP, SIGABRT } = constants.signals;
    assert.deepEqual([signal('SIGHUP').ident, signal('SIGHUP').signal], [SIGHUP, 'SIGHUP']);
    assert.deepEqual([signal(SIGHUP).ident, signal(SIGHUP).signal], [SIGHUP, 'SIGHUP']);
    // SIGIOT is a second name of it.
    assert.equal(signal(SIGABRT).signal, 'SIGABRT');
  });

  it('refuses what is no signal, and those that nobody can catch', () => {
    const bad = ['SIGNOTHING', 'SIGKILL', 'SIGSTOP', 9, 0, -1, 1000, 1.5, Number.NaN, 'constructor', '__proto__', ''];
    for (const one of bad) refuses(() => signal(wrong(one)), RangeError, 'signal');
    for (const one of [null, undefined, {}, [1], 1n, true]) refuses(() => signal(wrong(one)), TypeError, 'signal');
  });
});

describe('timer() and user()', () => {
  it('have an ident of up to 64 bits; a bigint that a number holds is that number', () => {
    for (const build of [(ident: number | bigint) => timer(ident, { every: 1 }), user]) {
      for (const ident of [0, 2 ** 53 - 1]) assert.equal(build(ident).ident, ident);
      assert.equal(build(7n).ident, 7);
      assert.equal(build(2n ** 53n).ident, 2n ** 53n);
      assert.equal(build(2n ** 64n - 1n).ident, 2n ** 64n - 1n);
      for (const ident of [-1, -1n, 2n ** 64n, 2 ** 53, ...noIntegers])
        refuses(() => build(ident), RangeError, 'ident');
      for (const ident of [undefined, null, '5', {}]) refuses(() => build(wrong(ident)), TypeError, 'ident');
    }
  });

  it('a timer has exactly one of every, after and at', () => {
    const expected = 'one of every, after, at';
    refuses(() => timer(1, wrong({})), TypeError, 'options', { expected, got: '"none"' });
    refuses(() => timer(1, wrong({ every: 1, at: 5 })), TypeError, 'options', { expected, got: '"every and at"' });
    refuses(() => timer(1, wrong({ every: 1, after: 1, at: 1 })), TypeError, 'options', { expected });
    assert.equal(timer(1, { every: 1, after: undefined, at: undefined }).every, 1);
  });

  it('a timer without an ident is an error about the ident', () => {
    refuses(() => timer(wrong({ every: 250 }), wrong(undefined)), TypeError, 'ident', { got: 'an object' });
  });

  it('its times are numbers of milliseconds, greater than 0', () => {
    for (const name of ['every', 'after']) {
      for (const time of [0, -0, -5, Number.NaN, Number.POSITIVE_INFINITY]) {
        refuses(() => timer(1, wrong({ [name]: time })), RangeError, name, {
          expected: 'a finite number of milliseconds, greater than 0',
        });
      }
      for (const time of [null, '5', 5n]) refuses(() => timer(1, wrong({ [name]: time })), TypeError, name);
    }
    assert.equal(timer(1, { after: 0.001 }).after, 0.001);
  });

  it('at is a Date, or milliseconds since 1970; in the past too', () => {
    const date = new Date(86_400_000);
    assert.equal(timer(1, { at: date }).at, 86_400_000);
    assert.equal(timer(1, { at: -1 }).at, -1);
    refuses(() => timer(1, { at: new Date(Number.NaN) }), RangeError, 'at', { expected: 'a valid Date' });
    refuses(() => timer(1, { at: Number.POSITIVE_INFINITY }), RangeError, 'at');
    refuses(() => timer(1, { at: wrong('1970-01-02') }), TypeError, 'at', { expected: 'a Date or a number' });
  });

  it('how exact a timer is to be', () => {
    const { critical, background, continuous } = timer(1, { every: 1, critical: true });
    assert.deepEqual([critical, background, continuous], [true, false, false]);
    for (const name of ['critical', 'background', 'continuous']) {
      refuses(() => timer(1, wrong({ every: 1, [name]: 1 })), TypeError, name, { expected: 'a boolean' });
    }
  });
});

describe('raw()', () => {
  it('has the modes that its flags say', () => {
    const flags = { clear: 0x20, oneshot: 0x10, dispatch: 0x80, disabled: 0x8 };
    for (const [mode, flag] of Object.entries(flags)) {
      const { clear, oneshot, dispatch, disabled } = raw({ ident: 1, filter: -1, flags: flag });
      const set = Object.entries({ clear, oneshot, dispatch, disabled }).filter(([, value]) => value);
      assert.deepEqual(set, [[mode, true]]);
    }
  });

  it('has the fields that it is given, and 0 in the others', () => {
    const { ident, evfilt, flags, fflags, data, udata, token } = raw({ ident: 1, filter: -7 });
    assert.deepEqual([ident, evfilt, flags, fflags, data, udata, token], [1, -7, 0, 0, 0, 0, undefined]);
    const made = raw({
      ident: 2n ** 64n - 1n,
      filter: 3,
      flags: 0xfffd,
      fflags: 2 ** 32 - 1,
      data: -1n,
      token: 'mine',
    });
    assert.deepEqual(
      [made.ident, made.evfilt, made.flags, made.fflags, made.data, made.token],
      [2n ** 64n - 1n, 3, 0xfffd, 2 ** 32 - 1, -1n, 'mine'],
    );
    assert.equal(raw({ ident: 1, filter: 1, udata: 2n ** 64n - 1n }).udata, 2n ** 64n - 1n);
  });

  it('refuses what does not fit the C type, and EV_DELETE', () => {
    const fields = { ident: 1, filter: -1 };
    for (const filter of [2 ** 15, -(2 ** 15) - 1, ...noIntegers]) {
      refuses(() => raw({ ...fields, filter }), RangeError, 'filter');
    }
    for (const flags of [-1, 2 ** 16, ...noIntegers]) refuses(() => raw({ ...fields, flags }), RangeError, 'flags');
    // NOTE_EXIT | NOTE_FORK, as JavaScript has it.
    assert.equal(raw({ ...fields, fflags: 0x80000000 | 0x40000000 }).fflags, 0xc0000000);
    for (const fflags of [-(2 ** 31) - 1, 2 ** 32, ...noIntegers])
      refuses(() => raw({ ...fields, fflags }), RangeError, 'fflags');
    for (const data of [2n ** 63n, -(2n ** 63n) - 1n, 2 ** 53, 0.5]) {
      refuses(() => raw({ ...fields, data }), RangeError, 'data');
    }
    for (const udata of [-1, 2n ** 64n, 2 ** 53, 0.5]) refuses(() => raw({ ...fields, udata }), RangeError, 'udata');
    for (const name of ['ident', 'filter', 'flags', 'fflags', 'data', 'udata']) {
      refuses(() => raw(wrong({ ...fields, [name]: '5' })), TypeError, name);
    }
    refuses(() => raw({ ...fields, flags: 2 }), RangeError, 'flags', { expected: 'no EV_DELETE' });
  });
});
