// This machine's kqueue and kernel, but each call takes 20 milliseconds, as in a kernel on another machine.
//
//   npm run contract -- --world test/contract/slow-world.ts --jobs 8

import { defaultSys, type Sys } from '../../src/sys/index.ts';
import { processWorld } from './process-world.ts';
import { calls, type World } from './world.ts';

const PACE = 20;

const never = new Int32Array(new SharedArrayBuffer(4));

/** The function, which takes that much longer. */
function slow<A extends unknown[], R>(call: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    Atomics.wait(never, 0, 0, PACE);
    return call(...args);
  };
}

export default function slowWorld(): World {
  const sys = defaultSys();
  const slowSys: Sys = { ...sys, kqueue: slow(sys.kqueue), kevent: slow(sys.kevent), close: slow(sys.close) };
  const world = processWorld(slowSys, sys.abi.name);
  const all = world as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const name of [...calls, 'close']) {
    const call = all[name];
    if (call !== undefined) all[name] = slow(call);
  }
  return world;
}
