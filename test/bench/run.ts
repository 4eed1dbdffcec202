// What the library costs, compared with C, an addon written by hand, koffi's structs and Node itself.
//
//   npm run bench                      all of it: some minutes, and an idle machine is needed for the numbers to mean anything
//   npm run bench -- --quick           a smoke run: seconds, and the numbers mean nothing
//   npm run bench -- --only poll       one measurement, a file in measurements/; or one race of it: poll/64
//   npm run bench -- --json            the same as JSON
//   npm run bench -- --svg PATH        also draws the cost of an event against idle descriptors
//   npm run bench -- --docs            also writes the tables and the plot of docs/performance.md
//
// A missed target is reported, and is not a failure.

import { rmSync, writeFileSync } from 'node:fs';

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { abi } from '../../src/sys/index.ts';
import { libkqueue } from '../helpers/libkqueue.ts';
import { Progress } from '../helpers/progress.ts';
import { type Built, build } from './build.ts';
import type { RaceInfo } from './child.ts';
import { fillDocs } from './docs.ts';
import { type Environment, environment, environmentLine } from './environment.ts';
import { measurements } from './measurements/index.ts';
import type { Result, Row } from './result.ts';
import { Session } from './session.ts';
import { spread } from './statistics.ts';
import { plot } from './svg.ts';
import { markdown, markdownOutcomes, table } from './table.ts';
import { type Outcome, outcomes } from './targets.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    svg: { type: 'string' },
    docs: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
  },
});

/**
 * Rounds, and the milliseconds that a contender has in each. Many short ones: what the scheduler does to some of them, the
 * median leaves out.
 */
const { rounds, ms } = options.quick ? { rounds: 3, ms: 0.5 } : { rounds: 31, ms: 4 };
/** Before those that count: what is compiled late is compiled in them. A race of few rounds, which are long, has one. */
const WARM = options.quick ? 1 : 5;

/** One kqueue to measure, and the environment that makes it the default. */
interface Candidate {
  readonly kqueue: string;
  /** For the reader: what it is, and of which version. */
  readonly about: string;
  readonly env: NodeJS.ProcessEnv;
}

async function candidates(): Promise<{ candidates: Candidate[]; without: string[] }> {
  const env = { ...process.env };
  delete env['KQUEUE_LIBRARY'];
  const own = process.platform === 'linux' ? 'linux' : abi.name;
  const about = own === 'linux' ? 'linux, the one built in' : `${own}, the kernel's`;
  const found = await libkqueue();
  if ('skip' in found) {
    const without = process.platform === 'linux' ? [found.skip] : [];
    return { candidates: [{ kqueue: own, about, env }], without };
  }
  // .../libkqueue0t64_2.3.1-1_amd64/usr/lib/x86_64-linux-gnu/libkqueue.so.0
  const [version = ''] = /libkqueue\w*_[^_/]+/.exec(found.path) ?? [];
  const native = { kqueue: 'libkqueue', about: `libkqueue (${version})`, env: { ...env, KQUEUE_LIBRARY: found.path } };
  return { candidates: [native, { kqueue: own, about, env }], without: [] };
}

/** One race, on all kqueues in turns: a process for each, which has run nothing else. `show` gets the part that is done. */
async function run(
  index: number,
  info: RaceInfo,
  start: () => Session[],
  show: (done: number) => void,
): Promise<Result> {
  const sessions = start();
  try {
    const rows: Row[][] = [];
    for (const session of sessions) {
      const contenders = await session.prepare(index, ms);
      rows.push(contenders.map(({ name, at }) => ({ contender: name, kqueue: session.kqueue, at, samples: [] })));
    }
    const warm = info.rounds === undefined ? WARM : 1;
    const last = Math.min(info.rounds ?? rounds, rounds);
    for (let round = -warm; round < last; round++) {
      show((round + warm) / (last + warm));
      for (const [i, session] of sessions.entries()) {
        const samples = await session.round();
        if (round < 0) continue;
        for (const [j, row] of (rows[i] ?? []).entries()) row.samples.push(samples[j] ?? Number.NaN);
      }
    }
    const { id, what, unit, note } = info;
    return { id, what, unit, note, rows: rows.flat() };
  } finally {
    for (const session of sessions) session.end();
  }
}

