// From a write on a pipe to the event: in the hands of wait() and of `for await`, and in those of a listener of Node's own
// stream on the same kind of pipe. Each byte is written when the event of the one before was seen to.

import { readSync, writeSync } from 'node:fs';
import { Kqueue, read } from '../../../src/index.ts';
import { nodeStream } from '../baselines/node.ts';
import { type Pair, pipes } from '../descriptors.ts';
import { type Contender, now, type Race } from '../race.ts';
import type { Setting } from '../setting.ts';

const byte = Buffer.from('x');
const into = Buffer.alloc(16);

/** Of the times from a write to its event, the mean. Nothing but that is counted. */
export class Stopwatch {
  #written = 0;
  #sum = 0;

  write(fd: number): void {
    this.#written = now();
    writeSync(fd, byte);
  }

  heard(): void {
    this.#sum += now() - this.#written;
  }

  take(): number {
    const sum = this.#sum;
    this.#sum = 0;
    return sum;
  }
}

function byWait(kq: Kqueue, [reader, writer]: Pair): Contender {
  const watch = new Stopwatch();
  return {
    name: 'wait()',
    async run(times) {
      for (let t = 0; t < times; t++) {
        watch.write(writer);
        const [event] = await kq.wait();
        watch.heard();
        if (event?.filter !== 'read') throw new Error(`not a read event: ${event}`);
        readSync(reader, into);
      }
      return watch.take();
    },
  };
}

function byIteration(kq: Kqueue, [reader, writer]: Pair): Contender {
  const watch = new Stopwatch();
  return {
    name: 'for await',
    async run(times) {
      let left = times;
      watch.write(writer);
      for await (const event of kq) {
        watch.heard();
        if (event.filter !== 'read') throw new Error(`not a read event: ${event}`);
        readSync(reader, into);
        if (--left === 0) break;
        watch.write(writer);
      }
      return watch.take();
    },
  };
}

function byStream([reader, writer]: Pair, undo: (() => void)[]): Contender {
  const watch = new Stopwatch();
  let left = 0;
  let done: (() => void) | undefined;
  const socket = nodeStream(reader, () => {
    watch.heard();
    if (--left === 0) done?.();
    else watch.write(writer);
  });
  undo.push(() => socket.destroy());
  return {
    name: "Node's stream",
    run(times) {
      left = times;
      return new Promise((resolve) => {
        done = (): void => resolve(watch.take());
        watch.write(writer);
      });
    },
  };
}

function latency(): Race {
  const undo: (() => void)[] = [];
  return {
    id: 'latency/pipe',
    what: 'from a write on a pipe to its event',
    unit: 'ns',
    prepare() {
      const [first, second, third] = pipes(3) as [Pair, Pair, Pair];
      const queue = (pair: Pair): Kqueue => {
        const kq = new Kqueue();
        kq.register(read(pair[0]));
        undo.push(() => kq.close());
        return kq;
      };
      return [byStream(first, undo), byWait(queue(second), second), byIteration(queue(third), third)];
    },
    finish() {
      for (const step of undo) step();
    },
  };
}

export function latencyRaces(_: Setting): readonly Race[] {
  return [latency()];
}
