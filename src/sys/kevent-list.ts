import type { Kevent } from './abi/types.ts';
import { checkInteger, outOfRange, wrongType } from './check.ts';
import { defaultAbi } from './default.ts';
import { koffi } from './koffi.ts';
import { type Abi, checkAbi } from './layout.ts';
import { describeKevent, inspectAs } from './names.ts';

const TWO32 = 2 ** 32;
/** As many records as one list may hold: far more than any kernel queues, far less than an ArrayBuffer's limit. */
const MAX_LENGTH = 2 ** 24;

/** Word offsets of the fields, worked out once for each ABI. */
interface Words {
  readonly abi: Abi;
  readonly stride: number;
  readonly ident: number;
  readonly filter: number;
  readonly flags: number;
  readonly fflags: number;
  readonly data: number;
  readonly udata: number;
  readonly ext: number;
  /** How many 64-bit words `ext` has; 0 where there is none. */
  readonly exts: number;
  /** Whether filter and flags are 32 bits each (NetBSD), and not two halves of one word. */
  readonly wide: boolean;
}

const known = new Map<Abi, Words>();

function wordsOf(abi: Abi): Words {
  let words = known.get(abi);
  if (words !== undefined) return words;
  checkAbi(abi);
  const { size, fields } = abi.kevent;
  const field = new Map(fields.map((f) => [f.name, f]));
  const at = (name: string): number => (field.get(name)?.offset ?? 0) / 4;
  words = {
    abi,
    stride: size / 4,
    ident: at('ident'),
    filter: at('filter'),
    // A 16-bit flags is the upper half of the word in which filter is the lower.
    flags: Math.floor(at('flags')),
    fflags: at('fflags'),
    data: at('data'),
    udata: at('udata'),
    ext: at('ext'),
    exts: (field.get('ext')?.size ?? 0) / 8,
    wide: field.get('filter')?.size === 4,
  };
  known.set(abi, words);
  return words;
}

/**
 * An array of `struct kevent`, as bytes: the changelist and the eventlist of kevent(2). One buffer of `length` times
 * sizeof(struct kevent), laid out as the ABI's header says; it is never handed out, so nothing can detach or resize it
 * under the kernel. 64-bit fields are read as numbers, exact while they are safe integers; `ident64`, `data64` and
 * `udata64` are exact always.
 *
 * Every method throws a RangeError for an index that is not in the list.
 */
export class KeventList implements Iterable<Kevent> {
  readonly #length: number;
  readonly #layout: Words;
  readonly #words: Int32Array;
  #address = 0;

  static {
    inspectAs(KeventList, (list) => `KeventList(${list.length}) of ${list.abi.name} [\n${indent(list.toString())}\n]`);
  }

  /**
   * @param length how many records, 1 to 2^24
   * @param abi whose struct kevent; the running system's if absent
   * @throws TypeError, RangeError for another length or an abi that is not one of `abis`
   */
  constructor(length: number, abi: Abi = defaultAbi()) {
    checkInteger('length', length, 1, MAX_LENGTH);
    this.#length = length;
    this.#layout = wordsOf(abi);
    this.#words = new Int32Array(new ArrayBuffer(length * this.#layout.stride * 4));
  }

  /** The number of records. */
  get length(): number {
    return this.#length;
  }

