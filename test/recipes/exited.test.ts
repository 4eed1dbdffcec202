import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { exited } from '../../src/recipes/index.ts';
import { DEADLINE, isCode, noProc, suiteWithoutUser as suite } from '../front/helpers.ts';
import { descriptors } from '../helpers/descriptors.ts';
import { sleeper, start, startScenario } from './helpers.ts';

const timeout = DEADLINE;
const linux = process.platform === 'linux';

/** Starts that many processes that are not children of this process. */
async function strangers(count: number): Promise<number[]> {
  const shell = start('sh', '-c', `i=0; while [ $i -lt ${count} ]; do sleep 1000 & echo $!; i=$((i+1)); done; wait`);
  const pids: number[] = [];
  for await (const line of createInterface(shell.stdout as NodeJS.ReadableStream)) {
    if (pids.push(Number(line)) === count) break;
  }
  return pids;
}

describe('exited()', suite, () => {
  it('resolves with the exit status of a child', async () => {
    const child = start('sh', '-c', 'read line; exit 3');
    const status = exited(child.pid, { timeout });
    child.stdin?.end('\n');
    // Before Linux 6.15 Node may take the status first.
    assert.ok([3, undefined].includes((await status)?.code));
  });

  it('resolves for a process that is not a child', async () => {
    const [pid = 0] = await strangers(1);
    const status = exited(pid, { timeout });
    process.kill(pid, 'SIGKILL');
    assert.ok(['SIGKILL', undefined].includes((await status)?.signal as string | undefined));
  });

  it('resolves two waits for one process, and a third one that gives up takes nothing from them', async () => {
    const child = sleeper();
    const controller = new AbortController();
    const waits = [exited(child.pid, { timeout }), exited(child.pid, { timeout })];
    const third = exited(child.pid, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await assert.rejects(third, { message: 'enough' });
    child.kill();
    const [one, other] = await Promise.all(waits);
    assert.deepEqual(one, other);
  });

  it('resolves 500 waits for 500 processes', async () => {
    const pids = await strangers(500);
    const waits = pids.map((pid) => exited(pid, { timeout }));
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    assert.equal((await Promise.all(waits)).length, 500);
  });

  it('rejects with ESRCH for a process that is gone', async () => {
    await assert.rejects(exited(2 ** 30), isCode('ESRCH'));
    const child = start('true');
    await once(child, 'exit');
    await assert.rejects(exited(child.pid), isCode('ESRCH'));
  });

  it('rejects with ETIMEDOUT when the timeout expires, and a process that has exited is not a timeout', async () => {
    const child = sleeper();
    await assert.rejects(exited(child.pid, { timeout: 0 }), { code: 'ETIMEDOUT' });
    await assert.rejects(exited(child.pid, { timeout: 0.5 }), { code: 'ETIMEDOUT', message: /proc \d+ within 0.5 ms/ });
    child.kill();
    // Until Node has waited for it. Both sides of the race are right, and nothing else is.
    await exited(child.pid, { timeout }).catch(isCode('ESRCH'));
  });

  it('rejects with the reason of a signal that is aborted, before and during the wait', async () => {
    const child = sleeper();
    await assert.rejects(exited(child.pid, { signal: AbortSignal.abort('before') }), (reason) => reason === 'before');
    await assert.rejects(exited(child.pid, { signal: AbortSignal.timeout(5) }), { name: 'TimeoutError' });
    child.kill();
  });

  it('rejects invalid arguments with an error that names them', async () => {
    await assert.rejects(exited(0), { name: 'RangeError', message: /pid/ });
    await assert.rejects(exited('1' as never), { name: 'TypeError', message: /pid/ });
    await assert.rejects(exited(1, { timeout: -1 }), { name: 'RangeError', message: /timeout/ });
    await assert.rejects(exited(1, { timeout: '1' as never }), { name: 'TypeError', message: /timeout/ });
    await assert.rejects(exited(1, { signal: 1 as never }), { name: 'TypeError', message: /signal/ });
    await assert.rejects(exited(1, { timeuot: 1 } as never), { name: 'TypeError', message: /timeuot/ });
  });

  it('leaves no descriptor open when nobody waits', { skip: noProc }, async () => {
    // Node closes the pipes of earlier children when it likes.
    const kernelObjects = (): string[] => descriptors().filter((target) => target.startsWith('anon_inode:'));
    const before = kernelObjects();
    await assert.rejects(exited(process.pid, { timeout: 1 }), { code: 'ETIMEDOUT' });
    assert.deepEqual(kernelObjects(), before);
  });

  for (const where of ['exited', 'in a worker']) {
    it(`keeps the process running while it waits, and no longer: ${where}`, async () => {
      const child = sleeper();
      const waiter = startScenario(where, String(child.pid));
      const output = text(waiter.stdout as Readable);
      await once(waiter.stdout as Readable, 'data');
      assert.equal(waiter.exitCode, null);
      child.kill();
      assert.deepEqual(await once(waiter, 'exit'), [0, null]);
      assert.match(await output, /^waits\n(null|\{"signal":"SIGTERM"\})\n$/);
    });
  }

  it('resolves for a zombie, or rejects with ESRCH', {
    skip: !linux && 'needs a process that does not wait',
  }, async () => {
    // exec: the shell becomes a program that never waits for its child.
    const shell = start('sh', '-c', 'sleep 1000 & echo $!; exec sleep 1000');
    const [line] = (await once(createInterface(shell.stdout as NodeJS.ReadableStream), 'line')) as [string];
    const pid = Number(line);
    const first = exited(pid, { timeout });
    process.kill(pid, 'SIGKILL');
    await first;
    await exited(pid, { timeout }).catch(isCode('ESRCH'));
    shell.kill();
  });
});
