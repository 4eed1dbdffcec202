import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';

/** The width of output that is not a terminal, and of a terminal that reports 0 columns, as script(1) makes one. */
const WIDTH = 80;

type Style = Parameters<typeof styleText>[0];

/** Standard output is a stream that may be a terminal. The types of Node say that each stream is one. */
const stdout: Partial<WriteStream> & NodeJS.WritableStream = process.stdout;
const stderr: Partial<WriteStream> & NodeJS.WritableStream = process.stderr;

/** Colours the text on a terminal. styleText() respects NO_COLOR and FORCE_COLOR. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

export function print(line: string): void {
  stdout.write(`${line}\n`);
}

/** The text without control characters. A file's name may have them, and a terminal obeys them. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to replace.
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}

/** The text as one line of a terminal: too long a line ends in `...`. In a file or a pipe the line stays whole. */
export function fit(text: string): string {
  return stdout.isTTY ? cut(text, stdout.columns || WIDTH) : text;
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 3))}...`;
}

/** Breaks a text at its spaces into lines for 80 columns. All lines but the first begin with `indent` spaces. */
export function wrap(text: string, indent: number): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > WIDTH - indent) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join(`\n${' '.repeat(indent)}`);
}

/**
 * The last line of a terminal, on standard error: the program writes it again and again in place. If standard error is a
 * file or a pipe, nothing is written.
 */
export class StatusLine {
  #shown = false;

  show(text: string): void {
    if (!stderr.isTTY || process.env['TERM'] === 'dumb') return;
    // One column less: a full line makes some terminals wrap.
    stderr.write(`\r\u001b[2K${cut(text, (stderr.columns || WIDTH) - 1)}`);
    this.#shown = true;
  }

  /** Removes the line, before other output and at the end. */
  clear(): void {
    if (this.#shown) stderr.write('\r\u001b[2K');
    this.#shown = false;
  }
}
