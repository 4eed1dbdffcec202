import { type ParseArgsConfig, parseArgs } from 'node:util';

/** Wrong arguments: the command prints the message as one line and exits with status 2. */
export class UsageError extends Error {}

/**
 * parseArgs() of node:util.
 * @throws UsageError for an option that is not known, and for a missing value
 */
export function parse<const T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('ERR_PARSE_ARGS_') !== true) throw error;
    // Only the first sentence: the others are advice about `--`.
    throw new UsageError(message.split(/\.\s|\n/)[0]);
  }
}

/**
 * Runs a check of the library, such as a builder.
 * @throws UsageError with the name of the option, if the library refuses the value
 */
export function checked<T>(option: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    // The library's message begins with the name of its argument.
    throw new UsageError(error.message.replace(/^\w+:/, `${option}:`));
  }
}

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * `500ms`, `1.5s`, `1m` or `1h` in milliseconds.
 * @throws UsageError for any other text
 */
export function duration(option: string, text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  if (number === undefined) throw new UsageError(`${option}: expected a duration such as 500ms, 5s or 1m, got ${text}`);
  return Number(number) * (MILLISECONDS[unit] as number);
}

/**
 * A whole number.
 * @throws UsageError for any other text, and for less than `min`
 */
export function integer(option: string, text: string, min: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value) || value < min) {
    throw new UsageError(`${option}: expected a whole number from ${min}, got ${text}`);
  }
  return value;
}
