import { libkqueueGates } from './libkqueue-gates.ts';
import { type Calls, calls, type Kernel, type World } from './world.ts';

/** Where a case does not hold, and why: what its kernel does instead. */
export interface Gate {
  /** Names of kqueues, as a World has them. */
  readonly on: string | readonly string[];
  /** `< 7.8` or `>= 10`: of the kqueue; every version if absent. macOS has Darwin's numbers, as in os.release(). */
  readonly version?: string;
  readonly reason: string;
  /** How it is known: `run on 7.3`, or `read in` and the file and function of the kernel. */
  readonly source: string;
}

/**
 * A requirement of a case beyond the call itself:
 * - a filter (`USER`),
 * - one of several constants (`NOTE_ABSTIME|NOTE_ABSOLUTE`),
 * - a call of the world (`socketpair`),
 * - `pollable`, which is a kqueue that poll(2) accepts.
 */
type Need = Filter | keyof Calls | `EV_${string}` | `NOTE_${string}` | 'pollable';

export type Filter = 'READ' | 'WRITE' | 'TIMER' | 'USER' | 'VNODE' | 'PROC' | 'SIGNAL';

export interface Case {
  /** The behaviour, in words. */
  readonly name: string;
  readonly needs: readonly Need[];
  readonly gates?: readonly Gate[];
  run(world: Kernel): void | Promise<void>;
}

/** One gate for many cases: those that need something, and those that are named. */
export interface SharedGate extends Gate {
  readonly needs?: readonly Need[];
  readonly cases?: readonly string[];
}

const UNITS = ['NOTE_SECONDS', 'NOTE_USECONDS', 'NOTE_NSECONDS', 'NOTE_ABSTIME|NOTE_ABSOLUTE'] as const;
const USES = ['NOTE_OPEN', 'NOTE_CLOSE', 'NOTE_CLOSE_WRITE', 'NOTE_READ'] as const;

/** What an ABI has a name for and an earlier kernel of that name has not; and what a library gets wrong in many ways. */
export const sharedGates: readonly SharedGate[] = [
  { on: 'openbsd', version: '< 7.8', needs: ['USER'], reason: 'there is no EVFILT_USER', source: 'run on 7.3' },
  { on: 'netbsd', version: '< 10', needs: ['USER'], reason: 'there is no EVFILT_USER', source: 'run on 7.99.34' },
  {
    on: 'openbsd',
    version: '< 7.4',
    needs: UNITS,
    reason: 'timers count milliseconds, and fflags is ignored',
    source: 'run on 7.3',
  },
  {
    on: 'netbsd',
    version: '< 10',
    needs: UNITS,
    reason: 'timers count milliseconds, and fflags is ignored',
    source: 'run on 7.99.34',
  },
  {
    on: 'netbsd',
    version: '< 10',
    needs: USES,
    reason: 'these notes are accepted and never reported',
    source: 'run on 7.99.34',
  },
  ...libkqueueGates,
];

/** Whether a gate is for a kqueue of this name and version. */
function applies(gate: Gate, world: Pick<World, 'name' | 'version'>): boolean {
  if (![gate.on].flat().includes(world.name)) return false;
  const [, operator, bound] = /^(<|>=) ([\d.]+)$/.exec(gate.version ?? '') ?? [];
  if (operator === undefined || bound === undefined) return true;
  // Unknown: better a case too few than a failure that is known.
  if (world.version === undefined) return true;
  return operator === '<' ? compare(world.version, bound) < 0 : compare(world.version, bound) >= 0;
}

/** Compares the numbers that versions begin with: `14.1-RELEASE` is later than `9`. */
function compare(a: string, b: string): number {
  const numbers = (version: string): number[] => (/^\d+(\.\d+)*/.exec(version)?.[0] ?? '').split('.').map(Number);
  const [left, right] = [numbers(a), numbers(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function has(world: World, need: Need): boolean {
  if (need === 'pollable') return world.sys.pollable;
  if ((calls as readonly string[]).includes(need)) return world[need as keyof Calls] !== undefined;
  const { constants } = world.sys.abi;
  const known = (name: string): boolean => constants[name] !== undefined && !world.lacks?.includes(name);
  if (/^(EV|NOTE)_/.test(need)) return need.split('|').some(known);
  return known(`EVFILT_${need}`) && !world.lacks?.includes(need);
}

/** Why a case is not run in a world; undefined where it is. */
export function gated({ name, needs, gates = [] }: Case, world: World): string | undefined {
  const lacking = needs.find((need) => !has(world, need));
  if (lacking !== undefined) return `there is no ${lacking}`;
  const shared = sharedGates.filter(
    (gate) => gate.cases?.includes(name) === true || gate.needs?.some((need) => needs.includes(need)) === true,
  );
  return [...gates, ...shared].find((gate) => applies(gate, world))?.reason;
}
