// Minutes of everything at once, on both doors: is every event told once, and is nothing left of it?
//
//   npm run soak -- [--minutes N]
//
// Registers, fires and unregisters all that this system's kqueue has, again and again. At the end no event may be missing, no
// descriptor left, and neither the heap nor the process larger than when it was warm. The last line says it all.

import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import koffi from 'koffi';
import { Kqueue, type KqueueEvent, proc, read, signal, timer, user, vnode, Waker, write } from '../../src/index.ts';
import { defaultSys, EV_SET, errnoName, KeventList, Timespec } from '../../src/sys/index.ts';
import { descriptors } from '../helpers/descriptors.ts';
import { Progress } from '../helpers/progress.ts';
import { typescriptWorker } from '../sys/typescript-worker.ts';
import { terminateWorkers } from './terminate.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '5' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new RangeError(`--minutes ${values.minutes}: a number more than 0`);
const { gc } = globalThis;
if (gc === undefined) throw new Error('needs node --expose-gc');

const KIB = 1024;
/** What may be more at the end than when it was warm, in bytes: caches that fill, a heap's pages that are not given back. */
const HEAP = 512 * KIB;
const RSS = 24 * KIB * KIB;
/** An event that has not come after so long is lost. */
const PATIENCE = 20_000;

const libc = koffi.load(null);
const pipe2 = libc.func('int pipe(void *fds)') as (fds: Int32Array) => number;
function pipe(): [number, number] {
  const fds = new Int32Array(2);
  if (pipe2(fds) === -1) throw new Error('pipe(2)');
  return [fds[0] as number, fds[1] as number];
}

const folder = fs.mkdtempSync(join(tmpdir(), 'kqueue-soak-'));
const sys = defaultSys();
const constants = sys.abi.constants as Readonly<Record<string, number>>;
const linux = process.platform === 'linux';

const problems: string[] = [];
let fired = 0;
let told = 0;

/** The system-call API: one queue's whole life. Each of its events is awaited before the next thing happens. */
function cDoor(): void {
  const { EVFILT_READ = 0, EVFILT_WRITE = 0, EVFILT_TIMER = 0, EVFILT_USER = 0, EVFILT_VNODE = 0 } = constants;
  const { EV_ADD = 0, EV_CLEAR = 0, EV_ONESHOT = 0, EV_DELETE = 0, NOTE_TRIGGER = 0, NOTE_WRITE = 0 } = constants;
  const kq = sys.kqueue();
  const [changes, events] = [new KeventList(64, sys.abi), new KeventList(64, sys.abi)];
  const pipes = Array.from({ length: 10 }, pipe);
  const file = fs.openSync(join(folder, 'c'), 'w');
  const expected = new Set<string>();
  let n = 0;
  const add = (ident: number, filter: number, flags: number, fflags = 0, data = 0): void =>
    EV_SET(changes, n++, ident, filter, EV_ADD | flags, fflags, data, ident);
  const apply = (): void => {
    if (sys.kevent(kq, changes, n, null, 0, null) === -1) problems.push(`system-call API: ${errnoName(sys.errno())}`);
    n = 0;
  };
  for (const [reader, writer] of pipes) {
    add(reader, EVFILT_READ, EV_CLEAR);
    add(writer, EVFILT_WRITE, EV_ONESHOT);
    expected.add(`${EVFILT_READ} ${reader}`).add(`${EVFILT_WRITE} ${writer}`);
  }
  for (let ident = 1; ident <= 10; ident++) {
    add(ident, EVFILT_TIMER, EV_ONESHOT, 0, ident % 4 || 1);
    add(ident, EVFILT_USER, EV_CLEAR);
    expected.add(`${EVFILT_TIMER} ${ident}`).add(`${EVFILT_USER} ${ident}`);
  }
  add(file, EVFILT_VNODE, EV_CLEAR, NOTE_WRITE);
  expected.add(`${EVFILT_VNODE} ${file}`);
  apply();
  fired += expected.size;

  for (const [, writer] of pipes) fs.writeSync(writer, 'x');
  for (let ident = 1; ident <= 10; ident++) EV_SET(changes, n++, ident, EVFILT_USER, 0, NOTE_TRIGGER, 0, ident);
  apply();
  fs.writeSync(file, 'x');
  const timeout = Timespec.fromMillis(PATIENCE);
  while (expected.size > 0) {
    const got = sys.kevent(kq, null, 0, events, 7, timeout);
    if (got <= 0) {
      problems.push(`system-call API: lost ${[...expected].join(', ')}`);
      break;
    }
    for (let i = 0; i < got; i++) {
      told++;
      const key = `${events.filter(i)} ${events.ident(i)}`;
      if (!expected.delete(key)) problems.push(`system-call API: ${key} twice, or from nowhere`);
      if (events.udata(i) !== events.ident(i)) problems.push(`system-call API: ${key} with udata ${events.udata(i)}`);
    }
  }
  // Half of the knotes go by themselves, some by EV_DELETE, the rest with their descriptors or the queue.
  for (const [reader] of pipes.slice(0, 5)) EV_SET(changes, n++, reader, EVFILT_READ, EV_DELETE, 0, 0, 0);
  apply();
  for (const fd of pipes.flat().slice(0, 10)) fs.closeSync(fd);
  if (sys.kevent(kq, null, 0, events, 64, new Timespec(0, 0)) !== 0)
    problems.push('system-call API: an event after the last');
  sys.close(kq);
  for (const fd of pipes.flat().slice(10)) fs.closeSync(fd);
  fs.closeSync(file);
}

