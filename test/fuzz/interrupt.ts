// JavaScript is stopped inside a call of the library. Afterwards nothing is lost, nothing comes twice, and nothing leaks.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import type { Interest, Kqueue, KqueueEvent, Registration, UserRegistration, Waker } from '../../src/index.ts';
import { descriptors, descriptorsSince, inotifyWatches } from '../helpers/descriptors.ts';
import {
  countPoints,
  type Interruptible,
  interrupted,
  interruptible,
  type Stop,
  timedOut,
} from '../helpers/interruptible.ts';
import { Progress } from '../helpers/progress.ts';
import { seeded } from '../helpers/random.ts';

const libc = koffi.load(null);
const pipe2 = libc.func('int pipe2(void *fds, int flags)');
const socketpair = libc.func('int socketpair(int domain, int type, int protocol, void *fds)');
const [AF_UNIX, SOCK_STREAM] = [1, 1];
const NONBLOCK_CLOEXEC = 0o2004000;

/** Interests whose registration does not end by itself. */
function isLasting(interest: Interest): boolean {
  return !('oneshot' in interest && interest.oneshot) && interest.filter !== 'timer' && interest.token !== 'regular';
}

/** How often an event comes from when its condition holds until every condition was reported. */
type Expected = 'always' | 'once';

/** A process that has ended. Nobody waits for it while the event loop does not turn. */
async function zombie(): Promise<number> {
  const child = spawn('/bin/true', { stdio: 'ignore' });
  const pid = child.pid as number;
  // Until its exit is known to /proc, and not to libuv: without a turn of the loop.
  while (!/\) Z /.test(fs.readFileSync(`/proc/${pid}/stat`, 'latin1')));
  return pid;
}

/** A queue with a knote of each filter and each mode, all of whose conditions hold. */
class World {
  readonly #library: Interruptible;
  readonly #folder = fs.mkdtempSync(join(tmpdir(), 'kqueue-interrupt-'));
  readonly #fds: number[] = [];
  readonly #expected = new Map<string, Expected>();
  readonly #registrations = new Map<string, Registration>();
  readonly kq: Kqueue<string>;
  readonly inner: Kqueue;
  /** A queue that a case has made. */
  other: Kqueue | undefined;
  /** A waker that a case has made. */
  waker: Waker | undefined;
  /** A process that has ended. */
  readonly pid: number | undefined;
  /** Interests that were registered, by token. */
  readonly interests: Interest<string>[] = [];

