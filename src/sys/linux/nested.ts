import { linkOf, readLink } from './syscalls.ts';

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
  const link = linkOf(fd);
  if (link !== undefined) return link.includes('[eventpoll]') ? queue : undefined;
  // A closed descriptor has no link. Where /proc is not mounted none has one, and then the number has to do.
  return readLink('/proc/self') === undefined ? queue : undefined;
}
