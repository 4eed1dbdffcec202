// The built-in kqueue where descriptors or watches run out, the kernel refuses a system call, or /proc is missing.

import assert from 'node:assert/strict';
import {
  closeSync,
  fchmodSync,
  futimesSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import { Kqueue, KqueueError, type KqueueEvent, user, vnode } from '../../src/index.ts';
import { duplicate } from '../../src/sys/descriptor.ts';
import { errnoName } from '../../src/sys/index.ts';
import { modeOf, type Stat, sizeOf, statAt, statOf } from '../../src/sys/linux/syscalls.ts';
import { descriptors, inotifyWatches } from '../helpers/descriptors.ts';
import { ALL, constant, noLinux, notes, ofLibc, Queue } from './built-in.ts';
import { alone, NO_SECCOMP, refuse, withDescriptors } from './own-process.ts';

const file = new URL('refused.test.ts', import.meta.url);
const skip = noLinux;

const eventfd = ofLibc<[initial: number, flags: number]>('int eventfd(unsigned int initial, int flags)');
const pipe2 = ofLibc<[fds: Int32Array, flags: number]>('int pipe2(void *fds, int flags)');
const pipe = (): [number, number] => {
  const fds = new Int32Array(2);
  assert.equal(pipe2(fds, 0o2004000), 0);
  return [fds[0] as number, fds[1] as number];
};

/** One change of each filter that needs a descriptor of the queue's own, and the errno where there is none. */
function needy(): { what: Parameters<Queue['change']>[0]; emfile: string }[] {
  const regular = openSync(fileURLToPath(file), 'r');
  const [, writer] = pipe();
  return [
    { what: { ident: writer, filter: 'WRITE' }, emfile: 'EMFILE' },
    { what: { ident: 1, filter: 'TIMER', data: 60_000 }, emfile: 'ENOMEM' },
    { what: { ident: writer, filter: 'WRITE', fflags: 'LOWAT', data: 1 }, emfile: 'ENOMEM' },
    { what: { ident: regular, filter: 'READ' }, emfile: 'EMFILE' },
    { what: { ident: regular, filter: 'VNODE', fflags: 'WRITE' }, emfile: 'EMFILE' },
    { what: { ident: process.ppid, filter: 'PROC', fflags: 'EXIT' }, emfile: 'EMFILE' },
  ];
}

alone(file, 'no descriptor left: kqueue(2) is EMFILE, and a queue is made when there is one again', { skip }, () => {
  const first = new Queue();
  const { sys } = first;
  first.close();
  const before = descriptors();
  withDescriptors(0, () => {
    assert.equal(sys.kqueue(), -1);
    assert.equal(errnoName(sys.errno()), 'EMFILE');
    assert.equal(duplicate(0), -1);
  });
  // A queue needs two: its epoll, and its readiness eventfd.
  withDescriptors(1, () => {
    assert.equal(sys.kqueue(), -1);
    assert.equal(errnoName(sys.errno()), 'EMFILE');
  });
  assert.deepEqual(descriptors(), before);
  new Queue().close();
  return undefined;
});

alone(file, 'epoll_ctl(2) is refused: kqueue(2) is its errno, and leaves nothing open', { skip }, () => {
  const first = new Queue();
  const { sys } = first;
  first.close();
  const before = descriptors();
  // The two lowest numbers: of its epoll, and of its readiness eventfd. Node's own descriptors are not refused.
  const numbers = [openSync('/dev/null', 'r'), openSync('/dev/null', 'r')] as const;
  for (const fd of numbers) closeSync(fd);
  if (!refuse({ epoll_ctl: 'ENOMEM' }, numbers[1], 2)) return NO_SECCOMP;
  assert.equal(sys.kqueue(), -1);
  assert.equal(errnoName(sys.errno()), 'ENOMEM');
  assert.deepEqual(descriptors(), before);
  return undefined;
});

alone(
  file,
  'no descriptor left: a change that needs one is an errno, leaves nothing, and is good later',
  { skip },
  () => {
    for (const { what, emfile } of needy()) {
      const queue = new Queue();
      assert.equal(queue.change({ ident: 0, filter: 'USER' }), 'ok');
      const before = descriptors();
      withDescriptors(0, () => assert.equal(queue.change(what), emfile, what.filter));
      assert.deepEqual(descriptors(), before, what.filter);
      assert.equal(queue.change({ ...what, flags: 'DELETE' }), 'ENOENT', what.filter);
      assert.equal(queue.change(what), 'ok', what.filter);
      assert.equal(queue.change({ ...what, flags: 'DELETE' }), 'ok', what.filter);
      queue.close();
    }
    return undefined;
  },
);

alone(
  file,
  'no descriptor left: a knote that is to have a low-water mark is ENOMEM, and stays as it was',
  { skip },
  () => {
    const queue = new Queue();
    const [, ident] = pipe();
    assert.equal(queue.change({ ident, filter: 'WRITE' }), 'ok');
    const mark = { ident, filter: 'WRITE', fflags: 'LOWAT', data: 2 ** 30 };
    withDescriptors(0, () => assert.equal(queue.change(mark), 'ENOMEM'));
    assert.equal(queue.fetch().length, 1);
    assert.equal(queue.change(mark), 'ok');
    assert.deepEqual(queue.fetch(), []);
    return undefined;
  },
);

alone(
  file,
  'no descriptor left: a user event is refused or comes, and makes the queue readable when it comes',
  { skip },
  () => {
    const queue = new Queue();
    const outer = new Queue();
    assert.equal(outer.change({ ident: queue.fd, filter: 'READ' }), 'ok');
    let added = '';
    withDescriptors(0, () => {
      added = queue.change({ ident: 1, filter: 'USER', flags: 'ADD|CLEAR' });
      if (added === 'ok')
        assert.equal(queue.change({ ident: 1, filter: 'USER', flags: 'ENABLE', fflags: 'TRIGGER' }), 'ok');
      else assert.equal(added, 'EMFILE');
    });
    if (added === 'ok') assert.equal(outer.fetch().length, 1);
    else assert.deepEqual([queue.fetch(), outer.fetch()], [[], []]);
    return undefined;
  },
);

alone(file, 'no descriptor left: Waker has no descriptor to give, and has one later', { skip }, () => {
  const queue = new Queue();
  const { sys } = queue;
  assert.equal(queue.change({ ident: 7, filter: 'USER', flags: 'ADD|CLEAR' }), 'ok');
  const before = descriptors();
  withDescriptors(0, () => {
    assert.equal(sys.wakefd?.(queue.fd, 7), -1);
    assert.equal(errnoName(sys.errno()), 'EMFILE');
  });
  assert.deepEqual(descriptors(), before);
  const fd = sys.wakefd?.(queue.fd, 7) ?? -1;
  writeSync(fd, new Uint8Array(new BigUint64Array([1n]).buffer));
  assert.deepEqual(
    queue.fetch(60_000).map(({ ident }) => ident),
    [7],
  );
  return undefined;
});

alone(
  file,
  "no descriptor left at the first wait(): Node's loop watches the queue from the second on",
  { skip },
  async () => {
    const { poll } = koffi.node;
    let handles = 0;
    Object.assign(koffi.node, {
      poll(...args: Parameters<typeof poll>) {
        handles++;
        return poll(...args);
      },
    });
    const kq = new Kqueue();
    const [event] = kq.register(user(1, { clear: true }));
    let first: Promise<KqueueEvent[]> | undefined;
    withDescriptors(0, () => {
      first = kq.wait();
    });
    event.trigger();
    assert.equal((await first)?.length, 1);
    assert.equal(handles, 0);
    const second = kq.wait();
    assert.equal(handles, 1);
    event.trigger();
    assert.equal((await second).length, 1);
    return undefined;
  },
);

alone(file, 'a duplicate is no standard stream, though one is closed, and no child has it', { skip }, () => {
  closeSync(0);
  const copy = duplicate(1);
  assert(copy > 2, `descriptor ${copy}`);
  // O_CLOEXEC, in octal.
  assert.match(readFileSync(`/proc/self/fdinfo/${copy}`, 'latin1'), /^flags:\s+0?2\d{6}$/m);
  return undefined;
});

alone(file, 'no room for another watch of epoll: ENOMEM, and nothing is left', { skip }, () => {
  const queue = new Queue();
  assert.equal(queue.change({ ident: 0, filter: 'USER' }), 'ok');
  const [reader] = pipe();
  const changes = [{ ident: reader, filter: 'READ' }, ...needy().map(({ what }) => what)];
  const before = descriptors();
  if (!refuse({ epoll_ctl: 'ENOSPC' }, queue.fd)) return NO_SECCOMP;
  for (const what of changes) {
    assert.equal(queue.change(what), 'ENOMEM', what.filter);
    assert.deepEqual(descriptors(), before, what.filter);
  }
  assert.equal(queue.sys.wakefd?.(queue.fd, 1), -1);
  assert.deepEqual(descriptors(), before);
  return undefined;
});

alone(file, 'statx(2) is EPERM, as with libseccomp before 2.3.3: fstatat(2) reports the same', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'kqueue-'));
  try {
    const path = join(folder, 'file');
    const fd = openSync(path, 'w+', 0o640);
    writeSync(fd, 'hello');
    utimesSync(path, 1.5, 1_234_567.25);
    const queue = new Queue();
    const [reader] = pipe();
    const link = join(folder, 'link');
    symlinkSync(path, link);
    const statAll = (): (Stat | undefined)[] => [statOf(fd), statOf(reader), statAt(path), statAt(link)];
    const before = statAll();
    assert.equal(before[2]?.inode, before[0]?.inode);
    assert.notEqual(before[3]?.inode, before[0]?.inode);
    if (!refuse({ statx: 'EPERM' })) return NO_SECCOMP;
    // The device is for comparison only: statx(2) has it in two halves.
    const known = (stat: Stat | undefined): unknown => ({ ...stat, device: undefined });
    assert.deepEqual(statAll().map(known), before.map(known));
    assert.equal(modeOf(fd), 0o100640);
    assert.equal(sizeOf(fd), 5);
    assert.equal(statOf(2 ** 31 - 1), undefined);
    assert.equal(statAt(`${path} none`), undefined);
    assert.equal(queue.change({ ident: fd, filter: 'VNODE', flags: 'ADD|CLEAR', fflags: 'WRITE|EXTEND' }), 'ok');
    assert.equal(queue.change({ ident: reader, filter: 'READ' }), 'ok');
    writeSync(fd, ' world');
    assert.deepEqual(
      queue.fetch(60_000).map(({ ident, fflags }) => [ident, fflags]),
      [[fd, constant('NOTE', 'WRITE|EXTEND')]],
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
  return undefined;
});

