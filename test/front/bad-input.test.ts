// The high-level API, given what it cannot take: a TypeError or RangeError that names the argument, and all is as it was.

import assert from 'node:assert/strict';
import { fstatSync } from 'node:fs';
import { describe, test } from 'node:test';
import {
  type Interest,
  Kqueue,
  KqueueError,
  proc,
  raw,
  read,
  signal,
  timer,
  user,
  vnode,
  Waker,
  write,
} from '../../src/index.ts';
import { abis, bindKqueue } from '../../src/sys/index.ts';
import { noUser } from '../helpers/user.ts';
import { noIntegers, noInts, noNumbers } from '../sys/refuses.ts';
import { closeAfter } from './helpers.ts';

const wrong = (value: unknown): never => value as never;
const integers = [...noNumbers.map(([value]) => value), ...noIntegers, ...noInts];
/** 5n is one of them, which is a number where 64 bits are. */
const words = [
  ...noNumbers.map(([value]) => value).filter((value) => value !== 5n),
  ...noIntegers,
  -1,
  -1n,
  2n ** 64n,
  2 ** 53,
];
const objects = [null, 5, 'text', 5n, true, Symbol('no object')];

function refused(what: string, call: () => unknown): void {
  assert.throws(
    call,
    (error: unknown) => {
      assert(error instanceof TypeError || error instanceof RangeError, `${what}: ${String(error)}`);
      assert.match(String((error as { code?: unknown }).code), /^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/, what);
      assert.match(error.message, /^\w+: expected .*, got /, what);
      return true;
    },
    what,
  );
}

const show = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));

