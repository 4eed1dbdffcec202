import { createOwn, release } from '../descriptor.ts';
import { now } from './clock.ts';
import { libc, scratch, scratchAddress } from './syscalls.ts';

const CLOCK_MONOTONIC = 1;
const TFD_CLOEXEC_NONBLOCK = 0o2004000;
const TFD_TIMER_ABSTIME = 1;
/** timerfd_settime(2) refuses more than a time_t of seconds; 2^40 are 34,000 years. */
const FOREVER = 2 ** 40 * 1e9;

/** Something that falls due at `deadline`, in nanoseconds of {@link now}. */
export interface Timer {
  deadline: number;
  /** Where it stands in the heap; -1 while it does not. */
  position: number;
  /** It is past its deadline, and no longer in the heap. */
  expire(now: number): void;
}

/**
 * All timers of a queue: a binary heap by deadline, and one timerfd_create(2) descriptor for the earliest of them. The
 * timerfd only wakes the queue. It is never read: what has expired is read off the clock.
 */
export class Timers {
  readonly fd: number;
  readonly #heap: Timer[] = [];
  /** What the timerfd is set to. */
  #armed = Number.POSITIVE_INFINITY;

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** null and errno() when there is no descriptor for it. */
  static create(): Timers | null {
    const fd = createOwn(() => libc.timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC_NONBLOCK));
    return fd === -1 ? null : new Timers(fd);
  }

  add(timer: Timer): void {
    this.#heap.push(timer);
    timer.position = this.#heap.length - 1;
    this.#rise(timer);
  }

  remove(timer: Timer): void {
    if (timer.position === -1) return;
    const last = this.#heap.pop() as Timer;
    if (last !== timer) {
      last.position = timer.position;
      this.#heap[last.position] = last;
      this.#rise(last);
      this.#sink(last);
    }
    timer.position = -1;
  }

  /** Calls expire() of every timer whose time has come. */
  run(): void {
    let first = this.#heap[0];
    if (first === undefined) return;
    const time = now();
    while (first !== undefined && first.deadline <= time) {
      this.remove(first);
      first.expire(time);
      first = this.#heap[0];
    }
  }

  /** Sets the timerfd to the earliest deadline, unless it is. */
  arm(): void {
    const first = this.#heap[0];
    const deadline = first === undefined ? Number.POSITIVE_INFINITY : first.deadline;
    if (deadline === this.#armed) return;
    this.#armed = deadline;
    // struct itimerspec { it_interval, it_value }; it_value 0 would disarm, so that what is due already is 1 ns.
    const time = deadline === Number.POSITIVE_INFINITY ? 0 : Math.min(Math.max(deadline, 1), FOREVER);
    const seconds = Math.floor(time / 1e9);
    scratch.fill(0, 0, 8);
    scratch[4] = seconds;
    scratch[5] = seconds / 2 ** 32;
    scratch[6] = time - seconds * 1e9;
    // Cannot fail: the descriptor is ours, and the values are in range.
    libc.timerfd_settime(this.fd, TFD_TIMER_ABSTIME, scratchAddress, 0);
  }

  close(): void {
    release(this.fd);
  }

  #rise(timer: Timer): void {
    const heap = this.#heap;
    let at = timer.position;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up] as Timer;
      if (parent.deadline <= timer.deadline) break;
      heap[at] = parent;
      parent.position = at;
      at = up;
    }
    heap[at] = timer;
    timer.position = at;
  }

  #sink(timer: Timer): void {
    const heap = this.#heap;
    let at = timer.position;
    for (;;) {
      let down = at * 2 + 1;
      if (down >= heap.length) break;
      if (down + 1 < heap.length && (heap[down + 1] as Timer).deadline < (heap[down] as Timer).deadline) down++;
      const child = heap[down] as Timer;
      if (child.deadline >= timer.deadline) break;
      heap[at] = child;
      child.position = at;
      at = down;
    }
    heap[at] = timer;
    timer.position = at;
  }
}
