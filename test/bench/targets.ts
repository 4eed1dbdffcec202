import { find, type Result, type Row } from './result.ts';
import { median, ratio, type Spread, spread } from './statistics.ts';

/** What a ratio, or a value, is meant to be. */
interface Target {
  /** The race whose table it belongs to. */
  readonly race: string;
  readonly text: string;
  /** Undefined where one of the contenders was not there. */
  measure(results: readonly Result[], native: string): Spread | undefined;
  met(measured: Spread, results: readonly Result[], native: string): boolean;
}

/** A target and what came of it. */
export interface Outcome {
  readonly race: string;
  readonly text: string;
  readonly measured: Spread;
  readonly met: boolean;
}

/** The kqueue that is C all through: libkqueue on Linux, the kernel's elsewhere. */
export const NATIVE = 'native';

type Side = readonly [contender: string, kqueue: string];

function rowOf(results: readonly Result[], race: string, [contender, kqueue]: Side, native: string): Row | undefined {
  return find(results, race, contender, kqueue === NATIVE ? native : kqueue);
}

function compared(race: string, of: Side, to: Side): Target['measure'] {
  return (results, native) => {
    const [one, other] = [rowOf(results, race, of, native), rowOf(results, race, to, native)];
    return one === undefined || other === undefined ? undefined : ratio(one.samples, other.samples);
  };
}

function atMost(race: string, of: Side, most: number, to: Side, text: string): Target {
  return { race, text, measure: compared(race, of, to), met: ({ median }) => median <= most };
}

/** Among the most idle descriptors that there were, against the fewest. */
function flat(contender: string, kqueue: string, text: string): Target {
  const race = 'idle/cycle';
  return {
    race,
    text,
    measure(results, native) {
      const rows = results.find(({ id }) => id === race)?.rows ?? [];
      const own = rows.filter(
        (row) => row.contender === contender && row.kqueue === (kqueue === NATIVE ? native : kqueue),
      );
      const [first, last] = [own[0], own.at(-1)];
      return first === undefined || last === undefined ? undefined : ratio(last.samples, first.samples);
    },
    met: ({ median }) => median <= FLAT,
  };
}

/** What a processor's caches make of thousands of descriptors is not growth. */
const FLAT = 1.25;

const targets: readonly Target[] = [
  {
    race: 'kevent/0',
    text: 'C door, an empty kevent: at most 1.6 x C, or C + 200 ns',
    measure: compared('kevent/0', ['C door', NATIVE], ['C', NATIVE]),
    met(measured, results, native) {
      const [door, c] = (['C door', 'C'] as const).map(
        (name) => find(results, 'kevent/0', name, native)?.samples ?? [],
      );
      return measured.median <= 1.6 || spread(door ?? []).median <= spread(c ?? []).median + 200;
    },
  },
  atMost(
    'kevent/0',
    ['C door', NATIVE],
    1,
    ['N-API addon', NATIVE],
    'C door, an empty kevent: no slower than the addon written by hand',
  ),
  atMost('kevent/64', ['C door', NATIVE], 1.1, ['C', NATIVE], 'C door, 64 ready: at most 1.1 x C'),
  {
    race: 'kevent/64',
    text: "C door, 64 ready: at least 20 x faster than koffi's structs",
    measure: compared('kevent/64', ['koffi structs', NATIVE], ['C door', NATIVE]),
    met: ({ median }) => median >= 20,
  },
  {
    race: 'kevent/64',
    text: "the same without the call itself, which both need: what koffi's structs add to C is at least 20 x what the C door adds",
    measure: (results, native) => {
      const [structs, door, c] = (['koffi structs', 'C door', 'C'] as const).map(
        (name) => find(results, 'kevent/64', name, native)?.samples,
      );
      if (structs === undefined || door === undefined || c === undefined) return undefined;
      // Of the medians: in a single round what the door adds is less than the noise.
      const added = (samples: readonly number[]): number => median(samples) - median(c);
      const value = added(structs) / added(door);
      return { median: value, low: value, high: value };
    },
    met: ({ median: value }) => value >= 20 || value < 0,
  },
  atMost(
    'kevent/64',
    ['C door', 'linux'],
    1.5,
    ['C door', 'libkqueue'],
    'the built-in kqueue, C door, 64 ready pipes: at most 1.5 x libkqueue',
  ),
  atMost('poll/64', ['front door', NATIVE], 2.5, ['C', NATIVE], 'front door, 64 ready: at most 2.5 x C'),
  atMost(
    'poll/64',
    ['front door', 'linux'],
    1.5,
    ['front door', 'libkqueue'],
    'the built-in kqueue, front door, 64 ready pipes: at most 1.5 x libkqueue',
  ),
  // libkqueue's descriptor tells nothing: there wait() looks at intervals.
  ...['linux', ...(process.platform === 'linux' ? [] : [NATIVE])].flatMap((kqueue) => [
    atMost(
      'latency/pipe',
      ['for await', kqueue],
      1.2,
      ["Node's stream", kqueue],
      `for await (${kqueue}): at most 1.2 x Node's stream`,
    ),
    atMost(
      'latency/pipe',
      ['wait()', kqueue],
      1.5,
      ["Node's stream", kqueue],
      `wait() (${kqueue}): at most 1.5 x Node's stream`,
    ),
  ]),
  flat('C door', 'linux', `the built-in kqueue, C door: flat, at most ${FLAT} x from the fewest to the most`),
  flat('front door', 'linux', `the built-in kqueue, front door: flat, at most ${FLAT} x from the fewest to the most`),
  flat('C door', NATIVE, `C door on C: flat, at most ${FLAT} x from the fewest to the most`),
  ...['linux', NATIVE].flatMap((kqueue): Target[] => [
    {
      race: 'allocation/objects',
      text: `C door (${kqueue}): no object for a call or an event`,
      measure: (results, native) => value(results, 'allocation/objects', ['C door', kqueue], native),
      // The profiler that counts makes some of its own.
      met: ({ median }) => median <= 0.02,
    },
    {
      race: 'allocation/objects',
      text: `front door (${kqueue}), poll(): at most 1 object for an event, beside those of the call (a 64th of them)`,
      measure: (results, native) => value(results, 'allocation/objects', ['poll()', kqueue], native),
      met: ({ median }) => median <= 1.15,
    },
  ]),
  ...['linux', ...(process.platform === 'linux' ? [] : [NATIVE])].map((kqueue) =>
    atMost(
      'import/doors',
      ['front door', kqueue],
      0.5,
      ['koffi, import', kqueue],
      "importing the front door: at most 0.5 x koffi's own import",
    ),
  ),
];

function value(results: readonly Result[], race: string, side: Side, native: string): Spread | undefined {
  const row = rowOf(results, race, side, native);
  return row === undefined ? undefined : spread(row.samples);
}

/** Every target of which both sides were measured. */
export function outcomes(results: readonly Result[], native: string): Outcome[] {
  return targets.flatMap((target): Outcome[] => {
    const measured = target.measure(results, native);
    if (measured === undefined) return [];
    const text = target.text.replace(NATIVE, native);
    return [{ race: target.race, text, measured, met: target.met(measured, results, native) }];
  });
}