describe('bad input to the high-level API', { skip: noUser }, () => {
  const builders: readonly [name: string, build: (value: never) => unknown, values: readonly unknown[]][] = [
    ['read(fd)', read, [...integers, -1]],
    ['read(lowat)', (lowat) => read(0, { lowat }), [...integers.filter((value) => value !== undefined), 0, -1]],
    ['write(fd)', write, [...integers, -1]],
    ['write(lowat)', (lowat) => write(0, { lowat }), [...integers.filter((value) => value !== undefined), 0, -1]],
    [
      'vnode(fd)',
      (fd) => vnode(fd, { on: ['write'] }),
      [...integers.filter((value) => typeof value !== 'string'), '', 'a\0b', -1],
    ],
    ['vnode(on)', (on) => vnode(0, { on }), [undefined, null, 5, 'write', {}, ['no note'], [5], [null]]],
    ['read(on)', (on) => read(0, { on }), [null, 5, 'eof', {}, ['oob'], [null]]],
    ['proc(on)', (on) => proc(1, { on }), [null, 5, 'exit', {}, [], ['write'], [null]]],
    ['proc(pid)', proc, [...integers, -1]],
    [
      'signal(name)',
      signal,
      [...integers.filter((value) => typeof value !== 'string'), 'SIGNONE', '', 'toString', -1, 0, 1000],
    ],
    ['timer(ident)', (ident) => timer(ident, { every: 1 }), words],
    [
      'timer(every)',
      (every) => timer(1, { every }),
      [...noNumbers.map(([value]) => value), Number.NaN, 0, -1, -0.5, Number.POSITIVE_INFINITY],
    ],
    ['timer(after)', (after) => timer(1, { after }), [Number.NaN, 0, -1, Number.POSITIVE_INFINITY, '5', 5n]],
    ['timer(at)', (at) => timer(1, { at }), [Number.NaN, Number.POSITIVE_INFINITY, new Date(Number.NaN), '5', 5n]],
    ['timer(options)', (options) => timer(1, options), [...objects, {}, { every: 1, after: 1 }]],
    ['user(ident)', user, words],
    ['raw(fields)', raw, objects],
    ['raw(ident)', (ident) => raw({ ident, filter: -1 }), words],
    ['raw(filter)', (filter) => raw({ ident: 1, filter }), [...integers, 2 ** 15]],
    [
      'raw(flags)',
      (flags) => raw({ ident: 1, filter: -1, flags }),
      [...integers.filter((value) => value !== undefined), -1, 2 ** 16, 2],
    ],
    [
      'raw(data)',
      (data) => raw({ ident: 1, filter: -1, data }),
      [Number.NaN, 0.5, 2 ** 63, 2n ** 63n, -(2n ** 63n) - 1n, '5', null],
    ],
    ['raw(udata)', (udata) => raw({ ident: 1, filter: -1, udata }), [Number.NaN, -1, 2n ** 64n, '5', null]],
    ...(['clear', 'oneshot', 'dispatch', 'disabled'].map(
      (name) => [name, (value: never) => user(1, { [name]: value }), [null, 0, 1, 'true', {}, 5n]] as const,
    ) as [string, (value: never) => unknown, unknown[]][]),
    ['user(options)', (options) => user(1, options), objects],
    ['read(options)', (options) => read(0, options), objects],
    ['new Waker(handle)', (handle) => new Waker(handle), [...objects, {}, { activeWakes: new ArrayBuffer(4) }]],
    ['new Kqueue(options)', (options) => new Kqueue(options), [null, 5, 'text']],
    ['new Kqueue(sys)', (sys) => new Kqueue({ sys }), [null, 5, 'text', {}]],
  ];

  for (const [name, build, values] of builders) {
    test(name, () => {
      for (const value of values) refused(`${name} ${show(value)}`, () => build(wrong(value)));
    });
  }

  test('an option whose name is unknown is refused, and the error names those that are known', async () => {
    const kq = closeAfter(new Kqueue());
    const calls: Readonly<Record<string, (options: never) => unknown>> = {
      read: (options) => read(0, options),
      write: (options) => write(0, options),
      vnode: (options) => vnode(0, { on: ['write'], ...(options as object) }),
      proc: (options) => proc(1, options),
      signal: (options) => signal('SIGHUP', options),
      timer: (options) => timer(1, { every: 1, ...(options as object) }),
      user: (options) => user(1, options),
      raw: (options) => raw({ ident: 1, filter: -1, ...(options as object) }),
      poll: (options) => kq.poll(options),
      Kqueue: (options) => new Kqueue(options),
      bindKqueue: (options) => bindKqueue({ library: null, abi: abis.linux, ...(options as object) }),
      symbols: (symbols) => bindKqueue({ library: null, abi: abis.linux, symbols }),
    };
    for (const [name, call] of Object.entries(calls)) {
      // A value of undefined is a name all the same.
      for (const value of [true, undefined]) {
        assert.throws(
          () => call(wrong({ oneShot: value })),
          {
            name: 'TypeError',
            code: 'ERR_INVALID_ARG_TYPE',
            message: /^(options|fields|binding|symbols): expected no other options than \w+(, \w+)*, got "oneShot"$/,
          },
          name,
        );
      }
    }
    await assert.rejects(kq.wait(wrong({ timeout: 0, abort: 1 })), /expected .* timeout, max, signal, got "abort"$/);
    // What somebody added to Object.prototype is nobody's option.
    const inherited = Object.create({ oneShot: true, timeout: 0 });
    assert.deepEqual(kq.poll(inherited), []);
  });

  test('a number that is refused is shown as it is', () => {
    assert.throws(() => raw({ ident: 1, filter: -1, flags: 0x12 }), {
      name: 'RangeError',
      message: /^flags: .*, got 18$/,
    });
  });

  test('poll() and wait()', async () => {
    const kq = closeAfter(new Kqueue());
    const cases: [string, unknown[]][] = [
      ['timeout', [Number.NaN, -1, '5', 5n, null, {}]],
      ['max', [Number.NaN, 0, -1, 0.5, 2 ** 40, '5', 5n, null, {}]],
    ];
    for (const [option, values] of cases) {
      for (const value of values) {
        const options = wrong({ timeout: 0, [option]: value });
        refused(`poll ${option} ${show(value)}`, () => kq.poll(options));
        await assert.rejects(
          kq.wait(options),
          { code: /^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/ },
          `wait ${option} ${show(value)}`,
        );
      }
    }
    for (const signal of [null, 5, {}, new AbortController()]) {
      await assert.rejects(kq.wait({ timeout: 0, signal: wrong(signal) }), { code: 'ERR_INVALID_ARG_TYPE' });
    }
    // And it waits as if nothing had been.
    assert.deepEqual(await kq.wait({ timeout: 0 }), []);
  });

  test('register() and unregister(): what is no interest, or only looks like one', () => {
    const kq = closeAfter(new Kqueue());
    const good = user(1, { clear: true });
    const forged = [
      undefined,
      null,
      5,
      'read',
      {},
      { ...good },
      Object.create(good),
      new Proxy(good, {}),
      JSON.parse(JSON.stringify(good)),
    ];
    for (const value of forged) {
      refused(`register ${show(value)}`, () => kq.register(good, wrong(value)));
      refused(`unregister ${show(value)}`, () => kq.unregister(wrong(value)));
    }
    const other = closeAfter(new Kqueue());
    const [foreign] = other.register(good);
    refused('unregister a foreign registration', () => kq.unregister(foreign));
    // The good one beside each of them was not registered.
    assert.throws(() => kq.unregister(good), { code: 'ENOENT' });
    assert.deepEqual(kq.register(), []);
    kq.unregister();
  });

  test('interests are what they were when they were made', () => {
    const good = user(1);
    for (const name of ['ident', 'filter', 'token'])
      assert.throws(() => Object.assign(good, { [name]: 'read' }), TypeError);
    assert.throws(() => Object.setPrototypeOf(good, {}), TypeError);
  });

  test('descriptors that are closed: EBADF, each by itself, and the good ones beside them stay', () => {
    const kq = closeAfter(new Kqueue());
    // Far from those that the queue may open for itself.
    const closed = 100_000;
    assert.throws(() => fstatSync(closed), { code: 'EBADF' });
    const bad: Interest[] = [read(closed), write(closed), vnode(closed, { on: ['write'] }), read(2 ** 31 - 1)];
    for (const interest of bad) {
      assert.throws(
        () => kq.register(user(1, { clear: true }), interest),
        (error) => error instanceof KqueueError && error.code === 'EBADF' && error.syscall === 'kevent',
      );
    }
    assert.throws(
      () => kq.register(...bad),
      (error) =>
        error instanceof AggregateError && error.errors.every(({ code }: { code: unknown }) => code === 'EBADF'),
    );
    kq.unregister(user(1));
  });

  test('options whose getters say another thing each time, or throw', () => {
    const kq = closeAfter(new Kqueue());
    let reads = 0;
    const changing = {
      get lowat(): number {
        return ++reads % 2 === 1 ? 1 : Number.NaN;
      },
    };
    // Whichever was read last, the kernel gets a number or nothing.
    try {
      kq.register(read(0, changing));
    } catch (error) {
      assert(error instanceof RangeError || error instanceof KqueueError, String(error));
    }
    assert.throws(
      () =>
        user(1, {
          get clear(): boolean {
            throw new Error('mine');
          },
        }),
      /mine/,
    );
    assert.throws(
      () =>
        kq.poll({
          get timeout(): number {
            kq.close();
            return 0;
          },
        }),
      { code: 'EBADF' },
    );
  });

  test('options that say another thing each time count as they were first', async () => {
    const kq = closeAfter(new Kqueue());
    const [event] = kq.register(user(1, { clear: true }));
    for (const second of [Number.NaN, 0, -1, 0.5, 2 ** 40]) {
      let reads = 0;
      const options = {
        timeout: 1000,
        get max(): number {
          return reads++ === 0 ? 1 : second;
        },
      };
      event.trigger();
      assert.equal((await kq.wait(options)).length, 1, `max, then ${second}`);
    }
  });

  test('after all that, standard input, output and error are still open', () => {
    for (const fd of [0, 1, 2]) fstatSync(fd);
  });
});
