// traceSys() and KQUEUE_TRACE: each call of the system-call API as a line.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { abis, defaultSys, EV_SET, KeventList, type Sys, Timespec, traceSys } from '../../src/sys/index.ts';
import { FakeSys } from '../helpers/fake-sys.ts';
import { loaders } from '../helpers/loaders.ts';
import { noUser } from '../helpers/user.ts';

/** A line without what differs from run to run: descriptors and times. */
const plain = (line: string): string => line.replace(/\(\d+\.\d\d ms\)$/, '(T ms)');

describe('the trace', { skip: noUser }, () => {
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

  test('has only the optional calls that the kqueue has', () => {
    assert.equal('wakefd' in traceSys(new FakeSys(abis.freebsd), () => {}), false);
    assert.equal('wakefd' in traceSys(defaultSys(), () => {}), defaultSys().wakefd !== undefined);
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

    const cwd = fileURLToPath(new URL('../..', import.meta.url));
    const commandLine = (source: string): string[] => [...loaders, '--input-type=module', '-e', source];

    function runAny(trace: string | undefined) {
      const { KQUEUE_TRACE: _, ...env } = process.env;
      return spawnSync(process.execPath, commandLine(program), {
        encoding: 'utf8',
        cwd,
        env: trace === undefined ? env : { ...env, KQUEUE_TRACE: trace },
      });
    }

    function run(trace: string | undefined): string {
      const ran = runAny(trace);
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

    test('a file that cannot be opened is an error that names the variable', () => {
      const { status, stderr } = runAny(join(folder, 'missing', 'trace'));
      assert.notEqual(status, 0);
      assert.match(stderr, /Error: KQUEUE_TRACE: ENOENT: /);
    });

    test('a full disk ends the trace, and the program goes on', {
      skip: !existsSync('/dev/full') && 'no /dev/full',
    }, () => {
      assert.match(run('/dev/full'), /KQUEUE_TRACE: ENOSPC: .*\. The trace ends here/);
    });

    test('the program goes on when the reader of standard error goes', async (t) => {
      const source = `import { readSync } from 'node:fs'; readSync(0, new Uint8Array(1)); ${program}`;
      const child = spawn(process.execPath, commandLine(source), { cwd, env: { ...process.env, KQUEUE_TRACE: '1' } });
      t.after(() => child.kill('SIGKILL'));
      child.stderr.destroy();
      await once(child.stderr, 'close');
      child.stdin.end();
      assert.deepEqual(await once(child, 'exit'), [0, null]);
    });

    test('a pipe that is full and non-blocking delays the program, and no line is lost', async (t) => {
      // The first calls load koffi, so that the second ones come before this test empties the pipe.
      const source = `import { writeSync } from 'node:fs';
        ${program}
        process.stderr; // Node makes the pipe non-blocking
        try { for (;;) writeSync(2, '.'); } catch { writeSync(1, 'full'); }
        close(kqueue());`;
      const child = spawn(process.execPath, commandLine(source), { cwd, env: { ...process.env, KQUEUE_TRACE: '1' } });
      t.after(() => child.kill('SIGKILL'));
      const exit = once(child, 'exit');
      await once(child.stdout, 'data');
      assert.match(await text(child.stderr), /^(\.*kqueue\(\) = .*\nclose\(.*\n){2}$/);
      assert.deepEqual(await exit, [0, null]);
    });
  });
});
