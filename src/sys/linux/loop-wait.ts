import { koffi } from '../koffi.ts';
import { backendFd } from '../libuv.ts';
import { setImmediate } from '../runtime.ts';
import { libc, POLLIN } from './syscalls.ts';

/** The longest wait if the descriptor of Node's loop is unknown, in seconds. */
const SLICE = 0.1;

/** Two struct pollfd { int fd; short events, revents; }, and a struct timespec. */
const words = new Int32Array(new ArrayBuffer(32));
let address = 0;
let turned: boolean | undefined;

/**
 * Notes when the first turn of Node's loop has ended. libuv adds its descriptors to the loop's epoll instance when it waits.
 * So in the first turn of a program the instance is empty, and a signal does not make it readable.
 */
export function noteFirstTurn(): void {
  if (turned !== undefined) return;
  turned = false;
  setImmediate(() => {
    turned = true;
  }).unref();
}

/** What ended a wait: an event of the queue, the timeout, or Node's loop, to which the caller must return. -1: errno() is set. */
type Ended = 'queue' | 'time' | 'loop' | -1;

/**
 * Waits until the queue has events or Node's loop has something to do, but at most `seconds`.
 *
 * The handlers that count signals run when the loop turns. A signal before the wait does not interrupt it. But libuv's signal
 * handler has written a byte to a pipe that the loop watches. ppoll(2) waits for both descriptors. If one epoll instance
 * watched the other, there would be a cycle as soon as wait() is used. If libuv's instance is unknown (Bun, Deno), the wait ends
 * after `SLICE`, so that the loop can run.
 */
export function waitWithLoop(fd: number, seconds: number): Ended {
  if (address === 0) address = Number(koffi().address(words.buffer));
  const backend = turned === true ? backendFd() : -1;
  // ppoll(2) ignores a negative descriptor.
  const longest = backend === -1 ? Math.min(seconds, SLICE) : seconds;
  words.set([fd, POLLIN, backend, POLLIN]);
  const whole = Math.floor(longest);
  words.set([whole, whole / 2 ** 32, (longest - whole) * 1e9, 0], 4);
  const n = libc.ppoll(address, 2, address + 16, 0);
  if (n === -1) return -1;
  if ((words[3] as number) >>> 16 !== 0) return 'loop';
  if (n > 0) return 'queue';
  return longest < seconds ? 'loop' : 'time';
}
