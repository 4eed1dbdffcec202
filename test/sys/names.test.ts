// The names of filters, flags and notes: each bit has one, and none is lost.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Abi, abis, errnoName, filterName, flagNames, noteNames } from '../../src/sys/index.ts';
import { noIntegers, noNumbers, refuses } from './refuses.ts';

const all = Object.values(abis);
const value = (abi: Abi, name: string): number => abi.constants[name] ?? assert.fail(`${abi.name}: ${name}`);

/** The bits that a text of names and a number in hexadecimal stands for. */
function bits(abi: Abi, text: string, prefix: string): number {
  return text
    .split('|')
    .filter((name) => name !== '')
    .reduce((sum, name) => (sum | (name.startsWith('0x') ? Number(name) : value(abi, prefix + name))) >>> 0, 0);
}

test('flags and notes are named without loss, whatever their bits', () => {
  for (const abi of all) {
    const filters = Object.keys(abi.constants).filter((name) => name.startsWith('EVFILT_'));
    for (let bit = 0; bit < 32; bit++) {
      for (const flags of [2 ** bit, 2 ** bit + 1, 2 ** 32 - 1 - 2 ** bit, 2 ** 32 - 1]) {
        assert.equal(bits(abi, flagNames(abi, flags % 2 ** 16), 'EV_'), flags % 2 ** 16, `${abi.name}: flags ${flags}`);
        for (const filter of filters) {
          const kind = filter.slice('EVFILT_'.length);
          const prefix = ['VM', 'MEMORYSTATUS', 'JAIL'].includes(kind.replace(/DESC$/, ''))
            ? `NOTE_${kind.replace(/DESC$/, '')}_`
            : 'NOTE_';
          const text = noteNames(abi, value(abi, filter), flags);
          assert.equal(bits(abi, text, prefix), flags, `${abi.name}: ${filter} ${flags}: ${text}`);
        }
      }
    }
  }
});

test('a note is named as the filter takes it', () => {
  const { darwin, openbsd, freebsd } = abis;
  assert.equal(noteNames(darwin, value(darwin, 'EVFILT_VM'), value(darwin, 'NOTE_VM_PRESSURE')), 'PRESSURE');
  assert.equal(noteNames(darwin, value(darwin, 'EVFILT_AIO'), 5), '0x5');
  assert.equal(noteNames(freebsd, value(freebsd, 'EVFILT_TIMER'), value(freebsd, 'NOTE_USECONDS')), 'USECONDS');
  // A number in the two low bits, milliseconds being 0.
  const timer = value(openbsd, 'EVFILT_TIMER');
  assert.equal(noteNames(openbsd, timer, value(openbsd, 'NOTE_NSECONDS')), 'NSECONDS');
  assert.equal(noteNames(openbsd, timer, value(openbsd, 'NOTE_ABSTIME')), 'ABSTIME');
  assert.equal(
    noteNames(openbsd, timer, value(openbsd, 'NOTE_ABSTIME') | value(openbsd, 'NOTE_USECONDS')),
    'USECONDS|ABSTIME',
  );
});

test('what no system has is the number itself', () => {
  for (const abi of all) {
    assert.equal(filterName(abi, 12345), '12345');
    assert.equal(noteNames(abi, 12345, 3), '0x3');
    assert.equal(flagNames(abi, 0), '');
  }
});

test('a negative number has the names of its 32 bits', () => {
  assert.equal(noteNames(abis.linux, value(abis.linux, 'EVFILT_PROC'), value(abis.linux, 'NOTE_EXIT') | 0), 'EXIT');
  assert.equal(noteNames(abis.linux, value(abis.linux, 'EVFILT_READ'), -(2 ** 31)), '0x80000000');
});

test('what is no ABI and no number is refused by name', () => {
  const wrong = (given: unknown): never => given as never;
  for (const abi of [undefined, null, 5, 'linux', {}, { ...abis.linux }]) {
    refuses(() => filterName(wrong(abi), 0), TypeError, 'abi');
    refuses(() => flagNames(wrong(abi), 0), TypeError, 'abi');
    refuses(() => noteNames(wrong(abi), 0, 0), TypeError, 'abi');
  }
  const numbers: readonly (readonly [argument: string, call: (given: never) => string])[] = [
    ['filter', (given) => filterName(abis.linux, given)],
    ['flags', (given) => flagNames(abis.linux, given)],
    ['filter', (given) => noteNames(abis.linux, given, 0)],
    ['fflags', (given) => noteNames(abis.linux, -1, given)],
  ];
  for (const [argument, call] of numbers) {
    for (const [given, got] of noNumbers) refuses(() => call(wrong(given)), TypeError, argument, { got });
    for (const given of [...noIntegers, 2 ** 32]) refuses(() => call(wrong(given)), RangeError, argument);
  }
  for (const [given, got] of noNumbers) refuses(() => errnoName(wrong(given)), TypeError, 'errno', { got });
});
