// Tests that need a process of their own, and what can be done to that process: no descriptor is left, or the kernel refuses
// some system calls.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import { LIMIT } from '../helpers/limit.ts';
import { loaders } from '../helpers/loaders.ts';
import { ofLibc } from './built-in.ts';

/** Why a test is skipped where refuse() returns false. */
export const NO_SECCOMP = 'the kernel does not let a process filter its own system calls';

const CHOSEN = 'KQUEUE_TEST_ALONE';

/**
 * A test whose body runs in a process of its own: this file again, in which only that one body runs. So a file that uses
 * this has no other tests. The body may return why it was not to be had here, which skips the test.
 */
export function alone(
  file: URL,
  name: string,
  options: { skip?: string | false; env?: Readonly<Record<string, string>>; shell?: string },
  body: () => string | undefined | Promise<string | undefined>,
): void {
  const chosen = process.env[CHOSEN];
  if (chosen !== undefined) {
    if (chosen === name) void run(body);
    return;
  }
  test(name, { skip: options.skip ?? false }, (t) => {
    const node = [process.execPath, ...loaders, fileURLToPath(file)];
    // In a shell that prepares the process, which it then becomes.
    const [command = '', ...args] =
      options.shell === undefined ? node : ['/bin/sh', '-c', `${options.shell}; exec "$@"`, 'sh', ...node];
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const ran = spawnSync(command, args, {
      encoding: 'utf8',
      // One that hangs must not outlive the test that fails.
      timeout: LIMIT,
      killSignal: 'SIGKILL',
      env: { ...env, KQUEUE_LIBRARY: '', ...options.env, [CHOSEN]: name },
    });
    const [, reason] = /^skip: (.*)$/m.exec(ran.stdout) ?? [];
    if (reason !== undefined) return t.skip(reason);
    assert.equal(ran.status, 0, `${ran.signal ?? ''}\n${ran.stderr}\n${ran.stdout}`);
    assert.match(ran.stdout, /^passed$/m);
  });
}

async function run(body: () => string | undefined | Promise<string | undefined>): Promise<void> {
  const reason = await body();
  // No stream, and no end that turns the loop once more: a process whose system calls are refused could do neither.
  writeSync(1, reason === undefined ? 'passed\n' : `skip: ${reason}\n`);
  process.exit();
}

const getrlimit = ofLibc<[resource: number, out: BigUint64Array]>('int getrlimit(int resource, void *limit)');
const setrlimit = ofLibc<[resource: number, to: BigUint64Array]>('int setrlimit(int resource, void *limit)');
const RLIMIT_NOFILE = 7;

/** Calls `body` while this process can open only `free` descriptors more: EMFILE comes after that. */
export function withDescriptors(free: number, body: () => void): void {
  const limit = new BigUint64Array(2);
  assert.equal(getrlimit(RLIMIT_NOFILE, limit), 0);
  const held: number[] = [];
  try {
    const highest = Math.max(...readdirSync('/proc/self/fd').map(Number));
    assert.equal(setrlimit(RLIMIT_NOFILE, BigUint64Array.of(BigInt(highest + 20), limit[1] as bigint)), 0);
    for (;;) held.push(openSync('/dev/null', 'r'));
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'EMFILE');
    for (const fd of held.splice(0, free)) closeSync(fd);
    body();
  } finally {
    for (const fd of held) closeSync(fd);
    setrlimit(RLIMIT_NOFILE, limit);
  }
}

/** Numbers of <asm/unistd.h>: x64, arm64. */
const numbers: Readonly<Record<string, readonly [number, number]>> = {
  dup3: [292, 24],
  epoll_create1: [291, 20],
  epoll_ctl: [233, 21],
  epoll_pwait2: [441, 441],
  eventfd2: [290, 19],
  fcntl: [72, 25],
  getsockopt: [55, 209],
  inotify_add_watch: [254, 27],
  inotify_init1: [294, 26],
  ioctl: [16, 29],
  pidfd_open: [434, 434],
  readlink: [89, 78], // readlinkat
  statx: [332, 291],
  timerfd_create: [283, 85],
  waitid: [247, 95],
};

const prctl = ofLibc<(number | bigint)[]>('int prctl(int, ulong, ulong, ulong, ulong)');
const PR_SET_NO_NEW_PRIVS = 38;
const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;
const RET_ERRNO = 0x0005_0000;
const RET_ALLOW = 0x7fff_0000;

/**
 * From now on, and permanently, the kernel answers these system calls of this thread with these errnos: seccomp(2). With
 * `value`, only those that have this value as the argument at `position`. Only for a process, or a worker, that has nothing
 * else to do. False where the kernel does not allow it.
 */
export function refuse(calls: Readonly<Record<string, string>>, value?: number, position = 0): boolean {
  const column = { x64: 0, arm64: 1 }[process.arch as string];
  if (column === undefined) return false;
  // struct sock_filter { u16 code; u8 jt, jf; u32 k; }: load the number; if it is this one, return the errno; ...; allow.
  const number = [0x20, 0, 0] as const;
  const filter: (readonly [code: number, jf: number, k: number])[] = [number];
  for (const [name, errno] of Object.entries(calls)) {
    const call = numbers[name]?.[column as 0 | 1];
    assert(call !== undefined, name);
    const answer = [0x06, 0, RET_ERRNO | constants.errno[errno as keyof typeof constants.errno]] as const;
    if (value === undefined) filter.push([0x15, 1, call], answer);
    else filter.push([0x15, 4, call], [0x20, 0, 16 + 8 * position], [0x15, 1, value], answer, number);
  }
  filter.push([0x06, 0, RET_ALLOW]);
  const program = new DataView(new ArrayBuffer(filter.length * 8));
  filter.forEach(([code, jf, k], at) => {
    program.setUint16(at * 8, code, true);
    program.setUint8(at * 8 + 3, jf);
    program.setUint32(at * 8 + 4, k, true);
  });
  // struct sock_fprog { unsigned short len; struct sock_filter *filter; }
  const fprog = new BigUint64Array([BigInt(filter.length), koffi.address(program.buffer)]);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0) return false;
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, koffi.address(fprog.buffer), 0, 0) === 0;
}
