import type { Kevent } from './abi/types.ts';
import { check64, checkInteger, outOfRange, wrongType } from './check.ts';
import { defaultAbi } from './default-abi.ts';
import { koffi } from './koffi.ts';
import { type Abi, checkAbi } from './layout.ts';
import { describeRecord, inspectAs } from './names.ts';

const TWO32 = 2 ** 32;
/** The most records of one list. It is far more than a kernel queues, and less than an ArrayBuffer can hold. */
const MAX_LENGTH = 2 ** 24;

/** The offsets of the fields in 32-bit words, computed once for each ABI. */
interface WordLayout {
  readonly abi: Abi;
  /** The size of a record. */
  readonly stride: number;
  readonly ident: number;
  readonly filter: number;
  readonly flags: number;
  readonly fflags: number;
  readonly data: number;
  readonly udata: number;
  readonly ext: number;
  /** The number of elements of `ext`, which have 64 bits each. 0 if there is no `ext`. */
  readonly exts: number;
  /** Whether filter and flags have 32 bits each (NetBSD). Otherwise they are the two halves of one word. */
  readonly wide: boolean;
}

const layouts = new Map<Abi, WordLayout>();

function wordLayout(abi: Abi): WordLayout {
  let layout = layouts.get(abi);
  if (layout !== undefined) return layout;
  checkAbi(abi);
  const { size, fields } = abi.kevent;
  const field = new Map(fields.map((f) => [f.name, f]));
  const at = (name: string): number => (field.get(name)?.offset ?? 0) / 4;
  layout = {
    abi,
    stride: size / 4,
    ident: at('ident'),
    filter: at('filter'),
    // Where flags has 16 bits, it is the upper half of the word whose lower half is filter.
    flags: Math.floor(at('flags')),
    fflags: at('fflags'),
    data: at('data'),
    udata: at('udata'),
    ext: at('ext'),
    exts: (field.get('ext')?.size ?? 0) / 8,
    wide: field.get('filter')?.size === 4,
  };
  layouts.set(abi, layout);
  return layout;
}

/**
 * An array of `struct kevent` for kevent(2): a changelist, an eventlist or both. Its memory is zero at first, and has the
 * layout of the system's header. A record has 32 bytes on most systems, 40 on NetBSD and 64 on FreeBSD.
 *
 * 64-bit fields are read as numbers, which are exact up to 2^53 - 1. `ident64`, `data64` and `udata64` are always exact.
 * Every method with an `index` throws a RangeError if the list has no such record, and a TypeError if it is not a number.
 *
 * @example
 * ```ts
 * const list = new KeventList(8);
 * list.set(0, { ident: fd, filter: EVFILT_READ, flags: EV_ADD });
 * const n = kevent(kq, list, 1, list, list.length, null);
 * for (let i = 0; i < n; i++) console.log(list.ident(i), list.data(i));
 * ```
 */
export class KeventList implements Iterable<Kevent> {
  readonly #length: number;
  readonly #layout: WordLayout;
  // Never exposed, so no caller can detach or resize the memory while the kernel uses it.
  readonly #words: Int32Array;
  #address = 0;

  static {
    inspectAs(KeventList, (list) => `KeventList(${list.length}) of ${list.abi.name} [\n${indent(list.toString())}\n]`);
  }

  /**
   * @param length the number of records, from 1 to 2^24
   * @param abi the ABI of the records. The default is that of the default kqueue
   * @throws TypeError `length` is not a number, or `abi` is not one of `abis`
   * @throws RangeError `length` is not an integer from 1 to 2^24
   * @throws Error koffi cannot be loaded
   */
  constructor(length: number, abi: Abi = defaultAbi()) {
    checkInteger('length', length, 1, MAX_LENGTH);
    this.#length = length;
    this.#layout = wordLayout(abi);
    this.#words = new Int32Array(new ArrayBuffer(length * this.#layout.stride * 4));
  }

  /** The number of records. */
  get length(): number {
    return this.#length;
  }

