// What the built-in kqueue reads through system calls is what Node reads.

import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { monotonicTime, wallClockTime } from '../../src/sys/linux/clock.ts';
import {
  bindLibc,
  EBADF,
  ENOENT,
  errno,
  linkOf,
  modeOf,
  readLink,
  readProc,
  sizeOf,
  statOf,
} from '../../src/sys/linux/syscalls.ts';

describe('system calls of Linux', { skip: process.platform !== 'linux' && 'there are none' }, () => {
  test('the status of a file and of a directory is exact', () => {
    bindLibc();
    for (const url of [import.meta.url, new URL('.', import.meta.url)]) {
      const fd = openSync(fileURLToPath(url), 'r');
      const stat = fstatSync(fd, { bigint: true });
      const found = statOf(fd);
      assert.deepEqual(
        [found?.mode, found?.links, found?.uid, found?.gid, found?.size].map((value) => BigInt(value ?? -1)),
        [stat.mode, stat.nlink, stat.uid, stat.gid, stat.size],
      );
      assert.deepEqual([found?.inode, found?.mtime, found?.ctime], [stat.ino, stat.mtimeNs, stat.ctimeNs]);
      assert.deepEqual([modeOf(fd), sizeOf(fd)], [Number(stat.mode), Number(stat.size)]);
      assert.equal(linkOf(fd), readlinkSync(`/proc/self/fd/${fd}`));
      closeSync(fd);
    }
  });

  test('a closed descriptor has no status and no link, and errno says why', () => {
    bindLibc();
    assert.equal(statOf(-1), undefined);
    assert.equal(errno(), EBADF);
    assert.deepEqual([modeOf(-1), sizeOf(-1)], [0, -1]);
    assert.equal(linkOf(-1), undefined);
    assert.equal(errno(), ENOENT);
  });

  test('a file in /proc is read, and its link', () => {
    bindLibc();
    assert.equal(readProc('/proc/version'), readFileSync('/proc/version', 'latin1'));
    assert.equal(readLink('/proc/self'), String(process.pid));
    assert.equal(readProc('/proc/self/nothing'), undefined);
    assert.equal(errno(), ENOENT);
  });

  test('the clocks are CLOCK_MONOTONIC and CLOCK_REALTIME', () => {
    bindLibc();
    const before = Number(process.hrtime.bigint());
    const time = monotonicTime();
    const after = Number(process.hrtime.bigint());
    assert.ok(before <= time && time <= after, `${before} ${time} ${after}`);
    const earliest = Date.now();
    const wall = wallClockTime() / 1e6;
    assert.ok(earliest <= wall && wall < Date.now() + 1);
  });
});
