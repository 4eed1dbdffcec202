/** A queue, to another queue that watches it. */
export interface Pending {
  /** How many knotes may have something to report. */
  pending(): number;
}

/** The queues of this isolate by descriptor. */
export const queues: Map<number, Pending> = new Map();