// What a kernel answers that does not have a system call, and a container runtime that does not know the call.
for (const missing of ['ENOSYS', 'EPERM']) {
  alone(
    file,
    `epoll_pwait2(2) is ${missing}, as before Linux 5.11: a wait is in milliseconds, and not too short`,
    { skip },
    () => {
      const queue = new Queue();
      assert.equal(
        queue.change({ ident: 1, filter: 'TIMER', flags: 'ADD|ONESHOT', fflags: 'USECONDS', data: 300 }),
        'ok',
      );
      if (!refuse({ epoll_pwait2: missing })) return NO_SECCOMP;
      assert.deepEqual(
        queue.fetch(60_000).map(({ filter, data }) => [filter, data]),
        [[-7, 1]],
      );
      for (const ms of [2.5, 0.1]) {
        const start = performance.now();
        assert.deepEqual(queue.fetch(ms), []);
        assert(performance.now() - start >= ms, `${ms} ms`);
      }
      return undefined;
    },
  );

  alone(file, `pidfd_open(2) is ${missing}, as before Linux 5.3: a PROC knote is refused with ENOSYS`, { skip }, () => {
    const queue = new Queue();
    if (!refuse({ pidfd_open: missing })) return NO_SECCOMP;
    assert.equal(queue.change({ ident: process.ppid, filter: 'PROC', fflags: 'EXIT' }), 'ENOSYS');
    return undefined;
  });
}

