// EVFILT_PROC of the built-in kqueue: the exit status of children and of other processes, also on older kernels.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Kqueue, proc, read } from '../../src/index.ts';
import { noLinux, Queue } from './built-in.ts';
import { alone, NO_SECCOMP, refuse } from './own-process.ts';

const file = new URL('exit-status.test.ts', import.meta.url);
const skip = noLinux;

/** Asks a pidfd for the status of a process that was reaped: Linux 6.13, and 6.15 for the status. */
const PIDFD_GET_INFO = 0xc040_ff0b;

/** Makes the kernel one before 6.15, as far as the status of a process is concerned. False where it does not allow it. */
function forgetsReaped(): boolean {
  return refuse({ ioctl: 'ENOTTY' }, PIDFD_GET_INFO, 1);
}

/** Whether this kernel remembers the status of a process that was reaped. */
async function remembersReaped(): Promise<boolean> {
  const queue = new Queue();
  const child = spawn('/bin/sh', ['-c', 'read line']);
  assert.equal(queue.change({ ident: child.pid as number, filter: 'PROC', fflags: 'EXIT' }), 'ok');
  const exited = once(child, 'exit');
  child.stdin.end('\n');
  await exited;
  const [event] = queue.fetch(60_000);
  queue.close();
  return event?.data !== -1;
}

interface ForeignZombie {
  readonly pid: number;
  /** Ends the process. Its parent does not reap it. */
  go(): void;
  reap(): Promise<void>;
}

/** A process whose parent does not reap it, and is not this process. `prepare` is what the parent does before it forks. */
async function foreignZombie(script: string, prepare = ''): Promise<ForeignZombie> {
  // The outer shell is the parent of the inner one. It is stopped, because a shell may reap a child unasked.
  const inner = `sh -c 'read line; ${script}' <&3 & echo $!; kill -STOP $$; wait`;
  const parent = spawn('/bin/sh', ['-c', `${prepare}\n${inner}`], { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] });
  const pid = Number(await new Promise((resolve) => parent.stdout?.once('data', resolve)));
  const isStopped = (): boolean => / T /.test(readFileSync(`/proc/${parent.pid}/stat`, 'latin1'));
  for (const deadline = Date.now() + 60_000; !isStopped(); await turn()) assert(Date.now() < deadline);
  return {
    pid,
    go: () => void (parent.stdio[3] as NodeJS.WritableStream).write('\n'),
    reap: () =>
      new Promise((resolve) => {
        parent.once('exit', () => resolve());
        parent.kill('SIGCONT');
      }),
  };
}

