// KeventList and EV_SET: bytes in the layout of each system, read and written field by field.

import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import koffi from 'koffi';
import {
  type Abi,
  abis,
  EV_SET,
  type Kevent,
  KeventList,
  abi as systemAbi,
  unavailableReason,
} from '../../src/sys/index.ts';
import { noIntegers, noNumbers, refuses } from './refuses.ts';

/** Lets a wrong argument through the compiler. */
const wrong = (value: unknown): never => value as never;

type Name = 'ident' | 'filter' | 'flags' | 'fflags' | 'data' | 'udata';
const names: readonly Name[] = ['ident', 'filter', 'flags', 'fflags', 'data', 'udata'];

/** A field as a debugger would read it: from the bytes, by the offset and C type that the header gives. */
function readField(abi: Abi, bytes: Uint8Array, name: Name): bigint {
  const field = abi.kevent.fields.find((candidate) => candidate.name === name);
  assert(field !== undefined);
  const view = new DataView(bytes.buffer, bytes.byteOffset + field.offset, field.size);
  switch (field.type) {
    case 'int16_t':
      return BigInt(view.getInt16(0, true));
    case 'uint16_t':
      return BigInt(view.getUint16(0, true));
    case 'uint32_t':
      return BigInt(view.getUint32(0, true));
    case 'int64_t':
    case 'intptr_t':
      return view.getBigInt64(0, true);
    default:
      return view.getBigUint64(0, true);
  }
}

/** The smallest and the largest value of a field's C type. */
function limits(abi: Abi, name: Name): readonly [bigint, bigint] {
  switch (name) {
    case 'filter':
      return abi.name === 'netbsd' ? [0n, 2n ** 32n - 1n] : [-(2n ** 15n), 2n ** 15n - 1n];
    case 'flags':
      return abi.name === 'netbsd' ? [0n, 2n ** 32n - 1n] : [0n, 2n ** 16n - 1n];
    case 'fflags':
      return [0n, 2n ** 32n - 1n];
    case 'data':
      return [-(2n ** 63n), 2n ** 63n - 1n];
    default:
      return [0n, 2n ** 64n - 1n];
  }
}

const isWide = (name: Name): name is 'ident' | 'data' | 'udata' =>
  name === 'ident' || name === 'data' || name === 'udata';

/** As the setters take it: the narrow fields are numbers only. */
const spelled = (name: Name, value: bigint): number | bigint => (isWide(name) ? value : Number(value));

/** Values in which a mistake of sign, half or width shows. */
const telling = [
  0n,
  1n,
  -1n,
  0x7fffn,
  -0x8000n,
  0xffffn,
  2n ** 31n - 1n,
  2n ** 31n,
  -(2n ** 31n),
  2n ** 32n - 1n,
  2n ** 32n,
  -(2n ** 32n),
  2n ** 53n - 1n,
  -(2n ** 53n) + 1n,
  2n ** 53n,
  2n ** 53n + 1n,
  -(2n ** 53n) - 1n,
  0x0123456789abcdefn,
  2n ** 63n - 1n,
  -(2n ** 63n),
  2n ** 63n,
  2n ** 64n - 1n,
];