  /**
   * The address of the first record: the pointer that a C function takes. It stays valid for as long as the list lives.
   * @throws Error where koffi cannot be loaded
   */
  get address(): number {
    // The buffer is off the JavaScript heap, because new ArrayBuffer made it. So nothing moves it.
    if (this.#address === 0) this.#address = Number(koffi().address(this.#words.buffer));
    return this.#address;
  }

  /** Whose struct kevent the records are. */
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

  /** 64 bits as a number while that is exact, or else as a bigint. */
  #exact(word: number, signed: boolean): number | bigint {
    const high = this.#words[word + 1] as number;
    const number = (signed ? high : high >>> 0) * TWO32 + ((this.#words[word] as number) >>> 0);
    if (Number.isSafeInteger(number)) return number;
    const exact = this.#unsigned64(word);
    return signed ? BigInt.asIntN(64, exact) : exact;
  }

  /** `ident`, `uintptr_t`. Rounded above 2^53: see {@link KeventList.ident64}. */
  ident(index: number): number {
    return this.#unsigned(this.#base(index) + this.#layout.ident);
  }

  /** `filter`: EVFILT_*, `int16_t` (`uint32_t` on NetBSD). */
  filter(index: number): number {
    const word = this.#words[this.#base(index) + this.#layout.filter] as number;
    return this.#layout.wide ? word >>> 0 : (word << 16) >> 16;
  }

  /** `flags`: EV_*, `uint16_t` (`uint32_t` on NetBSD). */
  flags(index: number): number {
    const word = this.#words[this.#base(index) + this.#layout.flags] as number;
    return this.#layout.wide ? word >>> 0 : word >>> 16;
  }

  /** `fflags`: NOTE_*, `uint32_t`. */
  fflags(index: number): number {
    return (this.#words[this.#base(index) + this.#layout.fflags] as number) >>> 0;
  }

  /** `data`, signed 64 bits. Rounded beyond 2^53: see {@link KeventList.data64}. */
  data(index: number): number {
    const words = this.#words;
    const word = this.#base(index) + this.#layout.data;
    return (words[word + 1] as number) * TWO32 + ((words[word] as number) >>> 0);
  }

  /** `udata`, `void *`, as an unsigned number. Rounded above 2^53: see {@link KeventList.udata64}. */
  udata(index: number): number {
    return this.#unsigned(this.#base(index) + this.#layout.udata);
  }

  /** `ident`, exact. */
  ident64(index: number): bigint {
    return this.#unsigned64(this.#base(index) + this.#layout.ident);
  }

  /** `data`, exact. */
  data64(index: number): bigint {
    return BigInt.asIntN(64, this.#unsigned64(this.#base(index) + this.#layout.data));
  }

  /** `udata`, exact. */
  udata64(index: number): bigint {
    return this.#unsigned64(this.#base(index) + this.#layout.udata);
  }

  /**
   * `ext[which]`, `uint64_t`: two of them in macOS's kevent64_s, four on FreeBSD 12 and later. Given a `value`, writes it.
   * @throws RangeError where the ABI has no such member
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

  /** Writes 64 bits that {@link check64} has seen. */
  #write64(word: number, value: number | bigint): void {
    const words = this.#words;
    if (typeof value === 'number') {
      words[word] = value;
      // Most numbers are small: without a division, and for a negative one all ones.
      words[word + 1] = (value | 0) === value ? value >> 31 : Math.floor(value / TWO32);
    } else {
      words[word] = Number(BigInt.asIntN(32, value));
      words[word + 1] = Number(BigInt.asIntN(32, value >> 32n));
    }
  }

  /**
   * Writes a record: the fields that are given, and 0 into those that are not, `ext` included. A failed check leaves the
   * record as it was.
   * @throws TypeError, RangeError naming the field that does not fit its C type
   */
  set(index: number, kevent: { readonly [Field in keyof Kevent]?: Kevent[Field] | undefined }): this {
    if (typeof kevent !== 'object' || kevent === null) throw wrongType('kevent', 'an object', kevent);
    const { ident = 0, filter = 0, flags = 0, fflags = 0, data = 0, udata = 0 } = kevent;
    return this.put(index, ident, filter, flags, fflags, data, udata);
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
  ): this {
    const base = this.#base(index);
    const layout = this.#layout;
    if (layout.wide) {
      checkInteger('filter', filter, 0, TWO32 - 1);
      checkInteger('flags', flags, 0, TWO32 - 1);
    } else {
      checkInteger('filter', filter, -0x8000, 0x7fff);
      checkInteger('flags', flags, 0, 0xffff);
    }
    // JavaScript's own `|` makes a negative number of one with NOTE_EXIT or NOTE_FFCOPY in it: the same 32 bits.
    checkInteger('fflags', fflags, -(2 ** 31), TWO32 - 1);
    check64('ident', ident, false);
    check64('data', data, true);
    check64('udata', udata, false);
    const words = this.#words;
    // ext, and NetBSD's padding in front of data.
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
    return this;
  }

  /** A snapshot of one record. */
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

  /** A snapshot of every record, in order. */
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

  /** A copy of the bytes of one record. */
  bytes(index: number): Uint8Array {
    const base = this.#base(index);
    return new Uint8Array(this.#words.slice(base, base + this.#layout.stride).buffer);
  }

  /**
   * The bytes of one record, field by field, for the eye:
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

  /** One line a record: `kevent { READ fd=5, ADD|CLEAR, data=12 }`. */
  toString(): string {
    return Array.from(this, (kevent) => describeKevent(this.abi, kevent)).join('\n');
  }
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}

function check64(argument: string, value: number | bigint, signed: boolean): void {
  if (typeof value === 'number' && Number.isSafeInteger(value) && (signed || value >= 0)) return;
  if (typeof value === 'number') {
    const expected = signed ? 'a safe integer, or a bigint' : 'a safe integer, 0 or more, or a bigint';
    throw outOfRange(argument, expected, value);
  }
  if (typeof value !== 'bigint') throw wrongType(argument, 'a number or a bigint', value);
  if ((signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value)) !== value) {
    throw outOfRange(argument, signed ? 'a signed 64-bit integer' : 'an unsigned 64-bit integer', value);
  }
}

/**
 * The macro of kqueue(2): writes the six fields of record `index`, in C's argument order.
 * @throws TypeError, RangeError naming the argument that does not fit its C type
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
