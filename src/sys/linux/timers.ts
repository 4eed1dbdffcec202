import { createOwn, release } from '../descriptor.ts';
import { monotonicTime } from './clock.ts';
import { libc, scratch, scratchAddress } from './syscalls.ts';

const CLOCK_MONOTONIC = 1;
const TFD_CLOEXEC_NONBLOCK = 0o2004000;
const TFD_TIMER_ABSTIME = 1;
/** The longest time for the timerfd: 2^40 seconds, which are 34,000 years and fit a time_t. */
const FOREVER = 2 ** 40 * 1e9;

/** An object that expires at `deadline`, in nanoseconds of {@link monotonicTime}. */
export interface Timer {
  deadline: number;
  /** Its index in the heap. -1 while the heap does not contain it. */
  position: number;
  /** Called after the deadline. Sets the next deadline: later than `time`, or Infinity for none. */
  expire(time: number): void;
}

/**
 * All timers of a queue: a binary heap ordered by deadline, and one timerfd_create(2) descriptor for the earliest. The
 * timerfd only wakes the queue. Nothing reads it, because the clock shows which timers have expired.
 */
export class Timers {
  readonly fd: number;
  readonly #heap: Timer[] = [];
  /**
   * The heap is not in order, because a change of it is in progress or was stopped. Each step of a change is a swap, which
   * cannot be stopped. So the heap always contains all timers.
   */
  #unsorted = false;
  /** The deadline that the timerfd is set to. */
  #armed = Number.POSITIVE_INFINITY;

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** Returns the timers, whose timerfd is in `unowned`, or null and sets errno(). */
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

  /** Calls expire() of every timer whose deadline has passed. */
  run(): void {
    if (this.#unsorted) this.#sort();
    let first = this.#heap[0];
    if (first === undefined) return;
    const time = monotonicTime();
    while (first !== undefined && first.deadline <= time) {
      this.#unsorted = true;
      first.expire(time);
      this.#sink(0);
      this.#unsorted = false;
      if (first.deadline === Number.POSITIVE_INFINITY) this.remove(first);
      first = this.#heap[0];
    }
  }

  /** Sets the timerfd to the earliest deadline, unless it is already set to it. */
  arm(): void {
    if (this.#unsorted) this.#sort();
    const first = this.#heap[0];
    const deadline = first === undefined ? Number.POSITIVE_INFINITY : first.deadline;
    if (deadline === this.#armed) return;
    // struct itimerspec { it_interval, it_value }. An it_value of 0 disarms the timerfd, so a passed deadline is at least 1 ns.
    const time = deadline === Number.POSITIVE_INFINITY ? 0 : Math.min(Math.max(deadline, 1), FOREVER);
    const seconds = Math.floor(time / 1e9);
    scratch.fill(0, 0, 8);
    scratch[4] = seconds;
    scratch[5] = seconds / 2 ** 32;
    scratch[6] = time - seconds * 1e9;
    // Cannot fail, because the descriptor belongs to the queue and the values are in range.
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
