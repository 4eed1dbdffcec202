// Runs the tests and says which lines and branches of src/ they ran. Exits with 1 below 95 % of either, or if a test fails.
//
//   npm run coverage                 all tests
//   npm run coverage -- sys front    words go to test/run.ts
//
// V8 counts, in every process and worker of the tests that comes to its own end. What a statement and a branch is, the
// syntax tree says, as Istanbul has it: a comment is no line, and the `else` that nobody wrote is a branch.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mergeProcessCovs, type ProcessCov } from '@bcoe/v8-coverage';
import { parse } from 'acorn';
import { convert } from 'ast-v8-to-istanbul';
import { buildSync } from 'esbuild';
import { type Left, left, lineOf } from './left.ts';

const AT_LEAST = 95;

const root = new URL('../../', import.meta.url);
const at = (path: string): string => fileURLToPath(new URL(path, root));
const typescript = (folder: string): string[] =>
  readdirSync(at(folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => join(folder, file));

/** Compiles everything once, and runs the tests from that: what was counted is then what is looked at. */
function runTests(words: readonly string[]): number {
  rmSync(at('coverage'), { recursive: true, force: true });
  buildSync({
    absWorkingDir: at('.'),
    entryPoints: ['src', 'test', 'examples'].flatMap(typescript),
    outbase: '.',
    outdir: 'coverage/js',
    format: 'esm',
    target: 'node20.19',
    sourcemap: 'external',
  });
  const loader = new URL('loader.mjs', import.meta.url).href;
  const { status } = spawnSync(process.execPath, ['--no-warnings', '--import', loader, at('test/run.ts'), ...words], {
    cwd: at('.'),
    stdio: 'inherit',
    env: { ...process.env, NODE_V8_COVERAGE: at('coverage/v8') },
  });
  return status ?? 1;
}

interface Tally {
  covered: number;
  all: number;
}

interface Report {
  readonly file: string;
  readonly lines: Tally;
  readonly branches: Tally;
  /** Lines that did not run, or of which a branch did not. */
  readonly missing: readonly string[];
}

interface Region {
  readonly first: number;
  readonly last: number;
  used: boolean;
}

/** The line that has `code` in it, to the end of the block that it opens, or of its statement: up to its own indentation. */
function region(source: readonly string[], entry: Left): Region {
  const index = lineOf(entry);
  const indentation = (line: string): number => line.length - line.trimStart().length;
  const own = indentation(source[index] as string);
  let last = index;
  if (/[{([]$/.test(source[index] as string)) {
    do last++;
    while (source[last] === '' || indentation(source[last] as string) > own);
  }
  return { first: index + 1, last: last + 1, used: false };
}

/** Turns V8's counts of one file into Istanbul's, without what is left out. */
async function look(file: string, counts: ProcessCov['result']): Promise<Report> {
  const code = readFileSync(at(join('coverage/js', file.replace(/ts$/, 'js'))), 'utf8');
  const map = JSON.parse(readFileSync(at(join('coverage/js', file.replace(/ts$/, 'js.map'))), 'utf8'));
  const source = readFileSync(at(file), 'utf8').split('\n');
  const url = new URL(file, root).href;
  const functions = counts.find((script) => script.url === url)?.functions ?? [];
  const converted = await convert({
    code,
    sourceMap: { ...map, sources: [url] },
    coverage: { url, functions },
    ast: parse(code, { ecmaVersion: 'latest', sourceType: 'module' }) as never,
  });
  const data = Object.values(converted)[0];
  const regions = left.filter((entry) => entry.file === file).map((entry) => region(source, entry));
  const isLeft = (line: number, count: number): boolean => {
    const found = regions.find(({ first, last }) => first <= line && line <= last);
    if (found !== undefined && count === 0) found.used = true;
    return found !== undefined;
  };

  const hits = new Map<number, number>();
  for (const [id, { start }] of Object.entries(data?.statementMap ?? {})) {
    hits.set(start.line, Math.max(hits.get(start.line) ?? 0, data?.s[id] ?? 0));
  }
  const missing = new Map<number, string>();
  const lines: Tally = { covered: 0, all: 0 };
  for (const [line, count] of hits) {
    if (isLeft(line, count)) continue;
    lines.all++;
    if (count > 0) lines.covered++;
    else missing.set(line, `${line}`);
  }
  const branches: Tally = { covered: 0, all: 0 };
  for (const [id, { loc, locations }] of Object.entries(data?.branchMap ?? {})) {
    data?.b[id]?.forEach((count, which) => {
      // An `else` that nobody wrote is nowhere: it is where its `if` is.
      const line = locations[which]?.start?.line ?? loc.start.line;
      if (isLeft(line, count)) return;
      branches.all++;
      if (count > 0) branches.covered++;
      else if (!missing.has(line)) missing.set(line, `${line}?`);
    });
  }
  const entries = left.filter((entry) => entry.file === file);
  for (const [index, { used }] of regions.entries()) {
    if (!used) console.error(`left.ts: the tests do run this of ${file}: ${entries[index]?.code}`);
  }
  return { file, lines, branches, missing: [...missing].sort(([a], [b]) => a - b).map(([, text]) => text) };
}

/** What V8 wrote down, of src/ alone. */
function readCounts(): ProcessCov['result'] {
  const files = typescript('src').map((file): [string, number] => {
    const code = readFileSync(at(join('coverage/js', file.replace(/ts$/, 'js'))), 'utf8');
    return [new URL(file, root).href, code.length];
  });
  const lengths = new Map(files);
  const processes = readdirSync(at('coverage/v8')).map((name): ProcessCov => {
    const { result } = JSON.parse(readFileSync(at(join('coverage/v8', name)), 'utf8')) as ProcessCov;
    // Another length: a process that loaded the source by another loader.
    const ours = result.filter(({ url, functions }) => lengths.get(url) === functions[0]?.ranges[0]?.endOffset);
    return { result: ours };
  });
  return mergeProcessCovs(processes).result;
}

const percent = ({ covered, all }: Tally): number => (all === 0 ? 100 : (covered / all) * 100);

function table(reports: readonly Report[]): void {
  const sum = (of: 'lines' | 'branches'): Tally =>
    reports.reduce(
      (total, { [of]: { covered, all } }) => ({ covered: total.covered + covered, all: total.all + all }),
      {
        covered: 0,
        all: 0,
      },
    );
  const all: Report = { file: 'all', lines: sum('lines'), branches: sum('branches'), missing: [] };
  const width = Math.max(...reports.map(({ file }) => file.length));
  const cell = (tally: Tally): string =>
    `${percent(tally).toFixed(1).padStart(6)} ${`${tally.covered}/${tally.all}`.padStart(9)}`;
  console.log(
    `\n${''.padEnd(width)}  ${'% of lines'.padStart(16)}  ${'% of branches'.padStart(16)}  not run (?: a branch)`,
  );
  for (const { file, lines, branches, missing } of [...reports, all]) {
    console.log(`${file.padEnd(width)}  ${cell(lines)}  ${cell(branches)}  ${missing.join(' ')}`.trimEnd());
  }
  console.log(left.length === 0 ? '' : '\nLeft out, because it cannot run in a test on Linux:\n');
  for (const { file, code, reason } of left) console.log(`${file}: ${code}\n    ${reason}`);
  for (const of of ['lines', 'branches'] as const) {
    if (percent(all[of]) >= AT_LEAST) continue;
    console.error(`\n${percent(all[of]).toFixed(2)} % of ${of}: must be ${AT_LEAST} %`);
    process.exitCode = 1;
  }
}

// Before the tests, which take minutes.
for (const entry of left) lineOf(entry);
process.exitCode = runTests(process.argv.slice(2));
const counts = readCounts();
const reports: Report[] = [];
for (const file of typescript('src').sort()) reports.push(await look(file, counts));
table(reports);
