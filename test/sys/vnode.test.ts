// EVFILT_VNODE of the kqueue built in for Linux: what happens between two fetches, as inotify and a look at the file show it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { IN_ATTRIB, IN_MODIFY, Inotify } from '../../src/sys/linux/inotify.ts';
import { ALL, noLinux, notes, ofLibc, Queue } from './built-in.ts';

const EVERY = `${ALL}|OPEN|CLOSE|CLOSE_WRITE|READ`;
const CONTENT = 'ten bytes.';

const memfd = ofLibc<[name: string, flags: number]>('int memfd_create(const char *name, unsigned int flags)');
const dup2 = ofLibc<[from: number, to: number]>('int dup2(int from, int to)');
const mmap = ofLibc<[at: number, length: number, prot: number, flags: number, fd: number, offset: number]>(
  'uintptr_t mmap(uintptr_t at, size_t length, int prot, int flags, int fd, int64_t offset)',
);
const memset = ofLibc<[at: number, byte: number, length: number]>(
  'uintptr_t memset(uintptr_t at, int byte, size_t length)',
);
const munmap = ofLibc<[at: number, length: number]>('int munmap(uintptr_t at, size_t length)');
const setxattr = ofLibc<[path: string, name: string, value: string, size: number, flags: number]>(
  'int setxattr(const char *path, const char *name, const char *value, size_t size, int flags)',
);

const futimens = ofLibc<[fd: number, times: BigInt64Array]>('int futimens(int fd, const void *times)');
/** UTIME_NOW and UTIME_OMIT of utimensat(2). */
const [NOW, OMIT] = [0x3fff_ffffn, 0x3fff_fffen];

function setTimes(fd: number, access: bigint, modification: bigint): number {
  return futimens(fd, BigInt64Array.of(0n, access, 0n, modification));
}

