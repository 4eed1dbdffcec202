import { constants } from 'node:os';
import type { Kevent } from './abi/types.ts';
import { checkInteger, wrongType } from './check.ts';
import { type Abi, checkAbi } from './layout.ts';

const UINT32_MAX = 2 ** 32 - 1;

/** Which NOTE_* belong to a filter: the same bit means another thing to each. In the order of the man page. */
const notesOf: Readonly<Record<string, readonly string[]>> = {
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

/** What stands before a note: NOTE_VM_PRESSURE for PRESSURE of VM. NOTE_ for the filters that are not here. */
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

function names(value: number, of: readonly (readonly [string, number | undefined])[]): string {
  const found: string[] = [];
  let rest = value >>> 0;
  for (const [name, bit] of of) {
    // Unsigned: NOTE_EXIT is the topmost bit.
    if (bit === undefined || bit === 0 || (value & bit) >>> 0 !== bit) continue;
    // A bit that an earlier name has taken is another name for it, or half of a value like NOTE_USECONDS | NOTE_SECONDS.
    if ((rest & bit) >>> 0 !== bit) continue;
    found.push(name);
    rest = (rest & ~bit) >>> 0;
  }
  if (rest !== 0) found.push(`0x${rest.toString(16)}`);
  return found.join('|');
}

/**
 * The name of an EVFILT_*, without the prefix: `READ`; the number itself where the ABI has no such filter.
 * @throws TypeError, RangeError for an abi that is not one of `abis`, and for what fits no system's field
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
 * The names of the EV_* in `flags`, without the prefix: `ADD|CLEAR`; what has no name in hexadecimal.
 * @throws TypeError, RangeError as {@link filterName}
 */
export function flagNames(abi: Abi, flags: number): string {
  checkAbi(abi);
  checkInteger('flags', flags, 0, UINT32_MAX);
  return names(
    flags,
    FLAGS.map((name) => [name, abi.constants[`EV_${name}`]]),
  );
}

/**
 * The names of the NOTE_* in `fflags` as `filter` takes them, without the prefix: `WRITE|EXTEND`. The negative number that
 * `|` makes of bit 31 is taken for the same 32 bits.
 * @throws TypeError, RangeError as {@link filterName}
 */
export function noteNames(abi: Abi, filter: number, fflags: number): string {
  const name = filterName(abi, filter);
  checkInteger('fflags', fflags, -(2 ** 31), UINT32_MAX);
  const prefix = prefixes[name] ?? 'NOTE_';
  const notes = (notesOf[name] ?? []).map((note): [string, number | undefined] => [note, abi.constants[prefix + note]]);
  if (name !== 'TIMER' || abi.constants['NOTE_MSECONDS'] !== 0) return names(fflags, notes);
  // OpenBSD and NetBSD: the unit is a number in the two low bits, not a bit each.
  const unit = notes.find(([, value]) => value === (fflags & 3) && value !== 0)?.[0];
  const bits = names(
    (fflags & ~3) >>> 0,
    notes.filter(([, value]) => (value ?? 0) > 3),
  );
  return [unit, bits].filter(Boolean).join('|');
}

/**
 * `{ READ fd=5, ADD|CLEAR, data=12 }`. Fields that are 0 are left out. READ and WRITE with EV_EOF have an errno in fflags,
 * not notes: `fflags=ECONNREFUSED`, by the running system's names.
 */
export function describeRecord(abi: Abi, { ident, filter, flags, fflags, data, udata }: Kevent): string {
  const name = filterName(abi, filter);
  const kind = { READ: 'fd', WRITE: 'fd', VNODE: 'fd', EXCEPT: 'fd', PROC: 'pid', SIGNAL: 'signal' }[name] ?? 'ident';
  const isErrno = (name === 'READ' || name === 'WRITE') && (flags & (abi.constants['EV_EOF'] ?? 0)) !== 0;
  const parts = [`${name} ${kind}=${ident}`];
  if (flags !== 0) parts.push(flagNames(abi, flags));
  if (fflags !== 0) parts.push(`fflags=${isErrno ? errnoName(fflags) : noteNames(abi, filter, fflags)}`);
  if (Number(data) !== 0) parts.push(`data=${data}`);
  if (Number(udata) !== 0) parts.push(`udata=${udata}`);
  return `{ ${parts.join(', ')} }`;
}

/** {@link describeRecord} as a struct: `kevent { READ fd=5, ADD|CLEAR, data=12 }`. */
export function describeKevent(abi: Abi, kevent: Kevent): string {
  return `kevent ${describeRecord(abi, kevent)}`;
}

const errnoNames = new Map(Object.entries(constants.errno).map(([name, errno]) => [errno, name]));
// Two names for one number on Linux and macOS: the one that kqueue(2) and its readers use.
errnoNames.set(constants.errno.EAGAIN, 'EAGAIN');
if (constants.errno.EOPNOTSUPP !== undefined) errnoNames.set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP');

/**
 * errno(2): the running system's name for an error number, `ENOENT` for 2; `errno 12345` for one that it has no name for.
 * @throws TypeError for what is no number
 */
export function errnoName(errno: number): string {
  if (typeof errno !== 'number') throw wrongType('errno', 'a number', errno);
  return errnoNames.get(errno) ?? `errno ${errno}`;
}

/** Gives a class its look in console.log and util.inspect, by the symbol that Node reserves for that. */
export function inspectAs<T>(type: { readonly prototype: T }, look: (value: T) => string): void {
  Object.defineProperty(type.prototype, Symbol.for('nodejs.util.inspect.custom'), {
    value(this: T): string {
      return look(this);
    },
  });
}

/** A value for JSON, which has no bigints: a bigint is a number where that is exact, and else a string. */
export function jsonOf(value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}
