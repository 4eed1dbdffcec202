// errno() is that of the door's own last failing call, whatever ran since.

import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, test } from 'node:test';
import koffi from 'koffi';
import { errnoName, KeventList, Timespec } from '../../src/sys/index.ts';
import { kqueues } from './kqueues.ts';

const NOW = new Timespec(0, 0);

for (const door of await kqueues()) {
  describe(`errno of ${door.name}`, { skip: door.skip }, () => {
    const { sys } = door;

    test('survives failing system calls of others', () => {
      assert.equal(sys.close(-1), -1);
      assert.throws(() => statSync('/does/not/exist'), { code: 'ENOENT' });
      koffi.errno(constants.errno.EXDEV);
      assert.equal(sys.errno(), constants.errno.EBADF);
    });

    test('survives calls that succeed', () => {
      assert.equal(sys.close(-1), -1);
      const kq = sys.kqueue();
      assert.equal(sys.kevent(kq, null, 0, new KeventList(1, sys.abi), 1, NOW), 0);
      assert.equal(sys.close(kq), 0);
      assert.equal(sys.errno(), constants.errno.EBADF);
    });

    test('survives calls that are refused before they reach the kernel', () => {
      assert.equal(sys.close(-1), -1);
      assert.throws(() => sys.close(Number.NaN), RangeError);
      assert.throws(() => sys.kevent(0, null, 1, null, 0, null), RangeError);
      assert.equal(sys.errno(), constants.errno.EBADF);
    });

    test('is that of kevent, when kevent failed', () => {
      const kq = sys.kqueue();
      const list = new KeventList(1, sys.abi);
      const { EVFILT_USER = 0, EV_DELETE = 0 } = sys.abi.constants;
      list.set(0, { ident: 1, filter: EVFILT_USER, flags: EV_DELETE });
      assert.equal(sys.kevent(kq, list, 1, null, 0, NOW), -1);
      sys.close(kq);
      assert.equal(sys.errno(), constants.errno.ENOENT);
    });
  });
}

test('errnoName', () => {
  for (const name of ['EBADF', 'ENOENT', 'EINVAL', 'EINTR', 'ESRCH', 'EACCES', 'ENOMEM', 'EMFILE', 'EAGAIN'] as const) {
    assert.equal(errnoName(constants.errno[name]), name);
  }
  assert.equal(errnoName(123456), 'errno 123456');
});
