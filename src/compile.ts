import type { Interest, TimerInterest } from './interest.ts';
import { noteBit, noteBits, notSupported, supported } from './notes.ts';
import type { Kevent } from './sys/abi/types.ts';
import { outOfRange } from './sys/check.ts';
import type { Abi } from './sys/layout.ts';

/**
 * Converts an interest to a record of one ABI. `flags` is its mode: EV_CLEAR, EV_ONESHOT and EV_DISPATCH. `ident` is 0 for a
 * path, which is not open yet.
 * @throws RangeError if the ABI does not have a note or a unit. It names the systems that do
 */
export function compile(interest: Interest, abi: Abi): Kevent {
  const { EV_ADD, EV_CLEAR, EV_DISABLE, EV_DISPATCH, EV_ENABLE, EV_ONESHOT, EV_RECEIPT } = abi.constants;
  if (interest.filter === 'raw') {
    const { evfilt: filter, flags, fflags, data, udata, ident } = interest;
    // The filters of NetBSD are 0 or more, in an unsigned field. Those of all other systems are negative.
    const isNegative = abi.constants.EVFILT_WRITE < 0;
    if (filter < 0 && !isNegative) throw outOfRange('filter', `0 or more, as on ${abi.title}`, filter);
    // FreeBSD skips a change with filter 0 and writes no receipt: kqueue_kevent() in sys/kern/kern_event.c.
    if (filter === 0 && isNegative) throw outOfRange('filter', `a negative number, as on ${abi.title}`, filter);
    const mode = flags & ~(EV_ADD | EV_ENABLE | EV_DISABLE | EV_RECEIPT);
    return { ident, filter, flags: mode, fflags, data, udata };
  }

  const name = interest.filter.toUpperCase() as Uppercase<typeof interest.filter>;
  const filter = abi.constants[`EVFILT_${name}`];
  let flags = 0;
  if (interest.clear) flags |= EV_CLEAR;
  if (interest.oneshot) flags |= EV_ONESHOT;
  if (interest.dispatch) flags |= EV_DISPATCH;
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
      // macOS reports the status only if it is asked to. The other systems do not have the note.
      const status = impliesExitStatus(interest) ? (abi.constants['NOTE_EXITSTATUS'] ?? 0) : 0;
      // Without it, the registration would stay active after the exit.
      const exit = abi.quirks.silentExit ? noteBits(abi, ['exit']) : 0;
      return { ...record, fflags: (notes | status | exit) >>> 0 };
    }
    case 'vnode':
      return { ...record, fflags: noteBits(abi, interest.on) };
    default:
      // user: no NOTE_TRIGGER, because in the first change it fires on some systems only.
      return record;
  }
}

/** Whether the exit status is optional: the program asked for the exit, and not for the status. */
export function impliesExitStatus(interest: Interest): boolean {
  return interest.filter === 'proc' && interest.on.includes('exit') && !interest.on.includes('exitstatus');
}

/**
 * The units of a timer: the name, how many a millisecond has, and the bit in fflags. Without a bit the unit is a millisecond on
 * every system.
 */
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
    // A time in the past expires immediately, but 0 or less is an error on some kernels.
    ms = Math.max(at, 1);
    fflags |= absolute(abi);
  }
  if (critical) fflags |= noteBit(abi, 'critical', 'critical');
  if (background) fflags |= noteBit(abi, 'background', 'background');
  if (continuous) fflags |= noteBit(abi, 'continuous', 'mach_continuous_time', "'continuous'");
  const argument = at !== undefined ? 'at' : every !== undefined ? 'every' : 'after';
  const units = UNITS.filter(({ constant }) => constant === undefined || supported(abi, constant) !== undefined);
  const finest = units.at(-1) as (typeof UNITS)[number];
  const unit = units.find(({ scale }) => Number.isInteger(ms * scale)) ?? finest;
  if (unit.constant !== undefined) fflags |= abi.constants[unit.constant] as number;
  // Without EV_ONESHOT, FreeBSD, OpenBSD and NetBSD report an absolute timer again and again.
  const flags = every === undefined ? mode | abi.constants.EV_ONESHOT : mode;
  return { flags, fflags, data: inUnit(abi, argument, ms, unit, unit === finest) };
}

function absolute(abi: Abi): number {
  const { NOTE_ABSOLUTE, NOTE_ABSTIME } = abi.constants;
  const note = NOTE_ABSOLUTE ?? NOTE_ABSTIME;
  if (note !== undefined) return note;
  throw notSupported('at', 'an absolute timer', abi, 'NOTE_ABSOLUTE', 'NOTE_ABSTIME');
}

function inUnit(
  { title }: Abi,
  argument: string,
  ms: number,
  unit: (typeof UNITS)[number],
  isFinest: boolean,
): number | bigint {
  const value = ms * unit.scale;
  // A double of milliseconds is not exact below a nanosecond, so nanoseconds are rounded. Other units must be exact.
  const whole = isFinest && unit.name === 'nanoseconds' ? Math.round(value) : value;
  if (!Number.isInteger(whole) || (whole === 0 && ms !== 0)) {
    throw outOfRange(argument, `a whole number of ${unit.name}, the finest unit on ${title}`, `${ms} ms`);
  }
  if (whole >= 2 ** 63) throw outOfRange(argument, `less than 2^63 ${unit.name}`, ms);
  return Number.isSafeInteger(whole) ? whole : BigInt(whole);
}
