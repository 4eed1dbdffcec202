import { atExit } from './exit.ts';
import { duplicate, release } from './sys/descriptor.ts';
import { EV_SET, KeventList } from './sys/kevent-list.ts';
import { koffi } from './sys/koffi.ts';
import { addToLoopEpoll } from './sys/libuv.ts';
import { clearImmediate, clearTimeout, hasLibuv, isMainThread, setImmediate, setTimeout } from './sys/runtime.ts';
import type { Sys } from './sys/sys.ts';

/**
 * Watches a queue in Node's event loop and calls `ready` when the queue may have events. No thread waits, not even one of
 * libuv's pool. `ready` is called in a turn of its own, in which promises settle. It is not called between stop() and the next
 * start().
 */
export interface Watcher {
  start(): void;
  stop(): void;
  /** Sets whether the watcher keeps the process running while it is started. */
  setRef(ref: boolean): void;
  close(): void;
}

/** Makes the watcher that suits the queue and the runtime. */
export function createWatcher(sys: Sys, kq: number, ref: boolean, ready: () => void): Watcher {
  return sys.pollable && canPoll() ? new PollWatcher(sys, kq, ref, ready) : new IntervalWatcher(ref, ready);
}

/**
 * Reports whether koffi's poll handles work here. They are libuv's. A handle that fires while Node ends its thread aborts the
 * process. The main thread can prevent that (`atExit()` below). In a worker that is terminated no JavaScript runs that could.
 */
function canPoll(): boolean {
  return isMainThread() && hasLibuv && typeof koffi().node?.poll === 'function';
}

/**
 * Reports whether libuv's own queue can watch this one. macOS counts how deep queues watch queues. It refuses (EINVAL) a queue
 * that is deeper than its watcher, once the watcher has watched a queue. koffi does not survive the error of libuv. So this
 * function tries with another queue that has watched one, as libuv's has after the first wait().
 */
function canNest(sys: Sys, kq: number): boolean {
  if (!sys.abi.quirks.nestingLimit) return true;
  const { EV_ADD, EVFILT_READ } = sys.abi.constants;
  const list = new KeventList(1, sys.abi);
  const [outer, inner] = [sys.kqueue(), sys.kqueue()];
  const takes = (fd: number): boolean => {
    EV_SET(list, 0, fd, EVFILT_READ, EV_ADD, 0, 0, 0);
    return sys.kevent(outer, list, 1, null, 0, null) !== -1;
  };
  const nests = outer !== -1 && inner !== -1 && takes(inner) && takes(kq);
  for (const fd of [outer, inner]) if (fd !== -1) sys.close(fd);
  return nests;
}

const started: Set<PollWatcher> = new Set();
/** Watchers to start again if the loop turns after 'exit'. It does so only if a program emitted that event. */
const suspended: Set<PollWatcher> = new Set();
let exiting = false;

// After 'exit' Node turns the loop once more to close its own handles, and JavaScript may not run any more. Listen from the
// start, because a listener that another 'exit' listener adds, by a first wait(), is not called.
atExit(
  () => {
    exiting = true;
    for (const watcher of started) watcher.suspend();
  },
  () => {
    exiting = false;
    for (const watcher of suspended) watcher.resume();
    suspended.clear();
  },
);

interface PollHandle {
  start(options: { readable: boolean }, callback: () => void): void;
  stop(): void;
  close(): void;
  ref(): void;
  unref(): void;
}

const READABLE = { readable: true };

/** A libuv poll handle on a private duplicate of the queue's descriptor. */
class PollWatcher implements Watcher {
  readonly #sys: Sys;
  readonly #kq: number;
  readonly #ready: () => void;
  #copy = -1;
  // koffi holds the handle weakly. But koffi holds the callback, and the callback holds this object.
  #handle: PollHandle | undefined;
  /** Watches instead of the handle while libuv cannot watch the queue. */
  readonly #fallback: IntervalWatcher;
  #ref: boolean;
  /** Whether start() was called and stop() was not. */
  #watching = false;
  /** Whether the handle is started. It stays so for a turn after stop(), because the next wait often follows. */
  #handleStarted = false;
  #handleRef = true;
  #lookTurn: NodeJS.Immediate | undefined;
  #pauseTurn: NodeJS.Immediate | undefined;

  constructor(sys: Sys, kq: number, ref: boolean, ready: () => void) {
    this.#sys = sys;
    this.#kq = kq;
    this.#ref = ref;
    this.#ready = ready;
    this.#fallback = new IntervalWatcher(ref, ready);
  }

