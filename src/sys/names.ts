import { constants } from 'node:os';
import type { Kevent } from './abi/types.ts';
import { checkInteger, wrongType } from './check.ts';
import { type Abi, checkAbi } from './layout.ts';

const UINT32_MAX = 2 ** 32 - 1;

/** The NOTE_* of each filter, in the order of the man page. The same bit has another meaning for another filter. */
const filterNotes: Readonly<Record<string, readonly string[]>> = {
  READ: ['LOWAT', 'EOF', 'FILE_POLL'],
  WRITE: ['LOWAT'],
  EXCEPT: ['OOB'],
  VNODE: [
    'DELETE',
    'WRITE',
    'EXTEND',
    'ATTRIB',
    'LINK',
    'RENAME',
    'REVOKE',
    'TRUNCATE',
    'OPEN',
    'CLOSE',
    'CLOSE_WRITE',
    'READ',
    'FUNLOCK',
    'LEASE_DOWNGRADE',
    'LEASE_RELEASE',
    'NONE',
  ],
  PROC: ['EXIT', 'FORK', 'EXEC', 'REAP', 'SIGNAL', 'EXITSTATUS', 'EXIT_DETAIL', 'TRACK', 'TRACKERR', 'CHILD'],
  PROCDESC: ['EXIT'],
  JAIL: ['CHILD', 'SET', 'ATTACH', 'REMOVE', 'MULTI'],
  JAILDESC: ['CHILD', 'SET', 'ATTACH', 'REMOVE', 'MULTI'],
  USER: ['TRIGGER'],
  TIMER: [
    'SECONDS',
    'MSECONDS',
    'USECONDS',
    'NSECONDS',
    'ABSOLUTE',
    'ABSTIME',
    'LEEWAY',
    'CRITICAL',
    'BACKGROUND',
    'MACH_CONTINUOUS_TIME',
    'MACHTIME',
  ],
  DEVICE: ['CHANGE'],
  VM: ['PRESSURE', 'PRESSURE_TERMINATE', 'PRESSURE_SUDDEN_TERMINATE', 'ERROR'],
  MEMORYSTATUS: ['PRESSURE_NORMAL', 'PRESSURE_WARN', 'PRESSURE_CRITICAL', 'LOW_SWAP'],
};

/** The prefix of a filter's notes, such as NOTE_VM_ in NOTE_VM_PRESSURE. NOTE_ for the other filters. */
const prefixes: Readonly<Record<string, string>> = {
  VM: 'NOTE_VM_',
  MEMORYSTATUS: 'NOTE_MEMORYSTATUS_',
  JAIL: 'NOTE_JAIL_',
  JAILDESC: 'NOTE_JAIL_',
};

const FLAGS = [
  'ADD',
  'DELETE',
  'ENABLE',
  'DISABLE',
  'ONESHOT',
  'CLEAR',
  'RECEIPT',
  'DISPATCH',
  'UDATA_SPECIFIC',
  'FORCEONESHOT',
  'VANISHED',
  'KEEPUDATA',
  'HUP',
  'NODATA',
  'ERROR',
  'EOF',
];

/** The names of the bits in `value`, joined by `|`. Bits without a name follow in hexadecimal. */
function bitNames(value: number, of: readonly (readonly [string, number | undefined])[]): string {
  const found: string[] = [];
  let rest = value >>> 0;
  for (const [name, bit] of of) {
    // `>>> 0`, because NOTE_EXIT is bit 31, and `&` gives a negative number for it. Each bit is named once, so a bit that
    // is no longer in `rest` has had its name.
    if (bit === undefined || bit === 0 || (rest & bit) >>> 0 !== bit) continue;
    found.push(name);
    rest = (rest & ~bit) >>> 0;
  }
  if (rest !== 0) found.push(`0x${rest.toString(16)}`);
  return found.join('|');
}

/**
 * Returns the name of an EVFILT_* constant without its prefix, such as `READ`, or the number if the ABI has no such filter.
 * @param abi the ABI that the number belongs to: `list.abi`, or `abi` for the running system
 * @throws TypeError `abi` is not one of `abis`, or `filter` is not a number
 * @throws RangeError `filter` is not an integer from -2^15 to 2^32 - 1
 * @example
 * console.log(filterName(list.abi, list.filter(0))); // READ
 */
export function filterName(abi: Abi, filter: number): string {
  checkAbi(abi);
  checkInteger('filter', filter, -(2 ** 15), UINT32_MAX);
  for (const [name, value] of Object.entries(abi.constants)) {
    if (value === filter && name.startsWith('EVFILT_')) return name.slice('EVFILT_'.length);
  }
  return String(filter);
}

