import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';

const PATIENCE = 60_000;

/** Why there is no terminal for a test; false where there is one. */
export function terminalMissing(): string | false {
  return spawnSync('tmux', ['-V']).status === 0 ? false : 'tmux is not installed';
}

/** A terminal of 80 columns and 40 lines, with a shell in it: tmux. It is gone at the end of the test. */
export class Terminal {
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

  /** Runs a program with more words for the shell, and prints its exit status. */
  run(program: readonly string[], args: string): void {
    const quoted = program.map((part) => `'${part}'`).join(' ');
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