for (const abi of Object.values(abis)) {
  describe(`KeventList of ${abi.name}`, () => {
    test('writes each field where the header has it, and nothing beside it', () => {
      for (const name of names) {
        const [min, max] = limits(abi, name);
        for (const value of telling.filter((candidate) => min <= candidate && candidate <= max)) {
          const list = new KeventList(3, abi);
          list.set(1, { [name]: spelled(name, value) });
          for (const other of names) {
            assert.equal(
              readField(abi, list.bytes(1), other),
              other === name ? value : 0n,
              `${name} = ${value}: ${other}`,
            );
          }
          for (const neighbour of [0, 2]) assert(list.bytes(neighbour).every((byte) => byte === 0));
        }
      }
    });

    test('leaves the neighbours of a record as they were', () => {
      const list = new KeventList(3, abi);
      const full = { ident: 2n ** 64n - 1n, filter: 1, flags: 2, fflags: 3, data: -1, udata: 2n ** 64n - 1n };
      for (const index of [0, 1, 2]) list.set(index, full);
      const before = [list.bytes(0), list.bytes(2)];
      list.set(1, {});
      assert.deepEqual([list.bytes(0), list.bytes(2)], before);
    });

    test('reads what was written, as numbers and as exact bigints', () => {
      const list = new KeventList(1, abi);
      for (const value of telling) {
        const [ident, data] = [BigInt.asUintN(64, value), BigInt.asIntN(64, value)];
        const fflags = Number(BigInt.asUintN(32, value));
        const flags = abi.name === 'netbsd' ? fflags : Number(BigInt.asUintN(16, value));
        const filter = abi.name === 'netbsd' ? fflags : Number(BigInt.asIntN(16, value));
        EV_SET(list, 0, ident, filter, flags, fflags, data, ident);
        assert.deepEqual([list.filter(0), list.flags(0), list.fflags(0)], [filter, flags, fflags]);
        const snapshot = list.get(0);
        assert.deepEqual([snapshot.filter, snapshot.flags, snapshot.fflags], [filter, flags, fflags]);
        assert.deepEqual([snapshot.ident, snapshot.data, snapshot.udata].map(BigInt), [ident, data, ident]);
        assert.deepEqual([list.ident64(0), list.data64(0), list.udata64(0)], [ident, data, ident]);
        // Number() rounds to the nearest, and so must the accessors beyond 2^53.
        assert.deepEqual([list.ident(0), list.data(0), list.udata(0)], [Number(ident), Number(data), Number(ident)]);
      }
    });

    test('takes both limits of each C type, and refuses one more', () => {
      const list = new KeventList(1, abi);
      for (const name of names) {
        const [min, max] = limits(abi, name);
        for (const value of [min, max]) {
          list.set(0, { [name]: spelled(name, value) });
          assert.equal(readField(abi, list.bytes(0), name), value);
        }
        // fflags may be negative: see below.
        const below = name === 'fflags' ? -(2n ** 31n) - 1n : min - 1n;
        for (const value of [below, max + 1n]) {
          refuses(() => list.set(0, { [name]: spelled(name, value) }), RangeError, name);
        }
      }
    });

    test('ext', () => {
      const list = new KeventList(2, abi);
      const ext = abi.kevent.fields.find((field) => field.name === 'ext');
      if (ext === undefined) {
        assert.throws(() => list.ext(0, 0), RangeError);
        assert.throws(() => list.ext(0, 0, 1), RangeError);
        return;
      }
      const count = ext.size / 8;
      for (let which = 0; which < count; which++) list.ext(1, which, 2n ** 64n - 1n - BigInt(which));
      const view = new DataView(list.bytes(1).buffer);
      for (let which = 0; which < count; which++) {
        assert.equal(list.ext(1, which), 2n ** 64n - 1n - BigInt(which));
        assert.equal(view.getBigUint64(ext.offset + which * 8, true), list.ext(1, which));
      }
      assert(list.bytes(0).every((byte) => byte === 0));
      refuses(() => list.ext(1, count), RangeError, 'which');
      refuses(() => list.ext(1, -1), RangeError, 'which');
      refuses(() => list.ext(1, 0, -1n), RangeError, 'value');
      refuses(() => list.ext(1, 0, 2n ** 64n), RangeError, 'value');
      // EV_SET has no argument for it, and leaves nothing of an earlier use in it.
      EV_SET(list, 1, 0, 0, 0, 0, 0, 0);
      for (let which = 0; which < count; which++) assert.equal(list.ext(1, which), 0n);
    });

    test('hexdump: each field by its offset, name and C type', () => {
      const list = new KeventList(1, abi);
      EV_SET(list, 0, 0x0102030405060708n, 5, 0x2021, 0x30313233, 0x4041, 0x50);
      const lines = list.hexdump(0).split('\n');
      for (const { name, type, offset, size } of abi.kevent.fields) {
        const line = lines.find((candidate) => candidate.trimStart().startsWith(`${offset} `));
        assert(line !== undefined, `no line for ${name} at ${offset}`);
        assert.match(line, new RegExp(` ${name} +${type.replace(/[*[\]]/g, '\\$&')}$`));
        const hex = Array.from(list.bytes(0).subarray(offset, offset + Math.min(size, 8)), (byte) =>
          byte.toString(16).padStart(2, '0'),
        ).join(' ');
        assert(line.includes(hex), `${line}: expected ${hex}`);
      }
      const dumped = lines.flatMap(
        (line) =>
          line
            .slice(4)
            .match(/^(?:[0-9a-f]{2} ?)+/)?.[0]
            .trim()
            .split(' ') ?? [],
      );
      assert.deepEqual(
        dumped,
        Array.from(list.bytes(0), (byte) => byte.toString(16).padStart(2, '0')),
      );
    });

    test('toString names filter, flags and notes by this system', () => {
      const { EVFILT_READ, EVFILT_VNODE, EVFILT_PROC, EV_ADD, EV_CLEAR, EV_EOF, NOTE_WRITE, NOTE_EXTEND, NOTE_EXIT } =
        abi.constants as Record<string, number>;
      const list = new KeventList(1, abi);
      const text = (kevent: Partial<Record<Name, number | undefined>>): string => list.set(0, wrong(kevent)).toString();
      assert.equal(
        text({ ident: 5, filter: EVFILT_READ, flags: Number(EV_ADD) | Number(EV_CLEAR), data: 12 }),
        'kevent { READ fd=5, ADD|CLEAR, data=12 }',
      );
      assert.equal(
        text({ ident: 5, filter: EVFILT_READ, flags: EV_EOF, udata: 9 }),
        'kevent { READ fd=5, EOF, udata=9 }',
      );
      assert.equal(
        text({ ident: 5, filter: EVFILT_VNODE, fflags: Number(NOTE_WRITE) | Number(NOTE_EXTEND) }),
        'kevent { VNODE fd=5, fflags=WRITE|EXTEND }',
      );
      // NOTE_EXIT is the topmost bit: a mistake of sign would show.
      assert.equal(text({ ident: 1, filter: EVFILT_PROC, fflags: NOTE_EXIT }), 'kevent { PROC pid=1, fflags=EXIT }');
      assert.equal(text({ ident: 1, filter: 99 }), 'kevent { 99 ident=1 }');
    });
  });
}

