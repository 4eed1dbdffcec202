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

/** Bundles the library, with a call at the start of each function and of each turn of a loop: V8 stops nowhere else. */
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
function __point() { if (--__left === 0) { __left = Infinity; __stop(); } }
export function __stopAt(point, stop) { const left = __left; __left = point; __stop = stop; return left; }
`;

type Part = Node & { body?: Part; expression?: boolean; [key: string]: unknown };

function withPoints(source: string): string {
  const insertions: [at: number, text: string][] = [];
  const enclose = (body: Part, isBlock: boolean, [before, after]: readonly [string, string]): void => {
    if (isBlock) insertions.push([body.start + 1, '__point();']);
    else insertions.push([body.start, before], [body.end, after]);
  };
  const visit = (part: Part): void => {
    const { type, body } = part;
    if (/Function/.test(type)) enclose(body as Part, part.expression !== true, ['(__point(),', ')']);
    else if (/^(While|DoWhile|For|ForIn|ForOf)Statement$/.test(type)) {
      enclose(body as Part, (body as Part).type === 'BlockStatement', ['{__point();', '}']);
    }
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

const script = new Script('globalThis[Symbol.for("kqueue-ffi interrupted")]()');

/** Stops JavaScript as Ctrl-C in the REPL does: no `catch` and no `finally` runs. Only within {@link interrupted}. */
function terminate(): never {
  process.kill(process.pid, 'SIGINT');
  for (;;);
}

/** Throws, as a function does that is entered when the stack is full. */
function overflow(): never {
  throw new RangeError('Maximum call stack size exceeded');
}

export type Stop = 'terminate' | 'overflow';
const stops: Record<Stop, () => never> = { terminate, overflow };

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
    script.runInThisContext({ breakOnSigint: stop === 'terminate' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_SCRIPT_EXECUTION_INTERRUPTED' && !(error instanceof RangeError)) throw error;
  }
  return !ended;
}
