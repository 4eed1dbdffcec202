import type { Interest, TimerInterest } from './interest.ts';
import { noteBit, noteBits } from './notes.ts';
import { outOfRange } from './sys/check.ts';
import type { Abi } from './sys/layout.ts';
import { notSupported, supported } from './systems.ts';

/** An interest in the numbers of one ABI. */
export interface Change {
  /** EVFILT_*. */
  readonly filter: number;
  /** EV_CLEAR, EV_ONESHOT, EV_DISPATCH: what no kernel changes in a knote that lives. */
  readonly mode: number;
  readonly fflags: number;
  readonly data: number | bigint;
}

/**
 * Puts an interest into the numbers of an ABI.
 * @throws RangeError for what the ABI does not have, naming the systems that have it
 */
export function compile(interest: Interest, abi: Abi): Change {
  const { constants } = abi;
  if (interest.filter === 'raw') {
    const { evfilt, flags, fflags, data } = interest;
    // NetBSD's filters count up from 0, in an unsigned field.
    if (evfilt < 0 && filterOf(abi, 'WRITE') >= 0)
      throw outOfRange('filter', `a filter of ${abi.name}, 0 or more`, evfilt);
    // FreeBSD skips such a change without an answer, and the others refuse it.
    if (evfilt === 0 && filterOf(abi, 'WRITE') < 0) throw outOfRange('filter', `a filter of ${abi.title}`, evfilt);
    const mode = flags & ~bit(abi, 'EV_ADD', 'EV_ENABLE', 'EV_DISABLE', 'EV_RECEIPT');
    return { filter: evfilt, mode, fflags, data };
  }

  const filter = filterOf(abi, interest.filter.toUpperCase());
  let mode = 0;
  if (interest.clear) mode |= bit(abi, 'EV_CLEAR');
  if (interest.oneshot) mode |= bit(abi, 'EV_ONESHOT');
  if (interest.dispatch) mode |= bit(abi, 'EV_DISPATCH');
  switch (interest.filter) {
    case 'timer':
      return { filter, ...compileTimer(interest, abi, mode) };
    case 'read':
    case 'write': {
      const notes = interest.filter === 'read' ? noteBits(abi, interest.on) : 0;
      const fflags = interest.lowat === undefined ? notes : notes | noteBit(abi, 'lowat', 'lowat', 'a low-water mark');
      return { filter, mode, fflags, data: interest.lowat ?? 0 };
    }
    case 'proc': {
      const notes = noteBits(abi, interest.on);
      // macOS keeps the status to itself unless it is asked for; the others have no such note.
      const status = impliesExitStatus(interest) ? (constants['NOTE_EXITSTATUS'] ?? 0) : 0;
      return { filter, mode, fflags: (notes | status) >>> 0, data: 0 };
    }
    case 'vnode':
      return { filter, mode, fflags: noteBits(abi, interest.on), data: 0 };
    default:
      // user: NOTE_TRIGGER in the first change fires on some systems and is ignored on others.
      return { filter, mode, fflags: 0, data: 0 };
  }
}

/** Whether the exit status is taken where one may have it, and done without elsewhere. */
export function impliesExitStatus(interest: Interest): boolean {
  return interest.filter === 'proc' && interest.on.includes('exit') && !interest.on.includes('exitstatus');
}

function filterOf(abi: Abi, name: string): number {
  const constant = `EVFILT_${name}`;
  const filter = supported(abi, constant);
  if (filter !== undefined) return filter;
  throw notSupported('filter', `${name.toLowerCase()}()`, abi, constant);
}

function bit(abi: Abi, ...constants: string[]): number {
  return constants.reduce((bits, constant) => bits | (abi.constants[constant] ?? 0), 0);
}

/** The units of a timer: name, how many there are in a millisecond, what says so in fflags. 0 is a millisecond everywhere. */
const UNITS = [
  { name: 'milliseconds', scale: 1, constant: undefined },
  { name: 'microseconds', scale: 1e3, constant: 'NOTE_USECONDS' },
  { name: 'nanoseconds', scale: 1e6, constant: 'NOTE_NSECONDS' },
] as const;

function compileTimer(interest: TimerInterest, abi: Abi, mode: number): Omit<Change, 'filter'> {
  const { every, after, at, critical, background, continuous } = interest;
  let fflags = 0;
  let ms = Math.min(every ?? after ?? 1, abi.quirks.longestTimer);
  if (at !== undefined) {
    // In the past means now; but 0, or less, is an error or worse.
    ms = Math.max(at, 1);
    fflags |= absolute(abi);
  }
  if (critical) fflags |= noteBit(abi, 'critical', 'critical');
  if (background) fflags |= noteBit(abi, 'background', 'background');
  if (continuous) fflags |= noteBit(abi, 'continuous', 'mach_continuous_time', "'continuous'");
  const argument = at !== undefined ? 'at' : every !== undefined ? 'every' : 'after';
  const units = UNITS.filter(({ constant }) => constant === undefined || supported(abi, constant) !== undefined);
  const finest = units[units.length - 1] ?? UNITS[0];
  const unit = units.find(({ scale }) => Number.isInteger(ms * scale)) ?? finest;
  if (unit.constant !== undefined) fflags |= abi.constants[unit.constant] ?? 0;
  // An absolute timer fires once, but without EV_ONESHOT FreeBSD, OpenBSD and NetBSD would report it for ever.
  if (every === undefined) mode |= bit(abi, 'EV_ONESHOT');
  return { mode, fflags, data: inUnit(argument, ms, unit, unit === finest) };
}

function absolute(abi: Abi): number {
  const { NOTE_ABSOLUTE, NOTE_ABSTIME } = abi.constants;
  const note = NOTE_ABSOLUTE ?? NOTE_ABSTIME;
  if (note !== undefined) return note;
  throw notSupported('at', 'an absolute timer', abi, 'NOTE_ABSOLUTE', 'NOTE_ABSTIME');
}

function inUnit(argument: string, ms: number, unit: (typeof UNITS)[number], isFinest: boolean): number | bigint {
  const value = ms * unit.scale;
  // A nanosecond is as exact as a number of milliseconds gets; a coarser unit must not swallow a fraction.
  const whole = isFinest && unit.name === 'nanoseconds' ? Math.round(value) : value;
  if (!Number.isInteger(whole) || (whole === 0 && ms !== 0)) {
    throw outOfRange(argument, `whole ${unit.name}, the finest unit that this system has`, `${ms} ms`);
  }
  if (whole >= 2 ** 63) throw outOfRange(argument, `less than 2^63 ${unit.name}`, ms);
  return Number.isSafeInteger(whole) ? whole : BigInt(whole);
}
