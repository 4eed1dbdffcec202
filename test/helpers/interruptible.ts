// The library in a form in which a test can stop JavaScript at each point where V8 can stop it.

import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Script } from 'node:vm';
import { type Node, parse } from 'acorn';
import { buildSync } from 'esbuild';

type Library = typeof import('../../src/index.ts') & typeof import('../../src/sys/linux/sys.ts');

export interface Interruptible extends Library {
  /** From now on the `point`th point that is passed calls `stop`. Returns how many points are left of the last call's. */
  __stopAt(point: number, stop: () => void): number;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Bundles the library, with a point wherever V8 can stop: at the entry of each function, written in JavaScript or built in, and
 * at each repetition of a loop. A foreign function has none.
 */
export async function interruptible(): Promise<Interruptible> {
  const { outputFiles } = buildSync({
    stdin: {
      contents: `export * from './src/index.ts'; export { linuxSys } from './src/sys/linux/sys.ts';`,
      resolveDir: root,
    },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
  });
  const folder = mkdtempSync(join(tmpdir(), 'kqueue-ffi-'));
  // koffi is found from there at the first use.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const file = join(folder, 'library.mjs');
  writeFileSync(file, withPoints(outputFiles[0]?.text as string));
  return await import(pathToFileURL(file).href);
}

const runtime = `
var __left = Infinity, __stop;
function __point() { if (--__left === 0) { __left = Infinity; __stop(); } return []; }
function __pass() { __point(); return arguments[arguments.length - 1]; }
export function __stopAt(point, stop) { const left = __left; __left = point; __stop = stop; return left; }
`;

type Part = Node & { body?: Part; expression?: boolean; callee?: Part; arguments?: Part[]; [key: string]: unknown };

/** The calls of functions that koffi made, and of its poll handles. */
const FOREIGN = /^((libc\d*|calls|bind\d*\(\))\.\w+|errno\d*|fcntl|dup2|dup3|close|this\.#handle\??\.\w+)$/;

function withPoints(source: string): string {
  const insertions: [at: number, text: string][] = [];
  const enclose = (body: Part, isBlock: boolean, [before, after]: readonly [string, string]): void => {
    if (isBlock) insertions.push([body.start + 1, '__point();']);
    else insertions.push([body.start, before], [body.end, after]);
  };
  // After the arguments are evaluated, as in V8.
  const enter = (call: Part): void => {
    const { callee, arguments: list } = call as Required<Part>;
    if (callee.type === 'Super' || FOREIGN.test(source.slice(callee.start, callee.end))) return;
    const last = list.at(-1);
    if (last === undefined) insertions.push([call.end - 1, '...__point()']);
    else {
      const { start, end } = last.type === 'SpreadElement' ? (last.argument as Part) : last;
      insertions.push([start, '__pass('], [end, ')']);
    }
  };
  const visit = (part: Part): void => {
    const { type, body } = part;
    if (/Function/.test(type)) enclose(body as Part, part.expression !== true, ['(__point(),', ')']);
    else if (/^(While|DoWhile|For|ForIn|ForOf)Statement$/.test(type)) {
      insertions.push([(body as Part).start, '{__point();'], [(body as Part).end, '__point();}']);
    }
    if (/^(Call|New)Expression$/.test(type)) enter(part);
    for (const value of Object.values(part)) {
      for (const child of Array.isArray(value) ? value : [value]) {
        if (typeof (child as Part | null)?.type === 'string') visit(child as Part);
      }
    }
  };
  visit(parse(source, { ecmaVersion: 'latest', sourceType: 'module' }) as unknown as Part);
  insertions.sort(([a], [b]) => a - b);
  let [result, end] = ['', 0];
  for (const [at, text] of insertions) {
    result += source.slice(end, at) + text;
    end = at;
  }
  return result + source.slice(end) + runtime;
}

const once = new Script('globalThis[Symbol.for("kqueue-ffi interrupted")]()');
const forever = new Script('for (;;) globalThis[Symbol.for("kqueue-ffi interrupted")]()');

/** Stops JavaScript as Ctrl-C in the REPL does: no `catch` and no `finally` runs. Only within {@link interrupted}. */
function terminate(): never {
  process.kill(process.pid, 'SIGINT');
  for (;;);
}

/** Throws, as a function does that is entered when the stack is full. */
function overflow(): never {
  throw new RangeError('Maximum call stack size exceeded');
}

const stops: Record<Stop, () => never> = { terminate, overflow };
export type Stop = 'terminate' | 'overflow';

/** How many points `call` passes. */
export function countPoints(library: Interruptible, call: () => unknown): number {
  const most = 2 ** 31;
  library.__stopAt(most, terminate);
  call();
  return most - library.__stopAt(Number.POSITIVE_INFINITY, terminate);
}

/** Runs `call` again and again, and stops it after so many milliseconds, wherever it is. */
export function timedOut(ms: number, call: () => unknown): void {
  Object.assign(globalThis, { [Symbol.for('kqueue-ffi interrupted')]: call });
  try {
    forever.runInThisContext({ timeout: ms });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
  }
}

/** Runs `call` and stops it at its `point`th point. False if it ended before. */
export function interrupted(library: Interruptible, point: number, stop: Stop, call: () => unknown): boolean {
  let ended = false;
  Object.assign(globalThis, {
    [Symbol.for('kqueue-ffi interrupted')]: () => {
      library.__stopAt(point, stops[stop]);
      call();
      // If none are left, it was stopped, and a promise has taken the exception.
      ended = Number.isFinite(library.__stopAt(Number.POSITIVE_INFINITY, terminate));
    },
  });
  try {
    // Node starts and ends a thread for this option.
    once.runInThisContext({ breakOnSigint: stop === 'terminate' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_SCRIPT_EXECUTION_INTERRUPTED' && !(error instanceof RangeError)) throw error;
  }
  return !ended;
}
