// README.md and the pages of docs/: their programs compile, run, and print what the page says they print; their links lead
// somewhere. How a page marks its blocks:
//
//   ```ts            a program: it is compiled and run, and must end with 0 and nothing on standard error
//   ```ts linux      the same, on Linux only
//   ```ts fragment   a part of something: it is only to be read
//   ```text          right behind a program: what it prints, compared without the numbers of descriptors and processes
//   ```text linux    the same, compared on Linux only: the page says in what way other systems differ

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { unavailableReason } from '../src/sys/index.ts';
import { bundle } from './helpers/bundles.ts';
import { compile, compilerMissing } from './helpers/compiler.ts';
import { LIMIT } from './helpers/limit.ts';
import { fromSource, isBundle, loaders } from './helpers/loaders.ts';
import { noUser } from './helpers/user.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)].filter((page) =>
  page.endsWith('.md'),
);

interface Block {
  /** The words behind the fence. */
  readonly info: readonly string[];
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

interface Program {
  readonly page: string;
  /** Of its first line within the page. */
  readonly line: number;
  readonly source: string;
  /** The system it is for; undefined for all of them. */
  readonly only: string | undefined;
  readonly output: { readonly text: string; readonly only: string | undefined } | undefined;
}

function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].map((match) => ({
    info: (match[1] as string).trim().split(/\s+/),
    text: match[2] as string,
    start: match.index,
    end: match.index + match[0].length,
  }));
}

function programsOf(page: string): Program[] {
  const markdown = readFileSync(join(root, page), 'utf8');
  const blocks = blocksOf(markdown);
  return blocks.flatMap(({ info, text: source, start, end }, index) => {
    const [language, only] = info;
    if (language !== 'ts' || only === 'fragment') return [];
    const next = blocks[index + 1];
    const printed = next?.info[0] === 'text' && markdown.slice(end, next.start).trim() === '';
    const output = printed ? { text: next.text, only: next.info[1] } : undefined;
    return [{ page, line: markdown.slice(0, start).split('\n').length + 1, source, only, output }];
  });
}

test('blocks are marked in the ways that are known', () => {
  const known = /^(ts|text)( linux)?$|^ts fragment$|^(c|sh|console)$/;
  const marks = pages.flatMap((page) =>
    blocksOf(readFileSync(join(root, page), 'utf8')).map(({ info }) => info.join(' ')),
  );
  assert.deepEqual(
    marks.filter((mark) => !known.test(mark)),
    [],
  );
  assert.ok(marks.length >= 30);
});

/** Where the programs lie while the tests run: within the repository, so that its types and its koffi are found. */
const cache = join(root, '.cache');
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(join(cache, 'docs-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const programs = pages.flatMap(programsOf).map((program) => {
  const file = join(folder, `${program.page.replace(/\W/g, '-')}-${program.line}.ts`);
  writeFileSync(file, program.source);
  return { ...program, file };
});

/** Two machines, and two runs, have other descriptors and processes. */
function withoutNumbers(output: string): string {
  return output.replaceAll(/\b(fd|pid)=\d+/g, '$1=N').trimEnd();
}

async function run(file: string): Promise<{ output: string; errors: string; end: readonly unknown[] }> {
  const { KQUEUE_LIBRARY: _, ...env } = process.env;
  const child = spawn(process.execPath, [...loaders, fromSource, file], { cwd: root, env, timeout: LIMIT });
  // Some programs look at their standard input, as they would in a terminal in which somebody types a line.
  child.stdin.on('error', () => {});
  child.stdin.write('hello\n');
  const [output, errors, end] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { output, errors, end };
}

describe('the programs of the pages', {
  skip: unavailableReason() ?? false,
  timeout: LIMIT,
  concurrency: 2,
}, () => {
  let files = programs.map(({ file }) => file);
  before(async () => {
    if (isBundle) files = await bundle(files, join(folder, 'bundles'));
  });
  for (const [index, { page, line, source, only, output }] of programs.entries()) {
    const elsewhere = (system: string | undefined): boolean => system !== undefined && system !== process.platform;
    const lacking = /\b(user|waker)\(/.test(source) && noUser;
    test(`${page}:${line}`, { skip: lacking || (elsewhere(only) && `for ${only}`) }, async (t) => {
      const ran = await run(files[index] as string);
      assert.equal(ran.errors, '');
      assert.deepEqual(ran.end, [0, null]);
      if (output === undefined) return;
      if (elsewhere(output.only)) t.diagnostic(`printed otherwise than on ${output.only}: not compared`);
      else assert.equal(withoutNumbers(ran.output), withoutNumbers(output.text));
    });
  }
});

test('the programs of the pages compile', { timeout: LIMIT, skip: compilerMissing() }, () => {
  const config = {
    extends: '../../tsconfig.json',
    compilerOptions: { typeRoots: ['../../node_modules/@types'] },
    include: ['*.ts'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const { status, output } = compile(folder);
  assert.equal(status, 0, output);
});

/** The anchors of a page's headings, as GitHub makes them: a second heading of the same words gets a `-1`. */
function anchorsOf(markdown: string): string[] {
  const prose = markdown.replaceAll(/^```.*?^```$/gms, '');
  const words = [...prose.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
  return words.map((word, index) => {
    const before = words.slice(0, index).filter((one) => one === word).length;
    return before === 0 ? word : `${word}-${before}`;
  });
}

for (const page of pages) {
  test(`what ${page} names is there`, () => {
    const markdown = readFileSync(join(root, page), 'utf8');
    const missing: string[] = [];
    for (const [, target = ''] of markdown.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? join(root, page) : join(root, dirname(page), path);
      if (!existsSync(file)) missing.push(target);
      else if (anchor !== undefined && !anchorsOf(readFileSync(file, 'utf8')).includes(anchor)) missing.push(target);
    }
    // Files and folders of this repository that the prose names: `src/loop.ts`.
    for (const [, path = ''] of markdown.matchAll(/`((?:src|test|examples|docs)\/[\w./-]*)`/g)) {
      if (!existsSync(join(root, path))) missing.push(path);
    }
    assert.deepEqual(missing, []);
  });
}

test('docs/README.md knows every page', () => {
  const contents = readFileSync(join(root, 'docs/README.md'), 'utf8');
  const names = pages.map((page) => relative('docs', page)).filter((name) => !name.includes('README.md'));
  assert.ok(names.length >= 5);
  assert.deepEqual(
    names.filter((name) => !contents.includes(name)),
    [],
  );
});
