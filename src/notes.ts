import type { Kevent } from './sys/abi/types.ts';
import { wrongType } from './sys/check.ts';
import { type Abi, abis } from './sys/layout.ts';
import { errnoName, filterName, noteNames } from './sys/names.ts';

/*
 * A note is a NOTE_* of <sys/event.h> in lower case, without the prefix. The types say which notes a filter has, and an ABI
 * says which of them its system has. The options `on` of src/interest.ts say what each note means, because editors show the
 * comment of a property and none for a string.
 */

/** A note that `read()` can ask for: see `on` of `ReadOptions`. */
export type ReadNote = 'eof' | 'file_poll';

/** A note that `vnode()` can ask for and that an event has: see `on` of `VnodeOptions`. */
export type VnodeNote =
  | 'delete'
  | 'write'
  | 'extend'
  | 'attrib'
  | 'link'
  | 'rename'
  | 'revoke'
  | 'truncate'
  | 'open'
  | 'close'
  | 'close_write'
  | 'read'
  | 'funlock'
  | 'lease_downgrade'
  | 'lease_release';

/** A note that `proc()` can ask for: see `on` of `ProcOptions`. */
export type ProcNote = 'exit' | 'fork' | 'exec' | 'track' | 'signal' | 'reap' | 'exitstatus' | 'exit_detail';

/**
 * A note that a proc() event has: one that was asked for, or one that only the kernel sets.
 *
 * - `child`: the process is a child of a process that is tracked
 * - `trackerr`: a child of a process that is tracked could not be tracked
 * - `exit_decryptfail`, `exit_memory`, `exit_cserror`: why macOS killed the process
 * - `exit_reparented`: another process became the parent of the process (macOS)
 */
export type ProcEventNote =
  | ProcNote
  | 'child'
  | 'trackerr'
  | 'exit_decryptfail'
  | 'exit_memory'
  | 'exit_cserror'
  | 'exit_reparented';

/** The notes that a program can ask a filter for. */
const notesToAsk: Readonly<Record<'read' | 'vnode' | 'proc', readonly string[]>> = {
  read: ['eof', 'file_poll'] satisfies ReadNote[],
  vnode: [
    'delete',
    'write',
    'extend',
    'attrib',
    'link',
    'rename',
    'revoke',
    'truncate',
    'open',
    'close',
    'close_write',
    'read',
    'funlock',
    'lease_downgrade',
    'lease_release',
  ] satisfies VnodeNote[],
  proc: ['exit', 'fork', 'exec', 'track', 'signal', 'reap', 'exitstatus', 'exit_detail'] satisfies ProcNote[],
};

const constantOf = (note: string): string => `NOTE_${note.toUpperCase()}`;

/**
 * Returns a frozen copy of the notes that a builder was given, or of its default.
 * @throws TypeError if `given` is not an array of notes of the filter
 */
export function checkNotes<Note extends string>(
  filter: keyof typeof notesToAsk,
  given: readonly Note[] | undefined,
  absent?: readonly Note[],
): readonly Note[] {
  const known: readonly string[] = notesToAsk[filter];
  const expected = `notes of ${filter}() (${known.join(', ')})`;
  const on = given === undefined ? absent : given;
  if (!Array.isArray(on)) throw wrongType('on', `an array of ${expected}`, on);
  const notes: readonly Note[] = Object.freeze([...on]);
  for (const note of notes) if (!known.includes(note)) throw wrongType('on', expected, note);
  return notes;
}

/**
 * Returns the bit of a note.
 * @throws RangeError if the system does not have the note. It names the systems that do
 */
export function noteBit(abi: Abi, argument: string, note: string, feature: string = `'${note}'`): number {
  const constant = constantOf(note);
  const bit = supported(abi, constant);
  if (bit !== undefined) return bit;
  throw notSupported(argument, feature, abi, constant);
}

/** Returns the bits of all notes. Throws as {@link noteBit}. */
export function noteBits(abi: Abi, notes: readonly string[]): number {
  let bits = 0;
  for (const note of notes) bits |= noteBit(abi, 'on', note);
  return bits >>> 0;
}

/** Reports whether fflags has the note. Returns false for a note that the system does not have. */
export function hasNote(abi: Abi, fflags: number, note: string): boolean {
  const bit = abi.constants[constantOf(note)] ?? 0;
  return (fflags & bit) !== 0;
}

/** Returns the notes in fflags, in the order of the man page. Bits without a name are left out. */
export function notesIn<Note extends string>(abi: Abi, filter: number, fflags: number): Note[] {
  const names = noteNames(abi, filter, fflags).toLowerCase().split('|');
  return names.filter((name) => name !== '' && !name.startsWith('0x')) as Note[];
}

/** Returns the number of a constant of `<sys/event.h>`, or undefined if the system does not support it. */
export function supported({ quirks, constants }: Abi, constant: string): number | undefined {
  return quirks.unsupported.includes(constant) ? undefined : constants[constant];
}

/** Makes the RangeError for what a system does not support. It names the systems that have any of the constants. */
export function notSupported(argument: string, feature: string, abi: Abi, ...constants: string[]): RangeError {
  const having = Object.values(abis).filter(
    (one) => one.bindable && constants.some((constant) => supported(one, constant) !== undefined),
  );
  const systems = having.map(({ title }) => title).join(', ');
  const error = new RangeError(
    `${argument}: ${feature} is not supported on ${abi.title} (${constants.join(', ')}: only ${systems})`,
  );
  return Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
}

/** Names the releases since which a system has the filter and the notes of a change. An older kernel reports only EINVAL. */
export function neededReleases(abi: Abi, { filter, fflags }: Kevent): string {
  const notes = noteNames(abi, filter, fflags).split('|');
  const constants = [`EVFILT_${filterName(abi, filter)}`, ...notes.map((note) => `NOTE_${note}`)];
  const since = constants.flatMap((constant) => {
    const release = abi.since[constant];
    return release === undefined ? [] : [`${constant} needs ${abi.title} ${release}`];
  });
  return since.length === 0 ? '' : ` (${since.join(', ')})`;
}

/** Names the limit that a change has reached, if its errno stands for a limit. */
export function reachedLimit({ quirks }: Abi, errno: number): string {
  const limit = quirks.limits[errnoName(errno)];
  return limit === undefined ? '' : ` (the limit: ${limit})`;
}
