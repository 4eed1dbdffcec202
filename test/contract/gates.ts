import { featureGates, type Gate } from './case.ts';
import { cases } from './cases.ts';

/** One line of the table: where what does not hold, and why. */
export interface Row {
  readonly on: string;
  readonly version: string;
  readonly what: string;
  readonly reason: string;
}

/** The order in which kqueues are told of. */
const ORDER = ['darwin', 'freebsd', 'openbsd', 'netbsd', 'dragonfly', 'linux', 'libkqueue'];

/** Every gate there is, by kqueue. */
export function gateTable(): Row[] {
  const rows = (gates: readonly Gate[], what: string): Row[] =>
    gates.flatMap(({ on, version = '', reason }) => [on].flat().map((name) => ({ on: name, version, what, reason })));
  const all = [
    ...featureGates.flatMap((gate) => rows([gate], `all that need ${gate.needs.map(plain).join(', ')}`)),
    ...cases.flatMap(({ name, gates = [] }) => rows(gates, name)),
  ];
  return ORDER.flatMap((name) => all.filter(({ on }) => on === name)).concat(
    all.filter(({ on }) => !ORDER.includes(on)),
  );
}

function plain(need: string): string {
  return need.replaceAll('|', ' or ');
}

const HEAD: Row = { on: 'kqueue', version: 'version', what: 'what does not hold', reason: 'what it does instead' };

/** The table for a terminal. */
export function plainTable(rows: readonly Row[]): string {
  return rows.map(({ on, version, what, reason }) => `${`${on} ${version}`.trim()}: ${what}\n    ${reason}`).join('\n');
}

/** The table for a page. */
export function markdownTable(rows: readonly Row[]): string {
  const line = ({ on, version, what, reason }: Row): string =>
    `| ${[on, version, what, reason].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(HEAD), '| --- | --- | --- | --- |', ...rows.map(line)].join('\n');
}

const BEGIN = '<!-- gates: npm run contract -- --docs -->';
const END = '<!-- /gates -->';

/** The page with the table as it must be between its marks; both marks are appended where they are missing. */
export function withTable(page: string): string {
  const table = `${BEGIN}\n\n${markdownTable(gateTable())}\n\n${END}`;
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin === -1 || end < begin) return `${page.trimEnd()}\n\n${table}\n`;
  return page.slice(0, begin) + table + page.slice(end + END.length);
}
