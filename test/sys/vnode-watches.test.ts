// EVFILT_VNODE of the kqueue built in for Linux: the notes of each kind of change, and the inotify watches behind them.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { inotifyWatches } from '../helpers/descriptors.ts';
import { ALL, noLinux, notes, ofLibc, Queue, withQueue } from './built-in.ts';

type Arguments = (number | string | Int32Array | Uint8Array)[];
const eventfd = ofLibc<Arguments>('int eventfd(unsigned int initial, int flags)');
const fcntl = ofLibc<Arguments>('int fcntl(int fd, int command, ...)');
const lchown = (path: string, uid: number): void => fs.lchownSync(path, uid, uid);

const NONBLOCK_CLOEXEC = 0o2004000;
const F_SETOWN = 8;
const O_PATH = 0o10000000;

const root = process.getuid?.() === 0;

describe('VNODE and the watches of the kqueue of Linux', { skip: noLinux }, () => {
  test('open as a path alone (O_PATH): told of, and gone when closed', () => {
    withQueue((queue, folder, open) => {
      const path = join(folder, 'file');
      fs.writeFileSync(path, '');
      const ident = open(path, O_PATH);
      assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: ALL }), 'ok');
      fs.writeFileSync(path, 'more');
      assert.deepEqual(notes(queue.fetch(60_000)[0]), ['EXTEND', 'WRITE']);
      fs.appendFileSync(path, 'more');
      fs.closeSync(ident);
      assert.deepEqual(queue.fetch(), []);
      assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'DELETE' }), 'EBADF');
    });
  });

  test('whose signals somebody else gets (F_SETOWN) keep that owner, and are told by their inode', () => {
    withQueue((queue, folder, open) => {
      const [path, other] = [join(folder, 'file'), join(folder, 'other')];
      fs.writeFileSync(path, '');
      fs.writeFileSync(other, '');
      const ident = open(path);
      assert.equal(fcntl(ident, F_SETOWN, 'int', process.ppid), 0);
      assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: ALL }), 'ok');
      assert.equal(fcntl(ident, 9, 'int', 0), process.ppid);
      fs.appendFileSync(path, 'more');
      assert.deepEqual(notes(queue.fetch(60_000)[0]), ['EXTEND', 'WRITE']);
      fs.appendFileSync(path, 'more');
      fs.closeSync(ident);
      assert.equal(open(other), ident);
      assert.deepEqual(queue.fetch(), []);
      assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'DELETE' }), 'ENOENT');
    });
  });

  test('a knote deleted while inotify has something of it: nothing is told, and others of the file are', () => {
    withQueue((queue, folder, open) => {
      const path = join(folder, 'file');
      fs.writeFileSync(path, '');
      const [ident, other] = [open(path), open(path)];
      for (let round = 0; round < 3; round++) {
        assert.equal(queue.change({ ident, filter: 'VNODE', fflags: ALL }), 'ok');
        fs.appendFileSync(path, 'more');
        assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'DELETE' }), 'ok');
        assert.deepEqual(queue.fetch(), []);
      }
      assert.equal(queue.change({ ident, filter: 'VNODE', fflags: ALL }), 'ok');
      assert.equal(queue.change({ ident: other, filter: 'VNODE', fflags: ALL }), 'ok');
      fs.appendFileSync(path, 'more');
      assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'DELETE' }), 'ok');
      assert.deepEqual(
        queue.fetch().map(({ ident }) => ident),
        [other],
      );
    });
  });

  test('what happened before a knote was there is told to those who watched already, and not to it', () => {
    withQueue((queue, folder, open) => {
      const path = join(folder, 'file');
      fs.writeFileSync(path, '');
      const [ident, late] = [open(path), open(path)];
      const other = new Queue();
      assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: ALL }), 'ok');
      fs.appendFileSync(path, 'more');
      fs.renameSync(path, join(folder, 'name'));
      assert.equal(other.change({ ident: late, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: ALL }), 'ok');
      assert.deepEqual(other.fetch(), []);
      assert.deepEqual(notes(queue.fetch(60_000)[0]), ['EXTEND', 'RENAME', 'WRITE']);
      fs.chmodSync(join(folder, 'name'), 0o600);
      for (const each of [queue, other]) assert.deepEqual(notes(each.fetch(60_000)[0]), ['ATTRIB']);
      other.close();
    });
  });

  test('a directory that another is renamed over is removed, and told so once', () => {
    withQueue((queue, folder, open) => {
      const at = (...names: string[]): string => join(folder, ...names);
      for (const name of ['it', 'other', 'neighbour']) fs.mkdirSync(at(name));
      const ident = open(at('it'));
      assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: ALL }), 'ok');
      fs.renameSync(at('other'), at('it'));
      assert(notes(queue.fetch(60_000)[0]).includes('DELETE'));
      fs.rmdirSync(at('neighbour'));
      assert.deepEqual(queue.fetch(), []);
      fs.fchmodSync(ident, 0o700);
      assert.deepEqual(notes(queue.fetch(60_000)[0]), ['ATTRIB']);
    });
  });

  test('another mode of a directory is NOTE_ATTRIB alone: what happened to its entries was told', () => {
    withQueue((queue, folder, open) => {
      const ident = open(folder);
      assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: ALL }), 'ok');
      fs.mkdirSync(join(folder, 'folder'));
      fs.writeFileSync(join(folder, 'file'), '');
      assert.deepEqual(notes(queue.fetch(60_000)[0]), ['LINK', 'WRITE']);
      for (const mode of [0o750, 0o700]) {
        fs.chmodSync(folder, mode);
        assert.deepEqual(notes(queue.fetch(60_000)[0]), ['ATTRIB']);
      }
    });
  });

  test('several who watch one file get what each of them wants, and leave no watch when they are gone', () => {
    withQueue((queue, folder, open) => {
      const path = join(folder, 'file');
      fs.writeFileSync(path, 'some');
      const [one, two, three] = [open(path), open(path), open(path)];
      for (let round = 0; round < 2; round++) {
        assert.equal(queue.change({ ident: one, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: 'ATTRIB|OPEN' }), 'ok');
        assert.equal(queue.change({ ident: two, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: 'WRITE' }), 'ok');
        assert.equal(queue.change({ ident: three, filter: 'READ', flags: 'ADD|CLEAR' }), 'ok');
        assert.equal(inotifyWatches(), 1);
        assert.equal(queue.fetch()[0]?.ident, three);
        const told = (change: () => void): unknown[] => {
          change();
          return queue.fetch().map(({ ident }) => ident);
        };
        assert.deepEqual(
          told(() => fs.chmodSync(path, round === 0 ? 0o600 : 0o644)),
          [one],
        );
        assert.deepEqual(
          told(() => fs.closeSync(fs.openSync(path, 'r'))),
          [one],
        );
        assert.deepEqual(told(() => fs.writeSync(open(path, 'r+'), 'more')).sort(), [one, two, three].sort());
        assert.equal(queue.change({ ident: three, filter: 'READ', flags: 'DELETE' }), 'ok');
        for (const ident of [one, two]) {
          assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'DELETE' }), 'ok');
        }
        assert.equal(inotifyWatches(), 0);
      }
    });
  });

  test('a directory is told of its own removal, not of its neighbours, and also where it was moved to', () => {
    withQueue((queue, folder, open) => {
      const at = (...names: string[]): string => join(folder, ...names);
      for (const name of ['it', 'neighbour', 'elsewhere']) fs.mkdirSync(at(name));
      fs.writeFileSync(at('file'), '');
      const ident = open(at('it'));
      assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: ALL }), 'ok');
      fs.rmdirSync(at('neighbour'));
      fs.unlinkSync(at('file'));
      assert.deepEqual(queue.fetch(), []);
      fs.renameSync(at('it'), at('elsewhere', 'it'));
      assert(notes(queue.fetch(60_000)[0]).includes('RENAME'));
      fs.mkdirSync(at('another'));
      fs.rmdirSync(at('another'));
      fs.mkdirSync(at('elsewhere', 'another'));
      fs.rmdirSync(at('elsewhere', 'another'));
      assert.deepEqual(queue.fetch(), []);
      fs.rmdirSync(at('elsewhere', 'it'));
      assert(notes(queue.fetch(60_000)[0]).includes('DELETE'));
      fs.mkdirSync(at('elsewhere', 'it'));
      fs.rmdirSync(at('elsewhere', 'it'));
      assert.deepEqual(queue.fetch(), []);
      // Moved to where nobody watches, and removed before anybody looks.
      for (const name of ['it', 'away']) fs.mkdirSync(at(name));
      const again = open(at('it'));
      assert.equal(queue.change({ ident: again, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: ALL }), 'ok');
      fs.renameSync(at('it'), at('away', 'it'));
      fs.rmdirSync(at('away', 'it'));
      assert.deepEqual(notes(queue.fetch(60_000)[0]), ['DELETE', 'RENAME']);
      for (const each of [ident, again]) {
        assert.equal(queue.change({ ident: each, filter: 'VNODE', flags: 'DELETE' }), 'ok');
      }
      assert.equal(inotifyWatches(), 0);
    });
  });

  test('a change that asks for more notes gets them, and one that asks for less forgets the others', () => {
    withQueue((queue, folder, open) => {
      const path = join(folder, 'file');
      fs.writeFileSync(path, '');
      const vnode = { ident: open(path), filter: 'VNODE', flags: 'ADD|CLEAR' };
      assert.equal(queue.change({ ...vnode, fflags: 'ATTRIB' }), 'ok');
      assert.equal(queue.change({ ...vnode, fflags: 'ATTRIB|OPEN' }), 'ok');
      fs.closeSync(fs.openSync(path, 'r'));
      fs.chmodSync(path, 0o600);
      // A change lets the queue learn of both, and fetches nothing.
      assert.equal(queue.change({ ident: 1, filter: 'USER' }), 'ok');
      assert.equal(queue.change({ ...vnode, fflags: 'OPEN' }), 'ok');
      assert.deepEqual(notes(queue.fetch()[0]), ['OPEN']);
    });
  });

  test('what is no file has no notes: EINVAL', () => {
    withQueue((queue) => {
      const counter = eventfd(0, NONBLOCK_CLOEXEC);
      for (const ident of [counter, queue.fd]) {
        assert.equal(queue.change({ ident, filter: 'VNODE', fflags: 'WRITE' }), 'EINVAL');
      }
      fs.closeSync(counter);
    });
  });

  test('a file removed for good takes its watch with it: the knote stays, and can be deleted', () => {
    withQueue((queue, folder, open) => {
      const path = join(folder, 'file');
      fs.writeFileSync(path, '');
      const ident = open(path);
      assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: ALL }), 'ok');
      fs.unlinkSync(path);
      assert.deepEqual(notes(queue.fetch(60_000)[0]), ['DELETE', 'LINK']);
      // The last descriptor closed, the inode goes, and inotify says so of a watch that nobody has any more.
      const outlives = open('/dev/null');
      fs.closeSync(ident);
      assert.deepEqual(queue.fetch(), []);
      assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'DELETE' }), 'EBADF');
      assert.equal(queue.change({ ident: outlives, filter: 'VNODE', fflags: ALL }), 'ok');
    });
  });

  test('each kind of change has its notes', { skip: !root && 'a file has another owner only by root' }, () => {
    withQueue((queue, folder, open) => {
      const path = join(folder, 'file');
      fs.writeFileSync(path, 'some');
      const ident = open(path, 'r+');
      assert.equal(
        queue.change({ ident, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: `${ALL}|OPEN|CLOSE|CLOSE_WRITE|READ` }),
        'ok',
      );
      const told = (change: () => void): string[] => {
        change();
        return notes(queue.fetch(60_000)[0]);
      };
      assert.deepEqual(
        told(() => fs.fchmodSync(ident, 0o600)),
        ['ATTRIB'],
      );
      assert.deepEqual(
        told(() => lchown(path, 1)),
        ['ATTRIB'],
      );
      assert.deepEqual(
        told(() => fs.linkSync(path, join(folder, 'name'))),
        ['LINK'],
      );
      assert.deepEqual(
        told(() => fs.unlinkSync(join(folder, 'name'))),
        ['LINK'],
      );
      assert.deepEqual(
        told(() => fs.futimesSync(ident, 1, 1)),
        ['ATTRIB'],
      );
      // inotify makes one event of two that are alike.
      const beside: (() => void)[] = [
        () => fs.fchmodSync(ident, 0o640),
        () => fs.fchownSync(ident, 2, 1),
        () => fs.fchownSync(ident, 2, 2),
        () => fs.futimesSync(ident, 2, 2),
      ];
      for (const [index, change] of beside.entries()) {
        assert.deepEqual(
          told(() => {
            fs.linkSync(path, join(folder, `name ${index}`));
            change();
          }),
          ['ATTRIB', 'LINK'],
          String(index),
        );
      }
      assert.deepEqual(
        told(() => fs.writeSync(ident, 'more', 0)),
        ['WRITE'],
      );
      assert.deepEqual(
        told(() => fs.ftruncateSync(ident, 1)),
        ['ATTRIB', 'TRUNCATE', 'WRITE'],
      );
      assert.deepEqual(
        told(() => fs.readSync(ident, new Uint8Array(1), 0, 1, 0)),
        ['READ'],
      );
      assert.deepEqual(
        told(() => fs.closeSync(fs.openSync(path, 'r'))),
        ['CLOSE', 'OPEN'],
      );
      assert.deepEqual(
        told(() => fs.closeSync(fs.openSync(path, 'r+'))),
        ['CLOSE_WRITE', 'OPEN'],
      );
      assert.deepEqual(queue.fetch(), []);
    });
  });
});
