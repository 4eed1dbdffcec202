import type { Result } from './result.ts';
import { ratio, spread } from './statistics.ts';

/** Three significant digits, with a unit that suits. */
export function amount(value: number, unit: Result['unit']): string {
  if (unit === 'count') return value.toPrecision(3);
  const steps = unit === 'ns' ? ['ns', 'µs', 'ms', 's'] : ['B', 'kB', 'MB', 'GB'];
  let [scaled, step] = [value, 0];
  while (Math.abs(scaled) >= 1000 && step < steps.length - 1) {
    scaled /= 1000;
    step++;
  }
  return `${Number(scaled.toPrecision(3))} ${steps[step]}`;
}

/** `1.52 (1.49 to 1.60)` */
export function times(samples: readonly number[], base: readonly number[]): string {
  const { median, low, high } = ratio(samples, base);
  // Of nothing, and of what comes too early, there is no multiple.
  if (!Number.isFinite(low + high) || spread(base).low <= 0) return '';
  return `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

/** One race for the eye: a line for each contender. */
export function table({ what, unit, rows, id, note }: Result): string {
  const [first] = rows;
  const lines = rows.map(({ contender, kqueue, at, samples }) => {
    const { median } = spread(samples);
    const beside = first === undefined ? '' : times(samples, first.samples);
    return `  ${(at === undefined ? contender : `${contender}, ${at}`).padEnd(32)}${kqueue.padEnd(12)}${amount(median, unit).padStart(10)}  ${beside}`;
  });
  return `${id}: ${what}\n${note === undefined ? '' : `  (${note})\n`}${lines.join('\n')}\n`;
}