  /** The address of the first record, to pass to a C function as a pointer. It is valid as long as the list lives. */
  get address(): number {
    // `new ArrayBuffer` allocates outside the JavaScript heap, so the address never changes.
    if (this.#address === 0) this.#address = Number(koffi().address(this.#words.buffer));
    return this.#address;
  }

  /** The ABI of the records. */
  get abi(): Abi {
    return this.#layout.abi;
  }

  #base(index: number): number {
    if (!(typeof index === 'number' && index >>> 0 === index && index < this.#length))
      checkInteger('index', index, 0, this.#length - 1);
    return index * this.#layout.stride;
  }

  #unsigned(word: number): number {
    const words = this.#words;
    return ((words[word + 1] as number) >>> 0) * TWO32 + ((words[word] as number) >>> 0);
  }

  #unsigned64(word: number): bigint {
    const words = this.#words;
    return (BigInt((words[word + 1] as number) >>> 0) << 32n) | BigInt((words[word] as number) >>> 0);
  }

  /** 64 bits as a number if that is exact, and as a bigint otherwise. */
  #exact(word: number, signed: boolean): number | bigint {
    const high = this.#words[word + 1] as number;
    const number = (signed ? high : high >>> 0) * TWO32 + ((this.#words[word] as number) >>> 0);
    if (Number.isSafeInteger(number)) return number;
    const exact = this.#unsigned64(word);
    return signed ? BigInt.asIntN(64, exact) : exact;
  }

  /** Reads `ident`, `uintptr_t`. Rounded above 2^53, where {@link KeventList.ident64} is exact. */
  ident(index: number): number {
    return this.#unsigned(this.#base(index) + this.#layout.ident);
  }

  /** Reads `filter`, an EVFILT_* constant: `int16_t` (`uint32_t` on NetBSD). */
  filter(index: number): number {
    const word = this.#words[this.#base(index) + this.#layout.filter] as number;
    return this.#layout.wide ? word >>> 0 : (word << 16) >> 16;
  }

  /** Reads `flags`, EV_* bits: `uint16_t` (`uint32_t` on NetBSD). */
  flags(index: number): number {
    const word = this.#words[this.#base(index) + this.#layout.flags] as number;
    return this.#layout.wide ? word >>> 0 : word >>> 16;
  }

  /** Reads `fflags`, NOTE_* bits: `uint32_t`. */
  fflags(index: number): number {
    return (this.#words[this.#base(index) + this.#layout.fflags] as number) >>> 0;
  }

  /** Reads `data`, signed 64 bits. Rounded beyond 2^53, where {@link KeventList.data64} is exact. */
  data(index: number): number {
    const words = this.#words;
    const word = this.#base(index) + this.#layout.data;
    return (words[word + 1] as number) * TWO32 + ((words[word] as number) >>> 0);
  }

  /** Reads `udata`, `void *`, as an unsigned number. Rounded above 2^53, where {@link KeventList.udata64} is exact. */
  udata(index: number): number {
    return this.#unsigned(this.#base(index) + this.#layout.udata);
  }

  /** Reads `ident` exactly. */
  ident64(index: number): bigint {
    return this.#unsigned64(this.#base(index) + this.#layout.ident);
  }

  /** Reads `data` exactly. */
  data64(index: number): bigint {
    return BigInt.asIntN(64, this.#unsigned64(this.#base(index) + this.#layout.data));
  }

  /** Reads `udata` exactly. */
  udata64(index: number): bigint {
    return this.#unsigned64(this.#base(index) + this.#layout.udata);
  }

  /**
   * Reads `ext[which]`, `uint64_t`. With a `value`, writes it first. FreeBSD 12 and later have four elements, and kevent64_s
   * of macOS has two.
   * @throws TypeError `which` is not a number, or `value` is not a number or a bigint
   * @throws RangeError the ABI has no `ext[which]`, or `value` does not fit
   */
  ext(index: number, which: number, value?: number | bigint): bigint {
    const { abi, exts, ext } = this.#layout;
    if (exts === 0) throw outOfRange('ext', `a struct kevent with ext (${abi.name} has none)`, which);
    checkInteger('which', which, 0, exts - 1);
    const word = this.#base(index) + ext + which * 2;
    if (value !== undefined) {
      check64('value', value, false);
      this.#write64(word, value);
    }
    return this.#unsigned64(word);
  }

  /** Writes 64 bits of a value that fits. */
  #write64(word: number, value: number | bigint): void {
    const words = this.#words;
    if (typeof value === 'number') {
      words[word] = value;
      // Most numbers have at most 32 bits. Their upper word is the sign, without a division.
      words[word + 1] = (value | 0) === value ? value >> 31 : Math.floor(value / TWO32);
    } else {
      words[word] = Number(BigInt.asIntN(32, value));
      words[word + 1] = Number(BigInt.asIntN(32, value >> 32n));
    }
  }

  /**
   * Writes a record. A field that is absent becomes 0, and so does `ext`. If it throws, the record is unchanged.
   * @throws TypeError `kevent` is not an object, or a field has the wrong type
   * @throws RangeError a field does not fit its C type
   */
  set(index: number, kevent: { readonly [Field in keyof Kevent]?: Kevent[Field] | undefined }): this {
    if (typeof kevent !== 'object' || kevent === null) throw wrongType('kevent', 'an object', kevent);
    const { ident = 0, filter = 0, flags = 0, fflags = 0, data = 0, udata = 0 } = kevent;
    this.put(index, ident, filter, flags, fflags, data, udata);
    return this;
  }

  /**
   * EV_SET() as a method.
   * @internal
   */
  put(
    index: number,
    ident: number | bigint,
    filter: number,
    flags: number,
    fflags: number,
    data: number | bigint,
    udata: number | bigint,
  ): void {
    if (this.#layout.wide) {
      checkInteger('filter', filter, 0, TWO32 - 1);
      checkInteger('flags', flags, 0, TWO32 - 1);
    } else {
      checkInteger('filter', filter, -0x8000, 0x7fff);
      checkInteger('flags', flags, 0, 0xffff);
    }
    // JavaScript's `|` gives a negative number if the result has bit 31, as in NOTE_EXIT. It means the same 32 bits.
    checkInteger('fflags', fflags, -(2 ** 31), TWO32 - 1);
    check64('ident', ident, false);
    check64('data', data, true);
    check64('udata', udata, false);
    this.store(index, ident, filter, flags, fflags, data, udata);
  }

  /**
   * Writes a record as a kernel does: the fields are known to fit, so only the index is checked.
   * @internal
   */
  store(
    index: number,
    ident: number | bigint,
    filter: number,
    flags: number,
    fflags: number,
    data: number | bigint,
    udata: number | bigint,
  ): void {
    const base = this.#base(index);
    const layout = this.#layout;
    const words = this.#words;
    // Clears ext, and NetBSD's padding before data.
    if (layout.stride !== 8) words.fill(0, base, base + layout.stride);
    this.#write64(base + layout.ident, ident);
    if (layout.wide) {
      words[base + layout.filter] = filter;
      words[base + layout.flags] = flags;
    } else {
      words[base + layout.filter] = (filter & 0xffff) | (flags << 16);
    }
    words[base + layout.fflags] = fflags;
    this.#write64(base + layout.data, data);
    this.#write64(base + layout.udata, udata);
  }

  /** Returns a copy of one record as an object. */
  get(index: number): Kevent {
    const base = this.#base(index);
    const { ident, data, udata } = this.#layout;
    return {
      ident: this.#exact(base + ident, false),
      filter: this.filter(index),
      flags: this.flags(index),
      fflags: this.fflags(index),
      data: this.#exact(base + data, true),
      udata: this.#exact(base + udata, false),
    };
  }

  /** Iterates over copies of all records, in order. */
  *[Symbol.iterator](): IterableIterator<Kevent> {
    for (let index = 0; index < this.length; index++) yield this.get(index);
  }

  /**
   * Copies the first `count` records to another list of the same ABI.
   * @internal
   */
  copyTo(other: KeventList, count: number): void {
    other.#words.set(this.#words.subarray(0, count * this.#layout.stride));
  }

  /** Returns a copy of the bytes of one record. */
  bytes(index: number): Uint8Array {
    const base = this.#base(index);
    return new Uint8Array(this.#words.slice(base, base + this.#layout.stride).buffer);
  }

  /**
   * Returns the bytes of one record as text: the offset, the bytes in memory order, the name and the C type of each field.
   *
   * ```text
   *  0  05 00 00 00 00 00 00 00  ident   uintptr_t
   *  8  ff ff                    filter  int16_t
   * ```
   */
  hexdump(index: number): string {
    const bytes = this.bytes(index);
    const hex = (from: number, to: number): string =>
      Array.from(bytes.subarray(from, to), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const lines: string[] = [];
    const line = (offset: number, size: number, name: string, type: string): void => {
      for (let from = offset; from < offset + size; from += 8) {
        const text = hex(from, Math.min(from + 8, offset + size)).padEnd(23);
        lines.push(
          `${String(from).padStart(2)}  ${text}  ${from === offset ? `${name.padEnd(6)}  ${type}` : ''}`.trimEnd(),
        );
      }
    };
    let end = 0;
    for (const { name, type, offset, size } of this.abi.kevent.fields) {
      if (offset > end) line(end, offset - end, '-', 'padding');
      line(offset, size, name, type);
      end = offset + size;
    }
    if (end < bytes.length) line(end, bytes.length - end, '-', 'padding');
    return lines.join('\n');
  }

  /** Returns one line for each record, such as `kevent { READ fd=5, ADD|CLEAR, data=12 }`. */
  toString(): string {
    return Array.from(this, (kevent) => `kevent ${describeRecord(this.abi, kevent)}`).join('\n');
  }
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}

/**
 * Writes the six fields of record `index`, as the macro EV_SET of kqueue(2) does. `ext` becomes 0. If it throws, the record
 * is unchanged.
 *
 * @param ident `uintptr_t`: a descriptor, a process ID, a signal number or a timer's number, as the filter defines
 * @param filter `int16_t` (`uint32_t` on NetBSD): an EVFILT_* constant
 * @param flags `uint16_t` (`uint32_t` on NetBSD): EV_* bits
 * @param fflags `uint32_t`: NOTE_* bits of the filter
 * @param data signed 64 bits: a timer's period or a low-water mark, as the filter defines
 * @param udata `void *`: a number that comes back unchanged with each event
 * @throws TypeError `list` is not a KeventList, or an argument has the wrong type
 * @throws RangeError the list has no record `index`, or an argument does not fit its C type
 *
 * @example
 * ```ts
 * EV_SET(list, 0, fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, 0);
 * EV_SET(list, 1, 1, EVFILT_TIMER, EV_ADD, 0, 250, 0); // every 250 ms
 * ```
 */
export function EV_SET(
  list: KeventList,
  index: number,
  ident: number | bigint,
  filter: number,
  flags: number,
  fflags: number,
  data: number | bigint,
  udata: number | bigint,
): void {
  if (!(list instanceof KeventList)) throw wrongType('list', 'a KeventList', list);
  list.put(index, ident, filter, flags, fflags, data, udata);
}
