import { existsSync, readlinkSync } from 'node:fs';

/** A queue, to another queue that watches it. */
export interface Pending {
  /** How many knotes may have something to report. */
  pending(): number;
}

/** The queues of this isolate by descriptor. */
export const queues: Map<number, Pending> = new Map();

/** The queue whose descriptor this is: not one that was closed behind our back, whose number is another file's by now. */
export function queueAt(fd: number): Pending | undefined {
  const queue = queues.get(fd);
  if (queue === undefined) return undefined;
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).includes('[eventpoll]') ? queue : undefined;
  } catch {
    // What is closed has no link. Nor has anything where /proc is not mounted, and then the number has to do.
    return existsSync('/proc/self/fd') ? undefined : queue;
  }
}