/**
 * Returns the names of the EV_* constants in `flags` without their prefix, such as `ADD|CLEAR`. Bits without a name follow in
 * hexadecimal.
 * @param abi the ABI that the number belongs to: `list.abi`, or `abi` for the running system
 * @throws TypeError `abi` is not one of `abis`, or `flags` is not a number
 * @throws RangeError `flags` is not an integer from 0 to 2^32 - 1
 * @example
 * console.log(flagNames(list.abi, list.flags(0))); // ADD|CLEAR
 */
export function flagNames(abi: Abi, flags: number): string {
  checkAbi(abi);
  checkInteger('flags', flags, 0, UINT32_MAX);
  return bitNames(
    flags,
    FLAGS.map((name) => [name, abi.constants[`EV_${name}`]]),
  );
}

/**
 * Returns the names of the NOTE_* constants of `filter` in `fflags` without their prefix, such as `WRITE|EXTEND`. Bits without
 * a name follow in hexadecimal. A negative `fflags`, which JavaScript's `|` gives for bit 31, means the same 32 bits.
 * @param abi the ABI that the number belongs to: `list.abi`, or `abi` for the running system
 * @throws TypeError `abi` is not one of `abis`, or a number is expected
 * @throws RangeError `filter` is not an integer from -2^15 to 2^32 - 1, or `fflags` not one from -2^31 to 2^32 - 1
 * @example
 * console.log(noteNames(list.abi, list.filter(0), list.fflags(0))); // WRITE|EXTEND
 */
export function noteNames(abi: Abi, filter: number, fflags: number): string {
  const name = filterName(abi, filter);
  checkInteger('fflags', fflags, -(2 ** 31), UINT32_MAX);
  const prefix = prefixes[name] ?? 'NOTE_';
  const notes = (filterNotes[name] ?? []).map((note): [string, number | undefined] => [
    note,
    abi.constants[prefix + note],
  ]);
  if (name !== 'TIMER' || abi.constants['NOTE_MSECONDS'] !== 0) return bitNames(fflags, notes);
  // On OpenBSD and NetBSD the unit is a number in the two low bits, not one bit for each unit.
  const unit = notes.find(([, value]) => value === (fflags & 3) && value !== 0)?.[0];
  const bits = bitNames(
    (fflags & ~3) >>> 0,
    notes.filter(([, value]) => (value ?? 0) > 3),
  );
  return [unit, bits].filter(Boolean).join('|');
}

/**
 * A record as text, such as `{ READ fd=5, ADD|CLEAR, data=12 }`, without the fields that are 0. READ and WRITE with EV_EOF
 * have an errno in fflags instead of notes, shown by the running system's name: `fflags=ECONNREFUSED`.
 */
export function describeRecord(abi: Abi, { ident, filter, flags, fflags, data, udata }: Kevent): string {
  const name = filterName(abi, filter);
  const kind = { READ: 'fd', WRITE: 'fd', VNODE: 'fd', EXCEPT: 'fd', PROC: 'pid', SIGNAL: 'signal' }[name] ?? 'ident';
  const isErrno = (name === 'READ' || name === 'WRITE') && (flags & abi.constants.EV_EOF) !== 0;
  const parts = [`${name} ${kind}=${ident}`];
  if (flags !== 0) parts.push(flagNames(abi, flags));
  if (fflags !== 0) parts.push(`fflags=${isErrno ? errnoName(fflags) : noteNames(abi, filter, fflags)}`);
  if (Number(data) !== 0) parts.push(`data=${data}`);
  if (Number(udata) !== 0) parts.push(`udata=${udata}`);
  return `{ ${parts.join(', ')} }`;
}

const errnoNames = new Map(Object.entries(constants.errno).map(([name, errno]) => [errno, name]));
// On Linux and macOS a number may have two names. These are the names that man pages use.
errnoNames.set(constants.errno.EAGAIN, 'EAGAIN');
if (constants.errno.EOPNOTSUPP !== undefined) errnoNames.set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP');

/**
 * Returns the running system's name for an error number (errno(2)), such as `ENOENT` for 2. Returns `errno 12345` for a number
 * without a name.
 * @throws TypeError `errno` is not a number
 */
export function errnoName(errno: number): string {
  if (typeof errno !== 'number') throw wrongType('errno', 'a number', errno);
  return errnoNames.get(errno) ?? `errno ${errno}`;
}

/** Defines the text that console.log and util.inspect show for a class, under Node's symbol `nodejs.util.inspect.custom`. */
export function inspectAs<T>(type: { readonly prototype: T }, look: (value: T) => string): void {
  Object.defineProperty(type.prototype, Symbol.for('nodejs.util.inspect.custom'), {
    value(this: T): string {
      return look(this);
    },
  });
}

/** A value for JSON, which has no bigints. A bigint becomes a number if that is exact, and a string otherwise. */
export function jsonOf(value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}
