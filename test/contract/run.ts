// Runs the contract's cases on a kqueue.
//
//   npm run contract                                     this machine's kqueue
//   npm run contract -- --only TEXT                      cases whose name has TEXT in it
//   npm run contract -- --library PATH --abi NAME        a shared library that exports the calls
//                       [--symbols kqueue=...,kevent=...,close=...] [--as NAME@VERSION]
//   npm run contract -- --world MODULE                   another kernel: see world.ts
//                       [--jobs NUMBER]                so many cases at a time: where a call takes long
//                       [--summary PATH]               adds the last line, failures and gates to a file, in Markdown
//   npm run contract -- --gates [--markdown]             no run: where which case does not hold, and why
//   npm run contract -- --docs                           no run: writes that table into docs/differences.md

import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { release, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type AbiName, abis } from '../../src/sys/index.ts';
import { Progress } from '../helpers/progress.ts';
import { cases } from './cases.ts';
import { gateTable, markdownTable, plainTable, summary, withTable } from './gates.ts';
import { chosenCases, type Result, run, type Target } from './runner.ts';

const { values } = parseArgs({
  options: {
    library: { type: 'string' },
    abi: { type: 'string' },
    symbols: { type: 'string' },
    as: { type: 'string' },
    world: { type: 'string' },
    only: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    summary: { type: 'string' },
    gates: { type: 'boolean', default: false },
    markdown: { type: 'boolean', default: false },
    docs: { type: 'boolean', default: false },
  },
});

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

function target(): Target {
  const { library, abi, symbols, as, world, only } = values;
  if (abi !== undefined && !Object.hasOwn(abis, abi)) fail(`--abi ${abi}: there are ${Object.keys(abis).join(', ')}`);
  if (library !== undefined && abi === undefined) fail('--library needs --abi: a layout cannot be guessed');
  return {
    ...(library === undefined ? {} : { library }),
    ...(abi === undefined ? {} : { abi: abi as AbiName }),
    ...(symbols === undefined
      ? {}
      : { symbols: Object.fromEntries(symbols.split(',').map((pair) => pair.split('='))) }),
    ...(as === undefined ? {} : { as }),
    ...(world === undefined ? {} : { world }),
    ...(only === undefined ? {} : { only }),
  };
}

const table = (): string => (values.markdown ? markdownTable : plainTable)(gateTable());

if (values.docs) {
  const path = fileURLToPath(new URL('../../docs/differences.md', import.meta.url));
  writeFileSync(path, withTable(readFileSync(path, 'utf8')));
} else if (values.gates) {
  console.log(table());
} else {
  const jobs = Number(values.jobs);
  if (!Number.isInteger(jobs) || jobs < 1) fail(`--jobs: expected a whole number from 1, got ${values.jobs}`);
  const count = { passed: 0, failed: 0, gated: 0 };
  const results: Result[] = [];
  const words = { passed: '  ok  ', failed: ' FAIL ', gated: ' gate ' };
  const chosen = chosenCases(target());
  const progress = new Progress();
  const show = (): void => {
    const next = cases[chosen[results.length] ?? -1];
    if (next !== undefined) progress.show(next.name, results.length / chosen.length);
  };
  show();
  for await (const result of run(target(), jobs)) {
    progress.clear();
    const { name, outcome, reason } = result;
    results.push(result);
    count[outcome]++;
    const why =
      reason === undefined ? '' : outcome === 'gated' ? ` (${reason})` : `\n${reason.replace(/^/gm, '         ')}`;
    console.log(`${words[outcome]} ${name}${why}`);
    show();
  }
  if (count.passed + count.failed + count.gated === 0) fail(`--only ${values.only}: no case has that in its name`);
  console.log(`\nWhere which case does not hold:\n\n${table()}\n`);
  const last = `${count.passed} passed, ${count.failed} failed, ${count.gated} gated`;
  console.log(last);
  const where = [values.as ?? values.library ?? values.world, type(), release()].filter(Boolean).join(' ');
  if (values.summary !== undefined) appendFileSync(values.summary, summary(`The contract: ${where}`, last, results));
  process.exitCode = count.failed > 0 ? 1 : 0;
}
