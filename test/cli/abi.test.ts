// kqueue-ffi abi.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { page } from '../../src/cli/abi.ts';
import { abi, abis, unavailableReason } from '../../src/sys/index.ts';
import { run } from './program.ts';

const plain = (lines: readonly string[]): string[] => lines.map((line) => stripVTControlCharacters(line));

describe('kqueue-ffi abi', { skip: unavailableReason() ?? false }, () => {
  test('draws the members, the padding and the offsets', () => {
    assert.deepEqual(
      plain(page([abis.netbsd])).slice(0, 24),
      `NetBSD: struct kevent
40 bytes, alignment 8

     0   1   2   3   4   5   6   7
    +-------------------------------+
  0 | ident                         |
    +---------------+---------------+
  8 | filter        | flags         |
    +---------------+---------------+
 16 | fflags        | (padding)     |
    +---------------+---------------+
 24 | data                          |
    +-------------------------------+
 32 | udata                         |
    +-------------------------------+

offset  size  field   type
     0     8  ident   uintptr_t
     8     4  filter  uint32_t
    12     4  flags   uint32_t
    16     4  fflags  uint32_t
    20     4  (padding)
    24     8  data    int64_t
    32     8  udata   void *`.split('\n'),
    );
  });

  test('a member of several rows is one box', () => {
    assert.deepEqual(
      plain(page([abis.freebsd])).slice(12, 20),
      `    +-------------------------------+
 32 | ext                           |
    +                               +
 40 |                               |
    +                               +
 48 |                               |
    +                               +
 56 |                               |`.split('\n'),
    );
  });

  test('one or two systems fit 80 columns, with every constant', () => {
    const all = Object.values(abis);
    for (const shown of all.flatMap((one) => [[one], ...all.map((other) => [one, other])])) {
      const lines = plain(page(shown));
      for (const line of lines) assert(line.length <= 80, line);
      const printed = lines.map((line) => line.split(' ')[0]);
      for (const name of shown.flatMap(({ constants }) => Object.keys(constants))) assert(printed.includes(name), name);
    }
  });

  test('two systems side by side: what differs is marked', () => {
    const lines = plain(page([abis.freebsd, abis.netbsd]));
    assert.match(lines[0] as string, /^FreeBSD: struct kevent +NetBSD: struct kevent$/);
    assert(lines.some((line) => /^EVFILT_READ +-1 +0 +\*$/.test(line)));
    assert(lines.some((line) => /^EVFILT_PROCDESC +-8 +- +\*$/.test(line)));
    assert(lines.some((line) => /^EV_ADD +0x1 +0x1$/.test(line)));
  });

  test('names are given by --of or alone; without one it is this system', async (t) => {
    const [of, alone, none] = await Promise.all([
      run(t, ['abi', '--of', 'freebsd', '--of', 'darwin']),
      run(t, ['abi', 'freebsd', 'darwin']),
      run(t, ['abi']),
    ]);
    assert.deepEqual(of, alone);
    assert.match(of.output, /^FreeBSD: struct kevent +macOS: struct kevent\n/);
    assert.deepEqual(none, { output: `${plain(page([abi])).join('\n')}\n`, errors: '', end: 0 });
  });
});