/** The high-level API: one queue for all the time, whose events are waited for in turn by `wait()` and `for await`. */
class FrontDoor {
  readonly #kq = new Kqueue<string>();
  readonly #expected = new Map<string, (event: KqueueEvent<string>) => void>();
  #serial = 0;

  /** A token, and a promise of the one event that has it. */
  #expect(what: string): { token: string; event: Promise<KqueueEvent<string>> } {
    const token = `${what} ${this.#serial++}`;
    fired++;
    return { token, event: new Promise((resolve) => this.#expected.set(token, resolve)) };
  }

  #take(event: KqueueEvent<string>): void {
    told++;
    const token = event.token ?? String(event);
    const resolve = this.#expected.get(token);
    // Level-triggered ones come until what they tell of is over; those that are told once must not come twice.
    if (resolve === undefined && !/^(level|signal|wake|vnode)/.test(token))
      problems.push(`${token} twice, or from nowhere`);
    this.#expected.delete(token);
    resolve?.(event);
  }

  async serve(): Promise<void> {
    try {
      for (;;) {
        for (const event of await this.#kq.wait({ max: 16 })) this.#take(event);
        let n = 0;
        for await (const event of this.#kq) {
          this.#take(event);
          if (++n === 20) break;
        }
        if (this.#kq.closed) return;
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBADF') problems.push(String(error));
    }
  }

  async #within<T>(what: string, promise: Promise<T>): Promise<T | undefined> {
    const over = new AbortController();
    const late = setTimeout(PATIENCE, undefined, { signal: over.signal }).catch(() => undefined);
    const first = await Promise.race([promise.then((value) => ({ value })), late]);
    over.abort();
    if (first === undefined) problems.push(`high-level API: lost ${what}`);
    return first?.value;
  }

  async pipes(): Promise<void> {
    const [reader, writer] = pipe();
    const level = this.#expect('level');
    const [registered] = this.#kq.register(read(reader, { token: level.token }));
    fs.writeSync(writer, 'hello');
    await this.#within(level.token, level.event);
    registered.disable();
    fs.readSync(reader, new Uint8Array(100));
    registered.unregister();
    const [once, ready] = [this.#expect('once'), this.#expect('ready')];
    this.#kq.register(
      read(reader, { oneshot: true, token: once.token }),
      write(writer, { oneshot: true, token: ready.token }),
    );
    fs.writeSync(writer, 'hello');
    await this.#within(once.token, once.event);
    await this.#within(ready.token, ready.event);
    // Closed while it is registered: the number comes round.
    this.#kq.register(read(reader, { clear: true, disabled: true, token: 'closed' }));
    fs.closeSync(reader);
    fs.closeSync(writer);
  }

  async timers(ident: number): Promise<void> {
    const [after, at] = [this.#expect('after'), this.#expect('at')];
    this.#kq.register(
      timer(ident, { after: 1.5, token: after.token }),
      timer(ident + 1, { at: Date.now() + 3, token: at.token }),
    );
    await Promise.all([this.#within(after.token, after.event), this.#within(at.token, at.event)]);
    const [tick] = this.#kq.register(timer(ident, { every: 60_000, token: 'never' }));
    tick.unregister();
  }

  async users(ident: number): Promise<void> {
    const { token, event } = this.#expect('user');
    const [knote] = this.#kq.register(user(ident, { oneshot: true, token }));
    knote.trigger();
    await this.#within(token, event);
  }

  async files(name: string): Promise<void> {
    const path = join(folder, name);
    fs.writeFileSync(path, '');
    const { token, event } = this.#expect('vnode');
    const [knote] = this.#kq.register(vnode(path, { on: ['write', 'delete'], token }));
    fs.appendFileSync(path, 'x');
    await this.#within(token, event);
    knote.unregister();
    fs.unlinkSync(path);
  }

  async processes(): Promise<void> {
    const child = spawn('/bin/sh', ['-c', 'read line; exit 3'], { stdio: ['pipe', 'ignore', 'ignore'] });
    const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const { token, event } = this.#expect('process');
    this.#kq.register(proc(child.pid as number, { token }));
    child.stdin.end('\n');
    await this.#within(token, event);
    if ((await exit) !== 3) problems.push('a status was stolen from Node');
  }

  async signals(): Promise<void> {
    const { token, event } = this.#expect('signal');
    const [knote] = this.#kq.register(signal('SIGUSR2', { token }));
    process.kill(process.pid, 'SIGUSR2');
    await this.#within(token, event);
    knote.unregister();
  }

  async queues(): Promise<void> {
    const inner = new Kqueue<string>();
    const { token, event } = this.#expect('level');
    const [knote] = this.#kq.register(read(inner.fd, { token }));
    const [told] = inner.register(user(1, { clear: true }));
    told.trigger();
    await this.#within(token, event);
    knote.unregister();
    if (inner.poll({ timeout: 0 }).length !== 1) problems.push('the inner queue lost its event');
    const waiting = inner.wait({ timeout: 1 });
    if ((await waiting).length !== 0) problems.push('the inner queue had one more');
    inner.close();
  }

  async workers(): Promise<void> {
    const worker = typescriptWorker(new URL('../front/wake-worker.ts', import.meta.url));
    const said = (): Promise<unknown> => new Promise((resolve) => worker.once('message', resolve));
    await said();
    const queue = new Kqueue();
    const waker = queue.waker();
    const woken = said();
    fired++;
    const waiting = queue.wait({ timeout: PATIENCE });
    worker.postMessage({ handle: waker });
    if ((await woken) !== 'woken' || (await waiting).length !== 1) problems.push('a worker woke nobody');
    told++;
    new Waker(waker).wake();
    if (queue.poll({ timeout: PATIENCE }).length !== 1) problems.push('the own thread woke nobody');
    queue.close();
    await worker.terminate();
  }

  close(): void {
    for (const token of this.#expected.keys()) problems.push(`high-level API: never came: ${token}`);
    this.#kq.close();
  }
}

interface Sample {
  readonly heap: number;
  readonly rss: number;
  readonly fds: number;
}

async function sample(): Promise<Sample> {
  // Twice, with a turn between: what is finalized in the first is free in the second.
  for (let i = 0; i < 2; i++) {
    gc?.();
    await setImmediate();
  }
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, rss, fds: linux ? descriptors().length : 0 };
}

const door = new FrontDoor();
const served = door.serve();
let rounds = 0;
async function round(): Promise<void> {
  cDoor();
  const all = [door.queues()];
  for (let i = 0; i < 8; i++)
    all.push(door.pipes(), door.timers(100 + 2 * i), door.users(200 + i), door.files(`file-${i}`));
  if (rounds % 5 === 0) all.push(door.processes(), door.signals());
  // Seldom: tsx leaves two kilobytes behind for each.
  if (rounds % 500 === 0) all.push(door.workers());
  await Promise.all(all);
  rounds++;
}

const start = performance.now();
const progress = new Progress();
const samples: Sample[] = [];
const part = (minutes * 60_000) / 20;
while (samples.length < 20 && problems.length === 0) {
  const end = start + part * (samples.length + 1);
  do {
    progress.show(`${rounds} rounds`, (performance.now() - start) / (minutes * 60_000));
    await round();
  } while (performance.now() < end && problems.length === 0);
  samples.push(await sample());
}
progress.clear();
door.close();
await served;
// The descriptors of a worker are the built-in kqueue's concern.
if (sys.name === 'linux') problems.push(...(await terminateWorkers(minutes * 6)));
fs.rmSync(folder, { recursive: true });

/** The first fifth is for getting warm; then a line through the rest: what it rises by from its start to its end. */
function rise(of: keyof Sample): number {
  const rest = samples.slice(4).map((one) => one[of]);
  const middle = (rest.length - 1) / 2;
  const mean = rest.reduce((sum, value) => sum + value, 0) / rest.length;
  const [up, down] = rest.reduce(
    ([up, down], value, x) => [up + (x - middle) * (value - mean), down + (x - middle) ** 2],
    [0, 0],
  ) as [number, number];
  return down === 0 ? 0 : (up / down) * (rest.length - 1);
}

if (samples.length === 20) {
  // In less than a minute nothing is warm yet.
  const warm = minutes >= 1;
  if (warm && rise('heap') > HEAP) problems.push(`the heap rose by ${Math.round(rise('heap') / KIB)} KiB`);
  if (warm && rise('rss') > RSS) problems.push(`the process rose by ${Math.round(rise('rss') / KIB)} KiB`);
  const [first, last] = [samples[4] as Sample, samples[19] as Sample];
  if (first.fds !== last.fds) problems.push(`${last.fds - first.fds} descriptors are left`);
}
for (const problem of new Set(problems)) console.error(problem);
const seconds = Math.round((performance.now() - start) / 1000);
const kib = (bytes: number): string => `${bytes < 0 ? '' : '+'}${Math.round(bytes / KIB)} KiB`;
console.log(
  `${sys.name}: ${seconds} s, ${rounds} rounds, ${fired} fired, ${told} told, descriptors ${samples.at(-1)?.fds}, ` +
    `heap ${kib(rise('heap'))}, process ${kib(rise('rss'))}, ${problems.length === 0 ? 'nothing lost, nothing left' : `${problems.length} problems`}`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
