import type { Interest, TimerInterest } from './interest.ts';
import { noteBit, noteBits, notSupported, supported } from './notes.ts';
import type { Kevent } from './sys/abi/types.ts';
import { outOfRange } from './sys/check.ts';
import type { Abi } from './sys/layout.ts';

/**
 * An interest as a record of one ABI. `flags` is its mode: EV_CLEAR, EV_ONESHOT, EV_DISPATCH. `ident` is 0 for a path, which
 * is not open yet.
 * @throws RangeError for what the ABI does not have, naming the systems that have it
 */
export function compile(interest: Interest, abi: Abi): Kevent {
  if (interest.filter === 'raw') {
    const { evfilt: filter, flags, fflags, data, udata, ident } = interest;
    const countsDown = filterOf(abi, 'WRITE') < 0;
    // NetBSD's filters count up from 0, in an unsigned field.
    if (filter < 0 && !countsDown) throw outOfRange('filter', `a filter of ${abi.title}, 0 or more`, filter);
    // FreeBSD skips a change with filter 0 without an answer: kqueue_kevent() in sys/kern/kern_event.c.
    if (filter === 0 && countsDown) throw outOfRange('filter', `a filter of ${abi.title}, which are negative`, filter);
    const mode = flags & ~bit(abi, 'EV_ADD', 'EV_ENABLE', 'EV_DISABLE', 'EV_RECEIPT');
    return { ident, filter, flags: mode, fflags, data, udata };
  }

  const filter = filterOf(abi, interest.filter.toUpperCase());
  let flags = 0;
  if (interest.clear) flags |= bit(abi, 'EV_CLEAR');
  if (interest.oneshot) flags |= bit(abi, 'EV_ONESHOT');
  if (interest.dispatch) flags |= bit(abi, 'EV_DISPATCH');
  const record = { ident: interest.ident ?? 0, filter, flags, fflags: 0, data: 0, udata: 0 };
  switch (interest.filter) {
    case 'timer':
      return { ...record, ...compileTimer(interest, abi, flags) };
    case 'read':
    case 'write': {
      const notes = interest.filter === 'read' ? noteBits(abi, interest.on) : 0;
      if (interest.lowat === undefined) return { ...record, fflags: notes };
      return { ...record, fflags: notes | noteBit(abi, 'lowat', 'lowat', 'a low-water mark'), data: interest.lowat };
    }
    case 'proc': {
      const notes = noteBits(abi, interest.on);
      // macOS reports the status only if it is asked to. The other systems have no such note.
      const status = impliesExitStatus(interest) ? (abi.constants['NOTE_EXITSTATUS'] ?? 0) : 0;
      return { ...record, fflags: (notes | status) >>> 0 };
    }
    case 'vnode':
      return { ...record, fflags: noteBits(abi, interest.on) };
    default:
      // user: NOTE_TRIGGER in the first change fires on some systems and is ignored on others.
      return record;
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

function compileTimer(interest: TimerInterest, abi: Abi, mode: number): Pick<Kevent, 'flags' | 'fflags' | 'data'> {
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
  const flags = every === undefined ? mode | bit(abi, 'EV_ONESHOT') : mode;
  return { flags, fflags, data: inUnit(argument, ms, unit, unit === finest) };
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
