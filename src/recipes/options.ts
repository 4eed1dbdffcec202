import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import type { AbortSignalLike, FileUrl } from '../index.ts';

/** The options of every recipe. */
export interface RecipeOptions {
  /** An AbortSignal. When it is aborted, the recipe ends, and pending promises are rejected with the signal's reason. */
  readonly signal?: AbortSignalLike | undefined;
}

/** The options of a recipe that waits for one event. */
export interface TimeoutOptions extends RecipeOptions {
  /** Milliseconds, 0 or more, rounded up. Default: no limit. When it expires, the promise is rejected with code ETIMEDOUT. */
  readonly timeout?: number | undefined;
}

/** @throws TypeError for options of another kind, and for names that are not in `names` */
export function checkOptions(options: RecipeOptions, ...names: string[]): void {
  if (typeof options !== 'object' || options === null) throw invalid('options', 'an object', options);
  const unknown = Object.keys(options).find((name) => name !== 'signal' && !names.includes(name));
  if (unknown !== undefined)
    throw invalid('options', `no other options than ${['signal', ...names].join(', ')}`, unknown);
  const { signal } = options;
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
    throw invalid('signal', 'an AbortSignal', signal);
  }
}

/** @throws TypeError, RangeError */
export function checkTimeout(timeout: number | undefined): void {
  if (timeout === undefined) return;
  if (typeof timeout !== 'number') throw invalid('timeout', 'a number of milliseconds', timeout);
  if (timeout >= 0) return;
  const error = new RangeError(`timeout: expected milliseconds, 0 or more, got ${timeout}`);
  throw Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
}

/** An absolute path: the working directory may change later. */
export function pathOf(path: string | FileUrl): string {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return resolve(path);
  if (typeof path === 'object' && typeof path?.href === 'string') return fileURLToPath(path.href);
  throw invalid('path', 'a path or a file: URL', path);
}

/** Makes a TypeError with Node's code. */
export function invalid(argument: string, expected: string, value: unknown): TypeError {
  const error = new TypeError(`${argument}: expected ${expected}, got ${inspect(value, { depth: 0 })}`);
  return Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' });
}
