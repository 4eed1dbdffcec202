// The command in a real terminal: tmux, at 80 columns.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Terminal, terminalMissing } from '../helpers/terminal.ts';
import { noUser } from '../helpers/user.ts';
import { command } from './program.ts';

describe('in a terminal', { skip: terminalMissing() || noUser, timeout: 300_000 }, () => {
  test('doctor has colours, and no line is broken', async (t) => {
    const terminal = new Terminal(t);
    terminal.run(command, 'doctor');
    const screen = await terminal.shows(/status 0/, true);
    // tmux writes a colour in a form of its own.
    assert(screen.includes('TIMER       \u001b[32mworks'), screen);
  });

  test('NO_COLOR takes the colours away', async (t) => {
    const terminal = new Terminal(t);
    terminal.run(command, '--help >/dev/null; export NO_COLOR=1');
    await terminal.shows(/status 0/);
    terminal.run(command, 'doctor');
    assert.match(await terminal.shows(/TIMER[\s\S]*status 0/, true), /TIMER {7}works/);
  });

  test('watch has a status line, which Ctrl-C removes; the shell shows status 130', async (t) => {
    const terminal = new Terminal(t);
    terminal.run(command, 'watch --user 7 --clear --timer 100ms');
    await terminal.shows(/^\d\d:\d\d:\d\d\.\d{3} {2}USER {4}7$[\s\S]*^2 watched, \d+ events, Ctrl-C ends$/m);
    terminal.key('C-c');
    // The shell ends the whole line of commands, because the command died of the signal.
    await terminal.shows(/^\$$/m);
    terminal.type('echo "status $?"\n');
    const screen = await terminal.shows(/status 130/);
    assert.doesNotMatch(screen, /Ctrl-C ends/);
  });

  test('a line that is too long for the terminal is cut, and control characters do not reach it', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'kqueue-ffi-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, `\u001b[31m${'long'.repeat(30)}`);
    writeFileSync(file, '');
    const terminal = new Terminal(t);
    terminal.run(command, `watch --user 1 --oneshot --file '${folder}'/*long`);
    await terminal.shows(/ {2}USER/);
    writeFileSync(file, 'x');
    const screen = await terminal.shows(/status 0/);
    const folderAndName = `${folder}/?[31mlong`.replaceAll(/[?[]/g, '\\$&');
    assert.match(screen, new RegExp(`VNODE {3}${folderAndName}[long]*\\.\\.\\.\n`));
  });

  test('SIGTERM removes the status line, too', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'kqueue-ffi-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'pid');
    const terminal = new Terminal(t);
    terminal.run(['sh', '-c', `echo $$ > ${file}; exec "$@"`, 'sh', ...command], 'watch --user 7 --clear');
    await terminal.shows(/^1 watched, 1 event, Ctrl-C ends$/m);
    process.kill(Number(readFileSync(file, 'utf8')), 'SIGTERM');
    const screen = await terminal.shows(/status 143/);
    assert.doesNotMatch(screen, /Ctrl-C ends/);
  });

  test('a narrow terminal gets a cut line, with its colour in one piece', async (t) => {
    const terminal = new Terminal(t);
    for (const [columns, end] of [
      [17, /^\d\d:\d\d:\d\d\.\d{3} {2}\.\.\.$/m],
      [20, /^\d\d:\d\d:\d\d\.\d{3} {2}USE\.\.\.$/m],
    ] as const) {
      terminal.type(`stty cols ${columns}\n`);
      terminal.run(command, 'watch --user 1234567890 --oneshot');
      await terminal.shows(end);
    }
  });

  test('a terminal that does not know its width has 80 columns', async (t) => {
    const terminal = new Terminal(t);
    terminal.type('stty cols 0\n');
    terminal.run(command, 'watch --user 7 --clear');
    await terminal.shows(/^1 watched, 1 event, Ctrl-C ends$/m);
  });
});
