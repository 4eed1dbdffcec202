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
  /** It is past its deadline. Sets the next one: later than `now`, or Infinity for none. */
  expire(now: number): void;
}

/**
 * All timers of a queue: a binary heap by deadline, and one timerfd_create(2) descriptor for the earliest of them. The
 * timerfd only wakes the queue. It is never read: what has expired is read off the clock.
 */
export class Timers {
  readonly fd: number;
  readonly #heap: Timer[] = [];
  /**
   * Timers are in the heap, but not in order: a change of it is under way, or was stopped. Each step of a change is a swap,
   * which cannot be stopped, so no timer is ever missing.
   */
  #unsorted = false;
  /** What the timerfd is set to. */
  #armed = Number.POSITIVE_INFINITY;

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** null and errno() when there is no descriptor for it, which is in {@link unowned}. */
  static create(): Timers | null {
    const fd = createOwn(() => libc.timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC_NONBLOCK));
    return fd === -1 ? null : new Timers(fd);
  }

  add(timer: Timer): void {
    if (this.#unsorted) this.#sort();
    this.#unsorted = true;
    timer.position = this.#heap.push(timer) - 1;
    this.#rise(timer.position);
    this.#unsorted = false;
  }

  remove(timer: Timer): void {
    if (this.#unsorted) this.#sort();
    const at = timer.position;
    if (at === -1) return;
    this.#unsorted = true;
    const last = this.#heap.pop() as Timer;
    timer.position = -1;
    if (last !== timer) {
      this.#heap[at] = last;
      last.position = at;
      this.#rise(at);
      this.#sink(last.position);
    }
    this.#unsorted = false;
  }

  /** Calls expire() of every timer whose time has come. */
  run(): void {
    if (this.#unsorted) this.#sort();
    let first = this.#heap[0];
    if (first === undefined) return;
    const time = now();
    while (first !== undefined && first.deadline <= time) {
      this.#unsorted = true;
      first.expire(time);
      this.#sink(0);
      this.#unsorted = false;
      if (first.deadline === Number.POSITIVE_INFINITY) this.remove(first);
      first = this.#heap[0];
    }
  }

  /** Sets the timerfd to the earliest deadline, unless it is. */
  arm(): void {
    if (this.#unsorted) this.#sort();
    const first = this.#heap[0];
    const deadline = first === undefined ? Number.POSITIVE_INFINITY : first.deadline;
    if (deadline === this.#armed) return;
    // struct itimerspec { it_interval, it_value }; it_value 0 would disarm, so that what is due already is 1 ns.
    const time = deadline === Number.POSITIVE_INFINITY ? 0 : Math.min(Math.max(deadline, 1), FOREVER);
    const seconds = Math.floor(time / 1e9);
    scratch.fill(0, 0, 8);
    scratch[4] = seconds;
    scratch[5] = seconds / 2 ** 32;
    scratch[6] = time - seconds * 1e9;
    // Cannot fail: the descriptor is ours, and the values are in range.
    libc.timerfd_settime(this.fd, TFD_TIMER_ABSTIME, scratchAddress, 0);
    this.#armed = deadline;
  }

  close(): void {
    release(this.fd);
  }

  #sort(): void {
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at--) this.#sink(at);
    this.#unsorted = false;
  }

  #rise(from: number): void {
    const heap = this.#heap;
    for (let at = from; at > 0; ) {
      const up = (at - 1) >> 1;
      if ((heap[up] as Timer).deadline <= (heap[at] as Timer).deadline) return;
      swap(heap, up, at);
      at = up;
    }
  }

  #sink(from: number): void {
    const heap = this.#heap;
    for (let at = from; ; ) {
      let down = at * 2 + 1;
      if (down >= heap.length) return;
      if (down + 1 < heap.length && (heap[down + 1] as Timer).deadline < (heap[down] as Timer).deadline) down++;
      if ((heap[down] as Timer).deadline >= (heap[at] as Timer).deadline) return;
      swap(heap, at, down);
      at = down;
    }
  }
}

function swap(heap: Timer[], a: number, b: number): void {
  const first = heap[a] as Timer;
  const second = heap[b] as Timer;
  heap[a] = second;
  second.position = a;
  heap[b] = first;
  first.position = b;
}
