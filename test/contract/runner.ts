import { type ChildProcess, fork } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type AbiName, abis, bindKqueue, defaultSys, type Sys } from '../../src/sys/index.ts';
import { loaders } from '../helpers/loaders.ts';
import { type Case, gated } from './case.ts';
import { cases } from './cases.ts';
import { timed } from './queue.ts';
import { Missing, stage, type World } from './world.ts';

const program = fileURLToPath(new URL('runner.ts', import.meta.url));

/** Which kqueue to run the cases on. Plain data: it goes to another process. */
export interface Target {
  /** A module whose default export is a World, or a function that gives one. */
  readonly world?: string;
  /** A shared library that exports the calls; the running system's kqueue if absent. */
  readonly library?: string;
  /** The running system's own kqueue, whichever library KQUEUE_LIBRARY names. */
  readonly own?: boolean;
  /** The layout that the library's calls expect. */
  readonly abi?: AbiName;
  readonly symbols?: { readonly kqueue?: string; readonly kevent?: string; readonly close?: string };
  /** The name under which gates are looked up, where it is not the ABI's: `libkqueue@2.7`. */
  readonly as?: string;
  /** Only cases whose name has this in it. */
  readonly only?: string;
}

export interface Result {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'gated';
  /** Why it failed or was not run. */
  readonly reason?: string;
}

/** How many milliseconds one case may take, apart from its calls. A call that does not return ends with its process. */
const LIMIT = 30_000;

/** No case makes as many calls. */
const CALLS = 5000;

/** How often a case that failed on a library is tried again. */
const AGAIN = 3;

/** The numbers of the cases that a target asks for, in the order in which they start. */
export function chosenCases({ only = '' }: Target): number[] {
  return cases.flatMap(({ name }, index) => (name.includes(only) ? [index] : []));
}

/**
 * Runs the cases in `jobs` processes at a time: in order where that is one. A slow world takes more, so that the waiting
 * overlaps.
 */
export async function* run(target: Target, jobs = 1): AsyncGenerator<Result, void, undefined> {
  const chosen = chosenCases(target).values();
  const lanes = Array.from({ length: jobs }, () => inOneProcess(target, chosen));
  const step = async (lane: (typeof lanes)[0]) => ({ lane, result: await lane.next() });
  const pending = new Map(lanes.map((lane) => [lane, step(lane)]));
  try {
    while (pending.size > 0) {
      const { lane, result } = await Promise.race(pending.values());
      pending.delete(lane);
      if (result.done) continue;
      yield result.value;
      pending.set(lane, step(lane));
    }
  } finally {
    await Promise.allSettled(lanes.map((lane) => lane.return()));
  }
}

/**
 * Runs the remaining cases in a separate process. A kevent(2) that hangs or crashes ends that process and
 * fails that one case; another process continues with the next.
 */
async function* inOneProcess(target: Target, chosen: Iterable<number>): AsyncGenerator<Result, void, undefined> {
  let worker: Worker | undefined;
  try {
    for (const index of chosen) {
      worker ??= await Worker.start(target);
      let answer = await worker.run(index);
      // A library may suffer from what an earlier case did to it: by itself the case shows what it is. And it may die of
      // a race of its own, which no case can be blamed for.
      for (let again = 0; again < AGAIN && answer.outcome === 'failed' && target.library !== undefined; again++) {
        await worker.stop();
        worker = await Worker.start(target);
        answer = await worker.run(index);
        if (!answer.lost) break;
      }
      if (answer.lost) worker = undefined;
      const { name } = cases[index] as Case;
      yield { name, outcome: answer.outcome, ...(answer.reason === undefined ? {} : { reason: answer.reason }) };
    }
  } finally {
    await worker?.stop();
  }
}

type Answer = Pick<Result, 'outcome' | 'reason'> & { readonly pace?: number };

/** Asked before the first case: answered when the world stands. */
const READY = -1;

/** The process in which cases run, seen from the other side. */
class Worker {
  readonly #child: ChildProcess;
  #errors = '';
  #limit = LIMIT;

  /** @throws Error the target is not available */
  static async start(target: Target): Promise<Worker> {
    const worker = new Worker(target);
    // The world is made before the process answers anything.
    const { lost, reason, pace = 0 } = await worker.#answer(READY);
    if (lost) throw new Error(reason);
    worker.#limit += CALLS * pace;
    return worker;
  }

