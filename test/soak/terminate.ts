// Workers that make and close queues are terminated at random moments, while children are started and wakers of queues that
// are gone are called. Afterwards the process has as many descriptors as before, no child had one of them, and no queue was
// woken by a waker of another.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { Kqueue, Waker, type WakerHandle } from '../../src/index.ts';
import { descriptors, descriptorsSince } from '../helpers/descriptors.ts';
import { typescriptWorker } from '../sys/typescript-worker.ts';

const program = new URL('churn-worker.ts', import.meta.url);
/** How long the descriptors of a terminated worker may take to be closed, in milliseconds. */
const PATIENCE = 20_000;

/** The descriptors of a child that are of the kinds that queues have, as /proc shows them: `9 -> pipe:[123]`. */
async function inherited(): Promise<string[]> {
  const child = spawn('ls', ['-l', '/proc/self/fd'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [listing] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return listing.match(/\d+ -> (anon_inode|pipe:|pidfd|inotify).*/g) ?? [];
}

/** Goes on for so many seconds, and at least once. Returns what was wrong. */
export async function terminateWorkers(seconds: number): Promise<string[]> {
  const problems: string[] = [];
  const start = async (): Promise<{ worker: Worker; handles: WakerHandle[] }> => {
    const worker = typescriptWorker(program);
    const handles: WakerHandle[] = [];
    worker.on('message', (handle: WakerHandle) => handles.push(handle));
    await once(worker, 'message');
    return { worker, handles };
  };
  // Whoever started this process may have left it some.
  const known = new Set(await inherited());
  // Node keeps a few descriptors for its first worker.
  await (await start()).worker.terminate();

  const end = performance.now() + seconds * 1000;
  do {
    const before = descriptors();
    const [one, other] = await Promise.all([start(), start()]);
    for (let i = 0; i < 10; i++) {
      const leaked = (await inherited()).filter((one) => !known.has(one));
      if (leaked.length > 0) problems.push(`a child has descriptors of a worker: ${leaked}`);
    }
    await setTimeout(Math.random() * 20);
    await Promise.all([one.worker.terminate(), other.worker.terminate()]);

    const queues = Array.from({ length: 20 }, () => new Kqueue());
    for (const kq of queues) kq.waker();
    for (const handle of [...one.handles, ...other.handles]) new Waker(handle).wake();
    const woken = queues.filter((kq) => kq.poll({ timeout: 0 }).length > 0).length;
    if (woken > 0) problems.push(`${woken} queues were woken by wakers of queues that are gone`);
    for (const kq of queues) kq.close();

    const late = performance.now() + PATIENCE;
    while (descriptors().length > before.length && performance.now() < late) await setTimeout(10);
    const left = descriptorsSince(before);
    if (left.length > 0) problems.push(`descriptors of terminated workers are left: ${left.join(', ')}`);
  } while (performance.now() < end);
  return problems;
}