describe('VNODE of the kqueue of Linux', { skip: noLinux }, () => {
  const root = noLinux === false ? fs.mkdtempSync(join(tmpdir(), 'kqueue-')) : '';
  after(() => fs.rmSync(root, { recursive: true, force: true }));

  let queue: Queue;
  let folder: string;
  let path: string;
  /** The watched file, open. */
  let ident: number;
  const opened: number[] = [];

  function open(name: string, flags: string | number = 'r'): number {
    const fd = fs.openSync(name, flags);
    opened.push(fd);
    return fd;
  }

  function watch(fd: number, fflags = ALL): void {
    assert.equal(queue.change({ ident: fd, filter: 'VNODE', flags: 'ADD|CLEAR', fflags }), 'ok');
  }

  /** The notes of the one event that is there; [] if there is none. */
  function reported(): string[] {
    const events = queue.fetch();
    assert.ok(events.length <= 1, `${events.length} events`);
    return notes(events[0]);
  }

  beforeEach(() => {
    queue = new Queue();
    folder = fs.mkdtempSync(join(root, 'test-'));
    path = join(folder, 'file');
    fs.writeFileSync(path, CONTENT);
    ident = open(path);
    watch(ident);
  });
  afterEach(() => {
    queue.close();
    for (const fd of opened.splice(0)) {
      try {
        fs.closeSync(fd);
      } catch {
        // The test closed it.
      }
    }
  });

  /** Saves as editors and tools do: what it is called, what it does, and the notes. */
  const savings: readonly [what: string, act: () => void, expected: readonly string[]][] = [
    [
      'a backup that is a hard link, and a new file renamed over the name (gio save -b)',
      () => {
        fs.writeFileSync(`${path}~`, 'an older backup');
        fs.unlinkSync(`${path}~`);
        fs.linkSync(path, `${path}~`);
        fs.writeFileSync(`${path}.new`, 'new');
        fs.renameSync(`${path}.new`, path);
      },
      ['DELETE', 'LINK'],
    ],
    [
      'a new file renamed over the name (sed -i, mv)',
      () => {
        fs.writeFileSync(`${path}.new`, 'new');
        fs.renameSync(`${path}.new`, path);
      },
      ['DELETE', 'LINK'],
    ],
    [
      'renamed to a backup, and a new file made (vim)',
      () => {
        fs.renameSync(path, `${path}~`);
        fs.writeFileSync(path, 'new');
        fs.chmodSync(path, 0o600);
      },
      ['RENAME'],
    ],
    [
      'renamed to a backup, a new file made, and the backup removed (vim)',
      () => {
        fs.renameSync(path, `${path}~`);
        fs.writeFileSync(path, 'new');
        fs.unlinkSync(`${path}~`);
      },
      ['DELETE', 'LINK', 'RENAME'],
    ],
    [
      'removed, and a new file made (git checkout)',
      () => {
        fs.unlinkSync(path);
        fs.writeFileSync(path, 'new');
      },
      ['DELETE', 'LINK'],
    ],
    [
      'copied and truncated (logrotate, copytruncate)',
      () => {
        fs.copyFileSync(path, `${path}.1`);
        fs.truncateSync(path, 0);
      },
      ['ATTRIB', 'TRUNCATE', 'WRITE'],
    ],
    [
      'copied and truncated, and fewer bytes written than before',
      () => {
        fs.copyFileSync(path, `${path}.1`);
        fs.truncateSync(path, 0);
        fs.appendFileSync(path, 'few');
      },
      ['ATTRIB', 'TRUNCATE', 'WRITE'],
    ],
  ];
  for (const [what, act, expected] of savings) {
    test(`${what}: ${expected.join(', ')}`, () => {
      act();
      assert.deepEqual(reported(), expected);
      assert.deepEqual(reported(), []);
    });
  }

  for (const [command, ...args] of [
    ['sed', '-i', 's/ten/10/'],
    ['gio', 'save', '-b'],
  ] as [string, ...string[]][]) {
    test(`${command} ${args.join(' ')} FILE: NOTE_DELETE`, (t) => {
      const { error, status, stderr } = spawnSync(command, [...args, path], { input: 'new', encoding: 'utf8' });
      if (error !== undefined) return t.skip(`${command} is not installed`);
      assert.equal(status, 0, stderr);
      assert.ok(reported().includes('DELETE'));
    });
  }

  test('a link that was added and removed is NOTE_LINK, with that note alone asked for', () => {
    watch(ident, 'LINK');
    fs.linkSync(path, `${path}2`);
    fs.unlinkSync(`${path}2`);
    assert.deepEqual(reported(), ['LINK']);
  });

  test('renamed, linked, and the new name removed: NOTE_RENAME, NOTE_LINK and NOTE_DELETE', () => {
    fs.renameSync(path, `${path}2`);
    fs.linkSync(`${path}2`, `${path}3`);
    fs.unlinkSync(`${path}2`);
    const seen = reported();
    for (const note of ['DELETE', 'LINK', 'RENAME']) assert.ok(seen.includes(note), seen.join());
  });

  test('the name by which it was opened is gone: NOTE_DELETE, whatever other names it has', () => {
    fs.linkSync(path, `${path}2`);
    assert.deepEqual(reported(), ['LINK']);
    fs.unlinkSync(path);
    assert.deepEqual(reported(), ['DELETE', 'LINK']);
    fs.writeFileSync(path, 'another file with that name');
    fs.chmodSync(`${path}2`, 0o600);
    assert.deepEqual(reported(), ['ATTRIB']);
  });

  test('a file whose last name is gone, and which was opened by another, is still watched', () => {
    // The kernel removes its watch then: inotify has IN_DELETE_SELF and IN_IGNORED.
    const reader = open(path);
    assert.equal(queue.change({ ident: reader, filter: 'READ', flags: 'ADD|CLEAR' }), 'ok');
    queue.fetch();
    const writer = open(path, 'a');
    fs.linkSync(path, `${path}~`);
    fs.unlinkSync(path);
    fs.unlinkSync(`${path}~`);
    assert.deepEqual(
      queue
        .fetch()
        .filter(({ ident: each }) => each === ident)
        .map(notes),
      [['DELETE', 'LINK']],
    );
    assert.deepEqual(queue.fetch(), []);
    fs.writeSync(writer, 'more');
    const events = queue.fetch();
    assert.deepEqual(events.map(({ ident: each }) => each).sort(), [ident, reader].sort());
    assert.deepEqual(notes(events.find(({ ident: each }) => each === ident)), ['EXTEND', 'WRITE']);
  });

  for (const name of ['plain', 'a b\n', 'naïve ü 東']) {
    test(`a name that ends in " (deleted)" is not taken for a removed one: ${JSON.stringify(name)}`, () => {
      const real = join(folder, `${name} (deleted)`);
      fs.renameSync(path, real);
      fs.chmodSync(real, 0o600);
      assert.deepEqual(reported(), ['ATTRIB', 'RENAME']);
      const other = open(real);
      watch(other);
      fs.linkSync(real, `${path}2`);
      assert.deepEqual(queue.fetch().map(notes), [['LINK'], ['LINK']]);
      fs.unlinkSync(real);
      // A file of the name that /proc shows, but not this file.
      fs.writeFileSync(`${real} (deleted)`, '');
      assert.deepEqual(queue.fetch().map(notes), [
        ['DELETE', 'LINK'],
        ['DELETE', 'LINK'],
      ]);
    });
  }

  test('a file that never had a name (O_TMPFILE) is watched', (t) => {
    const O_TMPFILE = 0o20200000;
    let unnamed: number;
    try {
      unnamed = open(folder, O_TMPFILE | fs.constants.O_RDWR);
    } catch {
      return t.skip('the file system has no O_TMPFILE');
    }
    watch(unnamed);
    fs.writeSync(unnamed, 'x');
    assert.deepEqual(reported(), ['EXTEND', 'WRITE']);
    fs.fchmodSync(unnamed, 0o640);
    assert.deepEqual(reported(), ['ATTRIB']);
  });

  test('each note comes for what caused it, though everything is looked at later', () => {
    fs.appendFileSync(path, 'x');
    fs.linkSync(path, `${path}2`);
    assert.deepEqual(reported(), ['EXTEND', 'LINK', 'WRITE']);
  });

  test('a change of the notes asks the kernel only for what it was not asked for before', (t) => {
    if (process.geteuid?.() !== 0) return t.skip('needs root, which then lets go of its rights');
    const hidden = join(folder, 'hidden');
    fs.writeFileSync(hidden, '');
    fs.chmodSync(hidden, 0o200);
    fs.chmodSync(root, 0o755);
    fs.chmodSync(folder, 0o755);
    const fd = open(hidden, 'w');
    const before = open(hidden, 'w');
    watch(before, 'WRITE');
    process.seteuid?.(65_534);
    try {
      const change = (one: number, fflags: string): string =>
        queue.change({ ident: one, filter: 'VNODE', flags: 'ADD|CLEAR', fflags });
      assert.equal(change(fd, 'WRITE'), 'EACCES');
      assert.equal(change(before, 'WRITE|ATTRIB'), 'ok');
      // Nothing of the change is applied.
      assert.equal(change(before, 'OPEN'), 'EACCES');
      fs.writeSync(before, 'x');
      assert.deepEqual(reported(), ['WRITE']);
    } finally {
      process.seteuid?.(0);
    }
  });

  test('what was read of inotify is reported, though JavaScript was stopped in the middle', () => {
    const inotify = Inotify.find() as Inotify;
    inotify.join();
    const seen: string[] = [];
    let stops = 2;
    const watcher = (name: string): { mask: number; changed(): void } => ({
      mask: IN_MODIFY | IN_ATTRIB,
      changed(): void {
        if (stops-- > 0) throw new Error('stopped');
        seen.push(name);
      },
    });
    const [one, two] = [watcher('one'), watcher('two')];
    const second = join(folder, 'second');
    fs.writeFileSync(second, '');
    assert.equal(inotify.add(ident, one), 0);
    assert.equal(inotify.add(open(second), two), 0);
    fs.chmodSync(path, 0o600);
    fs.chmodSync(second, 0o600);
    assert.throws(() => inotify.drain(), /stopped/);
    assert.throws(() => inotify.drain(), /stopped/);
    inotify.drain();
    assert.deepEqual(seen, ['one', 'two']);
    inotify.remove(one);
    inotify.remove(two);
    inotify.leave();
  });

  /** What docs/differences.md says in its table, and how it is shown. */
  interface Row {
    readonly what: string;
    readonly reported: string;
    readonly run: () => void;
  }
  const shows = (expected: readonly string[], act: () => void): (() => void) => {
    return () => {
      act();
      assert.deepEqual(reported(), expected);
    };
  };
  const rows: readonly Row[] = [
    {
      what: 'bytes are appended, and the file is truncated to its old size',
      reported: 'NOTE_WRITE, and not NOTE_EXTEND or NOTE_TRUNCATE',
      run: shows(['WRITE'], () => {
        fs.appendFileSync(path, 'more');
        fs.truncateSync(path, CONTENT.length);
      }),
    },
    {
      what: 'the file is truncated to 0, and written to its old size',
      reported: 'NOTE_WRITE, and not NOTE_TRUNCATE',
      run: shows(['WRITE'], () => fs.writeFileSync(path, CONTENT.toUpperCase())),
    },
    {
      what: 'the file is truncated to 0, and written beyond its old size',
      reported: 'NOTE_WRITE and NOTE_EXTEND, and not NOTE_TRUNCATE',
      run: shows(['EXTEND', 'WRITE'], () => {
        fs.truncateSync(path, 0);
        fs.appendFileSync(path, CONTENT.repeat(2));
      }),
    },
    {
      what: 'a name is added and removed, or the mode is changed and changed back, or an extended attribute is set',
      reported: 'NOTE_ATTRIB and NOTE_LINK, because the queue cannot distinguish these',
      run: () => {
        fs.linkSync(path, `${path}2`);
        fs.unlinkSync(`${path}2`);
        assert.deepEqual(reported(), ['ATTRIB', 'LINK']);
        const { mode } = fs.statSync(path);
        fs.chmodSync(path, 0o600);
        fs.chmodSync(path, mode);
        assert.deepEqual(reported(), ['ATTRIB', 'LINK']);
        // Not every file system has extended attributes of users.
        if (setxattr(path, 'user.kqueue', 'x', 1, 0) === 0) assert.deepEqual(reported(), ['ATTRIB', 'LINK']);
      },
    },
    {
      what: 'a name is added and removed, and the mode changes',
      reported: 'NOTE_ATTRIB, and not NOTE_LINK',
      run: shows(['ATTRIB'], () => {
        fs.linkSync(path, `${path}2`);
        fs.chmodSync(path, 0o600);
        fs.unlinkSync(`${path}2`);
      }),
    },
    {
      what: 'a name is added, and the mode is changed and changed back',
      reported: 'NOTE_LINK, and not NOTE_ATTRIB',
      run: shows(['LINK'], () => {
        const { mode } = fs.statSync(path);
        fs.linkSync(path, `${path}2`);
        fs.chmodSync(path, 0o600);
        fs.chmodSync(path, mode);
      }),
    },
    {
      what: 'a name other than the one by which the file was opened is removed',
      reported: 'NOTE_LINK, and NOTE_DELETE if it was the last',
      run: () => {
        fs.linkSync(path, `${path}2`);
        assert.deepEqual(reported(), ['LINK']);
        fs.unlinkSync(`${path}2`);
        assert.deepEqual(reported(), ['LINK']);
      },
    },
    {
      what: 'one of the two times of a file is set (touch -a, touch -m)',
      reported: 'NOTE_READ for the time of access, NOTE_WRITE for the time of modification, and not NOTE_ATTRIB',
      run: () => {
        watch(ident, EVERY);
        assert.equal(setTimes(ident, NOW, OMIT), 0);
        assert.deepEqual(reported(), ['READ']);
        assert.equal(setTimes(ident, OMIT, NOW), 0);
        assert.deepEqual(reported(), ['WRITE']);
        assert.equal(setTimes(ident, NOW, NOW), 0);
        assert.deepEqual(reported(), ['ATTRIB']);
      },
    },
    {
      what: 'bytes are written or read through a memory mapping',
      reported: 'nothing',
      run: () => {
        const fd = open(path, 'r+');
        watch(ident, EVERY);
        const at = mmap(0, 4096, 3, 1, fd, 0);
        memset(at, 0x58, 2);
        munmap(at, 4096);
        assert.equal(fs.readFileSync(path, 'latin1').slice(0, 3), 'XXn');
        assert.ok(!reported().includes('WRITE'));
      },
    },
    {
      what: 'the kernel changes the content of a file in /proc',
      reported: 'nothing',
      run: () => {
        const uptime = open('/proc/uptime');
        watch(uptime);
        const before = fs.readFileSync('/proc/uptime', 'latin1');
        while (fs.readFileSync('/proc/uptime', 'latin1') === before);
        assert.deepEqual(reported(), []);
      },
    },
    {
      what: 'a file that is open with O_PATH is closed, and opened so again on its number',
      reported: 'The knote is still there, because such an open file cannot be marked',
      run: () => {
        const O_PATH = 0o10000000;
        const fd = open(path, O_PATH);
        queue.change({ ident, filter: 'VNODE', flags: 'DELETE' });
        watch(fd);
        fs.closeSync(fd);
        assert.equal(open(path, O_PATH), fd);
        fs.appendFileSync(path, 'x');
        assert.deepEqual(reported(), ['EXTEND', 'WRITE']);
      },
    },
    {
      what: 'two open files of one inode are registered, and dup2(2) puts one of them on the number of the other',
      reported: 'the knote of that number is still there, because both open files have the mark',
      run: () => {
        const other = open(path);
        watch(other);
        assert.equal(dup2(other, ident), ident);
        fs.appendFileSync(path, 'x');
        assert.deepEqual(
          queue.fetch().map((event) => event.ident),
          [ident, other],
        );
      },
    },
    {
      what: 'a file of memfd_create(2) is registered for VNODE or READ',
      reported: 'EINVAL, as for shared memory on the BSDs. Since Linux 6.14 its writes are not reported',
      run: () => {
        const fd = memfd('kqueue', 1);
        opened.push(fd);
        assert.equal(queue.change({ ident: fd, filter: 'VNODE', fflags: 'WRITE' }), 'EINVAL');
        assert.equal(queue.change({ ident: fd, filter: 'READ' }), 'EINVAL');
      },
    },
  ];
  for (const { what, reported: says, run } of rows) test(`${what}: ${says}`, run);

  test('docs/differences.md has a row for each of them', () => {
    const page = fs.readFileSync(new URL('../../docs/differences.md', import.meta.url), 'utf8');
    for (const { what, reported: says } of rows)
      assert.ok(page.includes(`\n| ${what} | ${says} |`), `${what} | ${says}`);
  });
});
