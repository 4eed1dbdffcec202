import type { Kevent } from './sys/abi/types.ts';
import { wrongType } from './sys/check.ts';
import { type Abi, abis } from './sys/layout.ts';
import { errnoName, filterName, noteNames } from './sys/names.ts';

/*
 * A note is a NOTE_* of <sys/event.h> in lower case and without its prefix. The types here say which belong to which
 * filter; which of them a system has is in its ABI.
 */

/** What read() can ask for beside readiness: to be told of the end of a regular file too (OpenBSD; FreeBSD, which does not repeat it in fflags). */
export type ReadNote = 'eof' | 'file_poll';

/** What vnode() watches. */
export type VnodeNote =
  | 'delete'
  | 'write'
  | 'extend'
  | 'attrib'
  | 'link'
  | 'rename'
  /** All but libkqueue. */
  | 'revoke'
  /** OpenBSD, Linux. */
  | 'truncate'
  /** FreeBSD, NetBSD from 10 on, Linux. */
  | 'open'
  /** FreeBSD, NetBSD from 10 on, Linux. */
  | 'close'
  /** FreeBSD, NetBSD from 10 on, Linux. */
  | 'close_write'
  /** FreeBSD, NetBSD from 10 on, Linux. */
  | 'read'
  /** macOS. */
  | 'funlock'
  /** macOS. */
  | 'lease_downgrade'
  /** macOS. */
  | 'lease_release';

/** What proc() watches. Linux gives `exit` only, macOS all but `track`. */
export type ProcNote =
  | 'exit'
  | 'fork'
  | 'exec'
  /** Watch the children that it makes, too. */
  | 'track'
  /** macOS: a signal was sent to it. */
  | 'signal'
  /** macOS: it was waited for. */
  | 'reap'
  /** macOS: insist on the exit status; EACCES where one may not have it. `exit` alone takes it where it may. */
  | 'exitstatus'
  /** macOS: say why it was killed. */
  | 'exit_detail';

/** What a proc() event may carry: what was asked for, and what only a kernel says. */
export type ProcEventNote =
  | ProcNote
  /** This is a child of a process that is tracked. */
  | 'child'
  /** A child could not be tracked. */
  | 'trackerr'
  | 'exit_decryptfail'
  | 'exit_memory'
  | 'exit_cserror'
  | 'exit_reparented';

/** The notes that one may ask a filter for. */
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
 * A frozen copy of the notes that a builder was given, or of those that it takes where none were. Throws a TypeError unless
 * each of them belongs to the filter.
 */
export function checkNotes<Note extends string>(
  filter: keyof typeof notesToAsk,
  given: readonly Note[] | undefined,
  absent?: readonly Note[],
): readonly Note[] {
  const known: readonly string[] = notesToAsk[filter];
  const expected = `notes of ${filter}(): ${known.join(', ')}`;
  const on = given === undefined ? absent : given;
  if (!Array.isArray(on)) throw wrongType('on', `an array of ${expected}`, on);
  const notes: readonly Note[] = Object.freeze([...on]);
  for (const note of notes) if (!known.includes(note)) throw wrongType('on', expected, note);
  return notes;
}

/** The bit of a note. Throws a RangeError that names the systems that have the note where this one does not. */
export function noteBit(abi: Abi, argument: string, note: string, feature: string = `'${note}'`): number {
  const constant = constantOf(note);
  const bit = supported(abi, constant);
  if (bit !== undefined) return bit;
  throw notSupported(argument, feature, abi, constant);
}

/** The bits of all of the notes; errors as {@link noteBit}. */
export function noteBits(abi: Abi, notes: readonly string[]): number {
  let bits = 0;
  for (const note of notes) bits |= noteBit(abi, 'on', note);
  return bits >>> 0;
}

/** Whether the note is in fflags; false for one that the system does not have. */
export function hasNote(abi: Abi, fflags: number, note: string): boolean {
  const bit = abi.constants[constantOf(note)] ?? 0;
  return (fflags & bit) !== 0;
}

/** The notes in fflags, in the order of the man page; bits that have no name are left out. */
export function notesIn<Note extends string>(abi: Abi, filter: number, fflags: number): Note[] {
  const names = noteNames(abi, filter, fflags).toLowerCase().split('|');
  return names.filter((name) => name !== '' && !name.startsWith('0x')) as Note[];
}

/** The number of a constant of `<sys/event.h>`; undefined where the system does not support it. */
export function supported({ quirks, constants }: Abi, constant: string): number | undefined {
  return quirks.unsupported.includes(constant) ? undefined : constants[constant];
}

/** The RangeError for what a system does not support. It names the systems that do: those with any of the constants. */
export function notSupported(argument: string, feature: string, abi: Abi, ...constants: string[]): RangeError {
  const having = Object.values(abis).filter(
    (one) => one.bindable && constants.some((constant) => supported(one, constant) !== undefined),
  );
  const systems = having.length === 0 ? 'no system has it' : `only ${having.map(({ title }) => title).join(', ')}`;
  const error = new RangeError(
    `${argument}: ${feature} is not supported on ${abi.title} (${constants.join(', ')}: ${systems})`,
  );
  return Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
}

/** The releases that brought the filter and the notes of a change, because an older kernel says no more than EINVAL. */
export function neededReleases(abi: Abi, { filter, fflags }: Kevent): string {
  const notes = noteNames(abi, filter, fflags).split('|');
  const constants = [`EVFILT_${filterName(abi, filter)}`, ...notes.map((note) => `NOTE_${note}`)];
  const since = constants.flatMap((constant) => {
    const release = abi.since[constant];
    return release === undefined ? [] : [`${constant} needs ${abi.title} ${release}`];
  });
  return since.length === 0 ? '' : ` (${since.join(', ')})`;
}

/** The limit that a change ran into, where its errno tells. */
export function reachedLimit({ quirks }: Abi, errno: number): string {
  const limit = quirks.limits[errnoName(errno)];
  return limit === undefined ? '' : ` (the limit: ${limit})`;
}