alone(file, 'inotify has no watch left: ENOSPC; may not read: EACCES; and /proc is missing: EINVAL', { skip }, () => {
  const regular = openSync(fileURLToPath(file), 'r');
  const folder = openSync(fileURLToPath(new URL('.', file)), 'r');
  const queue = new Queue();
  for (const [errno, expected] of [
    ['ENOSPC', 'ENOSPC'],
    ['EACCES', 'EACCES'],
    ['ENOENT', 'EINVAL'],
  ] as const) {
    if (!refuse({ inotify_add_watch: errno })) return NO_SECCOMP;
    for (const ident of [regular, folder]) {
      assert.equal(queue.change({ ident, filter: 'VNODE', fflags: 'WRITE' }), expected);
      assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'DELETE' }), 'ENOENT');
    }
    assert.equal(queue.change({ ident: regular, filter: 'READ' }), expected);
    assert.deepEqual(queue.fetch(), []);
  }
  return undefined;
});

for (const [call, errno, limit] of [
  ['inotify_add_watch', 'ENOSPC', 'fs.inotify.max_user_watches'],
  ['inotify_init1', 'EMFILE', 'fs.inotify.max_user_instances'],
] as const) {
  alone(file, `${call} fails with ${errno}: the error names ${limit}`, { skip }, () => {
    const kq = new Kqueue();
    if (!refuse({ [call]: errno })) return NO_SECCOMP;
    const register = (): unknown => kq.register(vnode(openSync(fileURLToPath(file), 'r'), { on: ['write'] }));
    assert.throws(register, (error: unknown) => {
      assert.ok(error instanceof KqueueError);
      assert.equal(error.code, errno);
      assert.ok(error.message.includes(limit), error.message);
      return true;
    });
    return undefined;
  });
}

