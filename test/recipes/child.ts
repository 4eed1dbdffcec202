// Programs that run in a process of their own, for the tests of this folder: `child.ts SCENARIO ARGUMENT...`.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { Kqueue } from '../../src/index.ts';
import { exited, exitWithParent, ticks } from '../../src/recipes/index.ts';
import { type Rotation, writeLines } from './rotations.ts';

const [scenario = '', argument = '', other = ''] = process.argv.slice(2);

const scenarios: Readonly<Record<string, () => unknown>> = {
  /** Ends when the other process has ended. */
  async exited() {
    const status = exited(Number(argument));
    console.log('waits');
    console.log(JSON.stringify((await status) ?? null));
  },
  /** Nothing waits for the iteration, so nothing keeps the process running. */
  'an iteration that is not used'() {
    ticks({ every: 1 });
  },
  /** Writes lines to the file, and rotates it. */
  async 'write lines'() {
    const answers = createInterface(process.stdin);
    await writeLines(argument, other as Rotation, async (question) => {
      const answer = once(answers, 'line');
      console.log(question);
      await answer;
    });
    answers.close();
  },
  'exitWithParent() alone'() {
    exitWithParent();
  },
  'exitWithParent() whose kqueue fails'() {
    process.once('unhandledRejection', (error) => console.log((error as Error).message));
    // biome-ignore lint/correctness/useYield: an iteration that rejects.
    Kqueue.prototype[Symbol.asyncIterator] = async function* () {
      throw new Error('of the kqueue');
    };
    exitWithParent();
  },
  /** In a worker Node's loop cannot watch the queue. */
  async 'in a worker'() {
    const worker = new Worker(new URL('child.ts', import.meta.url), { argv: ['exited', argument] });
    await once(worker, 'exit');
  },
  /** Ends with its parent. The timer would keep it running. */
  async child() {
    if (argument === 'default') exitWithParent();
    else exitWithParent({ onEnd: () => process.exit(7) });
    setInterval(() => {}, 1000);
    console.log(process.pid);
  },
  /** Starts `child` with the same argument, and is killed by the test. */
  parent() {
    const args = [...process.execArgv, process.argv[1] as string, 'child', argument];
    spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    setInterval(() => {}, 1000);
  },
};

await scenarios[scenario]?.();
