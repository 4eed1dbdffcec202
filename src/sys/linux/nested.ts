/** A queue, to another queue that watches it. */
export interface Pending {
  /** How many knotes may have something to report. */
  pending(): number;
  /** Whether its number still is this queue's. */
  isOpen(): boolean;
  /** Whether some of its knotes become active only while Node's loop turns. */
  needsLoop(): boolean;
}

/** The queues of this isolate by descriptor. */
export const queues: Map<number, Pending> = new Map();

/** The queue whose descriptor this is. A queue that was closed without close() may have left its number to another file. */
export function queueAt(fd: number): Pending | undefined {
  const queue = queues.get(fd);
  return queue?.isOpen() ? queue : undefined;
}
