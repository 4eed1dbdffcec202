// traceSys() and KQUEUE_TRACE: each call of the system-call API as a line.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  defaultSys,
  EV_SET,
  KeventList,
  type Sys,
  Timespec,
  traceSys,
  unavailableReason,
} from '../../src/sys/index.ts';
import { loaders } from '../helpers/loaders.ts';

/** A line without what differs from run to run: descriptors and times. */
const plain = (line: string): string => line.replace(/\(\d+\.\d\d ms\)$/, '(T ms)');

describe('the trace', { skip: unavailableReason() ?? false }, () => {
  const { EVFILT_USER = 0, EV_ADD = 0, EV_CLEAR = 0, NOTE_TRIGGER = 0 } = defaultSys().abi.constants;

  test('shows the changes as they go down, the events as they come back, the result and its errno', () => {
    const lines: string[] = [];
    const sys = traceSys(defaultSys(), (line) => lines.push(line));
    const kq = sys.kqueue();
    const list = new KeventList(10, sys.abi);
    EV_SET(list, 0, 7, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, 1);
    assert.equal(sys.kevent(kq, list, 1, null, 0, null), 0);
    EV_SET(list, 0, 7, EVFILT_USER, 0, NOTE_TRIGGER, 0, 1);
    assert.equal(sys.kevent(kq, list, 1, list, 10, new Timespec(1, 500_000_000)), 1);
    assert.equal(sys.kevent(kq, null, 0, list, 10, new Timespec(0, 0)), 0);
    EV_SET(list, 0, 8, EVFILT_USER, 0, 0, 0, 0);
    assert.equal(sys.kevent(kq, list, 1, null, 0, null), -1);
    assert.equal(sys.close(kq), 0);
    // Some systems repeat the flags of registration in an event.
    const event = /\{ USER ident=7, (ADD\|)?(ENABLE\|)?CLEAR, udata=1 \}(?=\], 10)/;
    assert.deepEqual(
      lines.map((line) => plain(line.replace(event, 'EVENT'))),
      [
        `kqueue() = ${kq}  (T ms)`,
        `kevent(${kq}, [{ USER ident=7, ADD|CLEAR, udata=1 }], NULL, 0, NULL) = 0  (T ms)`,
        `kevent(${kq}, [{ USER ident=7, fflags=TRIGGER, udata=1 }], [EVENT], 10, 1.5 s) = 1  (T ms)`,
        `kevent(${kq}, NULL, [], 10, 0 s) = 0  (T ms)`,
        `kevent(${kq}, [{ USER ident=8 }], NULL, 0, NULL) = -1 ENOENT  (T ms)`,
        `close(${kq}) = 0  (T ms)`,
      ],
    );
  });

  test('cuts a long list, and says how many more there are', () => {
    const lines: string[] = [];
    const sys = traceSys(defaultSys(), (line) => lines.push(line));
    const kq = sys.kqueue();
    const list = new KeventList(100, sys.abi);
    for (let i = 0; i < 100; i++) EV_SET(list, i, i, EVFILT_USER, EV_ADD, 0, 0, 0);
    assert.equal(sys.kevent(kq, list, 100, null, 0, null), 0);
    sys.close(kq);
    assert.match(String(lines[1]), /USER ident=7, ADD \}, \.\.\. 92 more\], NULL/);
    assert.equal(lines[1]?.includes('ident=8,'), false);
  });

  test('shows the call that a waker needs', {
    skip: defaultSys().wakefd === undefined && 'a waker calls kevent(2) on this kqueue',
  }, () => {
    const lines: string[] = [];
    const sys = traceSys(defaultSys(), (line) => lines.push(line));
    const kq = sys.kqueue();
    const fd = sys.wakefd?.(kq, 7);
    assert.equal(sys.wakefd?.(-1, 7), -1);
    sys.close(kq);
    assert.deepEqual(lines.slice(1, -1).map(plain), [
      `wakefd(${kq}, 7) = ${fd}  (T ms)`,
      'wakefd(-1, 7) = -1 EBADF  (T ms)',
    ]);
  });

  test('a wrong argument is refused as without the trace, and what is traced is the same kqueue', () => {
    const sys = traceSys(defaultSys(), () => assert.fail('no call was made'));
    const list = new KeventList(1, sys.abi);
    const wrong = [
      [null, 1],
      [list, 2],
      [undefined, 1],
      [{}, 1],
      [list, -1],
      [list, '1'],
    ] as unknown as [KeventList, number][];
    for (const [changelist, nchanges] of wrong) {
      const call = (of: Sys) => () => of.kevent(0, changelist, nchanges, null, 0, null);
      let expected: unknown;
      try {
        call(defaultSys())();
      } catch (error) {
        expected = error;
      }
      assert(expected instanceof Error);
      assert.throws(call(sys), { name: expected.name, message: expected.message });
    }
    assert.equal(sys.abi, defaultSys().abi);
    assert.equal(sys.binding, defaultSys().binding);
  });

  describe('KQUEUE_TRACE', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kqueue-ffi-'));
    after(() => rmSync(folder, { recursive: true, force: true }));
    const library = new URL('../../src/sys/index.ts', import.meta.url).href;
    const program = `import { kqueue, close } from ${JSON.stringify(library)}; close(kqueue());`;

    function run(trace: string | undefined): string {
      const { KQUEUE_TRACE: _, ...env } = process.env;
      const ran = spawnSync(process.execPath, [...loaders, '--input-type=module', '-e', program], {
        encoding: 'utf8',
        cwd: fileURLToPath(new URL('../..', import.meta.url)),
        env: trace === undefined ? env : { ...env, KQUEUE_TRACE: trace },
      });
      assert.equal(ran.status, 0, ran.stderr);
      assert.equal(ran.stdout, '');
      return ran.stderr;
    }

    test('1 writes to standard error, a path to that file; without it nothing is written', () => {
      assert.match(run('1'), /^kqueue\(\) = \d+ {2}\(\d+\.\d\d ms\)\nclose\(\d+\) = 0 {2}\(\d+\.\d\d ms\)\n$/);
      const file = join(folder, 'trace');
      assert.equal(run(file), '');
      assert.equal(run(file), '');
      assert.match(readFileSync(file, 'utf8'), /^(kqueue\(\) = .*\nclose\(.*\n){2}$/);
      for (const off of [undefined, '', '0']) assert.equal(run(off), '');
    });
  });
});
