import { checkInteger, outOfRange, wrongType } from './check.ts';
import { koffi } from './koffi.ts';
import { inspectAs } from './names.ts';

/** The longest wait that every kernel takes, in seconds: macOS refuses more with EINVAL. */
const MAX_SEC = 2 ** 31 - 1;
const TWO32 = 2 ** 32;

/**
 * `struct timespec`: a span of time, as the timeout of kevent(2) has it. 16 bytes on every 64-bit system:
 * `int64_t tv_sec` at 0, `long tv_nsec` at 8. Any pair that fits the C types can be made, so that the kernel's own
 * EINVAL for a negative or overlong one can be seen.
 */
export class Timespec {
  // A backing store of its own, off the JavaScript heap: its address stays good for as long as this object lives.
  readonly #words: Int32Array = new Int32Array(new ArrayBuffer(16));
  #address = 0;
  #sec = 0;
  #nsec = 0;

  static {
    inspectAs(Timespec, String);
  }

  /**
   * @param sec tv_sec: seconds, a safe integer
   * @param nsec tv_nsec: nanoseconds, a safe integer; a kernel takes 0 to 999,999,999
   * @throws TypeError, RangeError for what is no such integer
   */
  constructor(sec: number, nsec: number) {
    this.set(sec, nsec);
  }

  /**
   * The span of `ms` milliseconds; fractions count, down to the nanosecond. More than 2^31 - 1 seconds is cut to that,
   * which is 68 years and what every kernel takes.
   * @throws RangeError for NaN and for less than nothing
   */
  static fromMillis(ms: number): Timespec {
    return new Timespec(0, 0).setMillis(ms);
  }

  /**
   * The address of its 16 bytes: the pointer that a C function takes. It stays valid for as long as this object lives.
   * @throws Error where koffi cannot be loaded
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

  /** Writes both members, so that one timespec can serve many calls. Same errors as the constructor. */
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

  /** As {@link Timespec.fromMillis}, into this timespec. */
  setMillis(ms: number): this {
    if (typeof ms !== 'number') throw wrongType('ms', 'a number', ms);
    if (!(ms >= 0)) throw outOfRange('ms', 'milliseconds, 0 or more', ms);
    if (ms >= MAX_SEC * 1000) return this.set(MAX_SEC, 0);
    const sec = Math.floor(ms / 1000);
    // Rounded up: a wait may end late, never early.
    const nsec = Math.ceil((ms - sec * 1000) * 1e6);
    return nsec < 1e9 ? this.set(sec, nsec) : this.set(sec + 1, nsec - 1e9);
  }

  /** `timespec { sec=1, nsec=500000000 }` */
  toString(): string {
    return `timespec { sec=${this.#sec}, nsec=${this.#nsec} }`;
  }
}