  // The status that libuv passes is not needed: ready() finds an error itself.
  readonly #fired = (): void => {
    // Here, because libuv reaps the children of Node after this callback and before #look.
    this.#sys.collectExits?.(this.#kq);
    // Not here: libuv calls this function outside of Node's callback scope. A promise that settles here continues only when
    // something else wakes the loop. A turn of its own also lets timers and I/O run between two looks.
    this.#lookTurn ??= setImmediate(this.#look);
    // After #look and the promises that it settles. By then the next wait has often begun.
    this.#pauseTurn ??= setImmediate(this.#pause);
  };

  readonly #look = (): void => {
    this.#lookTurn = undefined;
    if (this.#watching) this.#ready();
  };

  /** Stops the handle if no wait has begun. A started handle goes on firing, and it aborts a process that ends without 'exit'. */
  readonly #pause = (): void => {
    this.#pauseTurn = undefined;
    if (!this.#watching) this.#stopHandle();
  };

  start(): void {
    this.#watching = true;
    // Each wait tries again, because there may be a free descriptor, or fewer queues that watch each other.
    if (this.#startHandle()) this.#setHandleRef(this.#ref);
    else this.#fallback.start();
  }

  /** Returns false if libuv cannot watch the queue now. */
  #startHandle(): boolean {
    if (this.#handleStarted) return true;
    if (exiting) {
      suspended.add(this);
      return true;
    }
    // At each start, because the queue may watch deeper queues than at the last one.
    if (!canNest(this.#sys, this.#kq)) return false;
    // First. If JavaScript is stopped after the start, the process must not end while the handle is started.
    started.add(this);
    if (this.#handle === undefined) this.#openHandle();
    else {
      this.#handle.start(READABLE, this.#fired);
      this.#handleStarted = true;
    }
    // After the start, which first removes the descriptor from libuv's epoll. The queue may watch more queues by now.
    if (this.#handle !== undefined && addToLoopEpoll(this.#copy)) return true;
    this.#stopHandle();
    return false;
  }

  /** Makes the handle, which is then started. Makes none if libuv cannot watch the queue. */
  #openHandle(): void {
    // Not the public descriptor: if a program closes that while the handle is started, libuv aborts the process.
    // A call that was stopped may have left one. No function is called before the member has the number.
    if (this.#copy === -1) this.#copy = duplicate(this.#kq);
    if (this.#copy === -1) return;
    if (!addToLoopEpoll(this.#copy)) {
      release(this.#copy);
      this.#copy = -1;
      return;
    }
    this.#handle = koffi().node.poll(this.#copy, READABLE, this.#fired) as unknown as PollHandle;
    this.#handleStarted = true;
    // Until start() is complete, the handle does not keep the process running.
    this.#handle.unref();
    this.#handleRef = false;
  }

  #stopHandle(): void {
    started.delete(this);
    if (!this.#handleStarted) return;
    this.#handleStarted = false;
    this.#handle?.stop();
  }

  suspend(): void {
    this.#stopHandle();
    suspended.add(this);
  }

  resume(): void {
    if (this.#watching) this.start();
  }

  stop(): void {
    this.#watching = false;
    this.#fallback.stop();
    this.#setHandleRef(false);
    // This immediate keeps the process running for one turn, so that #pause runs.
    this.#pauseTurn ??= setImmediate(this.#pause);
  }

  setRef(ref: boolean): void {
    this.#ref = ref;
    this.#fallback.setRef(ref);
    if (this.#watching) this.#setHandleRef(ref);
  }

  #setHandleRef(ref: boolean): void {
    if (this.#handle === undefined || ref === this.#handleRef) return;
    this.#handleRef = ref;
    if (ref) this.#handle.ref();
    else this.#handle.unref();
  }

  close(): void {
    this.stop();
    this.#handleStarted = false;
    started.delete(this);
    // If JavaScript is stopped between these steps, close() is called again.
    if (this.#handle !== undefined) {
      this.#handle.close();
      // After close(), ref() and stop() of koffi's handle dereference null.
      this.#handle = undefined;
    }
    if (this.#copy !== -1) release(this.#copy);
    this.#copy = -1;
  }
}

/** The longest time between two calls of `ready`, in milliseconds. */
const LONGEST_INTERVAL = 16;

/** Calls `ready` at short, growing intervals. For descriptors that libuv cannot watch: libkqueue, Bun, Deno, deep nesting. */
class IntervalWatcher implements Watcher {
  readonly #ready: () => void;
  #ref: boolean;
  #watching = false;
  #interval = 0;
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;

  constructor(ref: boolean, ready: () => void) {
    this.#ref = ref;
    this.#ready = ready;
  }

  readonly #look = (): void => {
    this.#turn = undefined;
    this.#timer = undefined;
    this.#ready();
    // ready() may call stop() and then start(), which has set the next turn already.
    if (!this.#watching || this.#turn !== undefined) return;
    this.#interval = Math.min(this.#interval * 2 || 1, LONGEST_INTERVAL);
    this.#timer = setTimeout(this.#look, this.#interval);
    if (!this.#ref) this.#timer.unref();
  };

  start(): void {
    this.#watching = true;
    this.#interval = 0;
    this.#turn = setImmediate(this.#look);
    if (!this.#ref) this.#turn.unref();
  }

  stop(): void {
    this.#watching = false;
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    this.#timer = undefined;
    this.#turn = undefined;
  }

  setRef(ref: boolean): void {
    this.#ref = ref;
    const pending = this.#timer ?? this.#turn;
    if (ref) pending?.ref();
    else pending?.unref();
  }

  close(): void {
    this.stop();
  }
}
