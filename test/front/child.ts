// Programs that run in a process of their own, for the tests of this folder: `child.ts SCENARIO [unpollable]`.

import { chmodSync, closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import koffi from 'koffi';
import { Kqueue, KqueueError, read, signal, timer, user, vnode, write } from '../../src/index.ts';
import { abis, defaultSys } from '../../src/sys/index.ts';
import { FakeSys } from '../helpers/fake-sys.ts';

/** Milliseconds that are over soon. */
const SOON = 20;
/** Far longer than a test takes. */
const LONG = 10 * 60_000;

/** With a second argument, one whose descriptor Node's event loop cannot watch. */
function newQueue(): Kqueue {
  const sys = defaultSys();
  return new Kqueue({ sys: process.argv[3] === undefined ? sys : { ...sys, pollable: false } });
}

/** As many queues below `outer`, each watching the next, as Linux takes: what triggers the innermost, what closes them. */
function newNest(outer: Kqueue): [trigger: () => void, close: () => void] {
  const queues = [outer, ...Array.from({ length: 4 }, newQueue)];
  for (let i = queues.length - 1; i > 0; i--) queues[i - 1]?.register(read(queues[i]?.fd ?? -1));
  const [event] = (queues.at(-1) as Kqueue).register(user(1));
  const close = (): void => {
    for (const kq of queues.slice(1)) kq.close();
  };
  return [() => event.trigger(), close];
}

/** As many queues in each other as the system takes, beginning with `kq`; `link` says which is in which. The last one. */
function nest(kq: Kqueue, link: (one: Kqueue, next: Kqueue) => void): Kqueue {
  let last = kq;
  try {
    for (let depth = 0; depth < 8; depth++) {
      const next = newQueue();
      link(last, next);
      last = next;
    }
  } catch {
    // EINVAL: deep enough.
  }
  return last;
}

/** Keeps the loop from turning for a while. */
function block(): void {
  const end = performance.now() + SOON;
  while (performance.now() < end);
}

const scenarios: Readonly<Record<string, () => unknown>> = {
  /** Nothing else keeps the loop turning, and nothing else turns it. */
  async 'wait alone'() {
    const kq = newQueue();
    kq.register(timer(1, { every: SOON }));
    for (let i = 0; i < 3; i++) console.log((await kq.wait()).length);
    let left = 3;
    for await (const event of kq) {
      console.log(event.filter);
      if (--left === 0) break;
    }
    kq.close();
    console.log('end');
  },

  async 'user event alone'() {
    const kq = newQueue();
    const [event] = kq.register(user(1, { clear: true }));
    for (let i = 0; i < 3; i++) {
      const waiting = kq.wait();
      event.trigger();
      console.log((await waiting).length);
    }
    console.log('end');
  },

  /** A promise that is settled outside of Node's callback scopes would wait for the next thing that happens. */
  async 'wait beside what is idle'() {
    const idle = setInterval(() => {}, LONG);
    const kq = newQueue();
    kq.register(timer(1, { every: SOON }));
    for (let i = 0; i < 3; i++) console.log((await kq.wait()).length);
    clearInterval(idle);
    kq.close();
  },

  'unref, then wait'() {
    const kq = newQueue();
    kq.register(timer(1, { every: LONG }));
    kq.unref()
      .wait()
      .finally(() => console.log('not this'));
    console.log('started');
  },

  'unref, then wait for a time'() {
    const kq = newQueue();
    kq.unref()
      .wait({ timeout: LONG })
      .finally(() => console.log('not this'));
    console.log('started');
  },

  'unref while waiting'() {
    const kq = newQueue();
    kq.wait({ timeout: LONG }).finally(() => console.log('not this'));
    setTimeout(() => {
      kq.unref();
      console.log('let go');
    }, SOON);
  },

  async 'ref after unref'() {
    const kq = newQueue();
    kq.register(timer(1, { after: SOON }));
    kq.unref();
    kq.ref();
    console.log((await kq.wait())[0]?.filter);
  },

  'ref after unref while waiting'() {
    const kq = newQueue();
    kq.register(timer(1, { after: SOON }));
    kq.unref();
    kq.wait().then(([event]) => console.log(event?.filter));
    kq.ref();
  },

  async 'ref after unref, until the time is over'() {
    const kq = newQueue();
    kq.unref();
    const waiting = kq.wait({ timeout: SOON });
    kq.ref();
    console.log((await waiting).length);
    const looking = kq.unref().wait({ timeout: 0 });
    kq.ref();
    console.log((await looking).length);
  },

  'unref, then iterate'() {
    const kq = newQueue();
    kq.unref();
    kq[Symbol.asyncIterator]()
      .next()
      .finally(() => console.log('not this'));
    console.log('started');
  },

  'a queue that nobody waits for'() {
    const kq = newQueue();
    kq.register(timer(1, { every: SOON }), user(1));
    console.log('registered');
  },

  /** Each in the next, until the kernel takes no more: the one that holds all others is not for libuv's own to hold. */
  async 'queues in queues'() {
    const inside = newQueue();
    const [innermost] = inside.register(user(1, { clear: true }));
    const kq = nest(inside, (inner, outer) => outer.register(read(inner.fd)));
    const waiting = kq.wait();
    innermost.trigger();
    console.log((await waiting)[0]?.filter);
    kq.close();
  },

  /** The loop watches the outermost queue before it holds the others, and once more after it was let go of. */
  async 'queues in queues, from without'() {
    const kq = newQueue();
    const [outermost] = kq.register(user(1, { clear: true }));
    for (let i = 0; i < 2; i++) {
      const waiting = kq.wait();
      nest(kq, (outer, inner) => outer.register(read(inner.fd)));
      outermost.trigger();
      console.log((await waiting)[0]?.filter);
      // Told that it is ready while nobody waits, the loop lets go of it.
      outermost.trigger();
      for (let turns = 0; turns < 3; turns++) await turn();
      kq.poll({ timeout: 0 });
    }
    kq.close();
  },

  /** epolls that are no queues, which nobody here counts. */
  async 'epolls in a queue'() {
    const libc = koffi.load(null);
    const create = libc.func('int epoll_create1(int flags)') as (flags: number) => number;
    const control = libc.func('int epoll_ctl(int epoll, int operation, int fd, void *event)') as (
      ...args: (number | Uint8Array)[]
    ) => number;
    const EPOLL_CTL_ADD = 1;
    const event = Uint8Array.of(1, ...new Array<number>(15).fill(0));
    let outer = create(0);
    for (let depth = 0; depth < 3; depth++) {
      const inner = outer;
      outer = create(0);
      if (control(outer, EPOLL_CTL_ADD, inner, event) !== 0) throw new Error(`epoll_ctl: errno ${koffi.errno()}`);
    }
    const kq = newQueue();
    const [own] = kq.register(user(1, { clear: true }), read(outer));
    const waiting = kq.wait();
    own.trigger();
    console.log((await waiting)[0]?.filter);
    kq.close();
  },

  /** While Node takes itself down, libuv still tells what is ready: nobody may be called for it. See exit.test.ts too. */
  'ends while the queue is ready, in a wait'() {
    const kq = newQueue();
    kq.register(timer(1, { every: 1 }));
    kq.unref().wait();
    block();
    console.log('end');
  },

  'waits at the exit'() {
    const kq = newQueue();
    kq.register(timer(1, { every: 1 }));
    kq.unref();
    process.on('exit', () => {
      kq.wait();
      block();
      console.log('exit');
    });
    console.log('end');
  },

  /** Node's own epoll, on top of these, is one too many: libuv aborts the process for it. */
  async 'a nest that grows while nobody waits'() {
    const outer = newQueue();
    const [event] = outer.register(user(1, { clear: true }));
    event.trigger();
    await outer.wait();
    // Node's loop is told of this one, for nobody, and watches no longer.
    event.trigger();
    await new Promise((done) => setTimeout(done, SOON));
    console.log(outer.poll().length);
    const [trigger, close] = newNest(outer);
    let waiting = outer.wait();
    trigger();
    console.log((await waiting)[0]?.filter);
    // Flat again.
    close();
    waiting = outer.wait({ timeout: LONG });
    setTimeout(() => event.trigger(), SOON);
    console.log((await waiting)[0]?.filter);
    outer.unref().wait();
  },

  /** The kernel counts the ways from a file to those who watch those who watch it, and libuv aborts when they are too many. */
  async 'a hundred queues of one file'() {
    const queues = Array.from({ length: 120 }, newQueue);
    for (const kq of queues) kq.register(write(1, { disabled: true }), timer(1, { after: SOON }));
    console.log((await Promise.all(queues.map((kq) => kq.wait()))).flat().length);
  },

  /** libuv aborts the process when the epoll of a loop is closed. */
  async 'the number of a worker’s loop'() {
    const isEpoll = (fd: number | string): boolean => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[eventpoll]';
      } catch {
        // The descriptor of readdir().
        return false;
      }
    };
    const before = readdirSync('/proc/self/fd').filter(isEpoll);
    const source =
      'const { parentPort } = require("node:worker_threads"); parentPort.on("message", (m) => parentPort.postMessage(m));';
    const worker = new Worker(source, { eval: true });
    const answered = async (): Promise<unknown> => {
      worker.postMessage('still here');
      return new Promise((resolve) => worker.once('message', resolve));
    };
    await answered();
    const loop = readdirSync('/proc/self/fd').find((fd) => !before.includes(fd) && isEpoll(fd));
    const kq = newQueue();
    kq.register(user(1));
    const { fd } = kq;
    // Which number a new worker's loop gets depends on what else Node opens. dup2(2) closes the queue's descriptor first.
    const dup2 = koffi.load(null).func('dup2', 'int', ['int', 'int']);
    dup2(Number(loop), fd);
    kq.close();
    console.log(isEpoll(fd) ? 'open' : 'closed');
    console.log(await answered());
    await worker.terminate();
  },

  /** Node ignores it, for those who write to what nobody reads any more. */
  'SIGPIPE, once it is registered no longer'() {
    const kq = new Kqueue({ sys: new FakeSys(abis.darwin) });
    kq.register(signal('SIGPIPE'))[0].unregister();
    kq.register(signal('SIGPIPE'), signal('SIGXFSZ'));
    kq.close();
    for (const name of ['SIGPIPE', 'SIGXFSZ'] as const) process.kill(process.pid, name);
    console.log(process.listenerCount('SIGPIPE'), process.listenerCount('SIGXFSZ'));
  },

  "a 'removeListener' handler that throws"() {
    process.once('uncaughtException', ({ message }) => console.log(message));
    const kq = newQueue();
    const [registration] = kq.register(signal('SIGHUP'));
    process.once('removeListener', () => {
      throw new Error('of a handler');
    });
    registration.unregister();
    console.log(process.listenerCount('SIGHUP'));
    kq.close();
  },

  /** Every number is taken, so that nothing more can be opened. */
  'one descriptor'() {
    const kq = newQueue();
    kq.register(user(7));
    const taken: number[] = [];
    try {
      for (;;) taken.push(openSync('/dev/null', 'r'));
    } catch {
      // EMFILE
    }
    closeSync(taken.pop() as number);
    try {
      kq.waker(7);
    } catch (error) {
      if (error instanceof KqueueError) console.log(error.code, error.syscall);
    }
    closeSync(taken.pop() as number);
    kq.waker(7).wake();
    console.log('event', kq.poll()[0]?.ident);
  },

  /** Opened without O_NONBLOCK, a FIFO blocks the thread until a writer comes. */
  'a FIFO that nobody writes to'() {
    const kq = newQueue();
    const path = process.env['FIFO'] ?? '';
    try {
      const [registration] = kq.register(vnode(path, { on: ['attrib'], clear: true }));
      chmodSync(path, 0o600);
      console.log(
        'registered',
        kq.poll({ timeout: LONG }).map(({ registration: of }) => of === registration),
      );
    } catch (error) {
      console.log(error instanceof KqueueError ? `${error.code} ${error.syscall}` : String(error));
    }
    kq.close();
  },

  async 'no descriptors'() {
    const kq = newQueue();
    const [event] = kq.register(user(1, { clear: true }));
    const taken: number[] = [];
    const tell = (call: () => unknown): void => {
      // Each time anew: the loader has some of its own, and closes them when it likes.
      try {
        for (;;) taken.push(openSync('/dev/null', 'r'));
      } catch {
        // EMFILE
      }
      try {
        call();
      } catch (error) {
        if (error instanceof KqueueError) console.log(error.code, error.syscall);
        else console.log(String(error));
      }
    };
    tell(() => new Kqueue());
    tell(() => kq.register(vnode('.', { on: ['write'] })));
    // Its descriptor cannot be duplicated for Node's event loop, so it is looked at.
    const waiting = kq.wait();
    event.trigger();
    const [fired] = await waiting;
    console.log('event', fired?.ident);
    for (const fd of taken) closeSync(fd);
    // Now it can be duplicated: the next wait tries again.
    const before = readdirSync('/proc/self/fd').length;
    const again = kq.wait();
    console.log('duplicates', readdirSync('/proc/self/fd').length - before);
    event.trigger();
    console.log('event', (await again)[0]?.ident);
  },
};

const name = process.argv[2] ?? '';
// Node opens a descriptor of its own with the first stream: here, not in the middle of a scenario that counts descriptors.
void process.stdout;
const scenario = scenarios[name];
if (scenario === undefined) throw new Error(`no scenario ${name}`);
await scenario();
