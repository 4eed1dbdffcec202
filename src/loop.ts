import { duplicate, release } from './sys/descriptor.ts';
import { EV_SET, KeventList } from './sys/kevent-list.ts';
import { koffi } from './sys/koffi.ts';
import { admit } from './sys/libuv.ts';
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
  if (sys.pollable && canPoll() && canNest(sys, kq)) {
    // Never the public descriptor: one that its owner closes under the handle aborts the process.
    const copy = duplicate(kq);
    if (copy !== -1 && canStart(copy)) {
      return new PollWatcher(copy, held, ready, () => sys.collectExits?.(kq));
    }
    if (copy !== -1) release(copy);
  }
  return new IntervalWatcher(held, ready);
}

/**
 * Whether koffi's poll handles work here. They are libuv's, which Bun and Deno only pretend to have. And one that fires
 * while Node takes its thread down aborts the process: on the main thread that can be prevented ({@link stopAtExit}), in a
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

/** Whether libuv survives to watch it, on Linux, where it does what {@link admit} says. */
function canStart(copy: number): boolean {
  return process.platform !== 'linux' || admit(copy);
}

const started: Set<PollHandle> = new Set();
let exiting = false;

/** After 'exit' Node turns the loop once more, to close its own handles, and JavaScript may not run any more. */
function stopAtExit(): void {
  exiting = true;
  for (const handle of started) handle.stop();
}
// From the start: a listener that is added while 'exit' is told, by a first wait() in another listener, is not called.
process.once('exit', stopAtExit);

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
  readonly #copy: number;
  readonly #ready: () => void;
  readonly #collectExits: () => void;
  // koffi holds it weakly; but its callback, which koffi holds, holds this object.
  readonly #handle: PollHandle;
  /** Takes its place for a wait in which libuv cannot watch. */
  readonly #substitute: IntervalWatcher;
  #held: boolean;
  #started = false;
  #watching = false;
  #closed = false;
  #referenced = true;
  #turn: NodeJS.Immediate | undefined;

  constructor(copy: number, held: boolean, ready: () => void, collectExits: () => void) {
    this.#copy = copy;
    this.#held = held;
    this.#ready = ready;
    this.#collectExits = collectExits;
    this.#substitute = new IntervalWatcher(held, ready);
    this.#handle = koffi().node.poll(copy, READABLE, this.#fired) as unknown as PollHandle;
    this.#handle.stop();
    this.#start();
    this.#reference(false);
  }

  // Whatever the status that libuv passes, the look that follows tells what is the matter.
  readonly #fired = (): void => {
    // Here, because libuv reaps the children of Node after this callback and before the look.
    this.#collectExits();
    if (!this.#watching) {
      // Left started after a wait, because the next one mostly follows. But it goes on firing until somebody fetches.
      this.#stop();
      return;
    }
    // Not here: libuv calls this outside of what Node calls a callback scope, and a promise that is settled here would
    // wait for the next thing that happens. It also lets timers and I/O have their turn between two looks.
    this.#turn ??= setImmediate(this.#look);
  };

  readonly #look = (): void => {
    this.#turn = undefined;
    if (this.#watching) this.#ready();
  };

  watch(): void {
    this.#watching = true;
    this.#reference(this.#held);
    if (!this.#start()) this.#substitute.watch();
  }

  #start(): boolean {
    if (this.#started || exiting) return true;
    this.#handle.start(READABLE, this.#fired);
    // Afterwards, as to start it takes it out of libuv's epoll first. It may watch more queues than when it was made.
    if (!canStart(this.#copy)) {
      this.#handle.stop();
      return false;
    }
    this.#started = true;
    started.add(this.#handle);
    return true;
  }

  #stop(): void {
    this.#started = false;
    started.delete(this.#handle);
    this.#handle.stop();
  }

  rest(): void {
    this.#watching = false;
    this.#substitute.rest();
    this.#reference(false);
  }

  hold(held: boolean): void {
    this.#held = held;
    this.#substitute.hold(held);
    if (this.#watching) this.#reference(held);
  }

  #reference(referenced: boolean): void {
    // After close(), ref() of koffi's handle dereferences null.
    if (this.#closed || referenced === this.#referenced) return;
    this.#referenced = referenced;
    if (referenced) this.#handle.ref();
    else this.#handle.unref();
  }

  close(): void {
    this.#closed = true;
    this.#watching = false;
    this.#substitute.close();
    started.delete(this.#handle);
    this.#handle.close();
    release(this.#copy);
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
