import { type Abi, type AbiName, abis, type Layout, abi as systemAbi } from '../sys/index.ts';
import { parse, UsageError } from './arguments.ts';
import { paint, print } from './terminal.ts';

const names = Object.keys(abis).join(', ');

export const help: string = `kqueue-ffi abi: struct kevent with its offsets, sizes and padding, and the
constants of <sys/event.h>. It needs no kqueue.

Usage: kqueue-ffi abi [--of NAME] [--of NAME]
       kqueue-ffi abi [NAME] [NAME]

  --of NAME   the system; this one if absent. Two names: side by side.
              Constants that differ are marked with *

Names: ${names.replace('dragonfly, ', 'dragonfly,\n       ')}`;

/** A row of a drawing has so many bytes: the alignment of the longest member. */
const ROW = 8;
/** Columns of one byte in a drawing. Two drawings then fit side by side. */
const CELL = 4;

export function run(args: string[]): number {
  const { values, positionals } = parse({
    args,
    options: { of: { type: 'string', multiple: true, default: [] as string[] } },
    allowPositionals: true,
  });
  const chosen = [...values.of, ...positionals].map((name) => {
    if (!Object.hasOwn(abis, name)) throw new UsageError(`NAME: expected one of ${names}, got ${name}`);
    return abis[name as AbiName];
  });
  if (chosen.length > 2) throw new UsageError(`NAME: expected at most two systems, got ${chosen.length}`);
  const [first = systemAbi, second] = chosen;
  for (const line of page(second === undefined ? [first] : [first, second])) print(line);
  return 0;
}

/** The lines for one system, or for two side by side. */
export function page(shown: readonly Abi[]): string[] {
  return [...beside(shown.map(struct)), '', ...constants(shown)];
}

function beside(blocks: readonly (readonly string[])[]): string[] {
  const width = Math.max(...(blocks[0] ?? []).map((line) => line.length)) + 3;
  return Array.from({ length: Math.max(...blocks.map((lines) => lines.length)) }, (_, i) => {
    const [left = '', right] = blocks.map((lines) => lines[i] ?? '');
    const line = right === undefined ? left : `${left.padEnd(width)}${right}`.trimEnd();
    return i === 0 ? paint('bold', line) : line;
  });
}

function struct({ title, name, kevent }: Abi): string[] {
  const struct = name === 'darwin64' ? 'kevent64_s' : 'kevent';
  const parts = partsOf(kevent);
  const head = [`${title}: struct ${struct}`, `${kevent.size} bytes, alignment ${kevent.align}`, ''];
  const table = parts.map(
    ({ name, type, offset, size }) =>
      `${String(offset).padStart(6)}${String(size).padStart(6)}  ${name.padEnd(8)}${type}`,
  );
  return [...head, ...drawing(parts, kevent.size), '', 'offset  size  field   type', ...table];
}

interface Part {
  readonly name: string;
  readonly type: string;
  readonly offset: number;
  readonly size: number;
}

/** The members, and the padding between and after them. */
function partsOf({ fields, size }: Layout): Part[] {
  const parts: Part[] = [];
  let end = 0;
  const pad = (next: number): void => {
    if (next > end) parts.push({ name: '(padding)', type: '', offset: end, size: next - end });
  };
  for (const field of fields) {
    pad(field.offset);
    parts.push(field);
    end = field.offset + field.size;
  }
  pad(size);
  return parts;
}

/** One line for each row of bytes, and the lines between them. */
function drawing(parts: readonly Part[], size: number): string[] {
  const label = (text: string): string => `${text.padStart(3)} `;
  const owner = (byte: number): number => parts.findIndex(({ offset, size }) => offset <= byte && byte < offset + size);
  const lines = [`${label('')} ${Array.from({ length: ROW }, (_, i) => String(i).padEnd(CELL)).join('')}`.trimEnd()];
  for (let row = 0; row <= size; row += ROW) {
    lines.push(label('') + border(row, size, owner));
    if (row === size) break;
    let text = '|';
    for (const part of parts.filter(({ offset, size }) => offset < row + ROW && offset + size > row)) {
      const bytes = Math.min(part.offset + part.size, row + ROW) - Math.max(part.offset, row);
      // A member of several rows is named in its first.
      const name = part.offset >= row ? ` ${part.name}` : '';
      text += `${name.padEnd(bytes * CELL - 1)}|`;
    }
    lines.push(label(String(row)) + text);
  }
  return lines;
}

/** The line above a row: open where a member goes on from the row above. */
function border(row: number, size: number, owner: (byte: number) => number): string {
  let text = '+';
  for (let byte = row; byte < row + ROW; byte++) {
    const goesOn = row > 0 && row < size && owner(byte) === owner(byte - ROW);
    const ends = byte === row + ROW - 1;
    const starts = (at: number): boolean => at % ROW === 0 || owner(at) !== owner(at - 1);
    const corner = ends || (row < size && starts(byte + 1)) || (row > 0 && starts(byte + 1 - ROW));
    text += (goesOn ? ' ' : '-').repeat(CELL - 1) + (corner ? '+' : goesOn ? ' ' : '-');
  }
  return text;
}

const GROUPS = [
  ['EVFILT_', 'Filters'],
  ['EV_', 'Flags'],
  ['NOTE_', 'Notes'],
  ['', 'Other'],
] as const;

function constants(shown: readonly Abi[]): string[] {
  const lines: string[] = [];
  const all = [...new Set(shown.flatMap((abi) => Object.keys(abi.constants)))];
  const width = Math.max(...all.map((name) => name.length)) + 2;
  for (const [index, [prefix, title]] of GROUPS.entries()) {
    const earlier = GROUPS.slice(0, index).map(([one]) => one);
    const group = all.filter((name) => name.startsWith(prefix) && !earlier.some((one) => name.startsWith(one)));
    if (group.length === 0) continue;
    const columns = shown.length === 1 ? '' : shown.map(({ name }) => name.padEnd(14)).join('');
    lines.push(`${paint('bold', title.padEnd(width))}${columns}`.trimEnd());
    for (const name of group) {
      const values = shown.map((abi) => abi.constants[name]);
      const differ = values.some((value) => value !== values[0]);
      const cells = values.map((value) => (value === undefined ? '-' : number(prefix, value)).padEnd(14));
      lines.push(`${name.padEnd(width)}${cells.join('')}${differ ? '*' : ''}`.trimEnd());
    }
  }
  return lines;
}

/** Filters are small numbers, all others are bits. */
function number(prefix: string, value: number): string {
  return prefix === 'EVFILT_' ? String(value) : `0x${value.toString(16)}`;
}
