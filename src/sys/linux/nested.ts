/** A queue, to queues that watch it and that it watches. */
export interface Nested {
  /** How many knotes may have something to report. */
  pending(): number;
  /** The queues that it watches, and those that watch it. */
  readonly inner: Set<Nested>;
  readonly outer: Set<Nested>;
}

/** The queues of this isolate by descriptor. */
export const queues: Map<number, Nested> = new Map();

/**
 * The kernel takes five epolls in each other, and libuv aborts the process when its own cannot take a queue. So that it always
 * can: its own, three queues, and the one that the innermost may have for EVFILT_WRITE.
 */
const DEEPEST = 3;

function levels(queue: Nested, side: 'inner' | 'outer'): number {
  let deepest = 0;
  for (const next of queue[side]) deepest = Math.max(deepest, levels(next, side));
  return deepest + 1;
}

/** Whether there would be more queues in each other than there may be, if `outer` watched `inner`. */
export function nestsTooDeep(outer: Nested, inner: Nested): boolean {
  return levels(outer, 'outer') + levels(inner, 'inner') > DEEPEST;
}
