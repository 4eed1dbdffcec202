import {
  EV_CLEAR,
  NOTE_FFAND,
  NOTE_FFCOPY,
  NOTE_FFCTRLMASK,
  NOTE_FFLAGSMASK,
  NOTE_FFOR,
  NOTE_TRIGGER,
} from './constants.ts';
import { type Change, Knote } from './knote.ts';

/** EVFILT_USER. fflags: 24 bits of the program's own, combined as NOTE_FF* says; NOTE_TRIGGER fires. */
export class UserKnote extends Knote {
  #triggered = false;

  attach(): number {
    this.#triggered = (this.fflags & NOTE_TRIGGER) !== 0;
    this.fflags &= NOTE_FFLAGSMASK;
    if (this.#triggered) this.activate();
    return 0;
  }

  override change({ fflags, data, udata, flags }: Change): number {
    const given = fflags & NOTE_FFLAGSMASK;
    const operation = (fflags & NOTE_FFCTRLMASK) >>> 0;
    if (operation === NOTE_FFAND) this.fflags &= given;
    else if (operation === NOTE_FFOR) this.fflags |= given;
    else if (operation === NOTE_FFCOPY) this.fflags = given;
    this.data = data;
    this.udata = udata;
    if ((fflags & NOTE_TRIGGER) !== 0) this.#triggered = true;
    // As on the BSDs, and not on macOS: in a change EV_CLEAR takes the trigger back.
    if ((flags & EV_CLEAR) !== 0) this.#triggered = false;
    if (this.#triggered) this.activate();
    return 0;
  }

  override touch(): void {
    if (this.#triggered) this.activate();
  }

  /** Fires without a change: {@link Sys.wakefd}. */
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
