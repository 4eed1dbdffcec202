/** The members of a queue that another queue, which watches it, uses. */
export interface InnerQueue {
  /** The number of knotes that may have something to report. */
  readyCount(): number;
  /** Whether its descriptor is still this queue. */
  isOpen(): boolean;
  /** Whether some of its knotes can become active only while Node's loop turns. */
  needsLoop(): boolean;
  /**
   * Makes the knotes active whose timers have expired, and arms the timerfd, which has one deadline, for the next. Otherwise only a
   * fetch of this queue does that.
   */
  expireTimers(): void;
  /** Reads the status of each process that has exited, before the parent reaps the process. */
  takeStatuses(): void;
}

/** The queues of this isolate by descriptor. sys.ts alone adds and removes them. */
export const queues: Map<number, InnerQueue> = new Map();

/** The queue with this descriptor. Not a queue that was closed without close(), whose number may belong to another file. */
export function queueAt(fd: number): InnerQueue | undefined {
  const queue = queues.get(fd);
  return queue?.isOpen() ? queue : undefined;
}
