/** A value as text for an error message. Runs none of the value's own code, such as toString(). */
function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'bigint':
      return `${value}n`;
    case 'object':
      return value === null
        ? 'null'
        : Array.isArray(value)
          ? value.length === 0
            ? 'an empty array'
            : 'an array'
          : 'an object';
    case 'function':
      return 'a function';
    default:
      return String(value);
  }
}

/** A TypeError with Node's code. It names the argument, what is valid, the value and, if there is a hint, what to do. */
export function wrongType(argument: string, expected: string, value: unknown, hint?: string): TypeError {
  const error = new TypeError(
    `${argument}: expected ${expected}, got ${show(value)}${hint === undefined ? '' : ` (${hint})`}`,
  );
  return Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' });
}

/** A RangeError with Node's code. Its message names the argument, the expected value and the actual value. */
export function outOfRange(argument: string, expected: string, value: unknown): RangeError {
  const error = new RangeError(`${argument}: expected ${expected}, got ${show(value)}`);
  return Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
}

/** Throws unless `options` is an object whose own names are all in `known`. Without it, a misspelt option has no effect. */
export function checkOptionNames(
  argument: string,
  options: unknown,
  known: ReadonlySet<string>,
): asserts options is object {
  if (typeof options !== 'object' || options === null) throw wrongType(argument, 'an object', options);
  // Not Object.keys(), which makes an array: each poll() runs this.
  for (const name in options) {
    if (known.has(name) || !Object.hasOwn(options, name)) continue;
    throw wrongType(argument, `no other options than ${[...known].join(', ')}`, name);
  }
}

/** Throws unless `value` is an integer from `min` to `max`. koffi would turn NaN into 0 and 2^32 + 5 into 5. */
export function checkInteger(argument: string, value: number, min: number, max: number): void {
  if (typeof value !== 'number') throw wrongType(argument, 'a number', value);
  // Number.isInteger refuses NaN, fractions and the infinities.
  if (!Number.isInteger(value) || value < min || value > max) {
    throw outOfRange(argument, `an integer from ${min} to ${max}`, value);
  }
}

export const INT_MAX: number = 2 ** 31 - 1;

/** Throws unless `value` fits C's `int`. */
export function checkInt(argument: string, value: number): void {
  // The fast path: a number that fits is equal to its own low 32 bits.
  if (typeof value !== 'number' || (value | 0) !== value) checkInteger(argument, value, -INT_MAX - 1, INT_MAX);
}

/** Throws unless `value` fits C's `int64_t`, or `uint64_t`. A number must be a safe integer. */
export function check64(argument: string, value: number | bigint, signed: boolean): void {
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
