import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it, test } from 'node:test';
import { unavailableReason } from '../../src/sys/index.ts';
import { cases } from './cases.ts';
import { gateTable, plainTable, withTable } from './gates.ts';
import { run } from './runner.ts';

describe('the contract, on the kqueue of this system', { skip: unavailableReason() ?? false }, async () => {
  // The runner has one process for all of them, so the cases are run first and reported one by one.
  const results = [];
  for await (const result of unavailableReason() === undefined ? run({}) : []) results.push(result);
  for (const { name, outcome, reason } of results) {
    it(name, { skip: outcome === 'gated' ? (reason ?? true) : false }, () => assert.equal(outcome, 'passed', reason));
  }
});

test('there are at least 120 cases, each of another name', () => {
  assert.ok(cases.length >= 120);
  assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length);
});

test('the table of differences is the one that the gates make', (t) => {
  const page = readFileSync(new URL('../../docs/differences.md', import.meta.url), 'utf8');
  assert.equal(page, withTable(page), 'npm run contract -- --docs');
  for (const line of plainTable(gateTable()).split('\n')) t.diagnostic(line);
});
