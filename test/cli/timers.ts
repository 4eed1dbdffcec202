// Prints whether a pending wait() has a timer. It has one if it looks at the queue at intervals.

import { setImmediate } from 'node:timers/promises';
import { Kqueue } from '../../src/index.ts';

const kq = new Kqueue();
const end = new AbortController();
const waits = kq.wait({ signal: end.signal }).catch(() => []);
// The first look comes in the first turn, and the timer of the second look after it.
for (let turn = 0; turn < 3; turn++) await setImmediate();
console.log(process.getActiveResourcesInfo().includes('Timeout'));
end.abort();
await waits;
kq.close();
