// The package comes without types.
declare module '@bcoe/v8-coverage' {
  import type { Profiler } from 'node:inspector';

  export interface ProcessCov {
    result: Profiler.ScriptCoverage[];
  }
  /** Adds up what several processes counted. */
  export function mergeProcessCovs(processes: readonly ProcessCov[]): ProcessCov;
}