/** The races of one measurement. `show` gets the race that runs, and the part of the measurement that is done. */
async function measure(
  measurement: string,
  built: Built,
  on: readonly Candidate[],
  show: (race: string, done: number) => void,
): Promise<Result[]> {
  const { loop, addon, dist, folder } = built;
  const start = (): Session[] =>
    on.map(({ kqueue, env }) => {
      const setting = { measurement, kqueue, quick: options.quick, loop, addon, dist, folder };
      return new Session(built.child, setting, env);
    });
  const [first, ...others] = start();
  for (const other of others) other.end();
  const races = [...((await first?.races()) ?? []).entries()].filter(([, { id }]) => wanted(id));
  first?.end();
  const results: Result[] = [];
  for (const [index, info] of races) {
    const before = results.length;
    results.push(await run(index, info, start, (done) => show(info.id, (before + done) / races.length)));
  }
  return results;
}

/** Whether the race was asked for, by its own name or its measurement's. */
function wanted(id: string): boolean {
  return options.only?.every((name) => name !== id && name !== groupOf({ id })) !== true;
}

const names = Object.keys(measurements).filter(
  (name) => options.only?.every((one) => one.split('/')[0] !== name) !== true,
);
if (names.length === 0) {
  console.error(`no measurement ${options.only}: there are ${Object.keys(measurements).join(', ')}`);
  process.exit(2);
}
if (options.docs && (options.quick || options.only !== undefined)) {
  console.error('--docs needs all the numbers, and good ones: no --quick, no --only');
  process.exit(2);
}

const docs = fileURLToPath(new URL('../../docs/', import.meta.url));

/** The measurement that a race belongs to. */
function groupOf({ id }: { readonly id: string }): string {
  return id.split('/')[0] ?? '';
}

/** What others can compute with. */
function json(
  on: Environment,
  without: readonly string[],
  results: readonly Result[],
  met: readonly Outcome[],
): string {
  const summed = results.map((result) => ({
    ...result,
    rows: result.rows.map((row) => ({ ...row, ...spread(row.samples) })),
  }));
  return JSON.stringify({ environment: on, leftOut: without, results: summed, targets: met }, null, 2);
}

/** The tables of docs/performance.md: one place for each measurement. */
function texts(on: Environment, results: readonly Result[], met: readonly Outcome[]): Record<string, string> {
  const groups = new Set(results.map(groupOf));
  const tables = (group: string): string =>
    results
      .filter((result) => groupOf(result) === group)
      .map((result) => markdown(result))
      .join('\n');
  return {
    environment: environmentLine(on),
    targets: markdownOutcomes(met),
    ...Object.fromEntries([...groups].map((group) => [group, tables(group)])),
  };
}

/** Draws the plot, if its race was run. */
function draw(path: string, on: Environment, results: readonly Result[]): void {
  const idle = results.find(({ id }) => id === 'idle/cycle');
  if (idle === undefined) throw new Error('the plot is of idle/cycle, which was not run');
  writeFileSync(path, plot(idle, `a byte written, its event fetched, the byte read; Node ${on.node}`));
}

const progress = new Progress();
const built = build();
try {
  const { candidates: on, without } = await candidates();
  if (built.withoutC !== undefined) without.push(`no baselines in C: ${built.withoutC}`);
  const where = environment(on.map(({ about }) => about));
  const native = on[0]?.kqueue ?? '';
  if (!options.json) {
    console.log(`${environmentLine(where)}\n`);
    for (const reason of without) console.log(`left out: ${reason}\n`);
  }
  const results: Result[] = [];
  for (const [index, name] of names.entries()) {
    const show = (race: string, done: number): void => progress.show(race, (index + done) / names.length);
    const measured = await measure(name, built, on, show);
    progress.clear();
    results.push(...measured);
    if (options.json) continue;
    const met = options.quick ? [] : outcomes(measured, native);
    for (const result of measured) console.log(table(result, met));
  }
  const met = options.quick ? [] : outcomes(results, native);
  if (options.json) console.log(json(where, without, results, met));
  if (options.svg !== undefined) draw(options.svg, where, results);
  if (options.docs) {
    fillDocs(`${docs}performance.md`, texts(where, results, met));
    draw(`${docs}performance.svg`, where, results);
  }
} finally {
  progress.clear();
  rmSync(built.folder, { recursive: true, force: true });
}