for (const old of [false, true]) {
  const where = old ? ', on Linux before 6.15' : '';

  for (const code of [0, 7]) {
    alone(
      file,
      `a zombie that is not a child has its status in /proc, exit code ${code}${where}`,
      { skip },
      async () => {
        const child = await foreignZombie(`exit ${code}`);
        const queue = new Queue();
        assert.equal(queue.change({ ident: child.pid, filter: 'PROC', fflags: 'EXIT' }), 'ok');
        if (old && !forgetsReaped()) return NO_SECCOMP;
        child.go();
        const [event] = queue.fetch(60_000);
        assert.deepEqual([event?.ident, event?.data], [child.pid, code << 8]);
        await child.reap();
        return undefined;
      },
    );

    alone(
      file,
      `a zombie that this process may not trace has an unknown status, exit code ${code}${where}`,
      { skip },
      async () => {
        if (process.getuid?.() !== 0) return 'only root can become another user';
        const child = await foreignZombie(`exit ${code}`);
        const queue = new Queue();
        assert.equal(queue.change({ ident: child.pid, filter: 'PROC', fflags: 'EXIT' }), 'ok');
        if (old && !forgetsReaped()) return NO_SECCOMP;
        child.go();
        process.seteuid?.(65_534);
        const [event] = queue.fetch(60_000);
        process.seteuid?.(0);
        assert.deepEqual([event?.ident, event?.data], [child.pid, -1]);
        await child.reap();
        return undefined;
      },
    );
  }

  alone(
    file,
    `a process that is not a child and was reaped has ${old ? 'an unknown' : 'its'} status${where}`,
    { skip },
    async () => {
      const child = await foreignZombie('exit 7');
      const queue = new Queue();
      assert.equal(queue.change({ ident: child.pid, filter: 'PROC', fflags: 'EXIT' }), 'ok');
      child.go();
      await child.reap();
      if (!old && !(await remembersReaped())) return 'this kernel forgets the status of a process that was reaped';
      if (old && !forgetsReaped()) return NO_SECCOMP;
      const [event] = queue.fetch(60_000);
      assert.deepEqual([event?.ident, event?.data], [child.pid, old ? -1 : 7 << 8]);
      return undefined;
    },
  );

  alone(
    file,
    `a process that was reaped does not get the status of the next process with its pid${where}`,
    { skip },
    async () => {
      if (!old && !(await remembersReaped())) return 'this kernel forgets the status of a process that was reaped';
      const child = await foreignZombie('exit 7');
      const queue = new Queue();
      assert.equal(queue.change({ ident: child.pid, filter: 'PROC', fflags: 'EXIT' }), 'ok');
      child.go();
      await child.reap();
      // pid_namespaces(7): the next process gets the number after the one in ns_last_pid. Another may come first.
      const choosePid = `echo ${child.pid - 1} 2>/dev/null >/proc/sys/kernel/ns_last_pid || echo 0`;
      let other: ForeignZombie;
      for (let tries = 0; ; tries++) {
        other = await foreignZombie('exit 9', choosePid);
        if (other.pid === child.pid) break;
        other.go();
        await other.reap();
        if (other.pid === 0 || tries === 100) return 'the kernel does not let a process choose a pid';
      }
      const witness = new Queue();
      assert.equal(witness.change({ ident: other.pid, filter: 'PROC', fflags: 'EXIT' }), 'ok');
      other.go();
      assert.equal(witness.fetch(60_000)[0]?.data, 9 << 8);
      if (old && !forgetsReaped()) return NO_SECCOMP;
      const [event] = queue.fetch(60_000);
      assert.deepEqual([event?.ident, event?.data], [child.pid, old ? -1 : 7 << 8]);
      await other.reap();
      return undefined;
    },
  );

  alone(
    file,
    `a child that Node reaps after collectExits() has its status, though it is disabled${where}`,
    { skip },
    async () => {
      const [queue, witness] = [new Queue(), new Queue()];
      if (old && !forgetsReaped()) return NO_SECCOMP;
      const child = spawn('/bin/sh', ['-c', 'read line; exit 7']);
      const ident = child.pid as number;
      const exited = once(child, 'exit');
      for (const one of [queue, witness]) assert.equal(one.change({ ident, filter: 'PROC', fflags: 'EXIT' }), 'ok');
      assert.equal(queue.change({ ident, filter: 'PROC', flags: 'DISABLE', fflags: 'EXIT' }), 'ok');
      writeSync((child.stdin as unknown as { _handle: { fd: number } })._handle.fd, '\n');
      // This thread is blocked meanwhile, so nothing reaps the child.
      assert.equal(witness.fetch(60_000)[0]?.data, 7 << 8);
      queue.sys.collectExits?.(queue.fd);
      await exited;
      assert.deepEqual(queue.fetch(), []);
      assert.equal(queue.change({ ident, filter: 'PROC', flags: 'ENABLE', fflags: 'EXIT' }), 'ok');
      assert.equal(queue.fetch()[0]?.data, 7 << 8);
      return undefined;
    },
  );

  for (const nested of [false, true]) {
    const whose = nested ? 'of a queue that watches this queue' : 'of the queue';
    alone(file, `during a wait() ${whose}, the status of each child of Node is read${where}`, { skip }, async () => {
      const kq = new Kqueue();
      const outer = new Kqueue();
      if (nested) outer.register(read(kq.fd));
      if (old && !forgetsReaped()) return NO_SECCOMP;
      // One after the other: children that exit at the same time are the case that docs/differences.md leaves open.
      for (let i = 0; i < 30; i++) {
        const child = spawn('/bin/sh', ['-c', `read line; exit ${i % 3}`], { stdio: ['pipe', 'ignore', 'inherit'] });
        const reaped = once(child, 'exit');
        kq.register(proc(child.pid as number));
        child.stdin.end('\n');
        if (nested) assert.equal((await outer.wait()).length, 1);
        const [event] = await kq.wait();
        assert(event?.filter === 'proc' && event.pid === child.pid, String(event));
        assert.deepEqual(event.exitStatus, { code: i % 3 });
        assert.deepEqual(await reaped, [i % 3, null]);
      }
      kq.close();
      outer.close();
      return undefined;
    });
  }
}

alone(file, 'a process that dumped core says so in its status, as wait(2) does', { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kqueue-'));
  try {
    const child = spawn('/bin/sh', ['-c', 'ulimit -c unlimited && read line && kill -QUIT $$'], { cwd: folder });
    const queue = new Queue();
    assert.equal(queue.change({ ident: child.pid as number, filter: 'PROC', fflags: 'EXIT' }), 'ok');
    child.stdin.write('\n');
    const [event] = queue.fetch(60_000);
    const dumps = readFileSync('/proc/sys/kernel/core_pattern', 'latin1').trim() !== '';
    if (dumps && Number(event?.data) === constants.signals.SIGQUIT) return 'no process dumps core here';
    assert.equal(event?.data, constants.signals.SIGQUIT | 0x80);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return undefined;
});
