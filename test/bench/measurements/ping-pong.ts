// 100 socket pairs, both ends of which answer each byte that comes with one of their own.

import { readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { Kqueue, type KqueueEvent, read } from '../../../src/index.ts';
import { epollInC, kqueueInC } from '../baselines/c-loop.ts';
import { type Pair, socketPairs } from '../descriptors.ts';
import { type Contender, now, type Race } from '../race.ts';
import type { Setting } from '../setting.ts';

const PAIRS = 100;
const byte = Buffer.from('x');
const into = Buffer.alloc(16);

function inC(setting: Setting, made: readonly Pair[]): Contender[] {
  const first = Int32Array.from(made, ([end]) => end);
  const both = [
    { name: 'C', loop: kqueueInC(setting) },
    { name: 'C, epoll', loop: epollInC(setting) },
  ];
  return both.flatMap(({ name, loop }): Contender[] => {
    if (loop === undefined) return [];
    const queue = loop.open();
    for (const pair of made) for (const fd of pair) loop.watch(queue, fd);
    return [{ name, run: (times) => loop.pingPong(queue, first, times) }];
  });
}

/** Counts messages, and answers while more are wanted than are on their way. */
class Game {
  #left = 0;
  readonly #made: readonly Pair[];

  constructor(made: readonly Pair[]) {
    this.#made = made;
  }

  start(messages: number): void {
    this.#left = messages;
    for (const [end] of this.#made) writeSync(end, byte);
  }

  get over(): boolean {
    return this.#left === 0;
  }

  answer(event: KqueueEvent): void {
    if (event.filter !== 'read') throw new Error(`not a read event: ${event}`);
    readSync(event.fd, into);
    if (this.#left-- > this.#made.length) writeSync(event.fd, byte);
  }
}

function byKqueue(made: readonly Pair[]): Contender[] {
  const game = new Game(made);
  const kq = new Kqueue();
  kq.register(...made.flat().map((fd) => read(fd)));
  return [
    {
      name: 'poll()',
      run(times) {
        const start = now();
        game.start(times);
        while (!game.over) for (const event of kq.poll()) game.answer(event);
        return now() - start;
      },
    },
    {
      name: 'wait()',
      async run(times) {
        const start = now();
        game.start(times);
        while (!game.over) for (const event of await kq.wait()) game.answer(event);
        return now() - start;
      },
    },
    {
      name: 'for await',
      async run(times) {
        const start = now();
        game.start(times);
        for await (const event of kq) {
          game.answer(event);
          if (game.over) break;
        }
        return now() - start;
      },
    },
  ];
}

/** net.Socket on both ends, as Node would have it. */
function byStreams(made: readonly Pair[]): Contender {
  let left = 0;
  let done: (() => void) | undefined;
  const [first] = [0, 1].map((end) =>
    made.map((pair) => {
      const socket = new Socket({ fd: pair[end] as number, readable: true, writable: true });
      socket.on('data', () => {
        if (left-- > made.length) socket.write(byte);
        if (left === 0) done?.();
      });
      return socket;
    }),
  );
  return {
    name: "Node's stream",
    run(times) {
      left = times;
      const start = now();
      return new Promise((resolve) => {
        done = (): void => resolve(now() - start);
        for (const socket of first ?? []) socket.write(byte);
      });
    },
  };
}

export function pingPongRaces(setting: Setting): readonly Race[] {
  return [
    {
      id: 'ping-pong/100',
      what: `a message among ${PAIRS} socket pairs`,
      unit: 'ns',
      times: setting.quick ? 1000 : 4000,
      prepare() {
        // Each has pairs of its own: a byte would wake the queues of the others too.
        const [c, kqueue, streams] = [socketPairs(PAIRS), socketPairs(PAIRS), socketPairs(PAIRS)];
        return [...inC(setting, c), byStreams(streams), ...byKqueue(kqueue)];
      },
    },
  ];
}
