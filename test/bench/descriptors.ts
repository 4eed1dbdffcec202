import { writeSync } from 'node:fs';
import koffi from 'koffi';

const libc = koffi.load(null);
const pipe2 = libc.func('int pipe(void *fds)') as unknown as (fds: Int32Array) => number;
const socketpair = libc.func('int socketpair(int domain, int type, int protocol, void *fds)') as unknown as (
  domain: number,
  type: number,
  protocol: number,
  fds: Int32Array,
) => number;

const AF_UNIX = 1;
const SOCK_STREAM = 1;

export type Pair = readonly [number, number];

function pairs(count: number, make: (fds: Int32Array) => number): Pair[] {
  const fds = new Int32Array(2);
  return Array.from({ length: count }, () => {
    if (make(fds) === -1) throw new Error(`no descriptor: errno ${koffi.errno()}`);
    return [fds[0] as number, fds[1] as number];
  });
}

/** pipe(2): the end to read and the end to write. */
export function pipes(count: number): Pair[] {
  return pairs(count, pipe2);
}

/** socketpair(2): two ends that are alike. */
export function socketPairs(count: number): Pair[] {
  return pairs(count, (fds) => socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
}

/** Pipes with one byte to read in each. */
export function readyPipes(count: number): Pair[] {
  const made = pipes(count);
  for (const [, writer] of made) writeSync(writer, 'x');
  return made;
}

/** How many descriptors this process may have open. Node has raised it as far as it may by now. */
export function openFilesLimit(): number {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft: number | 'unlimited' } } };
  const soft = userLimits?.open_files?.soft ?? 1024;
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : soft;
}
