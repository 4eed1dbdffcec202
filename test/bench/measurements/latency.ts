// From what happens to its event, in the hands of wait() and of `for await`, beside Node's own event of the same: a byte in
// a pipe, a change of a file, the end of a process. Whoever waits is waiting already when it happens, and it happens in a turn
// of the event loop in which nothing else does, as if it came from outside.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Interest, Kqueue, proc, read, vnode } from '../../../src/index.ts';
import { childExit, fileChange, nodeStream } from '../baselines/node.ts';
import { type Pair, pipes } from '../descriptors.ts';
import { type Contender, now, type Race } from '../race.ts';
import type { Setting } from '../setting.ts';

const byte = Buffer.from('x');
const into = Buffer.alloc(16);

/** How something is made to happen, and what its event asks for. */
interface Happening {
  readonly interest: Interest;
  /** Makes it happen. */
  cause(): void;
  /** What has to be done before it can happen again; for one that is timed too, so that the bytes are in hand. */
  see(): void;
}

/** Sums the times from a cause to its event. Nothing but that is counted. */
class Stopwatch {
  #caused = 0;
  #sum = 0;

  /** Lets it happen in a turn of its own, and runs from then on. */
  next(cause: () => unknown): void {
    // Two turns: in the first, whoever waits may look once more of its own accord.
    setImmediate(() =>
      setImmediate(() => {
        this.#caused = now();
        cause();
      }),
    );
  }

  stop(): void {
    this.#sum += now() - this.#caused;
  }

  take(): number {
    const sum = this.#sum;
    this.#sum = 0;
    return sum;
  }
}

function queue(interest: Interest): Kqueue {
  const kq = new Kqueue();
  kq.register(interest);
  return kq;
}

function byWait({ interest, cause, see }: Happening, timed: boolean): Contender {
  const watch = new Stopwatch();
  const kq = queue(interest);
  return {
    name: 'wait()',
    async run(times) {
      for (let t = 0; t < times; t++) {
        watch.next(cause);
        const [event] = await kq.wait();
        if (timed) see();
        watch.stop();
        if (!timed) see();
        if (event?.filter !== interest.filter) throw new Error(`not an event of ${interest.filter}: ${event}`);
      }
      return watch.take();
    },
  };
}

function byIteration({ interest, cause, see }: Happening, timed: boolean): Contender {
  const watch = new Stopwatch();
  const kq = queue(interest);
  return {
    name: 'for await',
    async run(times) {
      let left = times;
      watch.next(cause);
      for await (const event of kq) {
        if (timed) see();
        watch.stop();
        if (!timed) see();
        if (event.filter !== interest.filter) throw new Error(`not an event of ${interest.filter}: ${event}`);
        if (--left === 0) break;
        watch.next(cause);
      }
      return watch.take();
    },
  };
}

/** Node's own listener: `listen` is given what to call at each event. */
function byNode(name: string, cause: () => void, listen: (heard: () => void) => void): Contender {
  const watch = new Stopwatch();
  let left = 0;
  let done: (() => void) | undefined;
  listen(() => {
    watch.stop();
    if (--left === 0) {
      done?.();
      return;
    }
    watch.next(cause);
  });
  return {
    name,
    run(times) {
      left = times;
      return new Promise((resolve) => {
        done = (): void => resolve(watch.take());
        watch.next(cause);
      });
    },
  };
}

function aByte([reader, writer]: Pair): Happening {
  return {
    interest: read(reader),
    cause: () => writeSync(writer, byte),
    see: () => readSync(reader, into),
  };
}

function pipe(id: string, what: string, timed: boolean): Race {
  return {
    id,
    what,
    unit: 'ns',
    prepare() {
      const [first, second, third] = pipes(3) as [Pair, Pair, Pair];
      const stream = byNode("Node's stream", aByte(first).cause, (heard) => {
        nodeStream(first[0], heard);
      });
      return [stream, byWait(aByte(second), timed), byIteration(aByte(third), timed)];
    },
  };
}

/** A file, to be written to: a byte each time. */
function file(setting: Setting): Race {
  return {
    id: 'latency/file',
    what: 'from a write to a file to its event',
    unit: 'ns',
    times: setting.quick ? 20 : 500,
    async prepare() {
      const folder = mkdtempSync(join(setting.folder, 'latency-'));
      const happening = (name: string): Happening & { path: string } => {
        const path = join(folder, name);
        const fd = openSync(path, 'w');
        return {
          path,
          interest: vnode(path, { on: ['write'], clear: true }),
          cause: () => writeSync(fd, byte),
          see: () => {},
        };
      };
      const [first, second, third] = [happening('1'), happening('2'), happening('3')];
      const watcher = byNode("Node's fs.watch", first.cause, (heard) => {
        fileChange(first.path, heard);
      });
      return [watcher, byWait(second, false), byIteration(third, false)];
    },
  };
}

async function aChild(): Promise<ChildProcess> {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  await once(child, 'spawn');
  return child;
}

/** A process, which is told to die. The next is started before the clock runs. */
function exit({ quick, kqueue }: Setting): Race {
  return {
    id: 'latency/exit',
    what: 'from kill(2) of a child to the event of its exit, with the work of the kernel',
    unit: 'ns',
    times: quick ? 2 : 4,
    note: 'not with libkqueue, which does not report a child that Node has already waited for',
    prepare() {
      if (kqueue === 'libkqueue') return [];
      return [
        {
          name: "Node's child_process",
          async run(times) {
            const watch = new Stopwatch();
            for (let t = 0; t < times; t++) {
              const child = await aChild();
              const exited = new Promise<void>((resolve) => childExit(child, resolve));
              watch.next(() => child.kill('SIGKILL'));
              await exited;
              watch.stop();
            }
            return watch.take();
          },
        },
        {
          name: 'wait()',
          async run(times) {
            const watch = new Stopwatch();
            const kq = new Kqueue();
            for (let t = 0; t < times; t++) {
              const child = await aChild();
              const reaped = new Promise<void>((resolve) => childExit(child, resolve));
              kq.register(proc(child.pid ?? -1));
              watch.next(() => child.kill('SIGKILL'));
              const [event] = await kq.wait();
              watch.stop();
              if (event?.filter !== 'proc') throw new Error(`not the end of a process: ${event}`);
              await reaped;
            }
            kq.close();
            return watch.take();
          },
        },
      ];
    },
  };
}

export function latencyRaces(setting: Setting): readonly Race[] {
  return [
    pipe('latency/pipe', 'from a write on a pipe to its event', false),
    pipe('latency/bytes', 'from a write on a pipe to its event and the bytes', true),
    file(setting),
    exit(setting),
  ];
}
