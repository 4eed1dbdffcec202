// The tests of readable() and writable(), for each kqueue at hand.

import assert from 'node:assert/strict';
import { closeSync, readSync, writeSync } from 'node:fs';
import { it } from 'node:test';
import { readable, writable } from '../../src/recipes/index.ts';
import { DEADLINE, newPipe, newSocketPair } from '../front/helpers.ts';
import { block } from './helpers.ts';

const timeout = DEADLINE;

export function readyTests(): void {
  it('readable() resolves at once when bytes are there, and when bytes come', async () => {
    const [r, w] = newPipe();
    writeSync(w, 'hello');
    assert.equal((await readable(r, { timeout })).bytes, 5);
    readSync(r, Buffer.alloc(10));
    const wait = readable(r, { timeout });
    writeSync(w, 'abc');
    assert.equal((await wait).bytes, 3);
    closeSync(r);
    closeSync(w);
  });

  it('readable() reports that the other side is gone', async () => {
    const [r, w] = newPipe();
    closeSync(w);
    assert.equal((await readable(r, { timeout })).eof, true);
    closeSync(r);
  });

  it('readable() resolves again and again while nobody reads', async () => {
    const [r, w] = newPipe();
    writeSync(w, 'x');
    for (let i = 0; i < 100; i++) assert.equal((await readable(r, { timeout })).fd, r);
    closeSync(r);
    closeSync(w);
  });

  it('two waits for one descriptor both resolve, and one that gives up takes nothing from the others', async () => {
    const [r, w] = newPipe();
    const controller = new AbortController();
    const waits = [readable(r, { timeout }), readable(r, { timeout })];
    const third = readable(r, { signal: controller.signal });
    controller.abort('enough');
    await assert.rejects(third, (reason) => reason === 'enough');
    writeSync(w, 'x');
    assert.deepEqual(
      (await Promise.all(waits)).map(({ bytes }) => bytes),
      [1, 1],
    );
    closeSync(r);
    closeSync(w);
  });

  it('writable() waits until there is space', async () => {
    const [a, b] = newSocketPair();
    assert.equal((await writable(a, { timeout })).fd, a);
    closeSync(a);
    closeSync(b);
  });

  it('rejects with ETIMEDOUT when the timeout expires, and a ready descriptor is not a timeout', async () => {
    const [r, w] = newPipe();
    await assert.rejects(readable(r, { timeout: 1 }), { code: 'ETIMEDOUT', message: /read \d+ within 1 ms/ });
    writeSync(w, 'x');
    for (let i = 0; i < 20; i++) await readable(r, { timeout: 0 });
    closeSync(r);
    closeSync(w);
  });

  it('a descriptor that became ready before anybody looked is not a timeout, though the time is over too', async () => {
    const [r, w] = newPipe();
    for (let i = 0; i < 20; i++) {
      const wait = readable(r, { timeout: 1 });
      block(5);
      writeSync(w, 'x');
      await wait;
      readSync(r, Buffer.alloc(1));
    }
    closeSync(r);
    closeSync(w);
  });
}
