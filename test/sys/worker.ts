// A worker thread with queues and knotes of its own, for descriptors.test.ts.

import assert from 'node:assert/strict';
import { parentPort, workerData } from 'node:worker_threads';
import { defaultSys, EV_SET, KeventList, Timespec } from '../../src/sys/index.ts';

const sys = defaultSys();
const {
  EVFILT_TIMER = 0,
  EVFILT_USER = 0,
  EVFILT_PROC = 0,
  EV_ADD = 0,
  EV_CLEAR = 0,
  NOTE_TRIGGER = 0,
  NOTE_EXIT = 0,
} = sys.abi.constants;

for (let i = 0; i < 3; i++) {
  const kq = sys.kqueue();
  const list = new KeventList(3, sys.abi);
  EV_SET(list, 0, 1, EVFILT_TIMER, EV_ADD | EV_CLEAR, 0, 60_000, 0);
  EV_SET(list, 1, 7, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, 0);
  EV_SET(list, 2, process.ppid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, 0);
  assert.equal(sys.kevent(kq, list, 3, list, 3, new Timespec(0, 0)), 0);
  EV_SET(list, 0, 7, EVFILT_USER, 0, NOTE_TRIGGER, 0, 0);
  assert.equal(sys.kevent(kq, list, 1, list, 3, Timespec.fromMillis(5000)), 1);
  assert.equal(list.ident(0), 7);
  if (workerData === 'exit' && i < 2) sys.close(kq);
}

parentPort?.postMessage('registered');
// To be terminated, with everything still open; or to end by itself.
if (workerData !== 'exit') setInterval(() => {}, 60_000);
