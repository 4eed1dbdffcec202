import { setImmediate } from 'node:timers';
import { koffi } from '../koffi.ts';
import { backendFd } from '../libuv.ts';
import { libc, POLLIN } from './syscalls.ts';

/** The longest wait where the descriptor of Node's loop is not known, in seconds. */
const SLICE = 0.1;

/** Two of struct pollfd { int fd; short events, revents; }, and a struct timespec. */
const words = new Int32Array(new ArrayBuffer(32));
let address = 0;
let turned: boolean | undefined;

/**
 * libuv puts what its loop watches into the loop's epoll when it next waits. In the first turn of a program the epoll is
 * therefore empty, and a signal does not make it readable. This finds out when that turn is over.
 */
export function loopTurns(): void {
  if (turned !== undefined) return;
  turned = false;
  setImmediate(() => {
    turned = true;
  }).unref();
}

/** What ended a wait: an event of the queue, the time, or Node's loop, which the caller must let run. -1 and errno(). */
export type Ended = 'queue' | 'time' | 'loop' | -1;

/**
 * Waits until the queue has events, or Node's loop has something to do, but at most `seconds`. The handlers that count
 * signals run when the loop turns. A signal that came before the wait does not interrupt it, but libuv's handler has left a
 * byte in a pipe that the loop watches. ppoll(2) of both: an epoll in the other would be a cycle as soon as wait() is used.
 * Where libuv's epoll is not known (Bun, Deno), the wait ends after {@link SLICE} for the loop to run.
 */
export function waitWithLoop(fd: number, seconds: number): Ended {
  if (address === 0) address = Number(koffi().address(words.buffer));
  const backend = turned === true ? backendFd() : -1;
  // ppoll(2) ignores a negative descriptor.
  const longest = backend === -1 ? Math.min(seconds, SLICE) : seconds;
  words.set([fd, POLLIN, backend, POLLIN]);
  let timespec = 0;
  if (longest !== Number.POSITIVE_INFINITY) {
    const whole = Math.floor(longest);
    words.set([whole, whole / 2 ** 32, (longest - whole) * 1e9, 0], 4);
    timespec = address + 16;
  }
  const n = libc.ppoll(address, 2, timespec, 0);
  if (n === -1) return -1;
  if ((words[3] as number) >>> 16 !== 0) return 'loop';
  if (n > 0) return 'queue';
  return longest < seconds ? 'loop' : 'time';
}