const twoWatches = `
  limit='echo 2 >/proc/sys/user/max_inotify_watches'
  unshare -Ur sh -c "$limit" 2>/dev/null || { echo 'skip: a user namespace is not to be had'; exit; }
  exec unshare -Ur sh -c "$limit"'; exec "$@"' sh "$@"`;

alone(
  file,
  'inotify has one watch left, and a directory needs two: ENOSPC, and neither is left',
  { skip, shell: twoWatches },
  () => {
    const regular = openSync(fileURLToPath(file), 'r');
    const folder = openSync(fileURLToPath(new URL('.', file)), 'r');
    const queue = new Queue();
    const add = (ident: number): string => queue.change({ ident, filter: 'VNODE', fflags: 'DELETE|WRITE' });
    assert.equal(add(regular), 'ok');
    assert.equal(inotifyWatches(), 1);
    assert.equal(add(folder), 'ENOSPC');
    assert.equal(inotifyWatches(), 1);
    assert.deepEqual(queue.fetch(), []);
    assert.equal(queue.change({ ident: regular, filter: 'VNODE', flags: 'DELETE' }), 'ok');
    assert.equal(add(folder), 'ok');
    assert.equal(inotifyWatches(), 2);
    return undefined;
  },
);

const withoutProc = `
  unshare -m mount -t tmpfs none /proc 2>/dev/null || { echo 'skip: /proc cannot be hidden: unshare(1) needs root'; exit; }
  exec unshare -m sh -c 'mount -t tmpfs none /proc && exec "$@"' sh "$@"`;

alone(file, 'without /proc: VNODE and files are EINVAL, all else works', { skip, shell: withoutProc }, () => {
  assert.throws(() => readFileSync('/proc/self/stat'), /ENOENT/);
  const queue = new Queue();
  const regular = openSync(fileURLToPath(file), 'r');
  assert.equal(queue.change({ ident: regular, filter: 'VNODE', fflags: 'WRITE' }), 'EINVAL');
  assert.equal(queue.change({ ident: regular, filter: 'READ' }), 'EINVAL');
  assert.equal(queue.change({ ident: regular, filter: 'WRITE' }), 'ok');
  const counter = eventfd(3, 0o2004000);
  const [reader, writer] = pipe();
  writeSync(writer, 'hello');
  for (const ident of [counter, reader]) assert.equal(queue.change({ ident, filter: 'READ' }), 'ok');
  assert.equal(queue.change({ ident: 5, filter: 'TIMER', flags: 'ADD|ONESHOT', data: 1 }), 'ok');
  const seen = new Map<unknown, unknown>();
  while (!seen.has(5)) for (const { ident, data } of queue.fetch(60_000)) seen.set(ident, data);
  const outer = new Queue();
  assert.equal(outer.change({ ident: queue.fd, filter: 'WRITE' }), 'EINVAL');
  assert.equal(outer.change({ ident: queue.fd, filter: 'READ' }), 'ok');
  assert.equal(outer.fetch().length, 1);
  // How much an eventfd gives at a time is not to be known then; that it gives something is.
  assert.deepEqual(
    seen,
    new Map([
      [regular, 0],
      [counter, 1],
      [reader, 5],
      [5, 1],
    ]),
  );
  return undefined;
});

