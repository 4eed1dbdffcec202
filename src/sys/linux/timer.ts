import { now, wallClock } from './clock.ts';
import { EV_CLEAR, EV_ONESHOT, NOTE_ABSOLUTE, NOTE_NSECONDS, NOTE_SECONDS, NOTE_USECONDS } from './constants.ts';
import { type Change, Knote } from './knote.ts';
import { EINVAL, ENOMEM } from './syscalls.ts';
import type { Timer } from './timers.ts';

/** Nanoseconds a unit; milliseconds where no bit is set. */
const UNITS: ReadonlyMap<number, number> = new Map([
  [0, 1e6],
  [NOTE_SECONDS, 1e9],
  [NOTE_USECONDS, 1e3],
  [NOTE_NSECONDS, 1],
]);

/**
 * EVFILT_TIMER. data: periods since the last delivery. NOTE_ABSOLUTE is a time of the wall clock, turned into one of the
 * monotonic clock when it is added, and fires once, as on macOS. A period of 0 fires at once and not again.
 */
export class TimerKnote extends Knote implements Timer {
  deadline: number = Number.POSITIVE_INFINITY;
  position = -1;
  #period = 0;
  #expirations = 0;

  attach(): number {
    const errno = this.#start(this);
    if (errno !== 0) return errno;
    this.flags |= (this.fflags & NOTE_ABSOLUTE) === 0 ? EV_CLEAR : EV_CLEAR | EV_ONESHOT;
    return 0;
  }

  /** Works deadline and period out of a change. */
  #start({ fflags, data }: Pick<Change, 'fflags' | 'data'>): number {
    const unit = UNITS.get(fflags & ~NOTE_ABSOLUTE);
    const amount = Number(data);
    if (unit === undefined || amount < 0) return EINVAL;
    const timers = this.queue.timers();
    if (timers === null) return ENOMEM;
    const absolute = (fflags & NOTE_ABSOLUTE) !== 0;
    // The wall clock first: what passes between the two makes it late, and never early.
    const start = absolute ? -wallClock() : 0;
    const time = now();
    // It is not in the heap when its deadline changes.
    timers.remove(this);
    this.deadline = amount * unit + start + time;
    // A one-shot that is late has still fired once.
    this.#period = absolute || (this.flags & EV_ONESHOT) !== 0 ? 0 : amount * unit;
    this.#expirations = 0;
    if (!this.disabled) timers.add(this);
    return 0;
  }

  override change(change: Change, adding: boolean): number {
    // EV_ENABLE and EV_DISABLE alone leave a running timer alone, as on FreeBSD.
    if (adding) {
      const errno = this.#start(change);
      if (errno !== 0) return errno;
      this.fflags = change.fflags;
      this.data = change.data;
    }
    this.udata = change.udata;
    return 0;
  }

  expire(time: number): void {
    // First: stopped here, the deadline has still passed, and this is called again. After it nothing can be stopped.
    this.activate();
    if (this.#period > 0) {
      // After 104 days the clock does not tell a nanosecond from the next: a deadline has to lie behind it nevertheless.
      const period = Math.max(this.#period, time * Number.EPSILON);
      const periods = Math.floor((time - this.deadline) / period) + 1;
      this.#expirations += periods;
      this.deadline += periods * period;
    } else {
      this.#expirations++;
      this.deadline = Number.POSITIVE_INFINITY;
    }
  }

  override pause(): void {
    this.queue.timers()?.remove(this);
  }

  /** Enabled: what fell due meanwhile is counted when the clock is next looked at. */
  override touch(): void {
    if (this.position === -1 && this.deadline !== Number.POSITIVE_INFINITY) this.queue.timers()?.add(this);
    if (this.#expirations > 0) this.activate();
  }

  detach(): void {
    this.queue.timers()?.remove(this);
  }

  event(): boolean {
    this.outData = this.#expirations;
    return this.#expirations > 0;
  }

  override clear(): void {
    this.#expirations = 0;
  }
}
