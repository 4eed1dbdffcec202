import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { unavailableReason } from '../../src/sys/index.ts';
import { libkqueue } from '../helpers/libkqueue.ts';
import { loaders } from '../helpers/loaders.ts';
import { sharedGates } from './case.ts';
import { cases } from './cases.ts';
import { gateTable, withTable } from './gates.ts';
import { run, type Target } from './runner.ts';

/** Runs every case as a test of its own. */
function contract(name: string, target: Target | { skip: string }, jobs = 1): Promise<void> {
  if ('skip' in target) return test(`the contract on ${name}`, { skip: target.skip });
  return test(`the contract on ${name}`, async (t) => {
    for await (const { name: what, outcome, reason } of run(target, jobs)) {
      await t.test(what, outcome === 'gated' ? { skip: reason ?? true } : {}, () => {
        if (outcome === 'failed') throw Object.assign(new Error(what), { stack: reason });
      });
    }
  });
}

const missing = unavailableReason();
await contract("this system's kqueue", missing === undefined ? { own: true } : { skip: missing });

const debian = await libkqueue();
await contract(
  "Debian's libkqueue",
  'skip' in debian
    ? debian
    : { library: debian.path, abi: 'libkqueue', as: ['libkqueue', debian.version ?? ''].join('@') },
);

const named = process.env.KQUEUE_LIBRARY;
await contract(
  'the library that KQUEUE_LIBRARY names',
  named ? { library: named, abi: 'libkqueue' } : { skip: 'KQUEUE_LIBRARY is not set' },
);

const worlds = {
  other: fileURLToPath(new URL('other-world.ts', import.meta.url)),
  partial: fileURLToPath(new URL('partial-world.ts', import.meta.url)),
  slow: fileURLToPath(new URL('slow-world.ts', import.meta.url)),
  wrong: fileURLToPath(new URL('wrong-world.ts', import.meta.url)),
};
const elsewhere = process.platform === 'linux' ? undefined : "the world is made of Linux's";
const linux = { skip: elsewhere ?? false };
await contract(
  "a kernel with another system's numbers",
  elsewhere !== undefined ? { skip: elsewhere } : { world: worlds.other, own: true },
);

// A part of it: the whole takes a minute. The timers depend on the time, and the other case makes a call for each event.
for (const only of ['TIMER', 'EV_CLEAR, with an event list of 1:']) {
  await contract(
    `a kernel in which each call takes 20 ms: ${only}`,
    elsewhere !== undefined ? { skip: elsewhere } : { world: worlds.slow, own: true, only },
    8,
  );
}

test('a kernel with timers and user events alone: those are tried, whatever needs more is gated', linux, async () => {
  const outcomes = new Map<string, string>();
  for await (const { name, outcome, reason } of run({ world: worlds.partial, own: true })) {
    assert.notEqual(outcome, 'failed', `${name}: ${reason}`);
    outcomes.set(name, outcome);
  }
  for (const { name, needs } of cases) {
    const lacking = needs.some((need) => !['TIMER', 'USER'].includes(need) && !/^(NOTE|EV)_/.test(need));
    if (lacking) assert.equal(outcomes.get(name), 'gated', name);
    else if (needs.every((need) => ['TIMER', 'USER'].includes(need))) assert.equal(outcomes.get(name), 'passed', name);
  }
});

/** `npm run contract` with these arguments: its exit code, and the last line that it printed. */
function command(...args: readonly string[]): { status: number | null; last: string | undefined; text: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...loaders, fileURLToPath(new URL('run.ts', import.meta.url)), ...args],
    {
      encoding: 'utf8',
      env: { ...process.env, KQUEUE_LIBRARY: '' },
    },
  );
  return { status, last: stdout.trimEnd().split('\n').at(-1), text: stdout + stderr };
}

test('a kqueue that does what it must: the command says how many passed and exits with 0', linux, () => {
  const { status, last, text } = command('--world', worlds.other, '--only', 'TIMER with EV_ONESHOT');
  assert.equal(last, '1 passed, 0 failed, 0 gated', text);
  assert.equal(status, 0);
});

test(
  'a kqueue that forgets EV_ONESHOT: the command names what failed, says how many did and exits with 1',
  linux,
  () => {
    const { status, last, text } = command('--world', worlds.wrong, '--only', 'with EV_ONESHOT');
    assert.match(text, /^ FAIL {2}TIMER with EV_ONESHOT: fires once, then is gone$/m);
    assert.match(text, /^ FAIL {2}READ on a pipe with EV_ONESHOT: reported once, then gone$/m);
    assert.match(last ?? '', /^\d+ passed, ([2-9]|\d\d) failed, 0 gated$/, text);
    assert.equal(status, 1);
  },
);

test('the command adds its last line, failures and gates to the file of --summary', linux, () => {
  const folder = mkdtempSync(join(tmpdir(), 'kqueue-ffi-'));
  const file = join(folder, 'summary.md');
  writeFileSync(file, 'before\n');
  command('--world', worlds.wrong, '--only', 'TIMER with EV_ONESHOT', '--summary', file);
  command('--world', worlds.partial, '--only', 'two queues cannot watch each other', '--summary', file);
  const text = readFileSync(file, 'utf8');
  rmSync(folder, { recursive: true });
  assert.match(text, /^before\n### The contract: .*wrong-world\.\w+ Linux /);
  assert.match(text, /^\*\*0 passed, 1 failed, 0 gated\*\*\n\n- failed: TIMER with EV_ONESHOT: .* \(.+\)$/m);
  assert.match(text, /^\*\*0 passed, 0 failed, 1 gated\*\*\n\n- gated: two queues .* \(there is no READ\)$/m);
});

test('a world, a library or a case that there is not is no run that passed', linux, () => {
  for (const args of [
    ['--world', '/nowhere/world.ts'],
    ['--library', '/nowhere/library.so', '--abi', 'libkqueue'],
    ['--only', 'no case is called this'],
  ]) {
    const { status, text } = command(...args);
    assert.notEqual(status, 0, text);
    assert.doesNotMatch(text, / passed, /);
  }
});

test('every case has a name of its own', () => {
  const names = cases.map(({ name }) => name);
  assert.ok(names.length >= 120);
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  );
});

test('every gate has a version that can be compared, a source, and cases that exist', () => {
  for (const { version, source } of gateTable()) {
    assert.match(version, /^(|(<|>=) \d+(\.\d+)*)$/);
    assert.match(source, /^(run on|read in) /);
  }
  const names = new Set(cases.map(({ name }) => name));
  const gone = sharedGates.flatMap((gate) => gate.cases ?? []).filter((name) => !names.has(name));
  assert.deepEqual(gone, []);
});

test('docs/differences.md has the table of gates as it is', () => {
  const page = readFileSync(new URL('../../docs/differences.md', import.meta.url), 'utf8');
  assert.equal(withTable(page), page, 'run: npm run contract -- --docs');
});
