import type { Result, Row } from './result.ts';
import { median } from './statistics.ts';

/** One line of the plot. */
interface Line {
  readonly name: string;
  readonly points: readonly { readonly at: number; readonly ns: number }[];
}

const [WIDTH, HEIGHT] = [790, 440];
const [LEFT, RIGHT, TOP, BOTTOM] = [84, 230, 48, 52];
/** Between the labels of two lines. */
const LABEL_STEP = 17;
/** Distinct also for readers with color blindness, on white and on black. */
const COLOURS: readonly string[] = ['#d55e00', '#2f8fd0', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#7f7f7f'];

/** Powers of ten around the values. */
function decades(values: readonly number[]): { low: number; high: number } {
  return {
    low: Math.floor(Math.log10(Math.min(...values)) + 1e-9),
    high: Math.ceil(Math.log10(Math.max(...values)) - 1e-9),
  };
}

function linesOf(rows: readonly Row[]): Line[] {
  const lines = new Map<string, { at: number; ns: number }[]>();
  for (const { contender, kqueue, at, samples } of rows) {
    if (at === undefined) continue;
    const name = contender.startsWith('C, ') ? contender : `${contender}, ${kqueue === 'linux' ? 'built in' : kqueue}`;
    const points = lines.get(name) ?? [];
    points.push({ at, ns: median(samples) });
    lines.set(name, points);
  }
  return [...lines].map(([name, points]) => ({ name, points }));
}

function timeLabel(exponent: number): string {
  const units = ['ns', 'µs', 'ms', 's'];
  const step = Math.min(Math.floor(exponent / 3), units.length - 1);
  return `${10 ** (exponent - step * 3)} ${units[step]}`;
}

/** The cost of an event against how many idle descriptors there are, on logarithmic axes. */
export function plot({ rows, what }: Result, caption: string): string {
  const lines = linesOf(rows);
  const points = lines.flatMap((line) => line.points);
  const x = decades(points.map(({ at }) => at));
  const y = decades(points.map(({ ns }) => ns));
  const xs = (at: number): number => LEFT + ((Math.log10(at) - x.low) / (x.high - x.low)) * (WIDTH - LEFT - RIGHT);
  const ys = (ns: number): number =>
    HEIGHT - BOTTOM - ((Math.log10(ns) - y.low) / (y.high - y.low)) * (HEIGHT - TOP - BOTTOM);
  const span = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

  const grid = [
    ...span(x.low, x.high).map((exponent) => {
      const at = xs(10 ** exponent).toFixed(1);
      return `<line class="grid" x1="${at}" y1="${TOP}" x2="${at}" y2="${HEIGHT - BOTTOM}"/>
<text x="${at}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${(10 ** exponent).toLocaleString('en')}</text>`;
    }),
    ...span(y.low, y.high).map((exponent) => {
      const at = ys(10 ** exponent).toFixed(1);
      return `<line class="grid" x1="${LEFT}" y1="${at}" x2="${WIDTH - RIGHT}" y2="${at}"/>
<text x="${LEFT - 8}" y="${Number(at) + 4}" text-anchor="end">${timeLabel(exponent)}</text>`;
    }),
  ];

  // Labels stand at the ends of their lines, from the top down, as far apart as they are high.
  let above = 0;
  const ends = lines
    .map((line, i) => ({ line, colour: COLOURS[i % COLOURS.length], end: line.points.at(-1) ?? { at: 1, ns: 1 } }))
    .sort((a, b) => b.end.ns - a.end.ns);
  const drawn = ends.map(({ line, colour, end }, i) => {
    const left = (ends.length - 1 - i) * LABEL_STEP;
    above = Math.min(Math.max(ys(end.ns), above + LABEL_STEP), HEIGHT - BOTTOM - 8 - left);
    const path = line.points.map(({ at, ns }) => `${xs(at).toFixed(1)},${ys(ns).toFixed(1)}`).join(' ');
    const dots = line.points.map(
      ({ at, ns }) => `<circle cx="${xs(at).toFixed(1)}" cy="${ys(ns).toFixed(1)}" r="3" fill="${colour}"/>`,
    );
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>
${dots.join('')}
<line x1="${xs(end.at).toFixed(1)}" y1="${ys(end.ns).toFixed(1)}" x2="${WIDTH - RIGHT + 14}" y2="${above.toFixed(1)}" stroke="${colour}" stroke-dasharray="1 3"/>
<rect x="${WIDTH - RIGHT + 16}" y="${(above - 5).toFixed(1)}" width="10" height="10" fill="${colour}"/>
<text x="${WIDTH - RIGHT + 32}" y="${(above + 4).toFixed(1)}">${line.name}</text>`;
  });

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${what}">
<title>${what}</title>
<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-size: 15px; font-weight: 600; }
.grid { stroke: #d0d7de; }
.paper { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .grid { stroke: #3d444d; }
  .paper { fill: #0d1117; }
}
</style>
<rect class="paper" width="${WIDTH}" height="${HEIGHT}"/>
<text class="title" x="${LEFT}" y="20">The cost of one event while other descriptors are idle</text>
<text x="${LEFT}" y="38">${caption}</text>
${grid.join('\n')}
${drawn.join('\n')}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 12}" text-anchor="middle">registered descriptors that are idle</text>
<text transform="translate(14 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">time of one event</text>
</svg>
`;
}
