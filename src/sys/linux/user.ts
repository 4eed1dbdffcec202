import type { Kevent } from '../abi/types.ts';
import {
  EV_CLEAR,
  NOTE_FFAND,
  NOTE_FFCOPY,
  NOTE_FFCTRLMASK,
  NOTE_FFLAGSMASK,
  NOTE_FFOR,
  NOTE_TRIGGER,
} from './constants.ts';
import { Knote } from './knote.ts';

/** EVFILT_USER. fflags are 24 bits of the program, combined by the NOTE_FF operation. NOTE_TRIGGER triggers the event. */
export class UserKnote extends Knote {
  #triggered = false;

  attach(): number {
    this.#triggered = (this.fflags & NOTE_TRIGGER) !== 0;
    this.fflags &= NOTE_FFLAGSMASK;
    if (this.#triggered) this.activate();
    return 0;
  }

  override change({ fflags, data, udata, flags }: Kevent): number {
    const given = fflags & NOTE_FFLAGSMASK;
    const operation = (fflags & NOTE_FFCTRLMASK) >>> 0;
    if (operation === NOTE_FFAND) this.fflags &= given;
    else if (operation === NOTE_FFOR) this.fflags |= given;
    else if (operation === NOTE_FFCOPY) this.fflags = given;
    this.data = data;
    this.udata = udata;
    if ((fflags & NOTE_TRIGGER) !== 0) this.#triggered = true;
    // As on the BSDs, and not on macOS, EV_CLEAR in a later change resets the trigger.
    if ((flags & EV_CLEAR) !== 0) this.#triggered = false;
    if (this.#triggered) this.activate();
    return 0;
  }

  override recheck(): void {
    if (this.#triggered) this.activate();
  }

  /** Triggers the event without a change, for `Sys.wakefd`. */
  trigger(): void {
    this.#triggered = true;
    this.activate();
  }

  detach(): void {}

  event(): boolean {
    this.outFflags = this.fflags;
    this.outData = this.data;
    return this.#triggered;
  }

  override clear(): void {
    this.#triggered = false;
  }
}
