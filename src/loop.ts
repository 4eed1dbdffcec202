import { atExit } from './exit.ts';
import { duplicate, release } from './sys/descriptor.ts';
import { EV_SET, KeventList } from './sys/kevent-list.ts';
import { koffi } from './sys/koffi.ts';
import { addToLoopEpoll } from './sys/libuv.ts';
import { clearImmediate, clearTimeout, isMainThread, setImmediate, setTimeout } from './sys/runtime.ts';
import type { Sys } from './sys/sys.ts';

/**
 * Tells, within Node's event loop, when a queue is worth a look. No thread waits, and none of libuv's pool is held.
 * `ready` is called in a turn of its own, in which promises settle, and never between rest() and the next watch().
 */
export interface Watcher {
  /** Somebody waits from now on. */
  watch(): void;
  /** Nobody waits any more. */
  rest(): void;
  /** Whether to keep the process running for whoever waits. */
  hold(held: boolean): void;
  close(): void;
}

/** The way of waiting that suits the queue and the runtime. */
export function createWatcher(sys: Sys, kq: number, held: boolean, ready: () => void): Watcher {
  return sys.pollable && canPoll() ? new PollWatcher(sys, kq, held, ready) : new IntervalWatcher(held, ready);
}

/**
 * Whether koffi's poll handles work here. They are libuv's, which Bun and Deno only pretend to have. And one that fires
 * while Node takes its thread down aborts the process: on the main thread that can be prevented ({@link listen}), in a
 * worker that is terminated nothing of ours runs any more.
 */
function canPoll(): boolean {
  const { bun, deno } = process.versions;
  return isMainThread() && bun === undefined && deno === undefined && typeof koffi().node?.poll === 'function';
}

/**
 * Whether libuv's own queue takes this one. macOS counts how deep queues watch queues, and refuses (EINVAL) one that is
 * deeper than whoever is to watch it, once that has watched anything; and koffi does not survive what libuv says then. So
 * another queue is asked that has watched one, as libuv's has after the first wait().
 */