  constructor(library: Interruptible, pid: number | undefined) {
    const { Kqueue, read, write, vnode, proc, signal, timer, user } = library;
    this.#library = library;
    this.pid = pid;
    this.kq = new Kqueue<string>();
    this.inner = new Kqueue();
    const file = join(this.#folder, 'file');
    fs.writeFileSync(file, 'some bytes');
    const full = (): number => {
      const [reader, writer] = this.#pipe();
      fs.writeSync(writer, 'bytes');
      return reader;
    };
    const regular = fs.openSync(file, 'r+');
    this.#fds.push(regular);
    this.inner.register(user(1), timer(1, { every: 0.001 }));
    this.#register('always', [
      read(full(), { token: 'read' }),
      read(regular, { token: 'regular' }),
      read(this.inner.fd, { token: 'inner' }),
      read(this.#reset(), { token: 'reset' }),
      write(this.#pipe()[1], { token: 'write' }),
      write(this.#pipe()[1], { token: 'lowat', lowat: 1 }),
      user(1, { token: 'user' }),
    ]);
    this.#register('once', [
      read(full(), { token: 'read oneshot', oneshot: true }),
      read(full(), { token: 'read clear', clear: true }),
      read(full(), { token: 'read dispatch', dispatch: true }),
      read(regular, { token: 'regular', oneshot: true }),
      write(this.#pipe()[1], { token: 'write oneshot', oneshot: true }),
      write(this.#pipe()[1], { token: 'write clear', clear: true }),
      vnode(file, { token: 'path', on: ['write'], clear: true }),
      vnode(file, { token: 'path oneshot', on: ['write'], oneshot: true }),
      vnode(regular, { token: 'vnode', on: ['write'], dispatch: true }),
      signal('SIGUSR1', { token: 'signal' }),
      signal('SIGURG', { token: 'signal oneshot', oneshot: true }),
      timer(1, { token: 'every', every: 0.001 }),
      timer(2, { token: 'after', after: 0.001 }),
      user(2, { token: 'user clear', clear: true }),
      user(3, { token: 'user oneshot', oneshot: true }),
      user(4, { token: 'user dispatch', dispatch: true }),
      ...(pid === undefined ? [] : [proc(pid, { token: 'proc' })]),
    ]);
    // Of one file a READ knote is enough.
    this.#expected.set('regular', 'once');
    this.#expected.set('every', 'always');
    fs.appendFileSync(file, 'more bytes');
    process.emit('SIGUSR1', 'SIGUSR1');
    process.emit('SIGURG', 'SIGURG');
    this.inner.poll({ timeout: 0 });
    for (const [token, registration] of this.#registrations) {
      if (token.startsWith('user')) (registration as { trigger?(): void }).trigger?.();
    }
    // The timers have expired when their microsecond is over.
    const end = performance.now() + 0.1;
    while (performance.now() < end);
  }

  /** A socket whose peer was closed before it had read everything: ECONNRESET (unix(7)). */
  #reset(): number {
    const fds = new Int32Array(2);
    assert.equal(socketpair(AF_UNIX, SOCK_STREAM | NONBLOCK_CLOEXEC, 0, fds), 0);
    const [socket, peer] = [fds[0] as number, fds[1] as number];
    this.#fds.push(socket);
    fs.writeSync(socket, 'unread');
    fs.closeSync(peer);
    return socket;
  }

  #pipe(): [number, number] {
    const fds = new Int32Array(2);
    assert.equal(pipe2(fds, NONBLOCK_CLOEXEC), 0);
    const pair: [number, number] = [fds[0] as number, fds[1] as number];
    this.#fds.push(...pair);
    return pair;
  }