alone(file, 'events of inotify that were lost in a flood: a look at each file shows what happened', { skip }, () => {
  const limit = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
  if (limit > 200_000) return `fs.inotify.max_queued_events is ${limit}`;
  const folder = mkdtempSync(join(tmpdir(), 'kqueue-'));
  const at = (...names: string[]): string => join(folder, ...names);
  try {
    const queue = new Queue();
    const watched = new Map<unknown, string>();
    const watch = (name: string, ident: number): number => {
      const fflags = `${ALL}|OPEN|CLOSE|CLOSE_WRITE|READ`;
      assert.equal(queue.change({ ident, filter: 'VNODE', flags: 'ADD|CLEAR', fflags }), 'ok');
      watched.set(ident, name);
      return ident;
    };
    const watchFile = (name: string): number => {
      writeFileSync(at(name), 'ten bytes.');
      return watch(name, openSync(at(name), 'r+'));
    };
    const watchFolder = (...names: string[]): void => {
      mkdirSync(at(...names));
      watch(names.join('/'), openSync(at(...names), 'r'));
    };
    const flood = (): void => {
      // Two in turn, as equal events that follow each other are one.
      for (let i = 0; i < limit; i++) utimesSync(at(i % 2 === 0 ? 'one' : 'two'), i, i);
    };
    const fetched = (): Record<string, string> => {
      const events = queue.fetch(60_000);
      const entries = events.map((event) => [watched.get(event.ident), notes(event).join(' ')]);
      return Object.fromEntries(entries.filter(([name]) => name !== 'one' && name !== 'two').sort());
    };

    for (const name of ['one', 'two', 'same', 'read']) watchFile(name);
    const [written, mode, touched] = [watchFile('written'), watchFile('another mode'), watchFile('touched')];
    for (const name of ['shorter', 'renamed', 'there and back', 'replaced', 'removed', 'linked', 'linked for a moment'])
      watchFile(name);
    watchFile('replaced, with a backup');
    for (const name of ['filled', 'with a folder', 'moved', 'emptied']) watchFolder(name);
    watchFolder('emptied', 'gone');
    const backed = watchFile('without a name');
    linkSync(at('without a name'), at('last name'));
    unlinkSync(at('without a name'));
    queue.fetch();

    flood();
    // None of these events is in inotify's queue any more.
    writeSync(written, 'more than ten bytes');
    fchmodSync(mode, 0o600);
    futimesSync(touched, 1, 1);
    readFileSync(at('read'));
    truncateSync(at('shorter'), 3);
    renameSync(at('renamed'), at('new name'));
    renameSync(at('there and back'), at('back'));
    renameSync(at('back'), at('there and back'));
    writeFileSync(at('new'), '');
    renameSync(at('new'), at('replaced'));
    unlinkSync(at('removed'));
    linkSync(at('linked'), at('link'));
    linkSync(at('linked for a moment'), at('moment'));
    unlinkSync(at('moment'));
    linkSync(at('replaced, with a backup'), at('backup'));
    writeFileSync(at('new'), '');
    renameSync(at('new'), at('replaced, with a backup'));
    writeFileSync(at('filled', 'file'), '');
    mkdirSync(at('with a folder', 'folder'));
    renameSync(at('moved'), at('emptied', 'moved'));
    rmdirSync(at('emptied', 'gone'));
    unlinkSync(at('last name'));
    assert.deepEqual(fetched(), {
      written: 'ATTRIB EXTEND WRITE',
      'another mode': 'ATTRIB',
      touched: 'ATTRIB WRITE',
      shorter: 'ATTRIB TRUNCATE WRITE',
      renamed: 'RENAME',
      'there and back': 'ATTRIB LINK',
      replaced: 'DELETE LINK',
      removed: 'DELETE LINK',
      linked: 'LINK',
      'linked for a moment': 'ATTRIB LINK',
      'replaced, with a backup': 'DELETE LINK',
      filled: 'ATTRIB WRITE',
      'with a folder': 'ATTRIB LINK WRITE',
      moved: 'RENAME',
      emptied: 'ATTRIB LINK WRITE',
      'emptied/gone': 'DELETE LINK',
      'without a name': 'DELETE LINK',
    });
    assert.deepEqual(queue.fetch(), []);

    // A watch that went in the flood is there again, and a folder is watched where it is now.
    writeSync(backed, 'more than ten bytes');
    rmdirSync(at('emptied', 'moved'));
    const after = fetched();
    assert.equal(after['without a name'], 'EXTEND WRITE');
    assert.equal(after['moved'], 'DELETE');
    renameSync(at('new name'), at('renamed'));
    assert.deepEqual(fetched(), { renamed: 'RENAME' });
  } finally {
    rmSync(folder, { recursive: true });
  }
  return undefined;
});
alone(
  file,
  'a queue closed behind our back, and its number is a queue again: the old one is gone, with all it had',
  { skip },
  () => {
    const once = (): void => {
      const stale = new Queue();
      for (const { what } of needy().slice(0, 2)) assert.equal(stale.change(what), 'ok');
      closeSync(stale.fd);
      const fresh = new Queue();
      assert.equal(fresh.fd, stale.fd);
      assert.equal(fresh.change({ ident: 1, filter: 'TIMER', flags: 'DELETE' }), 'ENOENT');
      fresh.close();
    };
    once();
    const before = descriptors().filter((target) => target.startsWith('anon_inode'));
    once();
    assert.deepEqual(
      descriptors().filter((target) => target.startsWith('anon_inode')),
      before,
    );
    return undefined;
  },
);
