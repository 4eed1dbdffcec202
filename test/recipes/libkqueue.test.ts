// The recipes on libkqueue, which the environment variable KQUEUE_LIBRARY selects before the first use.
// libkqueue 2.3.1 has no processes and reports nothing of directories, so only some recipes work on it.

import { describe } from 'node:test';
import { libkqueue } from '../helpers/libkqueue.ts';

const found = await libkqueue();
const skip = 'skip' in found && found.skip;
if ('path' in found) process.env['KQUEUE_LIBRARY'] = found.path;
const { readyTests } = await import('./ready.ts');
const { ticksTests } = await import('./ticks.ts');
const { ticks } = await import('../../src/recipes/index.ts');

describe('libkqueue', { skip, timeout: 60_000 }, () => {
  // Never closed: libkqueue closes a queue in a thread of its own, and a process that ends meanwhile may crash.
  if (!skip) ticks({ every: 1e9 });
  readyTests();
  ticksTests();
});
