import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fromSource, loaders } from '../helpers/loaders.ts';

/** What a shell would run for `kqueue-ffi`, from the sources. */
export const command: readonly string[] = [
  process.execPath,
  ...loaders,
  fromSource,
  fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url)),
];

type Program = ChildProcess & { readonly stdout: Readable; readonly stderr: Readable };

/** Starts the command. It is killed at the end of the test. */
export function start(t: TestContext, args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
  const [file = '', ...before] = command;
  const { KQUEUE_LIBRARY: _, NO_COLOR: __, FORCE_COLOR: ___, ...inherited } = process.env;
  const child = spawn(file, [...before, ...args], {
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

/** The exit status of a process, or the signal that killed it, when all its output has been read. */
export async function ended(child: ChildProcess): Promise<number | string> {
  const [code, signal] = await once(child, 'close');
  return signal ?? code;
}

interface Run {
  readonly output: string;
  readonly errors: string;
  readonly end: number | string;
}

export async function run(t: TestContext, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Run> {
  const child = start(t, args, env);
  const [output, errors, end] = await Promise.all([text(child.stdout), text(child.stderr), ended(child)]);
  return { output, errors, end };
}

/** The lines of a stream, one for each call. */
export function lines(stream: Readable): () => Promise<string> {
  const iterator = createInterface(stream)[Symbol.asyncIterator]();
  return async () => {
    const { done, value } = await iterator.next();
    if (done) throw new Error('the stream has ended');
    return value;
  };
}

/** Calls `next` until a line passes the test, and returns that line. */
export async function until(next: () => Promise<string>, found: (line: string) => boolean): Promise<string> {
  for (;;) {
    const line = await next();
    if (found(line)) return line;
  }
}
