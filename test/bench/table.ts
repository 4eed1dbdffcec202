import type { Result, Row } from './result.ts';
import { ratio, type Spread, spread } from './statistics.ts';
import type { Outcome } from './targets.ts';

/** Three significant digits, with a suitable unit. */
function amount(value: number, unit: Result['unit']): string {
  if (unit === 'count') return value.toFixed(2);
  const steps = unit === 'ns' ? ['ns', 'µs', 'ms', 's'] : ['B', 'kB', 'MB', 'GB'];
  let [scaled, step] = [value, 0];
  while (Math.abs(scaled) >= 1000 && step < steps.length - 1) {
    scaled /= 1000;
    step++;
  }
  return `${Number(scaled.toPrecision(3))} ${steps[step]}`;
}

/** `1.52 (1.49 to 1.60)` */
function range({ median, low, high }: Spread): string {
  return `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

/** A median below this is noise, or negative for an early timer: a ratio to it has no meaning. */
const LEAST = { ns: 1, bytes: 1, count: 0.001 } as const;

function compared(row: Row, first: Row | undefined, unit: Result['unit']): string {
  if (first === undefined || spread(first.samples).low < LEAST[unit]) return '-';
  return range(ratio(row.samples, first.samples));
}

function cells({ rows, unit }: Result): string[][] {
  const [first] = rows;
  return rows.map((row) => [
    row.at === undefined ? row.contender : `${row.contender}, ${row.at.toLocaleString('en')}`,
    row.kqueue,
    amount(spread(row.samples).median, unit),
    compared(row, first, unit),
  ]);
}

function verdict({ text, measured, met }: Outcome): string {
  return `${text}: ${range(measured)}: ${met ? 'met' : 'missed'}`;
}

/** One race as text: a line for each contender, then its targets. Ratios are to the first line. */
export function table(result: Result, outcomes: readonly Outcome[]): string {
  const { id, what, note } = result;
  return [
    `${id}: ${what}`,
    ...(note === undefined ? [] : [`  (${note})`]),
    ...cells(result).map(([name = '', kqueue = '', median = '', ratio = '']) =>
      `  ${name.padEnd(34)}${kqueue.padEnd(12)}${median.padStart(10)}  ${ratio}`.trimEnd(),
    ),
    ...outcomes.filter(({ race }) => race === id).map((outcome) => `  target: ${verdict(outcome)}`),
    '',
  ].join('\n');
}

/** One race in Markdown, without its targets: they have a table of their own. */
export function markdown(result: Result): string {
  const { what, note } = result;
  return [
    `**${what}**${note === undefined ? '' : ` (${note})`}`,
    '',
    '| | kqueue | median | compared with the first row (middle half of the rounds) |',
    '| --- | --- | ---: | --- |',
    ...cells(result).map((row) => `| ${row.join(' | ')} |`),
    '',
  ].join('\n');
}

/** All targets in Markdown. The missed ones come first. */
export function markdownOutcomes(outcomes: readonly Outcome[]): string {
  const sorted = [...outcomes].sort((a, b) => Number(a.met) - Number(b.met));
  return [
    '| target | measured | result |',
    '| --- | --- | --- |',
    ...sorted.map(({ text, measured, met }) => `| ${text} | ${range(measured)} | ${met ? 'met' : '**missed**'} |`),
    '',
  ].join('\n');
}