describe('toString', () => {
  test('timer units, which are bits on some systems and numbers on others', () => {
    const unit = (abi: Abi, fflags: number): string => {
      const list = new KeventList(1, abi);
      return String(list.set(0, { filter: abi.constants['EVFILT_TIMER'] as number, fflags }));
    };
    assert.match(unit(abis.darwin, 2), /fflags=USECONDS /);
    assert.match(unit(abis.freebsd, 2), /fflags=MSECONDS /);
    assert.match(unit(abis.freebsd, 4), /fflags=USECONDS /);
    assert.match(unit(abis.openbsd, 3), /fflags=NSECONDS /);
    assert.match(unit(abis.netbsd, 2), /fflags=USECONDS /);
    assert.match(unit(abis.netbsd, 0x11), /fflags=SECONDS\|ABSTIME /);
    assert.match(unit(abis.darwin, 0x28), /fflags=ABSOLUTE\|CRITICAL /);
  });

  test('a bit without a name is shown as a number', () => {
    const list = new KeventList(1, abis.darwin);
    list.set(0, { ident: 1, filter: -1, flags: 0x0401, fflags: 0x100000 });
    assert.equal(list.toString(), 'kevent { READ fd=1, ADD|0x400, fflags=0x100000 }');
  });

  test('fflags of READ and WRITE is an errno with EV_EOF, and notes of every other filter and without it', () => {
    const { ECONNREFUSED } = constants.errno;
    for (const abi of Object.values(abis)) {
      const list = new KeventList(1, abi);
      const { EV_EOF, EVFILT_READ, EVFILT_WRITE, EVFILT_PROC, NOTE_EXIT } = abi.constants as Record<string, number>;
      const text = (filter: number | undefined, flags: number | undefined, fflags: number | undefined): string =>
        String(list.set(0, { ident: 5, filter, flags, fflags }));
      assert.equal(text(EVFILT_READ, EV_EOF, ECONNREFUSED), 'kevent { READ fd=5, EOF, fflags=ECONNREFUSED }');
      assert.equal(text(EVFILT_WRITE, EV_EOF, ECONNREFUSED), 'kevent { WRITE fd=5, EOF, fflags=ECONNREFUSED }');
      assert.equal(text(EVFILT_READ, EV_EOF, 12345), 'kevent { READ fd=5, EOF, fflags=errno 12345 }');
      assert.equal(text(EVFILT_PROC, EV_EOF, NOTE_EXIT), 'kevent { PROC pid=5, EOF, fflags=EXIT }');
      assert.equal(text(EVFILT_READ, 0, 0x100000), 'kevent { READ fd=5, fflags=0x100000 }');
    }
  });

  test('exact beyond 2^53', () => {
    const list = new KeventList(1, abis.darwin);
    list.set(0, { filter: -1, data: -(2n ** 63n), udata: 2n ** 64n - 1n });
    assert.match(String(list), /data=-9223372036854775808, udata=18446744073709551615/);
  });

  test('a line for each record, also when inspected', () => {
    const list = new KeventList(2, abis.darwin);
    list.set(0, { ident: 1, filter: -1 }).set(1, { ident: 2, filter: -2 });
    assert.equal(String(list), 'kevent { READ fd=1 }\nkevent { WRITE fd=2 }');
    assert.match(inspect(list), /darwin.*READ fd=1.*WRITE fd=2/s);
  });
});

