// What goes down to the kernel of each system: every builder, in the numbers of every ABI, on any machine.

import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  type Interest,
  Kqueue,
  type ProcNote,
  proc,
  raw,
  read,
  signal,
  timer,
  user,
  type VnodeNote,
  vnode,
  write,
} from '../../src/index.ts';
import { type Abi, abis, type Kevent } from '../../src/sys/index.ts';
import { FakeSys } from '../helpers/fake-sys.ts';
import { refuses } from '../sys/refuses.ts';
import { closeAfter, suiteWithoutUser as suite } from './helpers.ts';

const { darwin, freebsd, openbsd, netbsd, dragonfly, linux, libkqueue } = abis;
const systems: readonly Abi[] = [darwin, freebsd, openbsd, netbsd, dragonfly, linux, libkqueue];

/** What an error calls a system. */
const titles = new Map([
  [darwin, 'macOS'],
  [freebsd, 'FreeBSD'],
  [openbsd, 'OpenBSD'],
  [netbsd, 'NetBSD'],
  [dragonfly, 'DragonFly'],
  [linux, 'Linux'],
  [libkqueue, 'libkqueue'],
]);

/** What register() sends of one interest; `ext1` where the ABI has it. */
function sent(abi: Abi, interest: Interest): Kevent & { ext1: bigint | undefined } {
  const sys = new FakeSys(abi);
  const kq = closeAfter(new Kqueue({ sys }));
  kq.register(interest);
  const [call, more] = sys.calls;
  assert.equal(more, undefined);
  assert.equal(call?.changes.length, 1);
  return { ...(call?.changes[0] as Kevent), ext1: call?.ext1[0] };
}

/** The bits of `EV_ADD|EV_ENABLE`, as an ABI numbers them. */
function bits(abi: Abi, names: string): number {
  return names.split('|').reduce((all, name) => (all | (abi.constants[name] ?? assert.fail(name))) >>> 0, 0);
}

/** What register() adds to the flags: libkqueue's receipts are of no use. */
const receipt = (abi: Abi): string => (abi === libkqueue ? '' : '|EV_RECEIPT');
const added = (abi: Abi): string => `EV_ADD|EV_ENABLE${receipt(abi)}`;

/** That register() refuses it in each of the systems that are not `having`, and says which these are. */
function onlyIn(having: readonly Abi[], constant: string, interest: Interest, argument: string): void {
  const names = systems.filter((abi) => having.includes(abi)).map((abi) => titles.get(abi));
  for (const abi of systems) {
    if (having.includes(abi)) continue;
    const sys = new FakeSys(abi);
    const kq = closeAfter(new Kqueue({ sys }));
    assert.throws(
      () => kq.register(interest),
      ({ name, code, message }: NodeJS.ErrnoException) =>
        name === 'RangeError' &&
        code === 'ERR_OUT_OF_RANGE' &&
        message.startsWith(`${argument}: `) &&
        message.endsWith(` is not supported on ${titles.get(abi)} (${constant}: only ${names.join(', ')})`),
    );
    // Before anything reaches the kernel, what is good in the same call included.
    assert.throws(() => kq.register(user(1), interest), RangeError);
    assert.deepEqual(sys.calls, []);
  }
}

