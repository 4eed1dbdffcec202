// The built-in kqueue while Node's clock says something else than the kernel's.

import assert from 'node:assert/strict';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { constants } from 'node:os';
import { noLinux, Queue } from './built-in.ts';
import { alone } from './own-process.ts';

const file = new URL('clocks.test.ts', import.meta.url);
const skip = noLinux;

alone(file, 'a machine that has been up for years: a timer of a nanosecond does not hold the process', { skip }, () => {
  const { hrtime } = process;
  for (const days of [105, 1000, 10_000]) {
    process.hrtime = Object.assign(
      (): [number, number] => {
        const [seconds, nanoseconds] = hrtime();
        return [seconds + days * 86_400, nanoseconds];
      },
      { bigint: hrtime.bigint },
    );
    const queue = new Queue();
    assert.equal(queue.change({ ident: 1, filter: 'TIMER', fflags: 'NSECONDS', data: 1 }), 'ok');
    for (let i = 0; i < 1000; i++) assert(Number(queue.fetch(60_000)[0]?.data) >= 1);
    queue.close();
  }
  process.hrtime = hrtime;
  return undefined;
});

alone(file, 'a clock that was stopped, as for a test of timers: a wait ends all the same', { skip }, () => {
  const { hrtime } = process;
  const stopped = hrtime();
  process.hrtime = Object.assign(() => stopped, { bigint: hrtime.bigint });
  assert.deepEqual(new Queue().fetch(20), []);
  process.hrtime = hrtime;
  return undefined;
});

alone(file, 'the first SIGNAL knote of a program does not call a replaced setImmediate', { skip }, () => {
  // As @sinonjs/fake-timers does, which jest and vitest use.
  const timers = createRequire(import.meta.url)('node:timers') as typeof import('node:timers');
  const { setImmediate } = timers;
  let calls = 0;
  const replaced = (): object => {
    calls++;
    return { unref() {} };
  };
  timers.setImmediate = replaced as unknown as typeof setImmediate;
  syncBuiltinESMExports();
  const queue = new Queue();
  assert.equal(queue.change({ ident: constants.signals.SIGUSR2, filter: 'SIGNAL' }), 'ok');
  queue.close();
  timers.setImmediate = setImmediate;
  syncBuiltinESMExports();
  // Otherwise every later wait for a signal ends after 0.1 seconds, because the first turn seems not to have ended.
  assert.equal(calls, 0);
  return undefined;
});
