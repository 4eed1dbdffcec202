import type { Race } from './race.ts';

/** One contender's times in a race. */
export interface Row {
  readonly contender: string;
  readonly kqueue: string;
  /** See Contender.at. */
  readonly at?: number | undefined;
  /** One for each round. */
  readonly samples: number[];
}

/** A race that was run. All rows took turns in each round. */
export interface Result {
  readonly id: string;
  readonly what: string;
  readonly unit: Race['unit'];
  /** What could not be measured, and why. */
  readonly note: string | undefined;
  /** Ratios are to the first. */
  readonly rows: readonly Row[];
}

export function find(results: readonly Result[], id: string, contender: string, kqueue: string): Row | undefined {
  const result = results.find((one) => one.id === id);
  return result?.rows.find((row) => row.contender === contender && row.kqueue === kqueue);
}
