// kqueue-ffi doctor.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import type { Probe } from '../../src/cli/probe.ts';
import { abi, unavailableReason } from '../../src/sys/index.ts';
import { libkqueue } from '../helpers/libkqueue.ts';
import { loaders } from '../helpers/loaders.ts';
import { run } from './program.ts';

const found = await libkqueue();

/** Whether a pending wait() has a timer. */
function hasTimer(env: NodeJS.ProcessEnv): boolean {
  const program = fileURLToPath(new URL('timers.ts', import.meta.url));
  const { stdout } = spawnSync(process.execPath, [...loaders, program], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return JSON.parse(stdout);
}

describe('kqueue-ffi doctor', { skip: unavailableReason() ?? false }, () => {
  test('is the default, and fits 80 columns without colours in a pipe', async (t) => {
    const { output, errors, end } = await run(t, []);
    assert.equal(errors, '');
    assert.equal(end, 0);
    for (const line of output.split('\n')) assert(line.length <= 80, line);
    assert.equal(stripVTControlCharacters(output), output);
    assert.match(output, /^kqueue-ffi \d+\.\d+\.\d+\n {2}kqueue +\S/);
    assert.match(output, /^ {2}koffi +\d+\.\d+\.\d+$/m);
    assert.match(output, /^ {2}TIMER +works$/m);
    assert.match(output, /^ {2}open files +\d+|unlimited$/m);
  });

  test('FORCE_COLOR=1 colours the output of a pipe', async (t) => {
    const { output } = await run(t, [], { FORCE_COLOR: '1' });
    assert(output.includes('\u001b[32mworks'), output);
  });

  test('--json has an event of each filter, and what waits is what doctor says', async (t) => {
    const { output, errors, end } = await run(t, ['--json']);
    assert.equal(errors, '');
    assert.equal(end, 0);
    const { kqueue, wait, filters } = JSON.parse(output);
    assert.equal(kqueue.from, abi.name === 'linux' ? 'built in' : 'libc');
    const results = Object.fromEntries(
      filters.map((one: { filter: string; result: string }) => [one.filter, one.result]),
    );
    for (const filter of ['READ', 'WRITE', 'VNODE', 'PROC', 'SIGNAL', 'TIMER']) {
      assert.equal(results[filter], 'works', filter);
    }
    assert.equal(results['MACHPORT'], abi.name === 'darwin' ? 'not probed' : 'not on this system');
    assert.equal(wait.by === 'intervals', hasTimer({ KQUEUE_LIBRARY: '' }));
  });

  test('a filter that cannot be probed for want of descriptors is one result', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'kqueue-ffi-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const program = [process.execPath, ...loaders, fileURLToPath(new URL('crowded.ts', import.meta.url))];
    const { stdout, stderr } = spawnSync('/bin/sh', ['-c', 'ulimit -n 100 && exec "$@"', 'sh', ...program], {
      encoding: 'utf8',
      env: { ...process.env, TMPDIR: folder },
    });
    assert.equal(stderr, '');
    const results: Record<string, string>[] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => Object.fromEntries(JSON.parse(line).map((one: Probe) => [one.filter, one.result])));
    const [none, all] = [results[0], results.at(-1)];
    for (const filter of ['READ', 'WRITE', 'VNODE', 'PROC']) assert.notEqual(none?.[filter], 'works', filter);
    for (const filter of ['READ', 'WRITE', 'VNODE', 'PROC', 'SIGNAL', 'TIMER'])
      assert.equal(all?.[filter], 'works', filter);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('kqueue-ffi-')),
      [],
    );
  });

  test('with libkqueue it names the library, and that wait() looks at intervals', {
    skip: 'skip' in found && found.skip,
  }, async (t) => {
    const env = { KQUEUE_LIBRARY: 'path' in found ? found.path : '' };
    const { output, end } = await run(t, ['--json'], env);
    assert.equal(end, 0);
    const { kqueue, wait, filters } = JSON.parse(output);
    assert.deepEqual([kqueue.from, kqueue.path], ['library', env.KQUEUE_LIBRARY]);
    assert.equal(wait.by, 'intervals');
    assert.equal(hasTimer(env), true);
    const words = (await run(t, [], env)).output;
    assert.match(words, /^ {2}wait\(\) +looks at the queue every 1 to 16 ms: /m);
    const proc = filters.find(({ filter }: Probe) => filter === 'PROC');
    assert.match(
      words,
      new RegExp(`^ {2}PROC +${proc.result}${proc.detail === undefined ? '' : ` with ${proc.detail}`}$`, 'm'),
    );
  });
});
