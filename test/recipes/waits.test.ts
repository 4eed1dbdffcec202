import assert from 'node:assert/strict';
import { closeSync, readdirSync, readlinkSync, writeSync } from 'node:fs';
import { describe, it } from 'node:test';
import { exited, followFile, readable, ticks } from '../../src/recipes/index.ts';
import { DEADLINE, isCode, newPipe, noProc, suiteWithoutUser as suite } from '../front/helpers.ts';
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

  it('all waits reject with EBADF if other code closes the kqueue', { skip: noProc }, async () => {
    const [r, w] = newPipe();
    const isEpoll = (fd: string): boolean => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[eventpoll]';
      } catch {
        return false; // the descriptor that readdirSync() had
      }
    };
    const epolls = (): number[] => readdirSync('/proc/self/fd').filter(isEpoll).map(Number);
    const before = epolls();
    const waits = [readable(r, { timeout: DEADLINE }), exited(process.ppid, { timeout: DEADLINE })];
    // The queue makes its epoll first, so the epoll has the lowest number.
    closeSync(Math.min(...epolls().filter((fd) => !before.includes(fd))));
    writeSync(w, 'x');
    for (const wait of waits) await assert.rejects(wait, isCode('EBADF'));
    // The next wait has a new kqueue.
    assert.equal((await readable(r, { timeout: DEADLINE })).bytes, 1);
    closeSync(r);
    closeSync(w);
  });

  it('`await using` ends an iteration', async () => {
    const before = noProc ? [] : descriptors();
    {
      await using iterator = ticks({ every: 1 });
      await iterator.next();
    }
    if (!noProc) assert.deepEqual(descriptors(), before);
  });

  it("a wrong option has Node's code, and the message names it", async () => {
    const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
    const wrong = { toString: () => assert.fail('called') } as never;
    await assert.rejects(exited(process.ppid, null as never), {
      ...type,
      message: 'options: expected an object, got null',
    });
    await assert.rejects(exited(process.ppid, { timeout: wrong }), { ...type, message: /^timeout: expected a number/ });
    await assert.rejects(exited(process.ppid, { timeout: -1 }), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
    assert.throws(() => followFile('x', { from: 'begin' as never }), { ...type, message: /^from: .*, got 'begin'$/ });
  });

  it('a timeout may be longer than the longest timer of the system', async () => {
    const controller = new AbortController();
    const longest = exited(process.ppid, { timeout: Number.MAX_VALUE, signal: controller.signal });
    controller.abort(new Error('not refused'));
    await assert.rejects(longest, { message: 'not refused' });
  });
});
