// The examples of the doc comments compile.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as high from '../src/index.ts';
import * as recipes from '../src/recipes/index.ts';
import * as sys from '../src/sys/index.ts';
import { typescriptFiles } from './helpers/bundles.ts';
import { compile, compilerMissing } from './helpers/compiler.ts';
import { LIMIT } from './helpers/limit.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What a reader has of an example's surroundings. */
const surroundings = `
declare const [fd, pid]: [number, number];
declare const connection: object;
declare const conn: import('kqueue-ffi').Registration;
declare const registration: import('kqueue-ffi').Registration;
declare const event: import('kqueue-ffi').KqueueEvent;
declare const waker: import('kqueue-ffi').Waker;
declare const list: import('kqueue-ffi/sys').KeventList;
declare const lines: string[];
declare const worker: import('node:worker_threads').Worker;
declare const parentPort: import('node:worker_threads').MessagePort;
declare const server: import('node:net').Server;
declare const os: typeof import('node:os');
declare const closeSync: typeof import('node:fs').closeSync;
declare function reload(): void;
declare function stopWorking(): void;
`;

/** Each public name, and the queue `kq`: a descriptor in the system-call API, and an object in the high-level API. */
function imports(isSys: boolean): string {
  const from = (module: object, name: string): string => `import { ${Object.keys(module).join(', ')} } from '${name}';`;
  const all = [from(high, 'kqueue-ffi'), from(sys, 'kqueue-ffi/sys'), from(recipes, 'kqueue-ffi/recipes')];
  return `${all.join(' ')} declare const kq: ${isSys ? 'number' : 'Kqueue'};`;
}

/** The examples of a file as functions, each on its own lines, so that an error has the line of the file. */
function examplesOf(source: string): string[] {
  const lines = source.split('\n').map(() => '');
  for (const { 0: example, 1: body = '', index } of source.matchAll(/^ *\* @example\n((?: *\* (?!@).*\n| *\*\n)+)/gm)) {
    const first = source.slice(0, index).split('\n').length - 1;
    const code = body.replaceAll(/^ *\* ?(```\w*$)?/gm, '').trimEnd();
    lines.splice(first, example.split('\n').length - 1, `async function example${first}() {`, ...code.split('\n'), '}');
  }
  return lines;
}

test('the examples of the doc comments compile', { timeout: LIMIT, skip: compilerMissing() }, (t) => {
  mkdirSync(join(root, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(root, '.cache', 'doc-comments-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  let count = 0;
  for (const file of typescriptFiles('src')) {
    const lines = examplesOf(readFileSync(file, 'utf8'));
    const found = lines.filter((line) => line.startsWith('async function')).length;
    if (found === 0) continue;
    count += found;
    const path = join(folder, relative(join(root, 'src'), file));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, [imports(path.includes('/sys/')) + lines[0], ...lines.slice(1)].join('\n'));
  }
  assert.ok(count >= 40, `${count} examples`);
  writeFileSync(join(folder, 'surroundings.d.ts'), surroundings);
  const config = {
    extends: '../../tsconfig.json',
    compilerOptions: { typeRoots: ['../../node_modules/@types'], noUnusedLocals: false },
    include: ['**/*.ts'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const { status, output } = compile(folder);
  assert.equal(status, 0, output);
});
