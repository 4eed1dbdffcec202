import { type Gate, sharedGates } from './case.ts';
import { cases } from './cases.ts';
import type { Result } from './runner.ts';

/** One line of the table: where what does not hold, and why. */
export interface Row {
  readonly on: string;
  readonly version: string;
  /** Cases, one a line. */
  readonly what: string;
  readonly reason: string;
  readonly source: string;
}

/** The order of the sections. */
const ORDER = ['darwin', 'freebsd', 'openbsd', 'netbsd', 'dragonfly', 'linux', 'libkqueue'];

/** Every gate there is, by kqueue; those with one reason together. */
export function gateTable(): Row[] {
  const rows = (gates: readonly Gate[], what: string): Row[] =>
    gates.flatMap(({ on, version = '', reason, source }) =>
      [on].flat().map((name) => ({ on: name, version, what, reason, source })),
    );
  const all = [
    ...sharedGates.flatMap((gate) => [
      ...(gate.needs === undefined ? [] : rows([gate], `everything that needs ${gate.needs.map(plain).join(', ')}`)),
      ...(gate.cases ?? []).flatMap((name) => rows([gate], name)),
    ]),
    ...cases.flatMap(({ name, gates = [] }) => rows(gates, name)),
  ];
  const rank = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  const merged = new Map<string, Row>();
  for (const row of all) {
    const key = JSON.stringify([row.on, row.version, row.reason, row.source]);
    const first = merged.get(key);
    merged.set(key, first === undefined ? row : { ...first, what: `${first.what}\n${row.what}` });
  }
  return [...merged.values()].sort((a, b) => rank(a.on) - rank(b.on));
}

function plain(need: string): string {
  return need.replaceAll('|', ' or ');
}

/** A run for a page: its last line, then the cases that failed and those that were gated, with the reasons. */
export function summary(title: string, last: string, results: readonly Result[]): string {
  const list = (outcome: Result['outcome']): string[] =>
    results
      .filter((result) => result.outcome === outcome)
      .map(({ name, reason = '' }) => `- ${outcome}: ${name} (${reason.split('\n')[0]})`);
  return [`### ${title}`, '', `**${last}**`, '', ...list('failed'), ...list('gated'), '', ''].join('\n');
}

/** The table for a terminal. */
export function plainTable(rows: readonly Row[]): string {
  return rows
    .map(
      ({ on, version, what, reason, source }) =>
        `${`${on} ${version}`.trim()}: ${reason} (${source})\n${what.replace(/^/gm, '    ')}`,
    )
    .join('\n');
}

const TITLES: Readonly<Record<string, string>> = {
  darwin: 'macOS',
  freebsd: 'FreeBSD',
  openbsd: 'OpenBSD',
  netbsd: 'NetBSD',
  dragonfly: 'DragonFly',
  linux: 'The kqueue built in for Linux',
};

/** So many cases are shown in a cell; of more, all but the first are folded. */
const FEW = 3;

/** The table for a page: a section for each kqueue, in which one reason is one row. */
export function markdownTable(rows: readonly Row[]): string {
  const names = [...new Set(rows.map(({ on }) => on))];
  return names
    .map((name) =>
      section(
        name,
        rows.filter(({ on }) => on === name),
      ),
    )
    .join('\n\n');
}

function section(name: string, rows: readonly Row[]): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const cases = ({ what }: Row): string => {
    const [first = '', ...more] = what.split('\n').map(cell);
    if (more.length < FEW) return [first, ...more].join('<br>');
    return `${first}<details><summary>and ${more.length} more</summary>${more.join('<br>')}</details>`;
  };
  return [
    `### ${TITLES[name] ?? name}`,
    '',
    '| cases that do not hold | what happens instead | versions | source |',
    '| --- | --- | --- | --- |',
    ...rows.map((row) => `| ${cases(row)} | ${cell(row.reason)} | ${bound(row)} | ${cell(row.source)} |`),
  ].join('\n');
}

function bound({ on, version }: Row): string {
  const [, operator, number] = /^(<|>=) (.*)$/.exec(version) ?? [];
  if (number === undefined) return 'all';
  const release = on === 'darwin' ? `Darwin ${number}` : number;
  return operator === '<' ? `before ${release}` : `since ${release}`;
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
