// What the C door costs: one kevent(2) that looks at an empty queue, beside the same call in C on the same library.
//
//   npx tsx test/sys/ratio.ts
//
// Needs a C compiler. Not a test: the numbers are for reading, and an idle machine is needed for them to mean anything.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import { KeventList, type Sys, Timespec } from '../../src/sys/index.ts';
import { kqueues } from './kqueues.ts';

const CALLS = 200_000;
const ROUNDS = 9;

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

function compile(sys: Sys): string {
  const program = join(folder, sys.abi.name);
  const source = fileURLToPath(new URL('ratio.c', import.meta.url));
  const args = [
    '-O2',
    `-DCOUNT=${sys.abi.counts}`,
    '-o',
    program,
    source,
    ...(process.platform === 'linux' ? ['-ldl'] : []),
  ];
  const made = spawnSync('cc', args, { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`cc: ${made.error?.message ?? made.stderr}`);
  return program;
}

/** Nanoseconds of a call, in C. */
function inC(program: string, sys: Sys, rounds: number): number[] {
  const library = sys.name === sys.abi.name ? '-' : sys.name;
  const args = [library, sys.abi.symbols.kqueue, sys.abi.symbols.kevent, String(CALLS), String(rounds)];
  const ran = spawnSync(program, args, { encoding: 'utf8' });
  if (ran.status !== 0) throw new Error(`the C program ended with ${ran.status}: ${ran.stderr}`);
  return ran.stdout.trim().split('\n').map(Number);
}

/** Nanoseconds of a call, through the C door. */
function throughDoor(sys: Sys, rounds: number): number[] {
  const kq = sys.kqueue();
  const events = new KeventList(64, sys.abi);
  const now = new Timespec(0, 0);
  const measured: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < CALLS; i++) {
      if (sys.kevent(kq, null, 0, events, 64, now) !== 0) throw new Error('the queue is not empty');
    }
    measured.push(Number(process.hrtime.bigint() - start) / CALLS);
  }
  sys.close(kq);
  return measured;
}

const folder = mkdtempSync(join(tmpdir(), 'kqueue-ffi-'));
try {
  const [cpu] = cpus();
  console.log(`kevent(kq, NULL, 0, events, 64, {0, 0}) on an empty queue; ns a call, median of ${ROUNDS} x ${CALLS}`);
  console.log(`${cpu?.model.trim()}, Node ${process.versions.node}, koffi ${koffi.version}\n`);
  for (const door of await kqueues()) {
    if (door.skip !== false) {
      console.log(`${door.name}: left out: ${door.skip}`);
      continue;
    }
    const { sys } = door;
    throughDoor(sys, 2); // until the compiler has had its say
    if (door.name === 'linux') {
      console.log(
        `${door.name}: ${median(throughDoor(sys, ROUNDS)).toFixed(0)} ns; built in, there is no C to compare`,
      );
      continue;
    }
    const program = compile(sys);
    const [c, js]: [number[], number[]] = [[], []];
    // In turns, so that a machine that slows down slows both.
    for (let round = 0; round < ROUNDS; round++) {
      c.push(...inC(program, sys, 1));
      js.push(...throughDoor(sys, 1));
    }
    const [ns, base] = [median(js), median(c)];
    const spread = `${(Math.min(...js) / base).toFixed(2)} to ${(Math.max(...js) / base).toFixed(2)}`;
    console.log(`${door.name}: C ${base.toFixed(0)} ns, the C door ${ns.toFixed(0)} ns`);
    console.log(`${door.name}: ${(ns / base).toFixed(2)} x C (${spread}), or C + ${(ns - base).toFixed(0)} ns`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
