// kqueue-ffi wait.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { release } from 'node:os';
import { describe, type TestContext, test } from 'node:test';
import { unavailableReason } from '../../src/sys/index.ts';
import { ended, lines, run, start, until } from './program.ts';

/** Before 6.15, Linux reports the status of children only, and the process is a child of this test. */
const [major = 0, minor = 0] = release().split('.').map(Number);
const unknown = process.platform === 'linux' && (major < 6 || (major === 6 && minor < 15));

function child(t: TestContext, script: string): ChildProcess {
  const started = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'] });
  t.after(() => started.kill('SIGKILL'));
  return started;
}

type End = readonly [how: string, end: (one: ChildProcess) => void, status: number];

/** Linux has real-time signals, for which Node has no names (signal(7)). */
const realTime: readonly End[] =
  process.platform === 'linux'
    ? [['128 and the number of a signal that has no name', (one) => process.kill(Number(one.pid), 40), 128 + 40]]
    : [];

describe('kqueue-ffi wait', { skip: unavailableReason() ?? false, timeout: 120_000 }, () => {
  const ends: readonly End[] = [
    ['the code of exit(3)', (one) => one.stdin?.end(), 7],
    ['128 and the signal that killed it', (one) => one.kill('SIGTERM'), 128 + 15],
    ...realTime,
  ];
  for (const [how, end, status] of ends) {
    test(`exits with ${how}`, async (t) => {
      const one = child(t, 'read x; exit 7');
      // The trace says when the process is watched.
      const wait = start(t, ['wait', '--pid', `${one.pid}`], { KQUEUE_TRACE: '1' });
      const ending = ended(wait);
      const next = lines(wait.stderr);
      wait.stdout.resume();
      await until(next, (line) => line.includes(`PROC pid=${one.pid}`));
      end(one);
      if (unknown) await until(next, (line) => line.includes('does not report its status'));
      else await until(next, () => false).catch(() => {});
      assert.equal(await ending, unknown ? 125 : status);
    });
  }

  test('exits with 124 when the timeout expires', async (t) => {
    const one = child(t, 'read x');
    assert.deepEqual(await run(t, ['wait', '--pid', `${one.pid}`, '--timeout', '50ms']), {
      output: '',
      errors: '',
      end: 124,
    });
  });

  test('exits with 1 and one line if there is no such process', async (t) => {
    assert.deepEqual(await run(t, ['wait', '--pid', '2147483647']), {
      output: '',
      errors: 'kqueue-ffi wait: there is no process 2147483647\n',
      end: 1,
    });
  });
});
