import { find, type Result, type Row } from './result.ts';
import { median, ratio, type Spread, spread } from './statistics.ts';

/** A limit for a ratio or a value. */
interface Target {
  /** The race whose table it belongs to. */
  readonly race: string;
  readonly text: string;
  /** Undefined if one of the contenders was not measured. */
  measure(results: readonly Result[], native: string): Spread | undefined;
  met(measured: Spread, results: readonly Result[], native: string): boolean;
}

/** A target and its result. */
export interface Outcome {
  readonly race: string;
  readonly text: string;
  readonly measured: Spread;
  readonly met: boolean;
}

/** The kqueue that is all C: libkqueue on Linux, the kernel's elsewhere. */
const NATIVE = 'native';

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

/** The row with the most idle descriptors, compared with the row with the fewest. */
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

/** Thousands of descriptors cost misses in the processor's caches. That is not growth. */
const FLAT = 1.25;

const targets: readonly Target[] = [
  {
    race: 'kevent/0',
    text: 'system-call API, a call without an event: at most 1.6 x C, or C + 200 ns',
    measure: compared('kevent/0', ['system-call API', NATIVE], ['C', NATIVE]),
    met(measured, results, native) {
      const [own, c] = (['system-call API', 'C'] as const).map(
        (name) => find(results, 'kevent/0', name, native)?.samples ?? [],
      );
      return measured.median <= 1.6 || spread(own ?? []).median <= spread(c ?? []).median + 200;
    },
  },
  atMost(
    'kevent/0',
    ['system-call API', NATIVE],
    1,
    ['N-API addon', NATIVE],
    'system-call API, a call without an event: not slower than the N-API addon',
  ),
  atMost('kevent/64', ['system-call API', NATIVE], 1.1, ['C', NATIVE], 'system-call API, 64 ready: at most 1.1 x C'),
  {
    race: 'kevent/64',
    text: "system-call API, 64 ready: at least 20 x faster than koffi's structs",
    measure: compared('kevent/64', ['koffi structs', NATIVE], ['system-call API', NATIVE]),
    met: ({ median }) => median >= 20,
  },
  {
    race: 'kevent/64',
    text: "the same without the time of the call in C: koffi's structs add at least 20 x as much as the system-call API",
    measure: (results, native) => {
      const [structs, own, c] = (['koffi structs', 'system-call API', 'C'] as const).map(
        (name) => find(results, 'kevent/64', name, native)?.samples,
      );
      if (structs === undefined || own === undefined || c === undefined) return undefined;
      // From the medians: in a single round the library adds less than the noise.
      const added = (samples: readonly number[]): number => median(samples) - median(c);
      const value = added(structs) / added(own);
      return { median: value, low: value, high: value };
    },
    met: ({ median: value }) => value >= 20 || value < 0,
  },
  atMost(
    'kevent/64',
    ['system-call API', 'linux'],
    1.5,
    ['system-call API', 'libkqueue'],
    'built-in kqueue, system-call API, 64 ready pipes: at most 1.5 x libkqueue',
  ),
  atMost('poll/64', ['high-level API', NATIVE], 2.5, ['C', NATIVE], 'high-level API, 64 ready: at most 2.5 x C'),
  atMost(
    'poll/64',
    ['high-level API', 'linux'],
    1.5,
    ['high-level API', 'libkqueue'],
    'built-in kqueue, high-level API, 64 ready pipes: at most 1.5 x libkqueue',
  ),
  // libkqueue's descriptor cannot be polled: there wait() looks at intervals.
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
  flat(
    'system-call API',
    'linux',
    `built-in kqueue, system-call API: at most ${FLAT} x from the fewest idle descriptors to the most`,
  ),
  flat(
    'high-level API',
    'linux',
    `built-in kqueue, high-level API: at most ${FLAT} x from the fewest idle descriptors to the most`,
  ),
  flat(
    'system-call API',
    NATIVE,
    `system-call API on C: at most ${FLAT} x from the fewest idle descriptors to the most`,
  ),
  ...['linux', NATIVE].flatMap((kqueue): Target[] => [
    {
      race: 'allocation/objects',
      text: `system-call API (${kqueue}): no object for a call or an event`,
      measure: (results, native) => value(results, 'allocation/objects', ['system-call API', kqueue], native),
      // The profiler that counts makes some of its own.
      met: ({ median }) => median <= 0.02,
    },
    {
      race: 'allocation/objects',
      text: `high-level API (${kqueue}), poll(): at most 1 object for an event, plus a 64th of the objects of a call`,
      measure: (results, native) => value(results, 'allocation/objects', ['poll()', kqueue], native),
      met: ({ median }) => median <= 1.15,
    },
  ]),
  ...['linux', ...(process.platform === 'linux' ? [] : [NATIVE])].map((kqueue) =>
    atMost(
      'import/entries',
      ['high-level API', kqueue],
      0.5,
      ['koffi, import', kqueue],
      "import of the high-level API: at most 0.5 x koffi's own import",
    ),
  ),
];

function value(results: readonly Result[], race: string, side: Side, native: string): Spread | undefined {
  const row = rowOf(results, race, side, native);
  return row === undefined ? undefined : spread(row.samples);
}

/** The result of every target whose contenders were all measured. */
export function outcomes(results: readonly Result[], native: string): Outcome[] {
  return targets.flatMap((target): Outcome[] => {
    const measured = target.measure(results, native);
    if (measured === undefined) return [];
    const text = target.text.replace(NATIVE, native);
    return [{ race: target.race, text, measured, met: target.met(measured, results, native) }];
  });
}
