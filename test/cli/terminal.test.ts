// The command in a real terminal: tmux, 80 columns and 24 lines.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { unavailableReason } from '../../src/sys/index.ts';
import { command } from './program.ts';

const PATIENCE = 60_000;

function missing(): string | false {
  return spawnSync('tmux', ['-V']).status === 0 ? false : 'tmux is not installed';
}

/** A terminal with a shell in it. */
class Terminal {
  readonly #socket: string;

  constructor(t: TestContext) {
    const folder = mkdtempSync(join(tmpdir(), 'kqueue-ffi-'));
    this.#socket = join(folder, 'tmux');
    const { NO_COLOR: _, FORCE_COLOR: __, KQUEUE_LIBRARY: ___, TMUX: ____, ...env } = process.env;
    const shell = ['new-session', '-d', '-x', '80', '-y', '40', "PS1='$ ' sh"];
    execFileSync('tmux', ['-f', '/dev/null', '-S', this.#socket, ...shell], { env });
    t.after(() => {
      this.#tmux('kill-server');
      rmSync(folder, { recursive: true });
    });
  }

  #tmux(...args: string[]): string {
    return execFileSync('tmux', ['-S', this.#socket, ...args], { encoding: 'utf8' });
  }

  run(args: string): void {
    const quoted = command.map((part) => `'${part}'`).join(' ');
    this.type(`clear; ${quoted} ${args}; echo "status $?"\n`);
  }

  type(text: string): void {
    this.#tmux('send-keys', '-l', text);
  }

  key(name: string): void {
    this.#tmux('send-keys', name);
  }

  /** What the terminal shows when that passes the test, with escape sequences if `escapes` is set. */
  async shows(expected: RegExp, escapes: boolean = false): Promise<string> {
    for (const end = performance.now() + PATIENCE; ; await setTimeout(50)) {
      const screen = this.#tmux('capture-pane', '-p', ...(escapes ? ['-e'] : []));
      if (expected.test(screen)) return screen;
      if (performance.now() > end) throw new Error(`the terminal does not show ${expected}:\n${screen}`);
    }
  }
}

describe('in a terminal', { skip: missing() || (unavailableReason() ?? false), timeout: 300_000 }, () => {
  test('doctor has colours, and no line is broken', async (t) => {
    const terminal = new Terminal(t);
    terminal.run('doctor');
    const screen = await terminal.shows(/status 0/, true);
    // tmux writes a colour in a form of its own.
    assert(screen.includes('TIMER       \u001b[32mworks'), screen);
  });

  test('NO_COLOR takes the colours away', async (t) => {
    const terminal = new Terminal(t);
    terminal.run('--help >/dev/null; export NO_COLOR=1');
    await terminal.shows(/status 0/);
    terminal.run('doctor');
    assert.match(await terminal.shows(/TIMER[\s\S]*status 0/, true), /TIMER {7}works/);
  });

  test('watch has a status line, which Ctrl-C removes; the shell shows status 130', async (t) => {
    const terminal = new Terminal(t);
    terminal.run('watch --user 7 --clear --timer 100ms');
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
    terminal.run(`watch --user 1 --oneshot --file '${folder}'/*long`);
    await terminal.shows(/ {2}USER/);
    writeFileSync(file, 'x');
    const screen = await terminal.shows(/status 0/);
    const folderAndName = `${folder}/?[31mlong`.replaceAll(/[?[]/g, '\\$&');
    assert.match(screen, new RegExp(`VNODE {3}${folderAndName}[long]*\\.\\.\\.\n`));
  });
});