describe('KeventList', () => {
  test('has the layout of the running system if none is named', () => {
    assert.equal(new KeventList(1).abi, systemAbi);
    assert.equal(new KeventList(7).length, 7);
    assert.equal(new KeventList(1, abis.freebsd).bytes(0).length, 64);
  });

  test('EV_SET has the argument order of the macro, and set() the names', () => {
    const [one, other] = [new KeventList(1), new KeventList(1)];
    EV_SET(one, 0, 1, 2, 3, 4, 5, 6);
    other.set(0, { ident: 1, filter: 2, flags: 3, fflags: 4, data: 5, udata: 6 });
    assert.deepEqual(one.bytes(0), other.bytes(0));
    assert.deepEqual(one.get(0), { ident: 1, filter: 2, flags: 3, fflags: 4, data: 5, udata: 6 });
  });

  test('get() and iteration give snapshots: numbers, and bigints where a number is not exact', () => {
    const list = new KeventList(2, abis.darwin);
    list.set(0, { ident: 2 ** 53 - 1, data: -(2 ** 53) + 1, udata: 2n ** 53n });
    list.set(1, { ident: 2n ** 64n - 1n, filter: -7, data: -(2n ** 53n) });
    const all: Kevent[] = [...list];
    list.set(0, {}).set(1, {});
    assert.deepEqual(all, [
      { ident: 2 ** 53 - 1, filter: 0, flags: 0, fflags: 0, data: -(2 ** 53) + 1, udata: 2n ** 53n },
      { ident: 2n ** 64n - 1n, filter: -7, flags: 0, fflags: 0, data: -(2n ** 53n), udata: 0 },
    ]);
  });

  test("fflags takes what JavaScript's | makes of the topmost bit, a negative number, for the same 32 bits", () => {
    const list = new KeventList(1, abis.darwin);
    const { NOTE_EXIT = 0, NOTE_FORK = 0 } = abis.darwin.constants;
    assert(((NOTE_EXIT | NOTE_FORK) as number) < 0);
    list.set(0, { fflags: NOTE_EXIT | NOTE_FORK });
    assert.equal(list.fflags(0), NOTE_EXIT + NOTE_FORK);
  });

  test('what set() is not given becomes 0', () => {
    const list = new KeventList(1, abis.freebsd);
    EV_SET(list, 0, 1, 2, 3, 4, 5, 6);
    list.ext(0, 3, 7);
    list.set(0, { ident: 9 });
    assert.deepEqual(list.get(0), { ident: 9, filter: 0, flags: 0, fflags: 0, data: 0, udata: 0 });
    assert.equal(list.ext(0, 3), 0n);
  });

  test('a refused value leaves the record as it was', () => {
    const list = new KeventList(1);
    EV_SET(list, 0, 1, 2, 3, 4, 5, 6);
    const before = list.bytes(0);
    for (const name of names) {
      assert.throws(() => list.set(0, { ident: 9, [name]: Number.NaN }), RangeError);
      assert.deepEqual(list.bytes(0), before);
    }
  });

  test('bytes() is a copy, and there is no way to the buffer itself', () => {
    const list = new KeventList(1);
    list.set(0, { ident: 5 });
    const copy = list.bytes(0);
    copy.fill(0xff);
    assert.equal(list.ident(0), 5);
    assert.equal(copy.buffer.byteLength, list.abi.kevent.size, 'nor to its neighbours');
    structuredClone(copy.buffer, { transfer: [copy.buffer as ArrayBuffer] });
    assert.equal(list.ident(0), 5);
    const reachable = [...Reflect.ownKeys(list), ...Reflect.ownKeys(KeventList.prototype)];
    for (const key of reachable) {
      const value: unknown = Reflect.get(list, key, list);
      assert(!ArrayBuffer.isView(value) && !(value instanceof ArrayBuffer), String(key));
    }
  });

  test('its length cannot be assigned', () => {
    const list = new KeventList(1);
    assert.throws(() => Object.assign(list, { length: 1000 }), TypeError);
    assert.equal(list.length, 1);
    assert.throws(() => list.set(1, {}), RangeError);
  });

  test('its address is where its records are, and stays the same', { skip: unavailableReason() ?? false }, () => {
    const list = new KeventList(3);
    const { address } = list;
    list.set(2, { ident: 5, udata: 42 });
    assert.equal(list.address, address);
    const { size } = list.abi.kevent;
    const bytes = koffi.decode(BigInt(address + 2 * size), koffi.array('uint8_t', size)) as ArrayLike<number>;
    assert.deepEqual(Array.from(bytes), Array.from(list.bytes(2)));
  });

  test('refuses a length that is no positive integer', () => {
    for (const [value, got] of noNumbers.filter(([value]) => value !== undefined)) {
      refuses(() => new KeventList(wrong(value)), TypeError, 'length', { expected: 'a number', got });
    }
    refuses(() => new KeventList(wrong(undefined)), TypeError, 'length');
    for (const value of [...noIntegers, 0, -1, 2 ** 24 + 1, 2 ** 31, 2 ** 32 + 1, 2 ** 53]) {
      refuses(() => new KeventList(value), RangeError, 'length', { got: String(value) });
    }
  });

  test('refuses an ABI that is not one of abis', () => {
    const forged: unknown[] = [
      null,
      'freebsd',
      {},
      { ...abis.freebsd },
      Object.create(abis.freebsd),
      new Proxy(abis.freebsd, {}),
    ];
    for (const value of forged)
      refuses(() => new KeventList(1, wrong(value)), TypeError, 'abi', { expected: 'one of abis' });
  });

  test('refuses an index outside the list, on every accessor', () => {
    const list = new KeventList(2, abis.freebsd);
    const accessors: Record<string, (index: never) => unknown> = {
      ident: (i) => list.ident(i),
      filter: (i) => list.filter(i),
      flags: (i) => list.flags(i),
      fflags: (i) => list.fflags(i),
      data: (i) => list.data(i),
      udata: (i) => list.udata(i),
      ident64: (i) => list.ident64(i),
      data64: (i) => list.data64(i),
      udata64: (i) => list.udata64(i),
      ext: (i) => list.ext(i, 0),
      get: (i) => list.get(i),
      set: (i) => list.set(i, {}),
      bytes: (i) => list.bytes(i),
      hexdump: (i) => list.hexdump(i),
      EV_SET: (i) => EV_SET(list, i, 0, 0, 0, 0, 0, 0),
    };
    for (const access of Object.values(accessors)) {
      for (const [value, got] of noNumbers) refuses(() => access(wrong(value)), TypeError, 'index', { got });
      for (const value of [...noIntegers, -1, 2, 2 ** 32, 2 ** 32 + 1]) {
        refuses(() => access(wrong(value)), RangeError, 'index', { expected: 'from 0 to 1', got: String(value) });
      }
    }
  });

  test('refuses values that do not fit their field, naming it', () => {
    const list = new KeventList(1);
    for (const name of names) {
      for (const [value, got] of noNumbers) {
        // Absent is 0, and the 64-bit fields take bigints.
        if (value === undefined || (typeof value === 'bigint' && isWide(name))) continue;
        refuses(() => list.set(0, { [name]: value }), TypeError, name, { got });
      }
      for (const value of [...noIntegers, 2 ** 53, -(2 ** 53)]) {
        refuses(() => list.set(0, { [name]: value }), RangeError, name, { got: String(value) });
      }
    }
    const order = [undefined, undefined, 'ident', 'filter', 'flags', 'fflags', 'data', 'udata'];
    for (const [at, name] of order.entries()) {
      if (name === undefined) continue;
      const args: unknown[] = [list, 0, 0, 0, 0, 0, 0, 0];
      args[at] = 'no';
      refuses(() => Reflect.apply(EV_SET, undefined, args), TypeError, name, { got: '"no"' });
    }
  });

  test('EV_SET refuses what is no list, and set() what is no object', () => {
    const list = new KeventList(1);
    for (const value of [null, undefined, 5, {}, []]) {
      refuses(() => EV_SET(wrong(value), 0, 0, 0, 0, 0, 0, 0), TypeError, 'list', { expected: 'a KeventList' });
    }
    for (const value of [null, undefined, 5, 'ident']) refuses(() => list.set(0, wrong(value)), TypeError, 'kevent');
  });
});
