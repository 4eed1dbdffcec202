/** Code that no test on Linux can run. */
export interface Left {
  /** Under src/. */
  readonly file: string;
  /** A piece of one line that is in the file once: that line, and the block that it opens. */
  readonly code: string;
  readonly reason: string;
}

export const left: readonly Left[] = [];