function canNest(sys: Sys, kq: number): boolean {
  if (!sys.abi.quirks.nestingLimit) return true;
  const { EV_ADD = 0, EVFILT_READ = 0 } = sys.abi.constants;
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

/** Whether libuv can watch it. On Linux, libuv aborts the process if it cannot ({@link addToLoopEpoll}). */
function canStart(copy: number): boolean {
  return process.platform !== 'linux' || addToLoopEpoll(copy);
}

const started: Set<PollWatcher> = new Set();
/** Those that wait for the loop to turn after 'exit', which it does only if someone else emitted that event. */
const suspended: Set<PollWatcher> = new Set();
let exiting = false;

// After 'exit' Node turns the loop once more, to close its own handles, and JavaScript may not run any more. Listens from
// the start: a listener that is added while 'exit' is being emitted, by a first wait() in another listener, is not called.
const listen = atExit(
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
  // koffi holds it weakly; but its callback, which koffi holds, holds this object.
  #handle: PollHandle | undefined;
  /** Takes its place for a wait in which libuv cannot watch. */
  readonly #substitute: IntervalWatcher;
  #held: boolean;
  #started = false;
  #watching = false;
  #referenced = true;
  #turn: NodeJS.Immediate | undefined;
  #pausing: NodeJS.Immediate | undefined;

  constructor(sys: Sys, kq: number, held: boolean, ready: () => void) {
    this.#sys = sys;
    this.#kq = kq;
    this.#held = held;
    this.#ready = ready;
    this.#substitute = new IntervalWatcher(held, ready);
  }

  // Whatever the status that libuv passes, the look that follows tells what is the matter.
  readonly #fired = (): void => {
    // Here, because libuv reaps the children of Node after this callback and before the look.
    this.#sys.collectExits?.(this.#kq);
    // Not here: libuv calls this outside of what Node calls a callback scope, and a promise that is settled here would
    // wait for the next thing that happens. It also lets timers and I/O have their turn between two looks.
    this.#turn ??= setImmediate(this.#look);
    // After the look, and after the promises that it settles: mostly somebody waits again by then.
    this.#pausing ??= setImmediate(this.#pause);
  };

  readonly #look = (): void => {
    this.#turn = undefined;
    if (this.#watching) this.#ready();
  };

  /** Nobody waits: a handle that is left started goes on firing, and aborts the process when Node ends without 'exit'. */
  readonly #pause = (): void => {
    this.#pausing = undefined;
    if (this.#watching) listen();
    else this.#stop();
  };

  watch(): void {
    this.#watching = true;
    // Each wait tries again: the next one may find a free descriptor, or fewer queues that watch each other.
    if (this.#start()) this.#reference(this.#held);
    else this.#substitute.watch();
  }

  /** False where libuv cannot watch the queue now. */
  #start(): boolean {
    if (this.#started) return true;
    if (exiting) {
      suspended.add(this);
      return true;
    }
    // At each start: what the queue watches may have made it deeper since the last one.
    if (!canNest(this.#sys, this.#kq)) return false;
    if (this.#handle === undefined) this.#open();
    else this.#handle.start(READABLE, this.#fired);
    if (this.#handle === undefined) return false;
    // Afterwards, as to start takes it out of libuv's epoll first. It may watch more queues than when it was made.
    if (!canStart(this.#copy)) {
      this.#handle.stop();
      return false;
    }
    listen();
    this.#started = true;
    started.add(this);
    return true;
  }

  /** Makes the handle, which is started then, unless libuv cannot watch the queue. */
  #open(): void {
    // Never the public descriptor: one that its owner closes under the handle aborts the process.
    const copy = duplicate(this.#kq);
    if (copy === -1) return;
    if (!canStart(copy)) {
      release(copy);
      return;
    }
    this.#copy = copy;
    this.#handle = koffi().node.poll(copy, READABLE, this.#fired) as unknown as PollHandle;
  }

  #stop(): void {
    if (!this.#started) return;
    this.#started = false;
    started.delete(this);
    this.#handle?.stop();
  }

  suspend(): void {
    this.#stop();
    suspended.add(this);
  }

  resume(): void {
    if (this.#watching) this.watch();
  }

  rest(): void {
    this.#watching = false;
    this.#substitute.rest();
    this.#reference(false);
    // Referenced: the loop turns once more, even if nothing else is left for it to do.
    this.#pausing ??= setImmediate(this.#pause);
  }

  hold(held: boolean): void {
    this.#held = held;
    this.#substitute.hold(held);
    if (this.#watching) this.#reference(held);
  }

  #reference(referenced: boolean): void {
    if (this.#handle === undefined || referenced === this.#referenced) return;
    this.#referenced = referenced;
    if (referenced) this.#handle.ref();
    else this.#handle.unref();
  }

  close(): void {
    this.rest();
    this.#started = false;
    started.delete(this);
    // Where JavaScript is stopped in between, close() is called again.
    if (this.#handle !== undefined) {
      this.#handle.close();
      // After close(), ref() and stop() of koffi's handle dereference null.
      this.#handle = undefined;
    }
    release(this.#copy);
    this.#copy = -1;
  }
}

/** The longest time between two looks, in milliseconds. */
const LONGEST = 16;

/** Looks at short, growing intervals, where the descriptor cannot be polled: libkqueue; Bun and Deno; deep nests of queues. */
class IntervalWatcher implements Watcher {
  readonly #ready: () => void;
  #held: boolean;
  #watching = false;
  #interval = 0;
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;

  constructor(held: boolean, ready: () => void) {
    this.#held = held;
    this.#ready = ready;
  }

  readonly #look = (): void => {
    this.#turn = undefined;
    this.#timer = undefined;
    this.#ready();
    // ready() may have led to rest(), and that to another watch(), which has seen to the next look already.
    if (!this.#watching || this.#turn !== undefined) return;
    this.#interval = Math.min(this.#interval * 2 || 1, LONGEST);
    this.#timer = setTimeout(this.#look, this.#interval);
    if (!this.#held) this.#timer.unref();
  };

  watch(): void {
    this.#watching = true;
    this.#interval = 0;
    this.#turn = setImmediate(this.#look);
    if (!this.#held) this.#turn.unref();
  }

  rest(): void {
    this.#watching = false;
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    this.#timer = undefined;
    this.#turn = undefined;
  }

  hold(held: boolean): void {
    this.#held = held;
    const pending = this.#timer ?? this.#turn;
    if (held) pending?.ref();
    else pending?.unref();
  }

  close(): void {
    this.rest();
  }
}