  private constructor(target: Target) {
    this.#child = fork(program, [JSON.stringify(target)], {
      execArgv: [...loaders],
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      env: target.own ? { ...process.env, KQUEUE_LIBRARY: '' } : process.env,
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-2000);
    });
  }

  run(index: number): Promise<Answer & { lost?: boolean }> {
    return this.#answer(index);
  }

  #answer(message: number): Promise<Answer & { lost?: boolean }> {
    return new Promise((settle) => {
      const finish = (answer: Answer & { lost?: boolean }): void => {
        clearTimeout(timer);
        this.#child.off('message', answered).off('close', ended);
        settle(answer);
      };
      const answered = (answer: unknown): void => finish(answer as Answer);
      const ended = (code: number | null, signal: string | null): void => {
        const how = signal === null ? `exit code ${code}` : signal;
        finish({ outcome: 'failed', reason: `its process ended: ${how}\n${this.#errors}`.trim(), lost: true });
      };
      const timer = setTimeout(() => {
        this.#child.kill('SIGKILL');
        finish({ outcome: 'failed', reason: `no end after ${this.#limit / 1000} seconds`, lost: true });
      }, this.#limit);
      this.#child.on('message', answered).on('close', ended);
      this.#child.send(message, () => {});
    });
  }

  stop(): Promise<void> {
    return new Promise((settle) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) return settle();
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
      // Not 'close': that does not come after disconnect() on Node 20.
      this.#child.on('exit', () => {
        clearTimeout(timer);
        settle();
      });
      this.#child.disconnect();
    });
  }
}

/** The world of a target, in the process where the cases run. */
async function worldOf(target: Target): Promise<World> {
  if (target.world !== undefined) {
    const { default: given } = (await import(pathToFileURL(resolve(target.world)).href)) as { default: unknown };
    return (await (typeof given === 'function' ? given() : given)) as World;
  }
  const { processWorld, systemVersion } = await import('./process-world.ts');
  const sys = sysOf(target);
  const [name = '', version = ''] = (target.as ?? '').split('@');
  if (name !== '') return processWorld(sys, name, version === '' ? undefined : version);
  // One kernel, two layouts.
  const own = { darwin64: 'darwin', freebsd11: 'freebsd' }[sys.abi.name as string] ?? sys.abi.name;
  // The system's version is the kqueue's where the kqueue is the system's.
  return processWorld(sys, own, own === process.platform && own !== 'linux' ? systemVersion : undefined);
}

function sysOf({ library, abi, symbols }: Target): Sys {
  if (library === undefined && abi === undefined) return defaultSys();
  return bindKqueue({
    library: library === undefined ? null : library,
    abi: abis[abi ?? 'libkqueue'],
    ...(symbols === undefined ? {} : { symbols }),
  });
}

/** Runs one case in a world. */
async function attempt(world: World, pace: number, one: Case): Promise<Answer> {
  const reason = gated(one, world);
  if (reason !== undefined) return { outcome: 'gated', reason };
  const kernel = stage(world, one.needs, pace);
  try {
    await one.run(kernel);
    return { outcome: 'passed' };
  } catch (error) {
    if (error instanceof Missing) return { outcome: 'gated', reason: `there is no ${error.what}` };
    return { outcome: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  } finally {
    kernel.cleanup();
  }
}

/** How many milliseconds a call takes in a world that does not say so: the median of five. */
function measured({ sys }: World): number {
  const kq = sys.kqueue();
  const times = Array.from({ length: 5 }, () => timed(() => sys.kevent(kq, null, 0, null, 0, null)));
  sys.close(kq);
  return times.sort((a, b) => a - b)[2] as number;
}

/** The process in which cases run: gets the number of a case, answers what came of it. */
async function serve(target: Target): Promise<void> {
  const world = await worldOf(target);
  // Whole milliseconds, as timers have them.
  const pace = Math.ceil(world.pace ?? measured(world));
  process.on('message', (index: number) => {
    const answer: Promise<Answer> =
      index === READY ? Promise.resolve({ outcome: 'passed', pace }) : attempt(world, pace, cases[index] as Case);
    void answer.then((result) => process.send?.(result));
  });
  // Whatever a case left running must not keep the process.
  process.on('disconnect', () => process.exit());
}

if (process.send !== undefined && process.argv[1] === program) {
  await serve(JSON.parse(process.argv[2] as string) as Target);
}
