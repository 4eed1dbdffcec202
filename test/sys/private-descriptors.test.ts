// The descriptors that the kqueue built in for Linux opens for itself: callers cannot reach them.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { describe, test } from 'node:test';
import koffi from 'koffi';
import { duplicate, release } from '../../src/sys/descriptor.ts';
import { constant, noLinux, ofLibc, Queue } from './built-in.ts';

const socketpair = ofLibc<[domain: number, type: number, protocol: number, fds: Int32Array]>(
  'int socketpair(int domain, int type, int protocol, void *fds)',
);
const dup3 = ofLibc<[from: number, to: number, flags: number]>('int dup3(int from, int to, int flags)');
const dup = ofLibc<[fd: number]>('int dup(int fd)');
const eventfd = ofLibc<[initial: number, flags: number]>('int eventfd(unsigned int initial, int flags)');
const CLOEXEC = 0o2000000;

/** Connected UNIX sockets: the library opens none for itself. */
function pair(): [reader: number, writer: number] {
  const fds = new Int32Array(2);
  assert.equal(socketpair(1, 1 | CLOEXEC, 0, fds), 0);
  return [fds[0] as number, fds[1] as number];
}

/** The open descriptors that are pipes, eventfds, epolls and the like, with what each of them is. */
function special(): Map<number, string> {
  const found = new Map<number, string>();
  for (const fd of fs.readdirSync('/proc/self/fd').map(Number)) {
    try {
      const link = fs.readlinkSync(`/proc/self/fd/${fd}`);
      if (/^(anon_inode|pidfd|pipe)/.test(link)) found.set(fd, link);
    } catch {
      // The one that readdir had.
    }
  }
  return found;
}

/** Makes a queue, and registers what makes it open each of its descriptors. Returns those, with what each of them is. */
function populated(file: number): { queue: Queue; own: Map<number, string> } {
  const before = special();
  const queue = new Queue();
  const add = (what: Parameters<Queue['change']>[0]): void => assert.equal(queue.change(what), 'ok', what.filter);
  add({ ident: 1, filter: 'USER', flags: 'ADD|CLEAR' });
  add({ ident: 1, filter: 'TIMER', data: 60_000 });
  add({ ident: file, filter: 'WRITE' });
  add({ ident: file, filter: 'VNODE', fflags: 'DELETE' });
  add({ ident: process.ppid, filter: 'PROC', fflags: 'EXIT' });
  assert.notEqual(queue.sys.wakefd?.(queue.fd, 1), -1);
  const own = special();
  for (const fd of [...before.keys(), queue.fd]) own.delete(fd);
  return { queue, own };
}

function withQueue(body: (queue: Queue, own: Map<number, string>) => void): void {
  const file = fs.openSync(import.meta.filename, 'r');
  const { queue, own } = populated(file);
  try {
    body(queue, own);
  } finally {
    queue.close();
    fs.closeSync(file);
  }
}

describe('private descriptors of the kqueue of Linux', { skip: noLinux }, () => {
  koffi.load(null);

  test('each of them is EBADF for every filter and every change, in every queue', () => {
    withQueue((queue, own) => {
      const kinds = ['[eventfd]', '[eventpoll]', '[timerfd]', 'inotify', 'pidfd', 'pipe'];
      for (const kind of kinds)
        assert(
          [...own.values()].some((link) => link.includes(kind)),
          kind,
        );
      const outer = new Queue();
      const copy = duplicate(queue.fd);
      for (const fd of [...own.keys(), copy]) {
        for (const each of [queue, outer]) {
          for (const filter of ['READ', 'WRITE', 'VNODE']) {
            for (const flags of ['ADD', 'ADD|CLEAR', 'DELETE', 'ENABLE']) {
              assert.equal(each.change({ ident: fd, filter, flags }), 'EBADF', `${filter} ${flags} ${own.get(fd)}`);
            }
          }
        }
      }
      release(copy);
      // The queue still hears of everything.
      assert.equal(queue.change({ ident: 1, filter: 'USER', flags: 'ADD', fflags: 'TRIGGER' }), 'ok');
      assert.equal(queue.change({ ident: 2, filter: 'TIMER', flags: 'ADD|ONESHOT', data: 1 }), 'ok');
      const seen = new Set<number>();
      while (seen.size < 3) for (const event of queue.fetch(5000)) seen.add(event.filter);
      assert.deepEqual(seen, new Set(['USER', 'WRITE', 'TIMER'].map((name) => constant('EVFILT', name))));
      outer.close();
    });
  });

  test('a queue itself can be watched by another', () => {
    withQueue((queue) => {
      const outer = new Queue();
      assert.equal(outer.change({ ident: queue.fd, filter: 'READ' }), 'ok');
      assert.equal(outer.fetch(5000).length, 1);
      outer.close();
    });
  });

  test('a number that a queue gave back is the caller’s', () => {
    withQueue((queue, own) => {
      queue.close();
      const [reader, writer] = pair();
      const other = new Queue();
      const taken = special();
      for (const fd of own.keys()) {
        // The new queue, or one of the sockets, may have taken the number.
        if (taken.has(fd) || fd === reader || fd === writer) continue;
        assert.equal(dup3(reader, fd, CLOEXEC), fd);
        assert.equal(other.change({ ident: fd, filter: 'READ' }), 'ok');
        assert.equal(other.change({ ident: fd, filter: 'READ', flags: 'DELETE' }), 'ok');
        fs.closeSync(fd);
      }
      for (const fd of [reader, writer]) fs.closeSync(fd);
      other.close();
    });
  });

  test('a number on which the caller opened a file is the caller’s, unless the file is of the same kind', () => {
    withQueue((queue, descriptors) => {
      const [own] = [...descriptors].find(([, link]) => link.includes('pidfd')) ?? [];
      assert(own !== undefined);
      const [reader, writer] = pair();
      assert.equal(dup3(reader, own, CLOEXEC), own);
      fs.writeSync(writer, 'x');
      assert.equal(queue.change({ ident: own, filter: 'READ' }), 'ok');
      assert(queue.fetch(5000).some(({ ident }) => ident === own));
      assert.equal(queue.change({ ident: own, filter: 'READ', flags: 'DELETE' }), 'ok');
      const another = eventfd(1, CLOEXEC);
      assert.equal(dup3(another, own, CLOEXEC), own);
      assert.equal(queue.change({ ident: own, filter: 'READ' }), 'EBADF');
      for (const fd of [reader, writer, another]) fs.closeSync(fd);
    });
  });

  test('a knote whose closed number became one of them is gone, and leaves the queue as it is', () => {
    const queue = new Queue();
    const [reader, writer] = pair();
    const kept = dup(reader);
    assert.equal(queue.change({ ident: reader, filter: 'READ' }), 'ok');
    fs.closeSync(reader);
    assert.equal(queue.change({ ident: 1, filter: 'TIMER', flags: 'ADD|ONESHOT', data: 1 }), 'ok');
    assert.match(fs.readlinkSync(`/proc/self/fd/${reader}`), /timerfd/, 'the lowest free number is the next one');
    assert.equal(queue.change({ ident: reader, filter: 'READ', flags: 'DELETE' }), 'EBADF');
    assert.deepEqual(
      queue.fetch(5000).map(({ filter }) => filter),
      [constant('EVFILT', 'TIMER')],
    );
    for (const fd of [writer, kept]) fs.closeSync(fd);
    queue.close();
  });
});
