import type { Case } from './case.ts';
import { Queue } from './queue.ts';
import type { Kernel } from './world.ts';

/** A queue, and the two ends of a byte stream. */
export interface Stream {
  readonly kq: Queue;
  readonly reader: number;
  readonly writer: number;
}

export function pipe(world: Kernel): Stream {
  const [reader, writer] = world.pipe();
  return { kq: new Queue(world), reader, writer };
}

export function stream(world: Kernel): Stream {
  const [reader, writer] = world.socketpair('stream');
  return { kq: new Queue(world), reader, writer };
}

export function tcp(world: Kernel): Stream {
  const listener = world.listen();
  const writer = world.connect(listener);
  return { kq: new Queue(world), reader: world.accept(listener), writer };
}

/** A name, the calls that make such a stream, and a function that makes it. */
type Kind = readonly [what: string, needs: Case['needs'], make: (world: Kernel) => Stream];

export const sockets: readonly Kind[] = [
  ['a UNIX socket', ['socketpair'], stream],
  ['a TCP socket', ['listen', 'connect', 'accept'], tcp],
];

export const byteStreams: readonly Kind[] = [['a pipe', ['pipe'], pipe], ...sockets];
