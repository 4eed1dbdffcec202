import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { unavailableReason } from '../../src/sys/index.ts';
import { libkqueue } from '../helpers/libkqueue.ts';
import { sharedGates } from './case.ts';
import { cases } from './cases.ts';
import { gateTable, withTable } from './gates.ts';
import { run, type Target } from './runner.ts';

/** Runs every case as a test of its own. */
function contract(name: string, target: Target | { skip: string }): Promise<void> {
  if ('skip' in target) return test(`the contract on ${name}`, { skip: target.skip });
  return test(`the contract on ${name}`, async (t) => {
    for await (const { name: what, outcome, reason } of run(target)) {
      await t.test(what, outcome === 'gated' ? { skip: reason ?? true } : {}, () => {
        if (outcome === 'failed') throw Object.assign(new Error(what), { stack: reason });
      });
    }
  });
}

const reason = unavailableReason();
await contract("this system's kqueue", reason === undefined ? { own: true } : { skip: reason });

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

const other = fileURLToPath(new URL('other-world.ts', import.meta.url));
await contract(
  "a kernel with another system's numbers",
  process.platform === 'linux' ? { world: other, own: true } : { skip: "it is made of Linux's" },
);

test('every case has a name of its own', () => {
  const names = cases.map(({ name }) => name);
  assert.ok(names.length >= 120);
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  );
});

test('every gate is for a version that can be compared, and for cases that exist', () => {
  for (const { version } of gateTable()) assert.match(version, /^(|(<|>=) \d+(\.\d+)*)$/);
  const names = new Set(cases.map(({ name }) => name));
  const gone = sharedGates.flatMap((gate) => gate.cases ?? []).filter((name) => !names.has(name));
  assert.deepEqual(gone, []);
});

test('docs/differences.md has the table of gates as it is', () => {
  const page = readFileSync(new URL('../../docs/differences.md', import.meta.url), 'utf8');
  assert.equal(withTable(page), page, 'run: npm run contract -- --docs');
});
