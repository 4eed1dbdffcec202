import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  stat,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import koffi from 'koffi';
import { Kqueue, KqueueError, proc, raw, read, signal, timer, user, vnode, write } from '../../src/index.ts';
import { abi } from '../../src/sys/index.ts';

const libc = koffi.load(null);
const pipe = libc.func('int pipe(_Out_ int *fds)') as unknown as (fds: number[]) => number;
const put = libc.func('intptr_t write(int fd, const char *buf, size_t n)') as unknown as (
  fd: number,
  text: string,
  n: number,
) => number;

function newPipe(): [number, number] {
  const fds: [number, number] = [0, 0];
  assert.equal(pipe(fds), 0);
  return fds;
}

const folder = mkdtempSync(join(tmpdir(), 'kqueue-ffi-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const isCode = (code: string) => (error: unknown) => error instanceof KqueueError && error.code === code;

/** A wait that must not end: long enough for whatever would end it. */
const DEADLINE = 10_000;

describe('Kqueue', { skip: Kqueue.available ? false : 'there is no kqueue here' }, () => {
  it('reports bytes to read with the token of the registration', () => {
    using kq = new Kqueue<string>();
    const [r, w] = newPipe();
    const [registration] = kq.register(read(r, { token: 'mine' }));
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    put(w, 'hello', 5);
    const [event] = kq.poll({ timeout: DEADLINE });
    assert.ok(event?.filter === 'read');
    assert.equal(event.fd, r);
    assert.equal(event.bytes, 5);
    assert.equal(event.eof, false);
    assert.equal(event.token, 'mine');
    assert.equal(event.registration, registration);
    assert.match(String(event), /^kevent \{ READ fd=\d+, .*data=5 \}$/);
    closeSync(w);
    assert.equal(kq.poll({ timeout: DEADLINE })[0]?.eof, true);
    registration.unregister();
    assert.equal(registration.active, false);
    closeSync(r);
  });

  it('disables, enables, unregisters by interest', () => {
    using kq = new Kqueue();
    const [r, w] = newPipe();
    const [registration] = kq.register(write(w, { dispatch: true }));
    assert.equal(kq.poll({ timeout: DEADLINE }).length, 1);
    assert.equal(kq.poll({ timeout: 0 }).length, 0);
    registration.enable();
    assert.equal(kq.poll({ timeout: DEADLINE }).length, 1);
    registration.enable();
    registration.disable();
    assert.equal(kq.poll({ timeout: 0 }).length, 0);
    kq.unregister(write(w));
    assert.equal(registration.active, false);
    assert.throws(() => registration.enable(), isCode('ENOENT'));
    assert.throws(() => kq.unregister(write(w)), isCode('ENOENT'));
    closeSync(r);
    closeSync(w);
  });

  it('a one-shot ends its registration, and a stale udata finds nothing', () => {
    using kq = new Kqueue<number>();
    const [r, w] = newPipe();
    put(w, 'x', 1);
    for (let i = 0; i < 1000; i++) {
      const [registration] = kq.register(read(r, { oneshot: true, token: i }));
      const [event] = kq.poll({ timeout: DEADLINE });
      assert.equal(event?.token, i);
      assert.equal(registration.active, false);
    }
    closeSync(r);
    closeSync(w);
  });

  it('another mode takes effect on what is registered, and replaces its token', () => {
    using kq = new Kqueue<string>();
    const [r, w] = newPipe();
    put(w, 'x', 1);
    const [level] = kq.register(read(r, { token: 'level' }));
    const [edge] = kq.register(read(r, { clear: true, token: 'edge' }));
    assert.equal(level.active, false);
    assert.equal(edge.active, true);
    assert.equal(kq.poll({ timeout: DEADLINE })[0]?.token, 'edge');
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    closeSync(r);
    closeSync(w);
  });

  it('says of each change what was wrong, and keeps the good ones', () => {
    using kq = new Kqueue();
    assert.throws(() => kq.register(read(2 ** 30)), isCode('EBADF'));
    assert.throws(
      () => kq.register(user(1, { clear: true }), read(2 ** 30), proc(2 ** 30)),
      (error: unknown) => {
        assert.ok(error instanceof AggregateError);
        assert.deepEqual(
          error.errors.map((one) => (one as KqueueError).code),
          ['EBADF', 'ESRCH'],
        );
        return true;
      },
    );
    kq.unregister(user(1));
    assert.throws(() => kq.register(vnode(join(folder, 'missing'), { on: ['write'] })), isCode('ENOENT'));
  });

  it('refuses bad arguments before the kernel sees them', () => {
    using kq = new Kqueue();
    for (const fd of [-1, 1.5, Number.NaN, 2 ** 31]) assert.throws(() => read(fd), RangeError);
    assert.throws(() => read('1' as unknown as number), TypeError);
    assert.throws(() => timer(1, { every: 0 }), RangeError);
    assert.throws(() => timer(1, { every: -5 }), RangeError);
    assert.throws(() => timer(1, {} as never), TypeError);
    assert.throws(() => vnode(1, { on: ['no such note' as never] }), TypeError);
    assert.throws(() => signal('SIGKILL'), RangeError);
    assert.throws(() => kq.register({} as never), TypeError);
    assert.throws(() => kq.poll({ timeout: -1 }), RangeError);
    assert.throws(() => kq.poll({ timeout: Number.NaN }), RangeError);
    assert.throws(() => kq.poll({ max: 0 }), RangeError);
    assert.throws(() => new Kqueue({ sys: {} as never }), TypeError);
  });

  it('timers: fractions of a millisecond, once, at a time', async () => {
    using kq = new Kqueue();
    kq.register(timer(1, { after: 0.5 }), timer(2, { at: Date.now() + 20 }), timer(3, { every: 25 }));
    const seen = new Set<number>();
    while (seen.size < 3) for (const event of await kq.wait({ timeout: DEADLINE })) seen.add(event.ident);
    assert.deepEqual([...seen].sort(), [1, 2, 3]);
  });

  it('user events carry 24 bits', () => {
    using kq = new Kqueue();
    const [event] = kq.register(user(7, { clear: true }));
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    event.trigger(0x1234);
    const [fired] = kq.poll({ timeout: DEADLINE });
    assert.ok(fired?.filter === 'user');
    assert.equal(fired.bits, 0x1234);
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
  });

  it('vnode: a path is opened, watched by its notes, and closed', () => {
    using kq = new Kqueue();
    const path = join(folder, 'watched');
    writeFileSync(path, 'a');
    const [registration] = kq.register(vnode(path, { on: ['write', 'delete'], clear: true }));
    appendFileSync(path, 'b');
    const [written] = kq.poll({ timeout: DEADLINE });
    assert.ok(written?.filter === 'vnode');
    assert.ok(written.has('write'));
    assert.equal(written.path, path);
    unlinkSync(path);
    const [deleted] = kq.poll({ timeout: DEADLINE });
    assert.ok(deleted?.filter === 'vnode' && deleted.has('delete'));
    registration.unregister();
  });

  it('proc: how a process ended', async () => {
    using kq = new Kqueue();
    const child = spawn(process.execPath, ['-e', 'process.stdin.once("data", () => process.exit(7))']);
    kq.register(proc(child.pid as number, { on: ['exit'] }));
    child.stdin.write('go\n');
    const [event] = await kq.wait({ timeout: DEADLINE });
    assert.ok(event?.filter === 'proc');
    assert.equal(event.pid, child.pid);
    assert.deepEqual(event.exitStatus, { code: 7 });
  });

  it('signal: a script that only waits for one gets it, and is not killed', async () => {
    using kq = new Kqueue();
    kq.register(signal('SIGHUP'));
    process.kill(process.pid, 'SIGHUP');
    const [event] = await kq.wait({ timeout: DEADLINE });
    assert.ok(event?.filter === 'signal');
    assert.equal(event.signal, 'SIGHUP');
    assert.ok(event.count >= 1);
  });

  it('raw: six fields, udata included', () => {
    using kq = new Kqueue();
    const { EVFILT_TIMER = 0, EV_ONESHOT = 0 } = abi.constants;
    kq.register(raw({ ident: 5, filter: EVFILT_TIMER, flags: EV_ONESHOT, data: 20, udata: 2n ** 64n - 1n }));
    const [event] = kq.poll({ timeout: DEADLINE });
    assert.equal(event?.udata, 2n ** 64n - 1n);
    assert.equal(event?.evfilt, EVFILT_TIMER);
  });

  it('what max or break leaves over comes first next time', async () => {
    using kq = new Kqueue();
    const all = kq.register(...[1, 2, 3, 4, 5].map((ident) => user(ident, { clear: true })));
    for (const one of all) one.trigger();
    const seen = kq.poll({ timeout: DEADLINE, max: 2 }).map((event) => event.ident);
    for await (const event of kq) {
      seen.push(event.ident);
      break;
    }
    while (seen.length < 5) for (const event of await kq.wait({ timeout: DEADLINE })) seen.push(event.ident);
    assert.deepEqual(
      seen.sort((a, b) => a - b),
      [1, 2, 3, 4, 5],
    );
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
  });

  it('an abort rejects with its reason and loses no event; a timeout gives none', async () => {
    using kq = new Kqueue();
    const [event] = kq.register(user(1, { clear: true }));
    const controller = new AbortController();
    const waiting = kq.wait({ signal: controller.signal });
    controller.abort(new Error('enough'));
    await assert.rejects(waiting, /enough/);
    await assert.rejects(kq.wait({ signal: controller.signal }), /enough/);
    assert.deepEqual(await kq.wait({ timeout: 1 }), []);
    event.trigger();
    assert.equal((await kq.wait({ timeout: DEADLINE })).length, 1);
  });

  it('a second waiter gets ERR_INVALID_STATE, and close() ends the first with EBADF', async () => {
    const kq = new Kqueue();
    const first = kq.wait();
    await assert.rejects(kq.wait(), { code: 'ERR_INVALID_STATE' });
    kq.close();
    await assert.rejects(first, isCode('EBADF'));
  });

  it('close() ends an iteration quietly', async () => {
    const kq = new Kqueue();
    setImmediate(() => kq.close());
    for await (const event of kq) assert.fail(String(event));
    assert.equal(kq.closed, true);
  });

  it('every call on a closed queue throws EBADF; close() itself may come twice', async () => {
    const kq = new Kqueue();
    const [registration] = kq.register(user(1));
    const waker = kq.waker();
    kq.close();
    kq.close();
    assert.equal(registration.active, false);
    assert.throws(() => kq.register(user(1)), isCode('EBADF'));
    assert.throws(() => kq.unregister(user(1)), isCode('EBADF'));
    assert.throws(() => kq.poll({ timeout: 0 }), isCode('EBADF'));
    assert.throws(() => kq.waker(), isCode('EBADF'));
    assert.throws(() => registration.enable(), isCode('EBADF'));
    assert.throws(() => registration.trigger(), isCode('EBADF'));
    assert.throws(() => registration.unregister(), isCode('EBADF'));
    assert.throws(() => waker.wake(), isCode('EBADF'));
    await assert.rejects(kq.wait(), isCode('EBADF'));
  });

  it('the descriptor closed underneath is an error, and no end of the process', async () => {
    const kq = new Kqueue();
    const waiting = kq.wait({ timeout: 50 });
    closeSync(kq.fd);
    await assert.rejects(waiting, isCode('EBADF'));
    assert.throws(() => kq.poll({ timeout: 0 }), isCode('EBADF'));
    assert.throws(() => kq.register(user(1)), isCode('EBADF'));
    kq.close();
  });

  it('a registered descriptor closed underneath is silent, and its number starts clean', () => {
    using kq = new Kqueue<string>();
    const [r, w] = newPipe();
    const [old] = kq.register(read(r, { token: 'old' }));
    put(w, 'x', 1);
    closeSync(r);
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    assert.throws(() => old.enable(), KqueueError);
    old.unregister();
    closeSync(w);
  });

  it('a queue that is always ready starves neither timers nor immediates nor fs', async () => {
    using kq = new Kqueue();
    const [r, w] = newPipe();
    put(w, 'x', 1);
    kq.register(read(r));
    const others = Promise.all([
      new Promise((done) => setTimeout(done, 1)),
      new Promise((done) => setImmediate(done)),
      new Promise((done) => stat(folder, done)),
    ]);
    let over = false;
    others.then(() => {
      over = true;
    });
    const end = performance.now() + DEADLINE;
    while (!over) {
      assert.ok(performance.now() < end, 'starved');
      assert.equal((await kq.wait({ timeout: DEADLINE })).length, 1);
    }
    closeSync(r);
    closeSync(w);
  });

  it('eight queues that wait hold no slot of the thread pool', async () => {
    const queues = Array.from({ length: 8 }, () => new Kqueue());
    const waiting = queues.map((kq) => assert.rejects(kq.wait(), isCode('EBADF')));
    await new Promise((done) => stat(folder, done));
    for (const kq of queues) kq.close();
    await Promise.all(waiting);
  });

  it('wait() keeps the process, unref() lets it go', () => {
    const run = (code: string): string =>
      execFileSync(process.execPath, [...process.execArgv, '--input-type=module', '-e', code], {
        encoding: 'utf8',
        timeout: DEADLINE,
        cwd: import.meta.dirname,
      });
    const entry = JSON.stringify(new URL('../../src/index.ts', import.meta.url).href);
    const start = `const { Kqueue, timer } = await import(${entry}); const kq = new Kqueue();`;
    assert.match(run(`${start} kq.register(timer(1, { after: 50 })); console.log(String(await kq.wait()));`), /TIMER/);
    assert.equal(run(`${start} kq.unref(); kq.wait(); console.log('started');`), 'started\n');
  });

  it('nothing is left open', {
    skip: process.platform === 'linux' ? false : 'only Linux lists descriptors in /proc',
  }, () => {
    const count = (): number => readdirSync('/proc/self/fd').length;
    const round = (): void => {
      using kq = new Kqueue();
      const fd = openSync('/dev/null', 'r');
      kq.register(timer(1, { every: 5 }), user(1), write(1), vnode(folder, { on: ['write'] }), proc(process.ppid));
      kq.waker();
      kq.poll({ timeout: 0 });
      closeSync(fd);
    };
    round();
    const before = count();
    for (let i = 0; i < 50; i++) round();
    assert.equal(count(), before);
  });
});
