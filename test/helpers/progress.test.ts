// The long runs show their progress on a terminal, and write nothing of it to a file or a pipe.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { unavailableReason } from '../../src/sys/index.ts';
import { noLinux } from '../sys/built-in.ts';
import { loaders } from './loaders.ts';
import { Terminal, terminalMissing } from './terminal.ts';

const program = (url: URL): string[] => [process.execPath, '--expose-gc', ...loaders, fileURLToPath(url)];
const contract = new URL('../contract/run.ts', import.meta.url);
const fuzz = new URL('../fuzz/run.ts', import.meta.url);
const soak = new URL('../soak/run.ts', import.meta.url);

describe('progress', { skip: unavailableReason() ?? false, timeout: 300_000 }, () => {
  test('a pipe gets nothing of it', () => {
    const [file = '', ...args] = program(contract);
    const { status, stdout, stderr } = spawnSync(file, [...args, '--only', 'timer'], { encoding: 'utf8' });
    assert.equal(stderr, '');
    assert.equal(status, 0);
    assert(!stdout.includes('\u001b') && !/^\d+ %/m.test(stdout), stdout);
  });

  // The bench is not among them: its programs must be built first, and its rows take minutes.
  for (const [name, url, args, skip, line] of [
    ['contract', contract, '', false, /^\d+ %(, \d+ (s|min) left)?: \w.*$/m],
    ['fuzz', fuzz, '--seconds 30', noLinux, /^\d+ %, \d+ (s|min) left: seed \d+$/m],
    ['fuzz', fuzz, '--interrupt --seconds 30', noLinux, /^\d+ %, \d+ (s|min) left: interruptions$/m],
    ['soak', soak, '--minutes 0.5', noLinux, /^\d+ %, \d+ (s|min) left: \d+ rounds$/m],
  ] as const) {
    test(`${`${name} ${args}`.trim()}: a terminal shows what runs, how far it is, and how long it still takes`, {
      skip: terminalMissing() || skip,
    }, async (t) => {
      const terminal = new Terminal(t);
      terminal.run(program(url), args);
      await terminal.shows(line);
    });
  }
});
