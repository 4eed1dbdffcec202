import { constants } from 'node:os';
import { closedError, KqueueError, type KqueueErrorDetails } from './error.ts';
import { atExit } from './exit.ts';
import { checkInteger, wrongType } from './sys/check.ts';
import { KeventList } from './sys/kevent-list.ts';
import { type Abi, abis } from './sys/layout.ts';
import { bindKqueue } from './sys/native.ts';
import { isMainThread, now } from './sys/runtime.ts';
import type { Binding, Sys } from './sys/sys.ts';
import { type Wakefd, wakefdOf, writerTo } from './sys/wakefd.ts';

const { EBADF } = constants.errno;

/** How a thread reaches a queue: it writes to a descriptor, or it calls kevent(2) of the same library. */
type Route =
  | ({ readonly kind: 'write' } & Wakefd)
  | {
      readonly kind: 'kevent';
      readonly kq: number;
      /** The udata of the knote. A change overwrites it, so the trigger sends it again. */
      readonly udata: number | bigint;
      readonly library: string | null;
      readonly abiName: keyof typeof abis;
      readonly symbols: NonNullable<Binding['symbols']>;
    };

/** The data of a {@link Waker}, which can be posted to another thread of this process. */
export interface WakerHandle {
  /** The ident of the user event that the waker fires. */
  readonly ident: number;
  /** @internal */
  readonly activeWakes: SharedArrayBuffer;
  /** @internal */
  readonly route: Route;
}

/** This bit of the shared number says that the queue is closed. The lower bits count the calls to wake() that are active. */
const CLOSED = 2 ** 30;
/** How long close() waits for active calls, in milliseconds. A thread that was terminated in a call never finishes it. */
const CLOSE_TIMEOUT_MS = 100;

/** Those of a worker. A worker may end while its queues are open, and Node then closes their descriptors. */
const ofWorker = new Set<ActiveWakes>();
let listensForExit = false;

/**
 * Counts the calls to wake() that are active, in all threads. Each queue with a waker has one. close() waits for these calls, so
 * that no thread uses a descriptor of the queue that is being closed.
 */
export class ActiveWakes {
  readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(4);

  constructor() {
    if (isMainThread()) return;
    ofWorker.add(this);
    if (listensForExit) return;
    listensForExit = true;
    atExit(
      () => {
        for (const wakes of ofWorker) wakes.#refuse();
      },
      () => {
        for (const wakes of ofWorker) wakes.#allow();
      },
    );
  }

  /** Refuses new calls and waits for those that are active. */
  close(): void {
    this.#refuse();
    ofWorker.delete(this);
  }

  #allow(): void {
    Atomics.and(new Int32Array(this.buffer), 0, ~CLOSED);
  }

  #refuse(): void {
    const state = new Int32Array(this.buffer);
    const end = now() + CLOSE_TIMEOUT_MS;
    let active = Atomics.or(state, 0, CLOSED) & ~CLOSED;
    while (active > 0) {
      const left = end - now();
      if (left <= 0) return;
      Atomics.wait(state, 0, active | CLOSED, left);
      active = Atomics.load(state, 0) & ~CLOSED;
    }
  }
}

/** Makes the handle of a waker for the user event `ident`. */
export function wakerHandle(
  sys: Sys,
  kq: number,
  { buffer: activeWakes }: ActiveWakes,
  ident: number,
  udata: number | bigint,
): WakerHandle {
  if (sys.wakefd !== undefined) {
    const fd = sys.wakefd(kq, ident);
    if (fd === -1) throw new KqueueError(sys.errno(), 'wakefd');
    const wakefd = wakefdOf(fd);
    // Another thread closed the queue since.
    if (wakefd === undefined) throw closedError();
    return { ident, activeWakes, route: { kind: 'write', ...wakefd } };
  }
  const { binding } = sys;
  if (binding === undefined) throw new Error(`${sys.name}: this kqueue cannot be reached from another thread`);
  const { library, abi, symbols = {} } = binding;
  return {
    ident,
    activeWakes,
    route: { kind: 'kevent', kq, udata, library, abiName: abi.name, symbols: { ...symbols } },
  };
}

/**
 * Wakes a queue from any thread of the process. The queue's `poll()`, `wait()` or iteration then returns an event with the
 * filter `user`. `kq.waker()` makes a waker, and postMessage() takes it to another thread.
 *
 * @example
 * worker.postMessage(kq.waker()); // in the thread of the queue
 * parentPort.once('message', (handle) => new Waker(handle).wake()); // in the worker
 */
export class Waker implements WakerHandle {
  /** The ident of the user event that the waker fires. */
  readonly ident: number;
  /** @internal */
  readonly activeWakes: SharedArrayBuffer;
  /** @internal */
  readonly route: Route;
  readonly #state: Int32Array;
  readonly #fire: () => boolean;

  /**
   * Makes a waker in this thread.
   * @param handle a Waker, or its copy that came through postMessage() or workerData
   * @throws TypeError if `handle` is neither
   */
  constructor(handle: WakerHandle) {
    if (typeof handle !== 'object' || handle === null || !(handle.activeWakes instanceof SharedArrayBuffer)) {
      throw wrongType('handle', 'a Waker of kq.waker(), or its copy from postMessage()', handle);
    }
    const { ident, activeWakes, route } = handle;
    this.ident = ident;
    this.activeWakes = activeWakes;
    this.route = route;
    this.#state = new Int32Array(activeWakes);
    this.#fire = fireBy(ident, route);
  }

  /**
   * Fires the event (NOTE_TRIGGER of kqueue(2)). Several calls before the queue fetches the event make one event.
   *
   * @returns false if the queue is closed or its thread has ended, otherwise true
   * @throws KqueueError ENOENT if the user event is not registered any more. The built-in Linux kqueue does not report that
   * @example
   * if (!waker.wake()) stopWorking(); // the queue is closed
   */
  wake(): boolean {
    const state = this.#state;
    const before = Atomics.add(state, 0, 1);
    try {
      return (before & CLOSED) === 0 && this.#fire();
    } finally {
      Atomics.sub(state, 0, 1);
      Atomics.notify(state, 0);
    }
  }
}

/** Whether a wake with this errno has reached the queue. */
function hasWoken(error: number, syscall: string, details?: KqueueErrorDetails): boolean {
  if (error === 0) return true;
  if (error === EBADF) return false;
  throw new KqueueError(error, syscall, details);
}

/** Returns a function that fires the event. It returns false if the queue is closed. */
function fireBy(ident: number, route: Route): () => boolean {
  switch (route?.kind) {
    case 'write': {
      checkInteger('handle.route.fd', route.fd, 0, 2 ** 31 - 1);
      const write = writerTo(route);
      return () => hasWoken(write(), 'write');
    }
    case 'kevent': {
      const { kq, udata, library, abiName, symbols } = route;
      const abi: Abi | undefined = abis[abiName];
      if (abi === undefined) throw wrongType('handle.route.abiName', 'the name of an ABI', abiName);
      const sys = bindKqueue({ library, abi, symbols });
      const { EVFILT_USER, NOTE_TRIGGER } = abi.constants;
      const list = new KeventList(1, abi);
      // The flags are 0, because on FreeBSD EV_CLEAR resets the trigger.
      const change = { ident, filter: EVFILT_USER, flags: 0, fflags: NOTE_TRIGGER, data: 0, udata };
      list.set(0, change);
      return () => hasWoken(sys.kevent(kq, list, 1, null, 0, null) === -1 ? sys.errno() : 0, 'kevent', { change });
    }
    default:
      throw wrongType('handle.route', 'the route of a Waker', route);
  }
}
