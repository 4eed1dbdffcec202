import type { Setting } from './setting.ts';

/** One way of doing what a race measures. */
export interface Contender {
  readonly name: string;
  /** How much there is of what a race has more and more of: the contender's place on the plot. */
  readonly at?: number;
  /** Does it `times` times; what that took in all, in the race's unit. What it needs before and after is not counted. */
  run(times: number): number | Promise<number>;
}

/** Contenders that do the same, side by side. */
export interface Race {
  /** `group/name` */
  readonly id: string;
  /** A line for the table. */
  readonly what: string;
  readonly unit: 'ns' | 'bytes' | 'count';
  /** How often a round does it; absent: as often as fills the time of a round. */
  readonly times?: number;
  /** How many rounds; absent: as many as most races have. */
  readonly rounds?: number;
  /** What could not be measured, and why. */
  readonly note?: string;
  /** Makes ready what the contenders need. Nobody undoes it: the process ends with the race. */
  prepare(): readonly Contender[] | Promise<readonly Contender[]>;
}

/** A group of races: each file in measurements/ has one. */
export type Measurement = (setting: Setting) => readonly Race[] | Promise<readonly Race[]>;

/** Nanoseconds since some time. */
export function now(): number {
  return performance.now() * 1e6;
}

let sink = 0;

/** Uses a value, so that no compiler leaves out what made it. */
export function consume(value: number): void {
  sink = (sink + value) % 2 ** 32;
}

const MOST = 2 ** 22;

/** How often to do it so that it takes about `ms` milliseconds. It is done often enough to be compiled by then. */
export async function calibrate(contender: Contender, ms: number): Promise<number> {
  const isEnough = async (times: number): Promise<boolean> => {
    const start = now();
    const took = await contender.run(times);
    // What a run needs beside what it counts may be far more.
    return took >= ms * 1e6 || now() - start >= 10 * ms * 1e6;
  };
  let times = 1;
  // Twice: the garbage of what was prepared may be collected in the middle of the first one.
  while (times < MOST && !((await isEnough(times)) && (await isEnough(times)))) times *= 2;
  return times;
}
