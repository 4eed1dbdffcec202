import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loaders } from '../helpers/loaders.ts';
import { noLinux } from '../sys/built-in.ts';

// In a process of its own: should it crash, the seed has been said.
for (const [name, options] of [
  ['the same ones each time', ['--seed', '1', '--steps', '10000']],
  ['other ones each time', ['--seconds', '3']],
] as const) {
  test(`thousands of calls at random, beside a model of what they do: ${name}`, { skip: noLinux }, () => {
    const program = fileURLToPath(new URL('run.ts', import.meta.url));
    const ran = spawnSync(process.execPath, [...loaders, program, ...options], { encoding: 'utf8' });
    assert.equal(ran.status, 0, `${ran.signal ?? ''}\n${ran.stdout}\n${ran.stderr}`);
    assert.match(ran.stdout, /\d+ rounds, \d+ steps, \d+ events: nothing found/);
  });
}

// Thousands: npm run fuzz -- --interrupt, which .ci/run calls.
test('JavaScript is stopped within calls: nothing is lost, comes twice or leaks', { skip: noLinux }, () => {
  const program = fileURLToPath(new URL('run.ts', import.meta.url));
  const options = ['--interrupt', '--seed', '1', '--steps', '400'];
  const ran = spawnSync(process.execPath, [...loaders, program, ...options], { encoding: 'utf8' });
  assert.equal(ran.status, 0, `${ran.signal ?? ''}\n${ran.stdout}\n${ran.stderr}`);
  const [, interruptions] = /(\d+) interruptions: nothing found/.exec(ran.stdout) ?? [];
  assert(Number(interruptions) >= 390, ran.stdout);
});
