import { StatusLine } from '../../src/cli/terminal.ts';

/** Between two updates of the line, in milliseconds. */
const PAUSE = 200;

/**
 * The progress of a long run, as the last line of a terminal: how far it is, how long it still takes, what runs. If standard
 * error is a file or a pipe, nothing is written.
 */
export class Progress {
  readonly #line = new StatusLine();
  readonly #start = performance.now();
  #shown = Number.NEGATIVE_INFINITY;

  /** @param done the part that is done, from 0 to 1 */
  show(what: string, done: number): void {
    const now = performance.now();
    if (now - this.#shown < PAUSE) return;
    this.#shown = now;
    const elapsed = now - this.#start;
    // The first percent says too little about the rest.
    const left = done < 0.01 ? '' : `, ${duration((elapsed / done) * (1 - done))} left`;
    this.#line.show(`${Math.floor(done * 100)} %${left}: ${what}`);
  }

  /** Removes the line: before other output, and at the end. The next show() writes it again. */
  clear(): void {
    this.#line.clear();
    this.#shown = Number.NEGATIVE_INFINITY;
  }
}

/** `45 s`, `3 min` */
function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 100 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
