import assert from 'node:assert/strict';
import { closeSync, writeSync } from 'node:fs';
import { describe, it } from 'node:test';
import { readable, ticks } from '../../src/recipes/index.ts';
import { DEADLINE, isCode, newPipe, noProc, suite } from '../front/helpers.ts';
import { descriptors } from '../helpers/descriptors.ts';
import { readyTests } from './ready.ts';
import { ticksTests } from './ticks.ts';

describe('the kqueue of this system', suite, () => {
  readyTests();
  ticksTests();

  it('rejects with EBADF for a closed descriptor, also a wait that began before the close', async () => {
    const [r, w] = newPipe();
    const before = readable(r, { timeout: DEADLINE });
    closeSync(r);
    await assert.rejects(readable(r), isCode('EBADF'));
    await assert.rejects(before, isCode('EBADF'));
    closeSync(w);
  });

  it('a second wait sees the new file on the number of a closed descriptor', async () => {
    const [r, w] = newPipe();
    const before = readable(r, { timeout: DEADLINE });
    closeSync(r);
    const [r2, w2] = newPipe();
    assert.equal(r2, r, 'the lowest free number');
    const after = readable(r2, { timeout: DEADLINE });
    writeSync(w2, 'new');
    assert.equal((await after).bytes, 3);
    // It asked for the number.
    assert.equal((await before).bytes, 3);
    for (const fd of [w, r2, w2]) closeSync(fd);
  });

  it('the kqueue exists only while something waits', { skip: noProc }, async () => {
    const [r, w] = newPipe();
    const before = descriptors();
    const controller = new AbortController();
    const waits = [readable(r, { signal: controller.signal }), readable(r, { signal: controller.signal })];
    const iterator = ticks({ every: 1 });
    assert.ok(descriptors().length > before.length);
    await iterator.next();
    iterator.close();
    assert.ok(descriptors().length > before.length);
    controller.abort();
    for (const wait of waits) await assert.rejects(wait, { name: 'AbortError' });
    assert.deepEqual(descriptors(), before);
    closeSync(r);
    closeSync(w);
  });
});
