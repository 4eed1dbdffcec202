// The examples, as a reader runs them: what they print, and that nothing is left of them.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { unavailableReason } from '../src/sys/index.ts';
import { libkqueue } from './helpers/libkqueue.ts';
import { LIMIT } from './helpers/limit.ts';
import { fromSource, loaders, withTsx } from './helpers/loaders.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const linux = process.platform === 'linux';
const found = linux ? await libkqueue() : { path: '' };
const programs = {
  'delayed-requests.ts': new URL('../examples/delayed-requests.ts', import.meta.url),
  'delayed-requests-sys.ts': new URL('../examples/delayed-requests-sys.ts', import.meta.url),
  'delayed-requests-koffi.ts': new URL('../examples/delayed-requests-koffi.ts', import.meta.url),
};

interface Example {
  readonly file: keyof typeof programs;
  readonly skip: string | false;
  readonly env?: Record<string, string>;
  /** How it shows a record: what was asked, and what came. */
  readonly registered: (n: number) => RegExp;
  readonly received: (n: number) => RegExp;
}

const examples: readonly Example[] = [
  {
    file: 'delayed-requests-koffi.ts',
    skip: 'skip' in found && found.skip,
    env: 'path' in found ? { KQUEUE_LIBRARY: found.path } : {},
    registered: (n) => new RegExp(`^{ ident: \\d+, filter: -?\\d, flags: 21, fflags: 0, data: 0, udata: ${n} }$`),
    received: (n) =>
      new RegExp(`^{ ident: \\d+, filter: -?\\d, flags: \\d+, fflags: 0, data: [1-9]\\d*, udata: ${n}\\b`),
  },
  {
    file: 'delayed-requests-sys.ts',
    skip: unavailableReason() ?? false,
    registered: (n) => new RegExp(`^kevent { READ fd=\\d+, ADD\\|ENABLE\\|ONESHOT, udata=${n} }$`),
    received: (n) => new RegExp(`^kevent { READ fd=\\d+, [A-Z|]*ONESHOT[A-Z|]*, data=[1-9]\\d*, udata=${n} }$`),
  },
  {
    file: 'delayed-requests.ts',
    skip: unavailableReason() ?? false,
    registered: () => /READ fd=\d+.*ONESHOT/,
    received: () => /^kevent { READ fd=\d+, [A-Z|]*ONESHOT[A-Z|]*, data=[1-9]\d*/,
  },
];

interface Run {
  readonly env?: Record<string, string>;
  /** By the tsx command, as `npm start` does it; otherwise as this test runs. */
  readonly command?: boolean;
}

type Program = ChildProcess & { stdout: Readable; stderr: Readable };

/** Runs an example in a process group of its own, as a terminal does; at the end of the test the whole group is killed. */
function start(
  t: TestContext,
  file: Example['file'],
  args: readonly string[],
  { env = {}, command = false }: Run = {},
): Program {
  const runner = command
    ? [fileURLToPath(import.meta.resolve('tsx/cli')), fromSource, `examples/${file}`]
    : [...loaders, fromSource, fileURLToPath(programs[file])];
  const child = spawn(process.execPath, [...runner, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  t.after(() => {
    try {
      process.kill(-Number(child.pid), 'SIGKILL');
    } catch {
      // ESRCH: nothing is left of it, as it should be.
    }
  });
  return child;
}

/**
 * How an example ended, when it and everything that it started have ended: the server has the same standard error, and
 * that closes with the last one that has it.
 */
async function ended(child: ChildProcess): Promise<readonly [code: number | null, signal: NodeJS.Signals | null]> {
  const closed = once(child, 'close').then(() => true);
  const [code, signal] =
    child.exitCode === null && child.signalCode === null
      ? await once(child, 'exit')
      : [child.exitCode, child.signalCode];
  const late = setTimeout(LIMIT, false, { ref: false });
  assert(await Promise.race([closed, late]), 'a process of the example runs on');
  return [code, signal];
}

for (const { file, skip, env = {}, registered, received } of examples) {
  describe(`examples/${file}`, { skip }, () => {
    // The command compiles in three processes, so one example is enough.
    const commands = withTsx && file === 'delayed-requests.ts' ? [false, true] : [false];

    test('answers come in reverse order, each told with its record', async (t) => {
      const unit = 100;
      const child = start(t, file, ['--unit-ms', String(unit)], { env, command: commands.includes(true) });
      const [output, errors, end] = await Promise.all([text(child.stdout), text(child.stderr), ended(child)]);
      assert.equal(errors, '');
      assert.deepEqual(end, [0, null]);

      const lines = output.trimEnd().split('\n');
      assert.equal(lines.length, 11, output);
      for (const n of [1, 2, 3, 4, 5]) {
        const [head, delay, record = ''] = lines[n - 1]?.split('  ') ?? [];
        assert.equal(head, `REGISTERED: ${n}`);
        assert.equal(delay, `answer after ${(5 - n) * unit} ms`);
        assert.match(record, registered(n));
      }
      for (const n of [5, 4, 3, 2, 1]) {
        const [head, after = '', record = ''] = lines[10 - n]?.split('  ') ?? [];
        assert.equal(head, `RECEIVED: ${n}`);
        const ms = Number(/^after (\d+) ms$/.exec(after)?.[1]);
        // A timer of the server may be a millisecond early; how late it is, a busy machine decides.
        assert(ms >= (5 - n) * unit - 2, `${lines[10 - n]}: sooner than the server answers`);
        assert.match(record, received(n));
      }
      assert.equal(lines[10], 'FINISHED');
    });

    for (const command of commands) {
      for (const group of [false, true]) {
        const whom = group ? 'everything in the terminal' : 'the program';
        test(`Ctrl-C for ${whom}${command ? ', run by the tsx command' : ''}: nothing is left running`, async (t) => {
          // The first answer comes at once, the next after a minute.
          const child = start(t, file, ['--unit-ms', '60000'], { env, command });
          for await (const line of createInterface(child.stdout)) if (line.startsWith('RECEIVED: 5')) break;
          const end = ended(child);
          child.stdout.resume();
          process.kill(group ? -Number(child.pid) : Number(child.pid), 'SIGINT');
          const [code, signal] = await end;
          assert(signal === 'SIGINT' || code === 130, `ended with ${signal ?? code}`);
        });
      }
    }

    test('killed without a chance to clean up: nothing is left running', async (t) => {
      const child = start(t, file, ['--unit-ms', '60000'], { env });
      for await (const line of createInterface(child.stdout)) if (line.startsWith('RECEIVED: 5')) break;
      const end = ended(child);
      child.stdout.resume();
      child.kill('SIGKILL');
      assert.deepEqual(await end, [null, 'SIGKILL']);
    });

    test('a unit that is no number of milliseconds is an error', async (t) => {
      const child = start(t, file, ['--unit-ms', 'soon'], { env });
      const [output, errors, end] = await Promise.all([text(child.stdout), text(child.stderr), ended(child)]);
      assert.equal(output, '');
      assert.match(errors, /--unit-ms.*soon/);
      assert.equal(end[0], 1);
    });
  });
}

test('on Linux the koffi example asks for a libkqueue', { skip: !linux && 'for Linux' }, async (t) => {
  const child = start(t, 'delayed-requests-koffi.ts', [], { env: { KQUEUE_LIBRARY: '' } });
  const [output, errors, end] = await Promise.all([text(child.stdout), text(child.stderr), ended(child)]);
  assert.equal(output, '');
  assert.match(errors, /KQUEUE_LIBRARY=/);
  assert.match(errors, /libkqueue/);
  assert.doesNotMatch(errors, /\bat .*:\d+:\d+/, 'a sentence, not a stack trace');
  assert.deepEqual(end, [1, null]);
});

test('an example that fails half-way leaves no server', { skip: !linux && 'for Linux' }, async (t) => {
  const child = start(t, 'delayed-requests-sys.ts', [], { env: { KQUEUE_LIBRARY: '/nowhere/libkqueue.so.0' } });
  const [errors, end] = await Promise.all([text(child.stderr), ended(child), text(child.stdout)]);
  assert.match(errors, /Error: .*library/);
  assert.deepEqual(end, [1, null]);
});

describe('examples/delay-server.ts', () => {
  test('answers after so many milliseconds, and ends with its standard input', async () => {
    const args = [...loaders, fileURLToPath(new URL('../examples/delay-server.ts', import.meta.url))];
    const server = spawn(process.execPath, args, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
    const [port] = (await once(createInterface(server.stdout), 'line')) as [string];
    const fetchText = async (path: string): Promise<readonly [number | undefined, string]> => {
      const [response] = await once(get(`http://127.0.0.1:${port}${path}`), 'response');
      return [response.statusCode, await text(response)];
    };
    const begin = performance.now();
    assert.deepEqual(await fetchText('/120/hello'), [200, 'hello']);
    assert(performance.now() - begin >= 118);
    assert.deepEqual(await fetchText('/0/at-once'), [200, 'at-once']);
    assert.equal((await fetchText('/soon/hello'))[0], 404);
    const exit = once(server, 'exit');
    server.stdin.end();
    assert.deepEqual(await exit, [0, null]);
  });
});
