// Runs the high-level API once through every filter, in each way to wait. It needs no test runner, so every runtime can run it:
//
//   npx tsx test/smoke.ts        bun test/smoke.ts        deno run --allow-all test/smoke.ts

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import {
  Kqueue,
  KqueueError,
  type KqueueEvent,
  proc,
  type Registration,
  read,
  signal,
  timer,
  user,
  vnode,
  write,
} from '../src/index.ts';
import { defaultSys } from '../src/sys/index.ts';
import { processWorld } from './contract/process-world.ts';
import type { World } from './contract/world.ts';
import { LIMIT } from './helpers/limit.ts';
import { typescriptWorker } from './sys/typescript-worker.ts';

/** A wait that must end by itself: so long only where something is broken. In milliseconds. */
const DEADLINE = 20_000;
const watchdog = setTimeout(() => {
  console.error('the program does not end');
  process.exit(1);
}, LIMIT);

const sys = defaultSys();
const world = processWorld(sys, sys.abi.name) as Required<World>;

/** Each calls `cause` and returns the events that it leads to. */
const ways: Readonly<Record<string, (kq: Kqueue, cause: () => void) => Promise<readonly KqueueEvent[]>>> = {
  async poll(kq, cause) {
    cause();
    for (const end = performance.now() + DEADLINE; performance.now() < end; ) {
      const events = kq.poll({ timeout: 100 });
      if (events.length > 0) return events;
      // A signal is counted when the runtime's loop turns.
      await turn();
    }
    return [];
  },
  async wait(kq, cause) {
    const waiting = kq.wait({ timeout: DEADLINE });
    cause();
    return waiting;
  },
  async iteration(kq, cause) {
    setImmediate(cause);
    for await (const event of kq) return [event];
    return [];
  },
};

/** A registration, what makes its condition true, and what the event must be. */
interface Scene {
  readonly registered: readonly Registration[];
  cause?(): void;
  check(event: KqueueEvent): void;
}

const scenes: Readonly<Record<string, (kq: Kqueue) => Scene>> = {
  read(kq) {
    const [from, to] = world.pipe();
    return {
      registered: kq.register(read(from)),
      cause: () => void world.write(to, 'abc'),
      check: (event) => assert.equal(event.filter === 'read' && event.bytes, 3),
    };
  },
  write(kq) {
    const [, to] = world.pipe();
    return {
      registered: kq.register(write(to)),
      check: (event) => assert.ok(event.filter === 'write' && event.bytes > 0),
    };
  },
  timer: (kq) => ({
    registered: kq.register(timer(1, { every: 5 })),
    check: (event) => assert.ok(event.filter === 'timer' && event.expirations >= 1),
  }),
  vnode(kq) {
    const path = join(world.folder(), 'file');
    world.close(world.open(path, 'create'));
    return {
      registered: kq.register(vnode(path, { on: ['write'] })),
      cause: () => appendFileSync(path, 'abc'),
      check: (event) => assert.deepEqual(event.filter === 'vnode' && [...event.notes], ['write']),
    };
  },
  'vnode on a descriptor'(kq) {
    const path = join(world.folder(), 'file');
    const fd = world.open(path, 'create');
    return {
      registered: kq.register(vnode(fd, { on: ['write'] })),
      cause: () => void world.write(fd, 'abc'),
      check: (event) => assert.equal(event.filter === 'vnode' && event.ident, fd),
    };
  },
  'read on a file'(kq) {
    const path = join(world.folder(), 'file');
    const fd = world.open(path, 'create');
    return {
      registered: kq.register(read(fd)),
      cause: () => appendFileSync(path, 'abc'),
      check: (event) => assert.equal(event.filter === 'read' && event.bytes, 3),
    };
  },
  'read on a queue'(kq) {
    const inner = new Kqueue();
    return {
      registered: kq.register(read(inner.fd)),
      cause: () => void inner.register(write(world.pipe()[1])),
      check: (event) => assert.equal(event.filter === 'read' && event.bytes, 1),
    };
  },
  user(kq) {
    const registered = kq.register(user(2));
    return {
      registered,
      cause: () => registered[0].trigger(),
      check: (event) => assert.equal(event.filter === 'user' && event.ident, 2),
    };
  },
  waker: (kq) => ({
    registered: kq.register(user(3)),
    cause: () => void kq.waker(3).wake(),
    check: (event) => assert.equal(event.filter === 'user' && event.ident, 3),
  }),
  proc(kq) {
    const child = world.spawn({ code: 7 });
    return {
      registered: kq.register(proc(child.pid)),
      cause: () => child.end(),
      check: (event) => assert.ok(event.filter === 'proc' && event.exited),
    };
  },
  signal: (kq) => ({
    registered: kq.register(signal('SIGUSR2')),
    cause: () => world.kill('SIGUSR2'),
    check: (event) => assert.equal(event.filter === 'signal' && event.signal, 'SIGUSR2'),
  }),
};

for (const [what, make] of Object.entries(scenes)) {
  for (const [how, fetch] of Object.entries(ways)) {
    const kq = new Kqueue();
    const { registered, cause, check } = make(kq);
    const [event] = await fetch(kq, () => cause?.());
    assert.ok(event !== undefined, `${what}: ${how} reports nothing`);
    check(event);
    kq.unregister(...registered);
    assert.deepEqual(kq.poll({ timeout: 0 }), []);
    kq.close();
    console.log(`ok ${what}, ${how}`);
  }
}

{
  using kq = new Kqueue();
  const worker = typescriptWorker(new URL('front/wake-worker.ts', import.meta.url));
  await once(worker, 'message');
  const waiting = kq.wait({ timeout: DEADLINE });
  worker.postMessage({ handle: kq.waker() });
  assert.equal((await waiting)[0]?.filter, 'user');
  await worker.terminate();
  console.log('ok a waker in a worker');
}

{
  const kq = new Kqueue();
  kq.register(timer(1, { every: 3_600_000 }));
  const start = performance.now();
  assert.deepEqual(kq.poll({ timeout: 5 }), []);
  assert.deepEqual(await kq.wait({ timeout: 5 }), []);
  assert.ok(performance.now() - start >= 10);
  const waiting = kq.wait();
  kq.close();
  const isClosed = (error: unknown): boolean => error instanceof KqueueError && error.code === 'EBADF';
  await assert.rejects(waiting, isClosed);
  assert.throws(() => kq.poll(), isClosed);
  console.log('ok timeouts, close');
}

world.cleanup();
clearTimeout(watchdog);
