import { checkInteger, outOfRange, wrongType } from './check.ts';
import { koffi } from './koffi.ts';
import { inspectAs } from './names.ts';

/** The longest timeout that every kernel accepts, in seconds. macOS refuses more with EINVAL. */
const MAX_SEC = 2 ** 31 - 1;
const TWO32 = 2 ** 32;

/**
 * `struct timespec`: the timeout of kevent(2). 16 bytes on every 64-bit system: `int64_t tv_sec` at offset 0 and
 * `long tv_nsec` at offset 8.
 *
 * The constructor accepts every safe integer, also those that the kernel refuses with EINVAL, such as negative seconds.
 *
 * @example
 * ```ts
 * const timeout = new Timespec(1, 500_000_000); // 1.5 seconds
 * timeout.setMillis(250);
 * ```
 */
export class Timespec {
  // `new ArrayBuffer` allocates outside the JavaScript heap, so the address never changes.
  readonly #words: Int32Array = new Int32Array(new ArrayBuffer(16));
  #address = 0;
  #sec = 0;
  #nsec = 0;

  static {
    inspectAs(Timespec, String);
  }

  /**
   * @param sec tv_sec: seconds, a safe integer. Kernels accept 0 and more, macOS up to 2^31 - 1
   * @param nsec tv_nsec: nanoseconds, a safe integer. Kernels accept 0 to 999,999,999
   * @throws TypeError an argument is not a number
   * @throws RangeError an argument is not a safe integer
   */
  constructor(sec: number, nsec: number) {
    this.set(sec, nsec);
  }

  /**
   * Makes a timespec of `ms` milliseconds. Fractions count, and are rounded up to a nanosecond. More than 2^31 - 1 seconds
   * (68 years), Infinity included, becomes 2^31 - 1 seconds, which every kernel accepts.
   * @throws TypeError `ms` is not a number
   * @throws RangeError `ms` is NaN or negative
   */
  static fromMillis(ms: number): Timespec {
    return new Timespec(0, 0).setMillis(ms);
  }

  /**
   * The address of its 16 bytes, to pass to a C function as a pointer. It is valid as long as this object lives.
   * @throws Error koffi cannot be loaded
   */
  get address(): number {
    if (this.#address === 0) this.#address = Number(koffi().address(this.#words.buffer));
    return this.#address;
  }

  /** tv_sec, in seconds. */
  get sec(): number {
    return this.#sec;
  }

  /** tv_nsec, in nanoseconds. */
  get nsec(): number {
    return this.#nsec;
  }

  /** Writes both members, so that one timespec can serve many calls. Throws the same errors as the constructor. */
  set(sec: number, nsec: number): this {
    checkInteger('sec', sec, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    checkInteger('nsec', nsec, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    this.#sec = sec;
    this.#nsec = nsec;
    this.#words[0] = sec;
    this.#words[1] = Math.floor(sec / TWO32);
    this.#words[2] = nsec;
    this.#words[3] = Math.floor(nsec / TWO32);
    return this;
  }

  /** Writes `ms` milliseconds, with the rules and errors of {@link Timespec.fromMillis}. */
  setMillis(ms: number): this {
    if (typeof ms !== 'number') throw wrongType('ms', 'a number', ms);
    if (!(ms >= 0)) throw outOfRange('ms', '0 or more milliseconds', ms);
    if (ms >= MAX_SEC * 1000) return this.set(MAX_SEC, 0);
    const sec = Math.floor(ms / 1000);
    // Rounded up, because a wait may end late but never early.
    const nsec = Math.ceil((ms - sec * 1000) * 1e6);
    return nsec < 1e9 ? this.set(sec, nsec) : this.set(sec + 1, nsec - 1e9);
  }

  /** Text such as `timespec { sec=1, nsec=500000000 }`. */
  toString(): string {
    return `timespec { sec=${this.#sec}, nsec=${this.#nsec} }`;
  }
}

/** The timeout of a call that does not wait. */
export const NO_WAIT: Timespec = new Timespec(0, 0);
