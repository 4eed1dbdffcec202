import assert from 'node:assert/strict';
import type { Case, Gate } from './case.ts';
import { differs, type Event, Queue } from './queue.ts';
import type { Kernel } from './world.ts';

// What is asked for is contained in fflags; more may come along on every system.

const ALL = 'DELETE|WRITE|EXTEND|ATTRIB|LINK|RENAME';
const FILES = ['VNODE', 'folder', 'open'] as const;
const TMPFS = {
  on: 'dragonfly',
  reason: 'it is not reported on tmpfs, which /tmp is',
  source: 'read in sys/vfs/tmpfs/tmpfs_vnops.c',
} as const satisfies Gate;

interface Watched {
  readonly kq: Queue;
  readonly folder: string;
  readonly path: string;
  /** Registered. */
  readonly fd: number;
}

/** A file with some bytes in it, a descriptor to read it, and a knote on that. */
function file(world: Kernel, fflags = ALL, flags = 'ADD|CLEAR'): Watched {
  const folder = world.folder();
  const path = `${folder}/file`;
  const made = world.open(path, 'create');
  world.write(made, 'some bytes');
  world.close(made);
  const fd = world.open(path, 'r');
  const kq = new Queue(world);
  kq.set('VNODE', fd, flags, { fflags });
  return { kq, folder, path, fd };
}

/** A knote on a folder. */
function directory(world: Kernel, prepare?: (path: string) => void): Watched {
  const folder = world.folder();
  const path = `${folder}/directory`;
  world.mkdir(path);
  prepare?.(path);
  const fd = world.open(path, 'r');
  const kq = new Queue(world);
  kq.set('VNODE', fd, 'ADD|CLEAR', { fflags: ALL });
  return { kq, folder, path, fd };
}

/** Opens, does something, closes. */
function using(world: Kernel, path: string, how: Parameters<Kernel['open']>[1], act?: (fd: number) => void): void {
  const fd = world.open(path, how);
  act?.(fd);
  world.close(fd);
}

const append = (world: Kernel, path: string): void => using(world, path, 'a', (fd) => world.write(fd, 'more'));
const overwrite = (world: Kernel, path: string): void => using(world, path, 'w', (fd) => world.write(fd, 'SOME'));
const create = (world: Kernel, path: string): void => using(world, path, 'create');

/** The one event that is there must have these notes. */
function expectNotes({ kq, fd }: Watched, ...names: readonly string[]): Event {
  const event = kq.one('VNODE', fd);
  for (const name of names) assert.ok(event.note(name), `no NOTE_${name}: ${event}`);
  return event;
}

/** What happens to a file, and the notes of it. */
const happenings: readonly [
  what: string,
  needs: Case['needs'],
  act: (world: Kernel, file: Watched) => void,
  note: string,
][] = [
  ['bytes written over others are NOTE_WRITE', [], (world, { path }) => overwrite(world, path), 'WRITE'],
  ['bytes appended are NOTE_WRITE', [], (world, { path }) => append(world, path), 'WRITE'],
  ['another mode is NOTE_ATTRIB', ['chmod'], (world, { path }) => world.chmod(path, 0o600), 'ATTRIB'],
  ['other times are NOTE_ATTRIB', ['utimes'], (world, { path }) => world.utimes(path, 1e9), 'ATTRIB'],
  ['a new name beside the old one is NOTE_LINK', ['link'], (world, { path }) => world.link(path, `${path}2`), 'LINK'],
  [
    'another name instead of the old one is NOTE_RENAME',
    ['rename'],
    (world, { path }) => world.rename(path, `${path}2`),
    'RENAME',
  ],
  ['the last name removed is NOTE_DELETE', ['unlink'], (world, { path }) => world.unlink(path), 'DELETE'],
];