describe('the numbers of each system', suite, () => {
  for (const abi of systems) {
    it(`${abi.name}: filter, flags and ident`, () => {
      const ident = 5;
      const simple: readonly (readonly [Interest, string])[] = [
        [read(ident), 'EVFILT_READ'],
        [write(ident), 'EVFILT_WRITE'],
        [vnode(ident, { on: ['write'] }), 'EVFILT_VNODE'],
        [proc(ident), 'EVFILT_PROC'],
        [signal(ident), 'EVFILT_SIGNAL'],
        [timer(ident, { every: 1 }), 'EVFILT_TIMER'],
        [user(ident), 'EVFILT_USER'],
      ];
      for (const [interest, filter] of simple) {
        const change = sent(abi, interest);
        assert.equal(change.filter, abi.constants[filter]);
        assert.equal(change.ident, ident);
        assert.equal(change.flags, bits(abi, added(abi)), filter);
      }
    });

    it(`${abi.name}: clear, oneshot, dispatch, disabled`, () => {
      assert.equal(sent(abi, read(5, { clear: true })).flags, bits(abi, `${added(abi)}|EV_CLEAR`));
      assert.equal(sent(abi, user(5, { oneshot: true })).flags, bits(abi, `${added(abi)}|EV_ONESHOT`));
      assert.equal(sent(abi, write(5, { dispatch: true })).flags, bits(abi, `${added(abi)}|EV_DISPATCH`));
      assert.equal(sent(abi, read(5, { disabled: true })).flags, bits(abi, `EV_ADD|EV_DISABLE${receipt(abi)}`));
    });
  }

  it('EVFILT_USER has four numbers', () => {
    assert.deepEqual(
      systems.map((abi) => sent(abi, user(1)).filter),
      [-10, -11, -10, 8, -9, -11, -11],
    );
  });

  it('every note of vnode(), where it is; elsewhere who has it', () => {
    const everywhere = { delete: 1, write: 2, extend: 4, attrib: 8, link: 0x10, rename: 0x20 } as const;
    for (const abi of systems) {
      const on = Object.keys(everywhere) as VnodeNote[];
      assert.equal(sent(abi, vnode(5, { on })).fflags, 0x3f, abi.name);
      for (const note of on) {
        assert.equal(sent(abi, vnode(5, { on: [note] })).fflags, everywhere[note as keyof typeof everywhere]);
      }
    }
    const somewhere: readonly (readonly [VnodeNote, readonly (readonly [Abi, number])[]])[] = [
      ['revoke', [darwin, freebsd, openbsd, netbsd, dragonfly, linux].map((abi) => [abi, 0x40] as const)],
      ['truncate', [openbsd, linux].map((abi) => [abi, 0x80] as const)],
      [
        'open',
        [
          [freebsd, 0x80],
          [netbsd, 0x80],
          [linux, 0x800],
        ],
      ],
      [
        'close',
        [
          [freebsd, 0x100],
          [netbsd, 0x100],
          [linux, 0x100],
        ],
      ],
      [
        'close_write',
        [
          [freebsd, 0x200],
          [netbsd, 0x200],
          [linux, 0x200],
        ],
      ],
      [
        'read',
        [
          [freebsd, 0x400],
          [netbsd, 0x400],
          [linux, 0x400],
        ],
      ],
      ['funlock', [[darwin, 0x100]]],
      ['lease_downgrade', [[darwin, 0x200]]],
      ['lease_release', [[darwin, 0x400]]],
    ];
    for (const [note, where] of somewhere) {
      const interest = vnode(5, { on: ['write', note] });
      for (const [abi, bit] of where) assert.equal(sent(abi, interest).fflags, bit | 2, `${note} of ${abi.name}`);
      onlyIn(
        where.map(([abi]) => abi),
        `NOTE_${note.toUpperCase()}`,
        interest,
        'on',
      );
    }
  });

  it('every note of proc(), where it is; elsewhere who has it', () => {
    for (const abi of [linux, libkqueue]) assert.equal(sent(abi, proc(5)).fflags, 0x80000000, abi.name);
    const bsds = [freebsd, openbsd, netbsd, dragonfly];
    for (const abi of bsds) {
      assert.equal(sent(abi, proc(5)).fflags, 0x80000000, abi.name);
      assert.equal(sent(abi, proc(5, { on: ['exit', 'fork', 'exec', 'track'] })).fflags, 0xe0000001, abi.name);
    }
    // FreeBSD deletes a knote without NOTE_EXIT when the process exits, and reports nothing.
    for (const abi of bsds) {
      assert.equal(sent(abi, proc(5, { on: ['fork'] })).fflags, abi === freebsd ? 0xc0000000 : 0x40000000, abi.name);
    }
    onlyIn([darwin, ...bsds], 'NOTE_FORK', proc(5, { on: ['fork'] }), 'on');
    onlyIn([darwin, ...bsds], 'NOTE_EXEC', proc(5, { on: ['exec'] }), 'on');
    // macOS gives the status only to who asks for it.
    assert.equal(sent(darwin, proc(5)).fflags, 0x84000000);
    assert.equal(sent(darwin, proc(5, { on: ['fork'] })).fflags, 0x40000000);
    const ofMacos: readonly (readonly [ProcNote, number])[] = [
      ['signal', 0x8000000],
      ['reap', 0x10000000],
      ['exitstatus', 0x4000000],
      ['exit_detail', 0x2000000],
    ];
    for (const [note, bit] of ofMacos) {
      assert.equal(sent(darwin, proc(5, { on: [note] })).fflags, bit, note);
      onlyIn([darwin], `NOTE_${note.toUpperCase()}`, proc(5, { on: [note] }), 'on');
    }
  });

  it('notes of read(), and lowat', () => {
    assert.equal(sent(openbsd, read(5, { on: ['eof'] })).fflags, 2);
    onlyIn([openbsd], 'NOTE_EOF', read(5, { on: ['eof'] }), 'on');
    assert.equal(sent(freebsd, read(5, { on: ['file_poll'] })).fflags, 2);
    onlyIn([freebsd], 'NOTE_FILE_POLL', read(5, { on: ['file_poll'] }), 'on');

    const withLowat = [darwin, freebsd, openbsd, netbsd, dragonfly, linux];
    for (const abi of withLowat) {
      for (const interest of [read(5, { lowat: 100 }), write(5, { lowat: 100 })]) {
        const { fflags, data } = sent(abi, interest);
        assert.deepEqual([fflags, data], [1, 100], abi.name);
      }
    }
    onlyIn(withLowat, 'NOTE_LOWAT', read(5, { lowat: 100 }), 'lowat');
    assert.equal(sent(openbsd, read(5, { lowat: 100, on: ['eof'] })).fflags, 3);
  });

  describe('timer()', () => {
    /** [fflags, data] in each system that can say it; the others have milliseconds only. */
    const inUnits: readonly (readonly [what: number, data: number, fflags: readonly (readonly [Abi, number])[]])[] = [
      [250, 250, systems.map((abi) => [abi, 0] as const)],
      [
        0.5,
        500,
        [
          [darwin, 2],
          [freebsd, 4],
          [openbsd, 2],
          [netbsd, 2],
          [linux, 2],
        ],
      ],
      [
        0.0005,
        500,
        [
          [darwin, 4],
          [freebsd, 8],
          [openbsd, 3],
          [netbsd, 3],
          [linux, 4],
          [libkqueue, 4],
        ],
      ],
      // A third of a millisecond, as exact as nanoseconds are.
      [
        1 / 3,
        333_333,
        [
          [darwin, 4],
          [freebsd, 8],
          [openbsd, 3],
          [netbsd, 3],
          [linux, 4],
          [libkqueue, 4],
        ],
      ],
    ];
    for (const [ms, data, where] of inUnits) {
      it(`${ms} ms, in the coarsest unit that loses nothing`, () => {
        for (const [abi, fflags] of where) {
          const change = sent(abi, timer(1, { every: ms }));
          assert.deepEqual([change.fflags, change.data], [fflags, data], abi.name);
          assert.equal(change.flags, bits(abi, added(abi)));
        }
        for (const abi of systems) {
          // libkqueue has its own test: it cannot be sent microseconds.
          if (abi === libkqueue || where.some(([known]) => known === abi)) continue;
          const kq = closeAfter(new Kqueue({ sys: new FakeSys(abi) }));
          refuses(() => kq.register(timer(1, { every: ms })), RangeError, 'every', {
            expected: 'a whole number of milliseconds, the finest unit',
          });
        }
      });
    }

    it('half a millisecond goes to libkqueue in nanoseconds: it takes microseconds for those', () => {
      const { fflags, data } = sent(libkqueue, timer(1, { every: 0.5 }));
      assert.deepEqual([fflags, data], [libkqueue.constants['NOTE_NSECONDS'], 500_000]);
    });

    it('fires once after a time: EV_ONESHOT', () => {
      for (const abi of systems) {
        const { flags, data, fflags } = sent(abi, timer(1, { after: 20 }));
        assert.deepEqual([flags, data, fflags], [bits(abi, `${added(abi)}|EV_ONESHOT`), 20, 0], abi.name);
      }
    });

    it('fires once at a time: EV_ONESHOT, or some would report it for ever', () => {
      const notes = [
        [darwin, 8],
        [freebsd, 0x10],
        [openbsd, 0x10],
        [netbsd, 0x10],
        [linux, 8],
        [libkqueue, 8],
      ] as const;
      for (const [abi, note] of notes) {
        const at = 1_800_000_000_000;
        const { flags, data, fflags } = sent(abi, timer(1, { at }));
        assert.deepEqual([flags, data, fflags], [bits(abi, `${added(abi)}|EV_ONESHOT`), at, note], abi.name);
        // 0 and less are errors, or worse.
        for (const past of [0, -5, new Date(-1)]) assert.equal(sent(abi, timer(1, { at: past })).data, 1);
      }
      const kq = closeAfter(new Kqueue({ sys: new FakeSys(dragonfly) }));
      assert.throws(() => kq.register(timer(1, { at: 5 })), {
        name: 'RangeError',
        message:
          'at: an absolute timer is not supported on DragonFly ' +
          '(NOTE_ABSOLUTE, NOTE_ABSTIME: only macOS, FreeBSD, OpenBSD, NetBSD, Linux, libkqueue)',
      });
    });

    it('is exact up to 63 bits, and refuses what is not', () => {
      for (const abi of systems) {
        if (abi === freebsd) continue;
        assert.equal(sent(abi, timer(1, { every: 2 ** 53 - 1 })).data, 2 ** 53 - 1);
        assert.equal(sent(abi, timer(1, { every: 2 ** 60 })).data, 2n ** 60n);
        const kq = closeAfter(new Kqueue({ sys: new FakeSys(abi) }));
        refuses(() => kq.register(timer(1, { every: 2 ** 63 })), RangeError, 'every', { expected: 'less than 2^63' });
        // Less than the finest unit would be 0, which no kernel takes for a period.
        assert.throws(() => kq.register(timer(1, { every: 1e-7 })), RangeError);
      }
    });

    it('on FreeBSD is 2^30 seconds at most, because 2^31 and more fire immediately and for ever', () => {
      const longest = 2 ** 30 * 1000;
      for (const ms of [longest, longest + 0.5, 2 ** 31 * 1000, 2 ** 60]) {
        for (const times of [{ every: ms }, { after: ms }]) {
          assert.deepEqual([sent(freebsd, timer(1, times)).data, sent(freebsd, timer(1, times)).fflags], [longest, 0]);
        }
      }
      assert.equal(sent(freebsd, timer(1, { every: longest - 1 })).data, longest - 1);
      // A time of the wall clock is not relative.
      assert.equal(sent(freebsd, timer(1, { at: 2 ** 31 * 1000 })).data, 2 ** 31 * 1000);
    });

    it('critical, background, continuous', () => {
      assert.equal(sent(darwin, timer(1, { every: 1, critical: true })).fflags, 0x20);
      onlyIn([darwin], 'NOTE_CRITICAL', timer(1, { every: 1, critical: true }), 'critical');
      assert.equal(sent(darwin, timer(1, { every: 1, background: true })).fflags, 0x40);
      onlyIn([darwin], 'NOTE_BACKGROUND', timer(1, { every: 1, background: true }), 'background');
      assert.equal(sent(darwin, timer(1, { every: 1, continuous: true })).fflags, 0x80);
      onlyIn([darwin], 'NOTE_MACH_CONTINUOUS_TIME', timer(1, { every: 1, continuous: true }), 'continuous');
    });
  });

  it('raw(): the six fields as they are, and what register() itself needs', () => {
    for (const abi of systems) {
      const filter = abi.constants['EVFILT_TIMER'] as number;
      const fields = { ident: 2n ** 64n - 1n, filter, fflags: 0x12345678, data: -5, udata: 2n ** 64n - 1n };
      const { flags, ext1, ...rest } = sent(abi, raw({ ...fields, flags: bits(abi, 'EV_CLEAR') }));
      assert.deepEqual(rest, fields);
      assert.equal(flags, bits(abi, `${added(abi)}|EV_CLEAR`));
      const disabled = bits(abi, 'EV_DISABLE|EV_ENABLE');
      assert.equal(
        sent(abi, raw({ ident: 1, filter, flags: disabled })).flags,
        bits(abi, `EV_ADD|EV_DISABLE${receipt(abi)}`),
      );
    }
    const kq = closeAfter(new Kqueue({ sys: new FakeSys(netbsd) }));
    refuses(() => kq.register(raw({ ident: 1, filter: -1 })), RangeError, 'filter', {
      expected: '0 or more, as on NetBSD',
    });
    assert.equal(sent(netbsd, raw({ ident: 1, filter: 0 })).filter, 0);
    for (const abi of systems) {
      if (abi === netbsd) continue;
      // FreeBSD skips the change and says nothing.
      const other = closeAfter(new Kqueue({ sys: new FakeSys(abi) }));
      const expected = `a negative number, as on ${abi.title}`;
      refuses(() => other.register(raw({ ident: 1, filter: 0 })), RangeError, 'filter', { expected, got: '0' });
    }
  });

  it('vnode() with a path: its descriptor', () => {
    // The lowest number that is free, which register() then gets.
    const fd = openSync('/', 'r');
    closeSync(fd);
    assert.equal(sent(linux, vnode('/', { on: ['write'] })).ident, fd);
  });
});
