// The clock is replaced before the library is imported, which keeps the clock that it finds: so nothing here imports it earlier.

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

let now = 1000;
mock.method(performance, 'now', () => now);
const { Kqueue } = await import('../../src/index.ts');

test('wait() goes on when a timer of Node fires before its time', { skip: !Kqueue.available }, async () => {
  const kq = new Kqueue();
  let over = false;
  const waiting = kq.wait({ timeout: 5 }).finally(() => {
    over = true;
  });
  await delay(20);
  assert.equal(over, false);
  now += 5;
  assert.deepEqual(await waiting, []);
  kq.close();
});
