import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { exited, exitWithParent } from '../../src/recipes/index.ts';
import { DEADLINE, isCode, suiteWithoutUser as suite, turn } from '../front/helpers.ts';
import { sleeper, start, startScenario } from './helpers.ts';

describe('exitWithParent()', suite, () => {
  for (const what of ['default', 'a callback']) {
    it(`ends the process when its parent is killed: ${what}`, async () => {
      const parent = startScenario('parent', what);
      const [line] = (await once(createInterface(parent.stdout as NodeJS.ReadableStream), 'line')) as [string];
      const end = exited(Number(line), { timeout: DEADLINE });
      parent.kill('SIGKILL');
      assert.ok([what === 'default' ? 0 : 7, undefined].includes((await end)?.code));
    });
  }

  it('does not keep the process running', async () => {
    assert.deepEqual(await once(startScenario('exitWithParent() alone'), 'exit'), [0, null]);
    assert.deepEqual(await once(startScenario('an iteration that is not used'), 'exit'), [0, null]);
  });

  it('an error of the kqueue is an unhandled rejection', async () => {
    const child = startScenario('exitWithParent() whose kqueue fails');
    const [output, [status]] = await Promise.all([text(child.stdout as NodeJS.ReadableStream), once(child, 'exit')]);
    assert.deepEqual([output, status], ['of the kqueue\n', 0]);
  });

  it('calls back once for a pid that ends, and for one that is gone already', async () => {
    const child = sleeper();
    let calls = 0;
    await new Promise<void>((done) => {
      exitWithParent({
        pid: child.pid,
        onEnd: () => {
          calls++;
          done();
        },
      });
      child.kill();
      // The watch does not keep this process running, so something else must.
      exited(child.pid, { timeout: DEADLINE }).catch(isCode('ESRCH'));
    });
    let returned = false;
    await new Promise<void>((done) => {
      exitWithParent({
        pid: 2 ** 30,
        onEnd: () => {
          assert.equal(returned, true);
          done();
        },
      });
      returned = true;
    });
    for (let i = 0; i < 5; i++) await turn();
    assert.equal(calls, 1);
  });

  it('a parent that ends while it is being registered is a parent that has ended', async (t) => {
    const [parent, heir] = [sleeper(), sleeper()];
    let reads = 0;
    const real = Object.getOwnPropertyDescriptor(process, 'ppid') as PropertyDescriptor;
    Object.defineProperty(process, 'ppid', { get: () => (reads++ === 0 ? parent.pid : heir.pid), configurable: true });
    t.after(() => Object.defineProperty(process, 'ppid', real));
    await new Promise<void>((onEnd) => {
      exitWithParent({ onEnd });
    });
  });

  it('close(), using and an abort end it', async () => {
    const controller = new AbortController();
    const child = start('sh', '-c', 'read line');
    const onEnd = (): void => assert.fail('it was stopped');
    exitWithParent({ pid: child.pid, onEnd }).close();
    {
      using _ = exitWithParent({ pid: child.pid, onEnd });
    }
    exitWithParent({ pid: child.pid, onEnd, signal: controller.signal });
    exitWithParent({ pid: child.pid, onEnd, signal: AbortSignal.abort() });
    controller.abort();
    exitWithParent({ pid: 2 ** 30, onEnd }).close();
    const end = exited(child.pid, { timeout: DEADLINE });
    child.stdin?.end();
    await end;
    for (let i = 0; i < 5; i++) await turn();
  });

  it('invalid options are an error that names them', () => {
    assert.throws(() => exitWithParent({ pid: -1 }), { name: 'RangeError', message: /pid/ });
    assert.throws(() => exitWithParent({ onEnd: 1 as never }), { name: 'TypeError', message: /onEnd/ });
    assert.throws(() => exitWithParent({ unEnd: 1 } as never), { name: 'TypeError', message: /unEnd/ });
  });
});