/** EVFILT_VNODE. */
export const cases: readonly Case[] = [
  ...happenings.flatMap(([what, needs, act, note]): Case[] => [
    {
      name: `VNODE: ${what}`,
      needs: [...FILES, ...needs],
      run(world) {
        const watched = file(world);
        watched.kq.silent();
        act(world, watched);
        expectNotes(watched, note);
        watched.kq.silent();
      },
    },
    {
      name: `VNODE: ${what}, with that note alone asked for`,
      needs: [...FILES, ...needs],
      run(world) {
        const watched = file(world, note);
        act(world, watched);
        expectNotes(watched, note);
      },
    },
  ]),
  {
    name: 'VNODE: growth is NOTE_EXTEND',
    needs: FILES,
    gates: [TMPFS],
    run(world) {
      const watched = file(world);
      append(world, watched.path);
      expectNotes(watched, 'WRITE', 'EXTEND');
    },
  },
  {
    name: 'VNODE: making a file longer is NOTE_ATTRIB, NOTE_WRITE or NOTE_EXTEND',
    needs: [...FILES, 'truncate'],
    run(world) {
      const watched = file(world, 'WRITE|ATTRIB|EXTEND');
      world.truncate(watched.path, 300);
      expectNotes(watched);
    },
  },
  {
    name: 'VNODE: making a file shorter is NOTE_ATTRIB, NOTE_WRITE or NOTE_TRUNCATE',
    needs: [...FILES, 'truncate'],
    gates: [
      {
        on: 'netbsd',
        version: '< 10',
        reason: 'it is not reported on tmpfs, which /tmp was',
        source: 'run on 7.99.34',
      },
    ],
    run(world) {
      const truncates = world.sys.abi.constants.NOTE_TRUNCATE !== undefined;
      const watched = file(world, `WRITE|ATTRIB${truncates ? '|TRUNCATE' : ''}`);
      world.truncate(watched.path, 3);
      const seen = expectNotes(watched).noted('WRITE|ATTRIB');
      // OpenBSD and DragonFly were read.
      differs(world, seen, { freebsd: 'ATTRIB', linux: 'WRITE|ATTRIB', openbsd: 'ATTRIB', dragonfly: 'WRITE' });
    },
  },
  {
    name: 'VNODE: a note that was not requested is not reported',
    needs: [...FILES, 'chmod'],
    run(world) {
      const { kq, path } = file(world, 'DELETE|RENAME');
      append(world, path);
      world.chmod(path, 0o600);
      kq.silent();
    },
  },
  {
    name: 'VNODE: reading a file is not a change',
    needs: [...FILES],
    run(world) {
      const { kq, path, fd } = file(world, 'DELETE|WRITE|EXTEND|LINK|RENAME');
      world.read(fd, 4);
      using(world, path, 'r', (other) => world.read(other, 4));
      kq.silent();
    },
  },
  {
    name: 'VNODE: a file is followed to its new name',
    needs: [...FILES, 'rename', 'mkdir'],
    run(world) {
      const watched = file(world);
      world.mkdir(`${watched.folder}/elsewhere`);
      const path = `${watched.folder}/elsewhere/other`;
      world.rename(watched.path, path);
      expectNotes(watched, 'RENAME');
      append(world, path);
      expectNotes(watched, 'WRITE');
      create(world, watched.path);
      append(world, watched.path);
      watched.kq.silent();
    },
  },
  {
    name: 'VNODE: a file that a rename replaces is deleted, not renamed',
    needs: [...FILES, 'rename'],
    gates: [TMPFS],
    run(world) {
      const watched = file(world);
      create(world, `${watched.path}.new`);
      world.rename(`${watched.path}.new`, watched.path);
      assert.ok(!expectNotes(watched, 'DELETE').note('RENAME'));
      append(world, watched.path);
      watched.kq.silent();
    },
  },
  {
    name: 'VNODE: a file that replaces another is renamed, not deleted',
    needs: [...FILES, 'rename'],
    run(world) {
      const watched = file(world);
      create(world, `${watched.folder}/old`);
      world.rename(watched.path, `${watched.folder}/old`);
      assert.ok(!expectNotes(watched, 'RENAME').note('DELETE'));
    },
  },
  {
    name: 'VNODE: the removal of one of two names is NOTE_LINK or NOTE_DELETE',
    needs: [...FILES, 'link', 'unlink'],
    gates: [
      {
        on: 'dragonfly',
        reason: 'HAMMER2 reports nothing while another name exists',
        source: 'read in sys/vfs/hammer2/hammer2_vnops.c',
      },
    ],
    run(world) {
      const watched = file(world, 'LINK|DELETE');
      world.link(watched.path, `${watched.path}2`);
      expectNotes(watched, 'LINK');
      world.unlink(watched.path);
      // Of OpenBSD's file systems FFS reports NOTE_DELETE, tmpfs NOTE_LINK. macOS reports both, as read.
      differs(world, expectNotes(watched).noted('DELETE|LINK'), {
        freebsd: 'DELETE',
        linux: 'DELETE|LINK',
        '': 'LINK',
      });
    },
  },
  {
    name: 'VNODE: a change through another name is reported',
    needs: [...FILES, 'link', 'chmod', 'rename'],
    run(world) {
      const watched = file(world);
      const other = `${watched.folder}/other`;
      world.link(watched.path, other);
      expectNotes(watched, 'LINK');
      append(world, other);
      expectNotes(watched, 'WRITE');
      world.chmod(other, 0o600);
      expectNotes(watched, 'ATTRIB');
      world.rename(other, `${other}2`);
      expectNotes(watched, 'RENAME');
    },
  },
  {
    name: 'VNODE: a change of a file without a name is reported',
    needs: [...FILES, 'unlink'],
    run(world) {
      const watched = file(world);
      const writer = world.open(watched.path, 'a');
      world.unlink(watched.path);
      expectNotes(watched, 'DELETE');
      world.write(writer, 'more');
      expectNotes(watched, 'WRITE');
    },
  },
  {
    name: 'VNODE: a change through the registered descriptor is reported',
    needs: FILES,
    run(world) {
      const kq = new Queue(world);
      const fd = world.open(`${world.folder()}/file`, 'create');
      kq.set('VNODE', fd, 'ADD|CLEAR', { fflags: 'WRITE' });
      world.write(fd, 'abc');
      assert.ok(kq.one('VNODE', fd).note('WRITE'));
    },
  },
  {
    name: 'VNODE: several changes before a fetch are one event',
    needs: [...FILES, 'chmod', 'link', 'rename', 'unlink'],
    run(world) {
      const watched = file(world);
      append(world, watched.path);
      world.chmod(watched.path, 0o600);
      world.link(watched.path, `${watched.path}2`);
      world.rename(watched.path, `${watched.path}3`);
      expectNotes(watched, 'WRITE', 'ATTRIB', 'LINK', 'RENAME');
      watched.kq.silent();
    },
  },
  {
    name: 'VNODE with EV_CLEAR: an event does not repeat the notes of an earlier one',
    needs: [...FILES, 'chmod'],
    run(world) {
      const watched = file(world);
      append(world, watched.path);
      expectNotes(watched, 'WRITE');
      world.chmod(watched.path, 0o600);
      assert.ok(!expectNotes(watched, 'ATTRIB').note('WRITE'));
    },
  },
  {
    name: 'VNODE without EV_CLEAR: reported again and again, and the notes accumulate',
    needs: [...FILES, 'chmod'],
    run(world) {
      const watched = file(world, ALL, 'ADD');
      watched.kq.silent();
      append(world, watched.path);
      expectNotes(watched, 'WRITE');
      expectNotes(watched, 'WRITE');
      world.chmod(watched.path, 0o600);
      expectNotes(watched, 'WRITE', 'ATTRIB');
    },
  },
  {
    name: 'VNODE with EV_ONESHOT: reported once, then gone',
    needs: FILES,
    run(world) {
      const watched = file(world, ALL, 'ADD|ONESHOT');
      append(world, watched.path);
      expectNotes(watched, 'WRITE');
      append(world, watched.path);
      watched.kq.silent();
      watched.kq.fails('ENOENT', 'VNODE', watched.fd, 'DELETE');
    },
  },
  {
    name: 'VNODE with EV_DISPATCH: disabled by delivery; EV_ENABLE reports later changes',
    needs: [...FILES, 'EV_DISPATCH', 'chmod'],
    run(world) {
      const watched = file(world, ALL, 'ADD|DISPATCH');
      append(world, watched.path);
      expectNotes(watched, 'WRITE');
      world.chmod(watched.path, 0o600);
      watched.kq.silent();
      watched.kq.set('VNODE', watched.fd, 'ENABLE', { fflags: ALL });
      expectNotes(watched, 'ATTRIB');
    },
  },
  {
    name: 'VNODE: EV_ENABLE reports changes that came while it was disabled',
    needs: FILES,
    run(world) {
      const watched = file(world, ALL, 'ADD|CLEAR|DISABLE');
      append(world, watched.path);
      watched.kq.silent();
      watched.kq.set('VNODE', watched.fd, 'ENABLE', { fflags: ALL });
      expectNotes(watched, 'WRITE');
      watched.kq.silent();
    },
  },
  {
    name: 'VNODE: a change before registration is not reported',
    needs: FILES,
    run(world) {
      const watched = file(world);
      append(world, watched.path);
      watched.kq.set('VNODE', watched.fd, 'DELETE');
      append(world, watched.path);
      watched.kq.silent();
      watched.kq.set('VNODE', watched.fd, 'ADD|CLEAR', { fflags: ALL });
      watched.kq.silent();
    },
  },
  {
    name: 'VNODE: added again with fewer notes, it no longer reports the others',
    needs: [...FILES, 'chmod'],
    run(world) {
      const watched = file(world, 'WRITE|ATTRIB');
      watched.kq.set('VNODE', watched.fd, 'ADD|CLEAR', { fflags: 'ATTRIB' });
      append(world, watched.path);
      // NOTE_EXTEND was never asked for, NOTE_WRITE is no longer.
      watched.kq.silent();
      world.chmod(watched.path, 0o600);
      expectNotes(watched, 'ATTRIB');
    },
  },
  {
    name: 'VNODE: added again with more notes, it reports those too',
    needs: [...FILES, 'chmod'],
    gates: [
      {
        on: 'netbsd',
        version: '>= 10',
        reason: 'only the notes of the first EV_ADD are reported',
        source: 'read in sys/kern/vfs_vnops.c',
      },
    ],
    run(world) {
      const watched = file(world, 'WRITE');
      watched.kq.set('VNODE', watched.fd, 'ADD|CLEAR', { fflags: 'WRITE|ATTRIB' });
      world.chmod(watched.path, 0o600);
      expectNotes(watched, 'ATTRIB');
    },
  },
  {
    name: 'VNODE: EV_DELETE and EV_ADD in one list add notes',
    needs: [...FILES, 'chmod'],
    run(world) {
      const watched = file(world, 'WRITE');
      const { fd, kq } = watched;
      kq.apply(['VNODE', fd, 'DELETE'], ['VNODE', fd, 'ADD|CLEAR', { fflags: 'WRITE|ATTRIB', udata: 3 }]);
      world.chmod(watched.path, 0o600);
      assert.equal(expectNotes(watched, 'ATTRIB').udata, 3n);
    },
  },
  {
    name: 'VNODE: two descriptors of one file have separate knotes',
    needs: [...FILES, 'link'],
    run(world) {
      const { kq, path, fd } = file(world, 'WRITE');
      const second = world.open(path, 'r');
      kq.set('VNODE', second, 'ADD|CLEAR', { fflags: 'LINK' });
      append(world, path);
      assert.ok(kq.one('VNODE', fd).note('WRITE'));
      world.link(path, `${path}2`);
      assert.ok(kq.one('VNODE', second).note('LINK'));
      kq.set('VNODE', fd, 'DELETE');
      append(world, path);
      kq.silent();
      world.link(path, `${path}3`);
      assert.ok(kq.one('VNODE', second).note('LINK'));
    },
  },
  {
    name: 'VNODE: two queues both report a change',
    needs: FILES,
    run(world) {
      const watched = file(world);
      const other = new Queue(world);
      other.set('VNODE', watched.fd, 'ADD|CLEAR', { fflags: 'WRITE' });
      append(world, watched.path);
      expectNotes(watched, 'WRITE');
      assert.ok(other.one('VNODE', watched.fd).note('WRITE'));
      other.close();
      append(world, watched.path);
      expectNotes(watched, 'WRITE');
    },
  },
  {
    name: 'VNODE: of a hundred files only the one that changed is reported',
    needs: FILES,
    run(world) {
      const folder = world.folder();
      const kq = new Queue(world);
      const fds = Array.from({ length: 100 }, (_, index) => world.open(`${folder}/${index}`, 'create'));
      for (const fd of fds) kq.set('VNODE', fd, 'ADD|CLEAR', { fflags: ALL, udata: fd });
      append(world, `${folder}/42`);
      assert.equal(kq.one('VNODE', fds[42] as number).udata, BigInt(fds[42] as number));
      kq.silent();
    },
  },
  {
    name: 'VNODE and READ on one file are separate knotes',
    needs: [...FILES, 'READ'],
    run(world) {
      const { kq, path, fd } = file(world, 'WRITE');
      kq.set('READ', fd, 'ADD', { udata: 1 });
      world.read(fd, 100);
      kq.silent();
      append(world, path);
      assert.deepEqual(
        kq
          .collect(2)
          .map(({ filter }) => filter)
          .sort(),
        ['READ', 'VNODE'],
      );
      kq.one('READ', fd);
    },
  },
  {
    name: 'VNODE on a directory: a new name is NOTE_WRITE',
    needs: [...FILES, 'mkdir', 'link'],
    run(world) {
      const watched = directory(world);
      watched.kq.silent();
      create(world, `${watched.path}/file`);
      expectNotes(watched, 'WRITE');
      world.link(`${watched.path}/file`, `${watched.path}/second`);
      expectNotes(watched, 'WRITE');
    },
  },
  {
    name: 'VNODE on a directory: a removed name is NOTE_WRITE',
    needs: [...FILES, 'mkdir', 'unlink'],
    run(world) {
      const watched = directory(world, (path) => create(world, `${path}/file`));
      world.unlink(`${watched.path}/file`);
      expectNotes(watched, 'WRITE');
    },
  },
  {
    name: 'VNODE on a directory: a renamed entry is NOTE_WRITE',
    needs: [...FILES, 'mkdir', 'rename'],
    run(world) {
      const watched = directory(world, (path) => create(world, `${path}/file`));
      world.rename(`${watched.path}/file`, `${watched.path}/other`);
      expectNotes(watched, 'WRITE');
    },
  },
  {
    name: 'VNODE on a directory: an entry moved in or out is NOTE_WRITE',
    needs: [...FILES, 'mkdir', 'rename'],
    run(world) {
      const watched = directory(world);
      create(world, `${watched.folder}/file`);
      world.rename(`${watched.folder}/file`, `${watched.path}/file`);
      expectNotes(watched, 'WRITE');
      world.rename(`${watched.path}/file`, `${watched.folder}/file`);
      expectNotes(watched, 'WRITE');
    },
  },
  {
    name: 'VNODE on a directory: a directory created or removed in it is NOTE_WRITE and NOTE_LINK',
    needs: [...FILES, 'mkdir', 'rmdir'],
    run(world) {
      const watched = directory(world);
      world.mkdir(`${watched.path}/inner`);
      expectNotes(watched, 'WRITE', 'LINK');
      world.rmdir(`${watched.path}/inner`);
      expectNotes(watched, 'WRITE', 'LINK');
    },
  },
  {
    name: 'VNODE on a directory: a change of a file in it is not reported',
    needs: [...FILES, 'mkdir', 'chmod'],
    run(world) {
      const watched = directory(world, (path) => create(world, `${path}/file`));
      append(world, `${watched.path}/file`);
      world.chmod(`${watched.path}/file`, 0o600);
      watched.kq.silent();
    },
  },
  {
    name: 'VNODE on a directory: its removal is NOTE_DELETE',
    needs: [...FILES, 'mkdir', 'rmdir'],
    gates: [
      {
        on: 'dragonfly',
        reason: 'a directory that is removed reports nothing',
        source: 'read in sys/vfs/hammer2/hammer2_vnops.c',
      },
    ],
    run(world) {
      const watched = directory(world);
      world.rmdir(watched.path);
      expectNotes(watched, 'DELETE');
    },
  },
  {
    name: 'VNODE on a directory: its renaming is NOTE_RENAME',
    needs: [...FILES, 'mkdir', 'rename'],
    run(world) {
      const watched = directory(world);
      world.rename(watched.path, `${watched.folder}/other`);
      expectNotes(watched, 'RENAME');
      create(world, `${watched.folder}/other/file`);
      expectNotes(watched, 'WRITE');
    },
  },
  {
    name: 'VNODE on a directory: a change of its mode is NOTE_ATTRIB',
    needs: [...FILES, 'mkdir', 'chmod'],
    run(world) {
      const watched = directory(world);
      world.chmod(watched.path, 0o700);
      expectNotes(watched, 'ATTRIB');
    },
  },
  {
    name: 'VNODE: a change of the file is not reported for a closed descriptor',
    needs: FILES,
    run(world) {
      const { kq, path, fd } = file(world);
      append(world, path);
      world.close(fd);
      append(world, path);
      kq.silent();
    },
  },
  ...(
    [
      ['opened is NOTE_OPEN', 'OPEN', (world, path) => using(world, path, 'r')],
      ['closed after reading is NOTE_CLOSE', 'CLOSE', (world, path) => using(world, path, 'r')],
      ['closed after writing is NOTE_CLOSE_WRITE', 'CLOSE_WRITE', append],
      ['read is NOTE_READ', 'READ', (world, path) => using(world, path, 'r', (fd) => world.read(fd, 4))],
    ] as readonly [string, string, (world: Kernel, path: string) => void][]
  ).map(
    ([what, note, act]): Case => ({
      name: `VNODE: ${what}`,
      needs: [...FILES, `NOTE_${note}`],
      run(world) {
        const watched = file(world, note);
        watched.kq.silent();
        act(world, watched.path);
        expectNotes(watched, note);
        watched.kq.silent();
      },
    }),
  ),
];
