/** A median and how far the middle half of the samples lies around it. */
export interface Spread {
  readonly median: number;
  /** The lower and the upper quartile. */
  readonly low: number;
  readonly high: number;
}

/** The value below which `part` of the samples lie. */
function quantile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const [below = Number.NaN, above = Number.NaN] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return below + (above - below) * (at % 1);
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

export function spread(samples: readonly number[]): Spread {
  return { median: median(samples), low: quantile(samples, 0.25), high: quantile(samples, 0.75) };
}

/** The ratios of two that took turns, round by round: what slowed the machine down for a while slowed down both. */
export function ratio(samples: readonly number[], base: readonly number[]): Spread {
  return spread(samples.map((sample, round) => sample / (base[round] ?? Number.NaN)));
}
