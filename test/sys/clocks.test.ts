// The built-in kqueue while a clock or a timer function is not that of the kernel or of Node.

import assert from 'node:assert/strict';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { constants } from 'node:os';
import koffi from 'koffi';
import { monotonicTime } from '../../src/sys/linux/clock.ts';
import { libc } from '../../src/sys/linux/syscalls.ts';
import { noLinux, ofLibc, Queue } from './built-in.ts';
import { alone } from './own-process.ts';

const file = new URL('clocks.test.ts', import.meta.url);
const skip = noLinux;

const memcpy = ofLibc<[to: number, from: BigInt64Array, size: number]>(
  'uintptr_t memcpy(uintptr_t to, const void *from, size_t size)',
);

/** Replaces clock_gettime(2), as libfaketime does. `seconds` converts the seconds of the real clock. */
function replaceClock(seconds: (real: bigint) => bigint, nanoseconds: (real: bigint) => bigint): void {
  const { clock_gettime } = libc;
  const time = new BigInt64Array(2);
  Object.assign(libc, {
    clock_gettime(clock: number, to: number): number {
      const result = clock_gettime(clock, Number(koffi.address(time.buffer)));
      memcpy(to, BigInt64Array.of(seconds(time[0] as bigint), nanoseconds(time[1] as bigint)), 16);
      return result;
    },
  });
}

alone(file, 'a machine that has been up for years: a timer of a nanosecond does not hold the process', { skip }, () => {
  const queue = new Queue();
  let days = 0n;
  replaceClock(
    (real) => real + days * 86_400n,
    (real) => real,
  );
  for (days of [105n, 1000n, 10_000n]) {
    assert(monotonicTime() > Number(days) * 86_400e9);
    assert.equal(queue.change({ ident: 1, filter: 'TIMER', fflags: 'NSECONDS', data: 1 }), 'ok');
    for (let i = 0; i < 1000; i++) assert(Number(queue.fetch(60_000)[0]?.data) >= 1);
  }
  return undefined;
});

alone(file, 'a wait ends at its time although the clock has stopped', { skip }, () => {
  const queue = new Queue();
  replaceClock(
    () => 1n,
    () => 0n,
  );
  assert.equal(monotonicTime(), 1e9);
  assert.deepEqual(queue.fetch(20), []);
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
