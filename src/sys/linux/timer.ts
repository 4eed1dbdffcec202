import type { Kevent } from '../abi/types.ts';
import { monotonicTime, wallClockTime } from './clock.ts';
import { EV_CLEAR, EV_ONESHOT, NOTE_ABSOLUTE, NOTE_NSECONDS, NOTE_SECONDS, NOTE_USECONDS } from './constants.ts';
import { Knote } from './knote.ts';
import { EINVAL, ENOMEM } from './syscalls.ts';
import type { Timer } from './timers.ts';

/** The nanoseconds of each unit. Without a bit, the unit is milliseconds. */
const UNITS: ReadonlyMap<number, number> = new Map([
  [0, 1e6],
  [NOTE_SECONDS, 1e9],
  [NOTE_USECONDS, 1e3],
  [NOTE_NSECONDS, 1],
]);

/**
 * EVFILT_TIMER. data is the number of expirations since the last fetch. NOTE_ABSOLUTE is a time of day, converted to the
 * monotonic clock at EV_ADD, and fires once, as on macOS. A period of 0 fires once, immediately.
 */
export class TimerKnote extends Knote implements Timer {
  deadline: number = Number.POSITIVE_INFINITY;
  position = -1;
  #period = 0;
  #expirations = 0;

  attach(): number {
    const error = this.#start(this);
    if (error !== 0) return error;
    this.flags |= (this.fflags & NOTE_ABSOLUTE) === 0 ? EV_CLEAR : EV_CLEAR | EV_ONESHOT;
    return 0;
  }

  /** Sets the deadline and the period from a change. */
  #start({ fflags, data }: Pick<Kevent, 'fflags' | 'data'>): number {
    const unit = UNITS.get(fflags & ~NOTE_ABSOLUTE);
    const amount = Number(data);
    if (unit === undefined || amount < 0) return EINVAL;
    const timers = this.queue.timers();
    if (timers === null) return ENOMEM;
    const absolute = (fflags & NOTE_ABSOLUTE) !== 0;
    // The wall clock is read first. Time that passes between the two reads makes the timer late, never early.
    const start = absolute ? -wallClockTime() : 0;
    const time = monotonicTime();
    // The heap must not contain a timer whose deadline changes.
    timers.remove(this);
    this.deadline = amount * unit + start + time;
    // No period for a one-shot, so that a late one has expired once.
    this.#period = absolute || (this.flags & EV_ONESHOT) !== 0 ? 0 : amount * unit;
    this.#expirations = 0;
    if (!this.disabled) timers.add(this);
    return 0;
  }

  override change(change: Kevent, adding: boolean): number {
    // EV_ENABLE and EV_DISABLE without EV_ADD do not restart the timer, as on FreeBSD.
    if (adding) {
      const error = this.#start(change);
      if (error !== 0) return error;
      this.fflags = change.fflags;
      this.data = change.data;
    }
    this.udata = change.udata;
    return 0;
  }

  expire(time: number): void {
    // First. If JavaScript is stopped before the deadline is set below, the deadline has still passed, and expire() runs again.
    this.activate();
    if (this.#period > 0) {
      // After 104 days a double does not distinguish adjacent nanoseconds, but the next deadline must be later than `time`.
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

  /** Expirations while the timer was disabled are counted at the next read of the clock. */
  override recheck(): void {
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
