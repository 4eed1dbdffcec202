import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loaders } from '../helpers/loaders.ts';
import { noLinux } from '../sys/built-in.ts';

// Whether memory grows shows in minutes: npm run soak. That it still runs, and that no event is lost, in seconds.
test('everything again and again on both doors: no event and no descriptor is lost', { skip: noLinux }, () => {
  const program = fileURLToPath(new URL('run.ts', import.meta.url));
  const args = ['--expose-gc', ...loaders, program, '--minutes', '0.05'];
  const ran = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(ran.status, 0, `${ran.signal ?? ''}\n${ran.stdout}\n${ran.stderr}`);
  assert.match(ran.stdout, /fired, \d+ told, .*nothing lost/);
});
