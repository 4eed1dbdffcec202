// Node turns the loop once more when a thread ends, and what koffi calls from it then aborts the process.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, writeSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import { LIMIT } from '../helpers/limit.ts';
import { loaders } from '../helpers/loaders.ts';
import { noUser } from '../helpers/user.ts';
import { typescriptWorker } from '../sys/typescript-worker.ts';

const entry = fileURLToPath(new URL('../../src/index.ts', import.meta.url));

/** A script whose queue has something to report that nobody fetches, and how it ends. */
const endings: readonly { how: string; script: string; status: number }[] = [
  { how: 'at its end', script: '', status: 0 },
  { how: 'by process.exit()', script: 'process.exit(3);', status: 3 },
  { how: 'by an exception', script: 'throw new Error("the end");', status: 1 },
  { how: 'at its end, without listeners', script: 'process.removeAllListeners("exit");', status: 0 },
  {
    how: 'at its end, in a wait that begins after all listeners were removed',
    script: 'process.removeAllListeners("exit"); kq.poll(); kq.unref().wait();',
    status: 0,
  },
  ...['removeAllListeners("exit")', 'removeAllListeners()'].map((removal) => ({
    how: `at its end, in a wait during which it called ${removal}`,
    script: `
      kq.unregister(user(1));
      const [event] = kq.unref().register(user(2));
      kq.wait();
      // The loop turns, so that libuv watches the queue.
      await new Promise((done) => setTimeout(done, 5));
      process.${removal};
      event.trigger();`,
    status: 0,
  })),
  {
    how: 'by process.exit() in a wait, just after all listeners were removed',
    script: 'kq.wait(); process.removeAllListeners("exit"); process.exit(3);',
    status: 3,
  },
  {
    how: 'at its end, after a wait that went on after all listeners were removed',
    script: `
      kq.unregister(user(1));
      const [event] = kq.register(user(2));
      const pending = kq.wait();
      process.removeAllListeners();
      await new Promise((done) => setTimeout(done, 5));
      event.trigger();
      if ((await pending)[0]?.ident !== 2) process.exitCode = 9;`,
    status: 0,
  },
  {
    how: 'after other code emitted its end',
    script: `
      // Without timeouts, because a wait also looks when its timeout expires.
      const pending = kq.wait();
      process.emit("exit", 0);
      const seen = (await pending).length + (await kq.wait()).length;
      // Node's own listener has set it, as the module was not at its end.
      process.exitCode = seen === 2 ? 0 : 9;`,
    status: 0,
  },
  {
    how: 'while an exit handler begins to wait',
    script: 'process.on("exit", () => { kq.wait(); const late = new Kqueue(); late.register(user(1)); late.wait(); });',
    status: 0,
  },
];

describe('the end of a thread', { skip: noUser }, () => {
  for (const { how, script, status } of endings) {
    it(`a process ends ${how} with a queue that is open and ready`, () => {
      const source = `
        import { Kqueue, user } from ${JSON.stringify(entry)};
        const kq = new Kqueue();
        kq.register(user(1))[0].trigger();
        console.log(String(await kq.wait()));
        ${script}`;
      const args = [...loaders, '--input-type=module', '--eval', source];
      const ended = spawnSync(process.execPath, args, { encoding: 'utf8' });
      assert.match(ended.stdout, /USER/);
      assert.deepEqual([ended.status, ended.signal], [status, null], ended.stderr);
    });
  }

  it('process.exit() in the main thread ends a process whose worker is in poll()', () => {
    const program = `
      import { typescriptWorker } from ${JSON.stringify(new URL('../sys/typescript-worker.ts', import.meta.url).href)};
      const file = new URL(${JSON.stringify(new URL('front-worker.ts', import.meta.url).href)});
      const worker = typescriptWorker(file, { workerData: 'poll until terminated' });
      worker.on('message', () => process.exit(3));`;
    const args = [...loaders, '--input-type=module', '--eval', program];
    const ended = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: LIMIT, killSignal: 'SIGKILL' });
    assert.deepEqual([ended.status, ended.signal], [3, null], ended.stderr);
  });

  it('a worker is terminated in the very moment in which its queue has an event', async () => {
    const pipe = koffi.load(null).func('int pipe(_Out_ int *fds)') as unknown as (fds: number[]) => number;
    for (let i = 0; i < 10; i++) {
      const fds: [number, number] = [0, 0];
      assert.equal(pipe(fds), 0);
      const worker = typescriptWorker(new URL('exit-worker.ts', import.meta.url), { workerData: fds[0] });
      await once(worker, 'message');
      writeSync(fds[1], 'x');
      await worker.terminate();
      for (const fd of fds) closeSync(fd);
    }
  });
});
