// Prints what the probe of each filter says with 0 to 8 free descriptors, and with enough, one line of JSON for each.

import { closeSync, openSync } from 'node:fs';
import { probeAll } from '../../src/cli/probe.ts';
import { Kqueue } from '../../src/index.ts';
import { defaultSys } from '../../src/sys/index.ts';

const sys = defaultSys();
const kq = new Kqueue();
// Loads what the probes load.
await probeAll(sys, kq);
const taken: number[] = [];
try {
  for (;;) taken.push(openSync('/dev/null', 'r'));
} catch {
  // EMFILE
}
for (let free = 0; free <= 8; free++) {
  console.log(JSON.stringify(await probeAll(sys, kq)));
  closeSync(taken.pop() as number);
}
// Many more than 8, because Node leaves a pipe open after each spawn() that fails with EMFILE.
for (const fd of taken) closeSync(fd);
console.log(JSON.stringify(await probeAll(sys, kq)));
