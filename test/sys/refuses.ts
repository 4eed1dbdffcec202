import assert from 'node:assert/strict';

/**
 * Expects `call` to throw a TypeError or RangeError of Node's kind, which names the argument, says what was expected and
 * shows what came.
 */
export function refuses(
  call: () => unknown,
  kind: typeof TypeError | typeof RangeError,
  argument: string,
  { expected = '', got = '' }: { expected?: string; got?: string } = {},
): void {
  const code = kind === TypeError ? 'ERR_INVALID_ARG_TYPE' : 'ERR_OUT_OF_RANGE';
  assert.throws(call, (error: unknown) => {
    assert(error instanceof kind, `expected a ${kind.name} about ${argument}, got ${String(error)}`);
    assert.equal((error as { code?: unknown }).code, code);
    const { message } = error;
    assert(message.startsWith(`${argument}: expected `), `does not begin with the argument ${argument}: ${message}`);
    assert(message.includes(expected), `does not say ${expected}: ${message}`);
    assert(message.includes(`, got ${got}`), `does not say what it got (${got}): ${message}`);
    return true;
  });
}

/** What is no number at all, with what an error message shows of it. None may be converted to one. */
export const noNumbers: readonly (readonly [value: unknown, shown: string])[] = [
  [undefined, 'undefined'],
  [null, 'null'],
  ['5', '"5"'],
  ['', '""'],
  [5n, '5n'],
  [true, 'true'],
  [Symbol('5'), 'Symbol(5)'],
  [[5], 'an array'],
  [{}, 'an object'],
  [{ valueOf: () => 5 }, 'an object'],
  [
    {
      valueOf: (): never => {
        throw new Error('code of the value ran');
      },
    },
    'an object',
  ],
  [new Number(5), 'an object'],
  [() => 5, 'a function'],
];

/** Numbers that no C integer type has. */
export const noIntegers: readonly number[] = [
  Number.NaN,
  0.5,
  -1.5,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.MIN_VALUE,
];

/** Integers that C's int does not have. 2^32 + 5 is the one that koffi would take for 5. */
export const noInts: readonly number[] = [2 ** 31, -(2 ** 31) - 1, 2 ** 32 + 5, 2 ** 53, -(2 ** 53), Number.MAX_VALUE];
