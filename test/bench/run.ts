// What the library costs, beside what C, an addon written by hand, koffi's structs and Node itself cost.
//
//   npm run bench                      all of it: some minutes, and an idle machine is needed for the numbers to mean anything
//   npm run bench -- --quick           a smoke run: seconds, and the numbers mean nothing
//   npm run bench -- --only poll       one measurement, a file in measurements/; or one race of it: poll/64
//   npm run bench -- --json            the same as JSON
//
// A time that is missed is told, and is no failure.

import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { abi } from '../../src/sys/index.ts';
import { libkqueue } from '../helpers/libkqueue.ts';
import { type Built, build } from './build.ts';
import { measurements } from './measurements/index.ts';
import type { Result, Row } from './result.ts';
import { Session } from './session.ts';
import { table } from './table.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
  },
});

/** Rounds, and the milliseconds that a contender has in each. */
const { rounds, ms } = options.quick ? { rounds: 3, ms: 0.5 } : { rounds: 15, ms: 20 };
/** Of which the first are not counted: what is compiled late is compiled in them. */
const WARM = options.quick ? 1 : 3;

/** One kqueue to measure, and the environment that makes it the default. */
interface Candidate {
  readonly kqueue: string;
  readonly env: NodeJS.ProcessEnv;
}

async function candidates(): Promise<{ candidates: Candidate[]; without: string[] }> {
  const env = { ...process.env };
  delete env['KQUEUE_LIBRARY'];
  const own = process.platform === 'linux' ? 'linux' : abi.name;
  const found = await libkqueue();
  if ('skip' in found) {
    const without = process.platform === 'linux' ? [found.skip] : [];
    return { candidates: [{ kqueue: own, env }], without };
  }
  const native = { kqueue: 'libkqueue', env: { ...env, KQUEUE_LIBRARY: found.path } };
  return { candidates: [native, { kqueue: own, env }], without: [] };
}

/** Runs the races of one measurement, on all kqueues in turns. */
async function measure(measurement: string, built: Built, on: readonly Candidate[]): Promise<Result[]> {
  const sessions = on.map(({ kqueue, env }) => {
    const { loop, addon, dist } = built;
    return new Session(built.child, { measurement, kqueue, quick: options.quick, loop, addon, dist }, env);
  });
  try {
    const results: Result[] = [];
    const known = await sessions[0]?.races();
    for (const session of sessions.slice(1)) await session.races();
    for (const [index, { id, what, unit, note, rounds: own }] of (known ?? []).entries()) {
      if (!wanted(id)) continue;
      const rows: { session: Session; rows: Row[] }[] = [];
      for (const session of sessions) {
        const made = await session.prepare(index, ms);
        rows.push({
          session,
          rows: made.map(({ name, at }): Row => ({ contender: name, kqueue: session.kqueue, at, samples: [] })),
        });
      }
      for (let round = -WARM; round < (own ?? rounds); round++) {
        for (const { session, rows: of } of rows) {
          const samples = await session.round();
          if (round >= 0) for (const [i, row] of of.entries()) row.samples.push(samples[i] ?? Number.NaN);
        }
      }
      for (const { session } of rows) await session.finish();
      results.push({ id, what, unit, note, rows: rows.flatMap(({ rows: of }) => of) });
    }
    return results;
  } finally {
    for (const session of sessions) session.end();
  }
}

/** Whether the race was asked for, by its own name or its measurement's. */
function wanted(id: string): boolean {
  return options.only?.every((name) => name !== id && name !== id.split('/')[0]) !== true;
}

const names = Object.keys(measurements).filter(
  (name) => options.only?.every((one) => one.split('/')[0] !== name) !== true,
);
if (names.length === 0) {
  console.error(`no measurement ${options.only}: there are ${Object.keys(measurements).join(', ')}`);
  process.exit(2);
}
const built = build();
try {
  const { candidates: on, without } = await candidates();
  for (const reason of [...without, ...(built.withoutC === undefined ? [] : [built.withoutC])]) console.error(reason);
  const results: Result[] = [];
  for (const name of names) {
    const measured = await measure(name, built, on);
    results.push(...measured);
    if (!options.json) console.log(measured.map(table).join('\n'));
  }
  if (options.json) console.log(JSON.stringify(results, null, 2));
} finally {
  rmSync(built.folder, { recursive: true, force: true });
}
