// The example of the recipes, as a reader runs it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { exited } from '../../src/recipes/index.ts';
import { DEADLINE, isCode, suiteWithoutUser as suite, testFolder } from '../front/helpers.ts';
import { fromSource, loaders } from '../helpers/loaders.ts';
import { sleeper } from './helpers.ts';

const folder = testFolder();

it('examples/restart-on-change.ts restarts its server for the file and for the process', suite, async (t) => {
  const config = join(mkdtempSync(join(folder, 'restart-')), 'server.conf');
  writeFileSync(config, 'first');
  const database = sleeper();
  const program = fileURLToPath(new URL('../../examples/restart-on-change.ts', import.meta.url));
  // The server says its pid and what is in its configuration file.
  const server = ['sh', '-c', 'echo "server $$ $(cat "$1")"; exec sleep 1000', 'sh', config];
  const child = spawn(process.execPath, [...loaders, fromSource, program, config, `${database.pid}`, ...server], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  t.after(() => process.kill(-Number(child.pid), 'SIGKILL'));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  /** The pid of the server that started with that text. An in-place write may restart it twice. */
  const started = async (text: string): Promise<number> => {
    for (;;) {
      const [word, pid, rest] = String((await lines.next()).value).split(' ');
      if (word === 'server' && rest === text) return Number(pid);
      assert.equal(word, 'server');
    }
  };

  const first = await started('first');
  writeFileSync(`${config}.new`, 'second');
  renameSync(`${config}.new`, config);
  const second = await started('second');
  await assert.rejects(exited(first), isCode('ESRCH'), 'the old server has ended before the new one starts');
  database.kill();
  const third = await started('second');
  await assert.rejects(exited(second), isCode('ESRCH'));
  writeFileSync(config, 'third');
  await started('third');
  await exited(third, { timeout: DEADLINE }).catch(isCode('ESRCH'));
  assert.equal(child.exitCode, null);
  const end = once(child, 'exit');
  child.kill();
  await end;
});
