// What a worker thread of linux.test.ts does.

import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { errnoName } from '../../src/sys/index.ts';
import { descriptors } from '../helpers/descriptors.ts';
import { Queue } from './built-in.ts';
import { refuse, withDescriptors } from './own-process.ts';

function works(queue: Queue): void {
  assert.equal(queue.change({ ident: 1, filter: 'USER', flags: 'ADD|CLEAR', fflags: 'TRIGGER' }), 'ok');
  assert.equal(queue.fetch().length, 1);
}

const before = descriptors();
switch (workerData) {
  case 'signals': {
    const queue = new Queue();
    assert.equal(queue.change({ ident: constants.signals.SIGHUP, filter: 'SIGNAL' }), 'EINVAL');
    queue.close();
    break;
  }
  case 'no descriptor': {
    let queue: Queue | undefined;
    // Room for the queue and its eventfd, and none for the numbers that they would be moved to.
    withDescriptors(2, () => (queue = new Queue()));
    assert(queue !== undefined);
    works(queue);
    queue.close();
    break;
  }
  case 'no dup3': {
    assert(refuse({ dup3: 'EBUSY' }));
    const queue = new Queue();
    works(queue);
    queue.close();
    break;
  }
  case 'let go': {
    const queue = new Queue();
    works(queue);
    assert.equal(queue.change({ ident: 1, filter: 'TIMER', data: 60_000 }), 'ok');
    assert.equal(queue.change({ ident: process.ppid, filter: 'PROC', fflags: 'EXIT' }), 'ok');
    queue.close();
    assert.equal(queue.sys.close(queue.fd), -1);
    assert.equal(errnoName(queue.sys.errno()), 'EBADF');
    // Goes on until it is told to end.
    parentPort?.once('message', () => {});
    parentPort?.postMessage('let go');
    break;
  }
  case 'closed underneath': {
    // A high number: a low one another thread would get before it is closed a second time.
    const low = Array.from({ length: 200 }, () => openSync('/dev/null', 'r'));
    const queue = new Queue();
    for (const fd of low) closeSync(fd);
    closeSync(queue.fd);
    assert.equal(queue.sys.close(queue.fd), -1);
    assert.equal(errnoName(queue.sys.errno()), 'EBADF');
    break;
  }
}
if (workerData !== 'let go') {
  assert.deepEqual(descriptors(), before);
  parentPort?.postMessage('passed');
}
