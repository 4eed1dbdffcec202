import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import koffi from 'koffi';
import { type Kqueue, KqueueError, type KqueueEvent } from '../../src/index.ts';
import { unavailableReason } from '../../src/sys/index.ts';
import { LIMIT } from '../helpers/limit.ts';
import { loaders } from '../helpers/loaders.ts';
import { noUser } from '../helpers/user.ts';

/** A wait that must end by itself: so long only where something is broken. In milliseconds. */
export const DEADLINE = 60_000;

interface SuiteOptions {
  readonly skip: string | false;
  readonly timeout: number;
}

/** Options of a suite that needs a kqueue. A test that never ends fails. */
export const suiteWithoutUser: SuiteOptions = { skip: unavailableReason() ?? false, timeout: LIMIT };

/** The same for a suite that registers user events. */
export const suite: SuiteOptions = { skip: noUser, timeout: LIMIT };

/** Why a test that looks into /proc is left out; false where there is one. */
export const noProc: string | false = process.platform === 'linux' ? false : 'only Linux has /proc/self';

type Libc = (name: string, parameters: string) => (...values: unknown[]) => number;
const libc: Libc = (name, parameters) => koffi.load(null).func(`intptr_t ${name}(${parameters})`) as never;

const toClose: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of toClose.splice(0)) await one.close();
});

/** Closes it after the test, however that ends: a queue that somebody waits for would keep the process. */
export function closeAfter<Closable extends { close(): unknown }>(one: Closable): Closable {
  toClose.push(one);
  return one;
}

/** pipe(2): [the end to read, the end to write]. */
export function newPipe(): [number, number] {
  const fds: [number, number] = [0, 0];
  assert.equal(Number(koffi.load(null).func('int pipe(_Out_ int *fds)')(fds)), 0);
  return fds;
}

/** socketpair(2), AF_UNIX, SOCK_STREAM. */
export function newSocketPair(): [number, number] {
  const fds: [number, number] = [0, 0];
  const call = koffi.load(null).func('int socketpair(int domain, int type, int protocol, _Out_ int *fds)');
  assert.equal(call(1, 1, 0, fds), 0);
  return fds;
}

/** write(2): for descriptors that fs must not know of. */
export function put(fd: number, text: string): void {
  assert.equal(Number(libc('write', 'int fd, const char *buf, size_t n')(fd, text, text.length)), text.length);
}

/** A folder for the files of a test file: its real path, as /proc shows it. */
export function testFolder(): string {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'kqueue-ffi-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** For assert.throws(): a KqueueError of that code. */
export function isCode(code: string): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof KqueueError, `expected a KqueueError ${code}, got ${String(error)}`);
    assert.equal(error.code, code);
    return true;
  };
}

/**
 * Runs one of the scenarios of child.ts in a process of its own, with so many descriptors at most, and with queues that
 * can be polled or not: what it wrote. Fails if it does not end by itself.
 */
export async function runChild(
  scenario: string,
  { descriptors, pollable = true, env }: { descriptors?: number; pollable?: boolean; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const file = fileURLToPath(new URL('child.ts', import.meta.url));
  const program = [process.execPath, ...loaders, file, scenario, ...(pollable ? [] : ['unpollable'])];
  // Both limits, the soft and the hard one, which Node raises itself to.
  const limit = descriptors === undefined ? '' : `ulimit -n ${descriptors} && `;
  const { stdout, stderr } = await promisify(execFile)('/bin/sh', ['-c', `${limit}exec "$@"`, 'sh', ...program], {
    timeout: LIMIT,
    env: { ...process.env, ...env },
  });
  process.stderr.write(stderr);
  return stdout;
}

/** How many threads this process has. */
export function threads(): number {
  return readdirSync('/proc/self/task').length;
}

/** Lets the event loop turn. */
export function turn(): Promise<void> {
  return new Promise((done) => setImmediate(done));
}

/** Lets the event loop turn until something is so. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const end = performance.now() + DEADLINE;
  while (!isSo()) {
    assert.ok(performance.now() < end, `not within ${DEADLINE} ms: ${what}`);
    await turn();
  }
}

/** Collects what nothing refers to. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** What there is to know of events in most tests. */
export function idents(events: readonly KqueueEvent[]): number[] {
  return events.map(({ ident }) => ident);
}

/** poll() until that many events are there. */
export function pollAll<Token>(kq: Kqueue<Token>, count: number): KqueueEvent<Token>[] {
  const events: KqueueEvent<Token>[] = [];
  const end = performance.now() + DEADLINE;
  while (events.length < count) {
    assert.ok(performance.now() < end, `${events.length} of ${count} events`);
    events.push(...kq.poll({ timeout: DEADLINE }));
  }
  return events;
}
