// kqueue-ffi watch.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { abi } from '../../src/sys/index.ts';
import { noUser } from '../helpers/user.ts';
import { ended, lines, run, start, until } from './program.ts';

/** macOS never reports the end of a FIFO. */
const reportsFifoEnd = abi.name !== 'darwin';
const folder = mkdtempSync(join(tmpdir(), 'kqueue-ffi-'));
after(() => rmSync(folder, { recursive: true }));

describe('kqueue-ffi watch', { skip: noUser, timeout: 120_000 }, () => {
  test('prints the exit of a process, a change of a file, a signal, a timer; Ctrl-C ends it', async (t) => {
    const file = join(folder, 'notes.txt');
    writeFileSync(file, '');
    const process = spawn('sh', ['-c', 'read x; exit 3'], { stdio: ['pipe', 'ignore', 'ignore'] });
    t.after(() => process.kill('SIGKILL'));
    const what = ['--pid', `${process.pid}`, '--file', file, '--signal', 'hup', '--timer', '20ms', '--user', '7'];
    const watch = start(t, ['watch', '--json', '--clear', ...what]);
    const [errors, end] = [text(watch.stderr), ended(watch)];
    const next = lines(watch.stdout);
    const event = async (filter: string): Promise<Record<string, unknown>> =>
      JSON.parse(await until(next, (line) => JSON.parse(line).filter === filter));

    // The event of the program itself says that all are registered.
    assert.equal((await event('user'))['what'], '7');
    assert.equal((await event('timer'))['what'], '20ms');
    writeFileSync(file, 'x');
    const changed = await event('vnode');
    assert.equal(changed['what'], file);
    assert((changed['notes'] as string[]).includes('write'));
    watch.kill('SIGHUP');
    assert.equal((await event('signal'))['what'], 'SIGHUP');
    process.stdin?.end();
    const { notes, time } = await event('proc');
    // macOS adds `exitstatus` for a child.
    assert((notes as string[]).includes('exit'));
    assert.equal(new Date(String(time)).toISOString(), time);

    watch.kill('SIGINT');
    assert.equal(await until(next, () => false).catch(() => 'all read'), 'all read');
    assert.equal(await errors, '');
    assert.equal(await end, 'SIGINT');
  });

  test('ends with 0 after --count events; a line has the time, the filter and what it is about', async (t) => {
    const { output, errors, end } = await run(t, [
      'watch',
      '--user',
      '7',
      '--timer',
      '30ms',
      '--clear',
      '--count',
      '3',
    ]);
    assert.equal(errors, '');
    assert.equal(end, 0);
    assert.match(output, /^\d\d:\d\d:\d\d\.\d{3} {2}USER {4}7\n(\d\d:\d\d:\d\d\.\d{3} {2}TIMER {3}30ms.*\n){2}$/);
  });

  test('a line says what has happened', async (t) => {
    const file = join(folder, 'lines.txt');
    writeFileSync(file, 'hello');
    const fifo = join(folder, 'lines.fifo');
    assert.equal(spawnSync('mkfifo', [fifo]).status, 0);
    const one = spawn('sh', ['-c', 'read x; kill -TERM $$'], { stdio: ['pipe', 'ignore', 'ignore'] });
    t.after(() => one.kill('SIGKILL'));
    const what = ['--pid', `${one.pid}`, '--file', file, '--signal', 'USR1', '--read', fifo, '--user', '1'];
    const watch = start(t, ['watch', ...what, '--clear', '--count', reportsFifoEnd ? '6' : '5']);
    const [errors, end] = [text(watch.stderr), ended(watch)];
    const next = lines(watch.stdout);
    const line = async (): Promise<string> => (await next()).slice(14).replace(/ +/g, ' ');
    assert.equal(await line(), 'USER 1');
    const writer = openSync(fifo, 'w');
    writeSync(writer, 'h');
    assert.equal(await line(), `READ ${fifo} 1 byte`);
    closeSync(writer);
    if (reportsFifoEnd) assert.equal(await line(), `READ ${fifo} 1 byte, EOF`);
    chmodSync(file, 0o600);
    assert.equal(await line(), `VNODE ${file} ATTRIB`);
    watch.kill('SIGUSR1');
    // DragonFly counts some signals twice.
    assert.match(await line(), /^SIGNAL SIGUSR1( 2 times)?$/);
    one.stdin?.end();
    assert.match(await line(), /^PROC pid \d+ EXIT, (signal SIGTERM|status unknown)$/);
    assert.deepEqual([await errors, await end], ['', 0]);
  });

  test('ends with 0 when nothing is left to report', async (t) => {
    const { output, errors, end } = await run(t, ['watch', '--user', '7', '--oneshot']);
    assert.equal(errors, '');
    assert.equal(end, 0);
    assert.match(output, /^\S+ {2}USER {4}7\n$/);
  });

  test('a level-triggered event repeats', async (t) => {
    const { output, end } = await run(t, ['watch', '--user', '7', '--count', '3']);
    assert.equal(end, 0);
    assert.match(output, /^(\S+ {2}USER {4}7\n){3}$/);
  });

  test('reports a FIFO that is opened by its path', async (t) => {
    const { status } = await new Promise<{ status: number | null }>((resolve) => {
      spawn('mkfifo', [join(folder, 'fifo')]).on('close', (status) => resolve({ status }));
    });
    assert.equal(status, 0);
    const watch = start(t, ['watch', '--user', '1', '--read', join(folder, 'fifo'), '--clear']);
    const next = lines(watch.stdout);
    await until(next, (line) => line.includes('USER'));
    writeFileSync(join(folder, 'fifo'), 'hello');
    assert.match(await until(next, (line) => line.includes('READ')), /fifo {2}5 bytes/);
  });

  test('ends quietly when its reader goes', async (t) => {
    const watch = start(t, ['watch', '--timer', '5ms']);
    const [errors, end] = [text(watch.stderr), ended(watch)];
    await lines(watch.stdout)();
    watch.stdout.destroy();
    assert.equal(await errors, '');
    assert.equal(await end, 0);
  });

  test('each thing that is not there is one line', async (t) => {
    const { errors, end } = await run(t, ['watch', '--pid', '2147483647', '--pid', '2147483646']);
    assert.match(errors, /^(kqueue-ffi watch: ESRCH: .*pid=214748364[67].*\n){2}$/);
    assert.equal(end, 1);
  });

  for (const [args, message] of [
    [['--pid', '2147483647'], /^kqueue-ffi watch: ESRCH: .*pid=2147483647/],
    [['--file', join(folder, 'none')], /^kqueue-ffi watch: ENOENT: .*none/],
    [['--read', '99'], /^kqueue-ffi watch: EBADF: .*fd=99/],
  ] as const) {
    test(`${args.join(' ').replace(folder, '')}: what is not there is one line, and exit status 1`, async (t) => {
      const { output, errors, end } = await run(t, ['watch', ...args]);
      assert.equal(output, '');
      assert.match(errors, message);
      assert.match(errors, /^[^\n]+\n$/);
      assert.equal(end, 1);
    });
  }
});
