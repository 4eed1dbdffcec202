// Every EVFILT_*, EV_*, NOTE_* and KEVENT_FLAG_* by name, with the running system's number or undefined.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as door from '../../src/sys/index.ts';

const exported = new Map<string, unknown>(Object.entries(door));
const everyName = new Set(Object.values(door.abis).flatMap((abi) => Object.keys(abi.constants)));
const isConstant = (name: string): boolean => /^(EVFILT|EV|NOTE|KEVENT_FLAG)_/.test(name) && name !== 'EV_SET';

test('every name of every system is exported', () => {
  assert.deepEqual(
    [...everyName].filter((name) => !exported.has(name)),
    [],
  );
});

test('no name is exported that no system has', () => {
  assert.deepEqual(
    [...exported.keys()].filter((name) => isConstant(name) && !everyName.has(name)),
    [],
  );
});

test('the numbers are those of the running system, and what it lacks is undefined', () => {
  for (const name of everyName) assert.equal(exported.get(name), door.abi.constants[name], name);
});

test('libkqueue has no number that the built-in kqueue has not: KQUEUE_LIBRARY changes no constant', () => {
  const { linux, libkqueue } = door.abis;
  for (const [name, value] of Object.entries(libkqueue.constants)) assert.equal(linux.constants[name], value, name);
});

test('a name that some system lacks is typed so', () => {
  // Compiles only while the first is a number and the second may be undefined.
  const everywhere: number = door.EVFILT_READ;
  const somewhere: number | undefined = door.EVFILT_EMPTY;
  // @ts-expect-error: undefined on most systems
  const nowhere: number = door.EVFILT_EMPTY;
  assert.equal(typeof everywhere, 'number');
  assert.equal(somewhere, nowhere);
});

test('every constant fits the field that it is for', () => {
  for (const abi of Object.values(door.abis)) {
    const list = new door.KeventList(1, abi);
    for (const [name, value] of Object.entries(abi.constants)) {
      if (name.startsWith('EVFILT_'))
        assert.equal(list.set(0, { filter: value }).filter(0), value, `${abi.name} ${name}`);
      else if (name.startsWith('EV_'))
        assert.equal(list.set(0, { flags: value }).flags(0), value, `${abi.name} ${name}`);
      else assert.equal(list.set(0, { fflags: value }).fflags(0), value, `${abi.name} ${name}`);
    }
  }
});

test('the numbers in which systems differ', () => {
  const of = (name: string): Record<string, number | undefined> =>
    Object.fromEntries(Object.values(door.abis).map((abi) => [abi.name, abi.constants[name]]));
  assert.deepEqual(of('EVFILT_USER'), {
    darwin: -10,
    darwin64: -10,
    freebsd: -11,
    freebsd11: -11,
    openbsd: -10,
    netbsd: 8,
    dragonfly: -9,
    linux: -11,
    libkqueue: -11,
  });
  assert.deepEqual(of('NOTE_USECONDS'), {
    darwin: 2,
    darwin64: 2,
    freebsd: 4,
    freebsd11: 4,
    openbsd: 2,
    netbsd: 2,
    dragonfly: undefined,
    linux: 2,
    libkqueue: 2,
  });
});

test('nothing of it can be altered', () => {
  for (const abi of Object.values(door.abis)) {
    const parts = [abi, abi.constants, abi.symbols, abi.kevent, abi.kevent.fields, ...abi.kevent.fields, abi.timespec];
    for (const part of parts) assert(Object.isFrozen(part), abi.name);
  }
  assert(Object.isFrozen(door.abis));
});