  #register(expected: Expected, interests: Interest<string>[]): void {
    const registrations = this.kq.register(...interests);
    for (const [i, interest] of interests.entries()) {
      const token = interest.token as string;
      this.#expected.set(token, expected);
      this.#registrations.set(token, registrations[i] as Registration);
      this.interests.push(interest);
    }
  }

  registration(token: string): Registration {
    return this.#registrations.get(token) as Registration;
  }

  /** Takes what is not to be looked for: it was unregistered, or may have been. */
  except(...tokens: string[]): void {
    for (const token of tokens) this.#expected.delete(token);
  }

  /** Fetches often enough for everything that comes once to have come, and compares. */
  check(before: readonly KqueueEvent<string>[] = []): void {
    const { inner, kq } = this;
    (inner.register(this.#library.user(1)) as never as { trigger(): void }[])[0]?.trigger();
    const rounds = Array.from({ length: 3 }, () => kq.poll({ timeout: 0 }));
    const events = [...before, ...rounds.flat()];
    const count = (token: string, among = events): number => among.filter((event) => event.token === token).length;
    for (const event of events) {
      assert(event.registration !== undefined, `of no registration: ${event}`);
      if (event.token === 'reset') assert.equal(event.error?.code, 'ECONNRESET', `without its error: ${event}`);
    }
    for (const [token, expected] of this.#expected) {
      const times = count(token);
      assert(times > 0, `${token} was lost`);
      // Only where it fails: to print all events takes longer than the rest.
      if (expected === 'once' && times > 1) assert.fail(`${token} came ${times} times: ${events.join('\n')}`);
      if (expected === 'always' && token !== 'every' && count(token, rounds[2]) !== 1) {
        assert.fail(`${token} is not reported any more: ${events.join('\n')}`);
      }
    }
  }

  close(): void {
    this.kq.close();
    this.inner.close();
    this.other?.close();
    for (const fd of this.#fds) fs.closeSync(fd);
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A call that is stopped, and what is to be done before and after it. */
interface Case {
  readonly name: string;
  before?(world: World, library: Interruptible): void;
  /** Returns the events that it has fetched, or a promise of events. */
  call(world: World, library: Interruptible): unknown;
  /** Whether the call can be repeated until it is stopped. */
  readonly repeats?: true;
  /** What it does that may have been done or not. */
  readonly unsure?: readonly string[] | 'all';
  /** May return events that it has fetched. */
  after?(world: World, library: Interruptible): unknown;
}

/** Registrations of several filters. */
const MANY = ['read', 'path', 'vnode', 'write', 'signal', 'every', 'user clear', 'user oneshot', 'reset', 'inner'];

let pointsOfPoll = 0;

/** Stops a poll() after its kevent(2), so that its events are left over. */
function leaveOver({ kq }: World, library: Interruptible): void {
  if (pointsOfPoll === 0) {
    const other = new World(library, undefined);
    pointsOfPoll = countPoints(library, () => other.kq.poll({ timeout: 0 }));
    other.close();
  }
  const stopped = interrupted(library, pointsOfPoll - 100, 'overflow', () => kq.poll({ timeout: 0 }));
  assert(stopped);
}

const cases: readonly Case[] = [
  { name: 'poll', call: ({ kq }) => kq.poll({ timeout: 0 }), repeats: true },
  { name: 'poll for a few', call: ({ kq }) => kq.poll({ timeout: 0, max: 3 }), repeats: true },
  { name: 'poll with a timeout', call: ({ kq }) => kq.poll({ timeout: 0.01 }), repeats: true },
  { name: 'poll of the inner queue', call: ({ inner }) => void inner.poll({ timeout: 0 }), repeats: true },
  { name: 'wait for what is left over', before: leaveOver, call: ({ kq }) => kq.wait() },
  { name: 'iterate over what is left over', before: leaveOver, call: ({ kq }) => kq[Symbol.asyncIterator]().next() },
  {
    name: 'register again',
    repeats: true,
    call: ({ kq, interests }) => {
      kq.register(...interests.filter(isLasting));
    },
    // What is pending of these does not survive that they are registered again, once or twice.
    unsure: [
      'user',
      'user clear',
      'user dispatch',
      'path',
      'vnode',
      'every',
      'read clear',
      'write clear',
      'read dispatch',
    ],
    after: ({ kq, interests }) => {
      kq.register(...interests.filter(isLasting));
    },
  },
  {
    name: 'unregister',
    call: (world) => world.registration('read').unregister(),
    unsure: ['read'],
    after: (world) => world.registration('read').unregister(),
  },
  {
    name: 'unregister a path',
    call: (world) => world.registration('path').unregister(),
    unsure: ['path'],
    after: (world) => world.registration('path').unregister(),
  },
  {
    name: 'disable and enable',
    repeats: true,
    call: (world) => {
      world.registration('write').disable();
      world.registration('write').enable();
      world.registration('read dispatch').enable();
    },
    after: (world) => world.registration('write').enable(),
  },
  {
    name: 'register anew, and then in another mode',
    call: ({ kq }, { user, vnode }) => {
      kq.register(user(9, { token: 'new' }), vnode('/usr/share', { token: 'new path', on: ['write'] }));
    },
    after: ({ kq }, { user }) => {
      const [registration] = kq.register(user(9, { token: 'new', clear: true }));
      registration.trigger();
      assert.equal(kq.poll({ timeout: 0, max: 100 }).filter(({ token }) => token === 'new').length, 1);
      assert.equal(kq.poll({ timeout: 0, max: 100 }).filter(({ token }) => token === 'new').length, 0);
      registration.unregister();
    },
    unsure: 'all',
  },
  {
    name: 'make a waker',
    call: ({ kq }) => void kq.waker(50),
    after: ({ kq }) => {
      assert.equal(kq.waker(50).wake(), true);
      assert(kq.poll({ timeout: 0, max: 100 }).some(({ filter, ident }) => filter === 'user' && ident === 50));
    },
    unsure: 'all',
  },
  {
    name: 'make a queue',
    call: (world, { Kqueue }) => {
      world.other = new Kqueue();
    },
    unsure: 'all',
  },
  {
    name: 'change everything',
    repeats: true,
    call: (world, { user }) => {
      for (const token of ['every', 'path', 'inner', 'lowat', 'signal']) {
        world.registration(token).disable();
        world.registration(token).enable();
      }
      (world.registration('user clear') as UserRegistration).trigger(5);
      world.inner.register(user(1));
    },
    after: (world) => {
      for (const token of ['every', 'path', 'inner', 'lowat', 'signal']) world.registration(token).enable();
    },
    // A user event may be triggered again after it was fetched. A note that was fetched stays one.
    unsure: ['user clear'],
  },
  {
    name: 'unregister many',
    call: (world) => world.kq.unregister(...MANY.map((token) => world.registration(token))),
    unsure: MANY,
    after: (world) => {
      world.kq.unregister(...MANY.map((token) => world.registration(token)));
      for (const token of MANY) assert.equal(world.registration(token).active, false);
      // The queue has forgotten the registration, so waker() registers the event again.
      assert.equal(world.kq.waker(2).wake(), true);
      const events = world.kq.poll({ timeout: 0, max: 100 });
      assert(
        events.some(({ filter, ident }) => filter === 'user' && ident === 2),
        'the waker does not wake',
      );
      return events;
    },
  },
  {
    name: 'register a process and a signal',
    call: ({ kq, pid }, { proc, signal }) => {
      kq.register(proc(pid ?? process.pid, { token: 'new' }), signal('SIGUSR2', { token: 'new signal' }));
    },
    after: ({ kq }, { signal }) => {
      const [registration] = kq.register(signal('SIGUSR2', { token: 'new signal' }));
      process.emit('SIGUSR2', 'SIGUSR2');
      assert.equal(kq.poll({ timeout: 0, max: 100 }).filter(({ token }) => token === 'new signal').length, 1);
      registration.unregister();
    },
    unsure: 'all',
  },
  {
    name: 'wake',
    before: (world) => {
      world.waker = world.kq.waker(50);
    },
    call: ({ waker }) => void waker?.wake(),
    after: ({ kq, waker }) => {
      assert.equal(waker?.wake(), true);
      const events = [...kq.poll({ timeout: 0, max: 100 }), ...kq.poll({ timeout: 0 })];
      assert.equal(events.filter(({ filter, ident }) => filter === 'user' && ident === 50).length, 1);
    },
    unsure: 'all',
  },
  {
    name: 'close the inner queue',
    call: ({ inner }) => inner.close(),
    unsure: 'all',
    after: ({ kq }) => kq.poll({ timeout: 0 }),
  },
  { name: 'wait', call: ({ kq }) => void kq.wait({ timeout: 0 }).catch(() => {}), unsure: 'all' },
  { name: 'close with events left over', before: leaveOver, call: ({ kq }) => kq.close(), unsure: 'all' },
  { name: 'close', call: ({ kq }) => kq.close(), unsure: 'all' },
];

/**
 * One case, stopped at one point. False if the call has fewer points. With `again`, the next poll() is stopped at that point too,
 * unless the case may have changed what is registered.
 */
function runCase(library: Interruptible, one: Case, point: number, stop: Stop, pid?: number, again?: number): boolean {
  return check(library, one, pid, (call, world, results) => {
    const stopped = interrupted(library, point, stop, call);
    if (again !== undefined && one.unsure === undefined) {
      interrupted(library, again, stop, () => {
        const events = world.kq.poll({ timeout: 0 });
        results[results.length] = events;
      });
    }
    return stopped;
  });
}

/** One case that repeats, stopped by a timeout. */
function runUntil(ms: number, library: Interruptible, one: Case, pid?: number): void {
  check(library, one, pid, (call) => {
    timedOut(ms, call);
    return true;
  });
}

function check(
  library: Interruptible,
  { before, call, after, unsure = [] }: Case,
  pid: number | undefined,
  run: (call: () => void, world: World, results: unknown[]) => boolean,
): boolean {
  const open = descriptors();
  const watches = inotifyWatches();
  const world = new World(library, pid);
  before?.(world, library);
  const results: unknown[] = [];
  const stopped = run(
    () => {
      const result = call(world, library);
      // By an assignment, because a call could be stopped.
      results[results.length] = result;
    },
    world,
    results,
  );
  // They get the numbers that the call has closed. If a number is closed twice, one of these is closed.
  const strangers = Array.from({ length: 8 }, () => fs.openSync('/dev/zero', 'r'));
  results.push(after?.(world, library));
  const isPromised = results.some((result) => result instanceof Promise);
  if (unsure !== 'all' && !isPromised) {
    world.except(...unsure);
    world.check(results.filter(Array.isArray).flat());
  }
  world.close();
  // Descriptors that a call had just made are closed by the next one.
  new library.Kqueue().close();
  assert.equal(inotifyWatches(), watches, 'inotify watches are left');
  for (const fd of strangers) {
    assert.equal(fs.readlinkSync(`/proc/self/fd/${fd}`), '/dev/zero', 'a descriptor of other code was closed');
    fs.closeSync(fd);
  }
  assert.equal(descriptorsSince(open).join(', '), '', 'descriptors are left');
  return stopped;
}

/** The kernel takes milliseconds to close the last inotify instance, so another queue keeps it open in most steps. */
const INOTIFY_CLOSES = 16;

function watchingQueue({ Kqueue, vnode }: Interruptible): Kqueue {
  const queue = new Kqueue();
  queue.register(vnode(tmpdir(), { on: ['delete'] }));
  return queue;
}

/** How many points the call of a case passes. */
function pointsOf(library: Interruptible, one: Case, pid: number): number {
  let points = 0;
  check(library, one, pid, (call) => {
    points = countPoints(library, call);
    return false;
  });
  return points;
}

/**
 * Stops calls at random, half of them at a point and half by a timeout. The event loop does not turn meanwhile, so nothing waits
 * for the zombie. With a seed it makes so many steps. Without one, until `end` on the clock of performance.now(), or so many.
 */
export async function fuzzInterruptions(given: number | undefined, most: number, end: number): Promise<void> {
  const seed = given ?? Math.floor(Math.random() * 2 ** 31);
  const random = seeded(seed);
  process.stdout.write(`seed ${seed}\n`);
  const library = await interruptible();
  const pid = await zombie();
  const points = new Map(cases.map((one) => [one, pointsOf(library, one, pid)]));
  const repeated = cases.filter(({ repeats }) => repeats);
  let keeper: Kqueue | undefined;
  let [steps, stopped] = [0, 0];
  const progress = new Progress();
  const start = performance.now();
  for (; steps < most && (given !== undefined || performance.now() < end); steps++) {
    progress.show('interruptions', given === undefined ? (performance.now() - start) / (end - start) : steps / most);
    if (steps % INOTIFY_CLOSES !== 0) keeper ??= watchingQueue(library);
    else {
      keeper?.close();
      keeper = undefined;
    }
    let what = '';
    try {
      if (random(2) === 0) {
        const one = repeated[random(repeated.length)] as Case;
        const ms = 1 + random(5);
        what = `${one.name}, after ${ms} ms`;
        runUntil(ms, library, one, pid);
        stopped++;
      } else {
        const one = cases[random(cases.length)] as Case;
        const point = 1 + random(points.get(one) as number);
        const stop = random(2) === 0 ? 'overflow' : 'terminate';
        const again = random(2) === 0 ? undefined : 1 + random(points.get(cases[0] as Case) as number);
        what = `${one.name}, ${stop} at point ${point}, and then of poll() at ${again}`;
        if (runCase(library, one, point, stop, pid, again)) stopped++;
      }
    } catch (error) {
      progress.clear();
      const { message } = error as Error;
      console.error(`step ${steps}: ${what}: ${message}`);
      console.error(`\nto see it again: npm run fuzz -- --interrupt --seed ${seed} --steps ${steps + 1}`);
      process.exit(1);
    }
  }
  progress.clear();
  console.log(`${steps} steps, ${stopped} interruptions: nothing found`);
}
