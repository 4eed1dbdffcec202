// The command: its arguments, its help, and what it prints when there is no kqueue.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { command, ended, run, start } from './program.ts';

const wrong: readonly (readonly [args: string, message: RegExp])[] = [
  ['frob', /^kqueue-ffi: expected a command \(doctor, abi, watch, wait\), got frob \(see --help\)$/],
  ['__proto__', /got __proto__ \(see --help\)$/],
  ['--frob', /^kqueue-ffi doctor: Unknown option '--frob' \(see --help\)$/],
  ['doctor now', /^kqueue-ffi doctor: Unexpected argument 'now'/],
  ['abi nope', /^kqueue-ffi abi: NAME: expected one of darwin, .*, got nope/],
  ['abi linux darwin netbsd', /^kqueue-ffi abi: NAME: expected at most two systems, got 3/],
  ['watch', /^kqueue-ffi watch: expected at least one of --pid,/],
  ['watch --pid', /^kqueue-ffi watch: Option '--pid <value>' argument missing/],
  ['watch --pid 0', /^kqueue-ffi watch: --pid: expected a whole number from 1, got 0/],
  ['watch --pid 4294967297', /^kqueue-ffi watch: --pid: expected .*, got 4294967297/],
  ['watch --timer 5', /^kqueue-ffi watch: --timer: expected a duration such as 500ms, 5s or 1m, got 5/],
  ['watch --timer 0ms', /^kqueue-ffi watch: --timer: expected .*, got 0/],
  ['watch --signal KILL', /^kqueue-ffi watch: --signal: expected a signal .*, got "SIGKILL"/],
  ['watch --timer 99999999999999h', /^kqueue-ffi watch: WHAT: expected less than .*, got 3\d+/],
  ['watch --user 7 --user 7', /^kqueue-ffi watch: WHAT: expected each filter and ident once, got "user 7 twice"/],
  ['watch --pid -5', /^kqueue-ffi watch: Option '--pid' argument is ambiguous \(see --help\)$/],
  ['watch --user 1 --count 0', /^kqueue-ffi watch: --count: expected a whole number from 1, got 0/],
  ['wait', /^kqueue-ffi wait: expected --pid N/],
  ['wait --pid 1x', /^kqueue-ffi wait: --pid: expected a whole number from 1, got 1x/],
  ['wait --pid 1 --timeout soon', /^kqueue-ffi wait: --timeout: expected a duration/],
];

describe('wrong arguments are one line on standard error, and exit status 2', { concurrency: 2 }, () => {
  for (const [args, message] of wrong) {
    test(`kqueue-ffi ${args}`, async (t) => {
      const { output, errors, end } = await run(t, args.split(' '));
      assert.equal(output, '');
      assert.match(errors, /^[^\n]+\n$/);
      assert.match(errors.trimEnd(), message);
      assert.equal(end, 2);
    });
  }
});

test('wrong arguments are exit status 2 also when the reader of standard error is gone', async (t) => {
  const child = start(t, ['frob']);
  child.stderr.destroy();
  assert.equal(await ended(child), 2);
});

test('output that cannot be written is one line, and exit status 1', {
  skip: !existsSync('/dev/full') && 'no /dev/full',
}, () => {
  const [file = '', ...before] = command;
  const stdout = openSync('/dev/full', 'w');
  const { stderr, status } = spawnSync(file, [...before, 'abi'], {
    encoding: 'utf8',
    stdio: ['ignore', stdout, 'pipe'],
  });
  closeSync(stdout);
  assert.match(stderr, /^kqueue-ffi: ENOSPC: [^\n]+\n$/);
  assert.equal(status, 1);
});

describe('help', { concurrency: 2 }, () => {
  for (const args of [['--help'], ['-h'], ['doctor', '--help'], ['abi', '-h'], ['watch', '--help'], ['wait', '-h']]) {
    test(`kqueue-ffi ${args.join(' ')} prints its usage in 80 columns`, async (t) => {
      const { output, errors, end } = await run(t, args);
      assert.equal(errors, '');
      assert.equal(end, 0);
      assert.match(output, /^kqueue-ffi.*\n(.*\n)?.*\n?Usage: kqueue-ffi /);
      assert.deepEqual(
        output.split('\n').filter((line) => line.length > 80),
        [],
      );
    });
  }
});

test('--version prints the version of the package', async (t) => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  assert.deepEqual(await run(t, ['--version']), { output: `${version}\n`, errors: '', end: 0 });
});

describe('without a kqueue', { skip: process.platform !== 'linux' && 'KQUEUE_LIBRARY counts on Linux' }, () => {
  const env = { KQUEUE_LIBRARY: '/nowhere/libkqueue.so' };

  test('doctor says why, prints the limits, and exits with 1', async (t) => {
    const { output, errors, end } = await run(t, ['doctor', '--json'], env);
    assert.equal(errors, '');
    assert.equal(end, 1);
    const { kqueue, filters, limits } = JSON.parse(output);
    assert.equal(kqueue.from, 'none');
    assert.match(kqueue.reason, /^\/nowhere\/libkqueue\.so: /);
    assert.deepEqual(filters, []);
    assert.equal(typeof limits['fs.inotify.max_user_watches'], 'number');
    const { output: words, end: status } = await run(t, ['doctor'], env);
    assert.equal(status, 1);
    assert.match(words, /^ {2}kqueue +\/nowhere\/libkqueue\.so: /m);
    assert.doesNotMatch(words, /^Filters|wait\(\)/m);
    assert.match(words, /^ {2}fs\.inotify\.max_user_watches +\d+$/m);
  });

  for (const args of ['watch --timer 1s', 'wait --pid 1']) {
    test(`${args} says why in one line, and exits with 1`, async (t) => {
      const { output, errors, end } = await run(t, args.split(' '), env);
      assert.equal(output, '');
      assert.match(errors, /^kqueue-ffi \w+: \/nowhere\/libkqueue\.so: [^\n]+\n$/);
      assert.equal(end, 1);
    });
  }
});
