import { constants } from 'node:os';
import { closedError, KqueueError } from './error.ts';
import { atExit } from './exit.ts';
import { checkInteger, wrongType } from './sys/check.ts';
import { KeventList } from './sys/kevent-list.ts';
import { type Abi, abis } from './sys/layout.ts';
import { bindLibc, errno, libc, scratchAddress, statOf } from './sys/linux/syscalls.ts';
import { bindKqueue } from './sys/native.ts';
import { isMainThread, now } from './sys/runtime.ts';
import type { Binding, Sys } from './sys/sys.ts';

const { EAGAIN, EBADF } = constants.errno;

/** How a thread reaches a queue: through a descriptor to write to, or by kevent(2) of the same library. */
type Route =
  | {
      readonly kind: 'write';
      readonly fd: number;
      /** Which file it is, as fstat(2) reports: the pipe of {@link Sys.wakefd} has an inode of its own. */
      readonly device: bigint;
      readonly inode: bigint;
    }
  | {
      readonly kind: 'kevent';
      readonly kq: number;
      /** What the kernel carries for the knote; a change overwrites it, so it is sent again. */
      readonly udata: number | bigint;
      readonly library: string | null;
      readonly abiName: keyof typeof abis;
      readonly symbols: NonNullable<Binding['symbols']>;
    };

/** What a {@link Waker} is made of: plain data that can be posted to another thread of this process. */
export interface WakerHandle {
  /** The EVFILT_USER knote that it fires. */
  readonly ident: number;
  /** @internal */
  readonly gate: SharedArrayBuffer;
  /** @internal */
  readonly route: Route;
}

/** The gate is one number: how many calls to wake() are under way, and whether the queue is closed. */
const CLOSED = 2 ** 30;
/** For how long close() waits for them, in milliseconds. A thread that was terminated in the middle of one never ends it. */
const PATIENCE = 100;

/** Those of a worker, which may end while its queues are open: Node closes their descriptors then. */
const gates = new Set<Gate>();
let closesAtExit = false;

/** One for each queue: it keeps the wakers of other threads off the queue's descriptors while these are being closed. */
export class Gate {
  readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(4);

  constructor() {
    if (isMainThread()) return;
    gates.add(this);
    if (closesAtExit) return;
    closesAtExit = true;
    atExit(
      () => {
        for (const gate of gates) gate.#empty();
      },
      () => {
        for (const gate of gates) gate.#open();
      },
    );
  }

  /** From now on nobody enters; returns when nobody is inside any more. */
  close(): void {
    this.#empty();
    gates.delete(this);
  }

  #open(): void {
    Atomics.and(new Int32Array(this.buffer), 0, ~CLOSED);
  }

  #empty(): void {
    const state = new Int32Array(this.buffer);
    const end = now() + PATIENCE;
    let inside = Atomics.or(state, 0, CLOSED) & ~CLOSED;
    while (inside > 0) {
      const left = end - now();
      if (left <= 0) return;
      Atomics.wait(state, 0, inside | CLOSED, left);
      inside = Atomics.load(state, 0) & ~CLOSED;
    }
  }
}

/** The handle of a waker for the knote `ident`. */
export function wakerHandle(sys: Sys, kq: number, gate: Gate, ident: number, udata: number | bigint): WakerHandle {
  const { buffer } = gate;
  if (sys.wakefd !== undefined) {
    const fd = sys.wakefd(kq, ident);
    if (fd === -1) throw new KqueueError(sys.errno(), 'wakefd');
    const stat = statOf(fd);
    // Somebody closed the descriptor in between, which is the queue's own.
    if (stat === undefined) throw closedError();
    const { device, inode } = stat;
    return { ident, gate: buffer, route: { kind: 'write', fd, device, inode } };
  }
  const { binding } = sys;
  if (binding === undefined) throw new Error(`${sys.name}: this kqueue cannot be reached from another thread`);
  const { library, abi, symbols = {} } = binding;
  return {
    ident,
    gate: buffer,
    route: { kind: 'kevent', kq, udata, library, abiName: abi.name, symbols: { ...symbols } },
  };
}

/**
 * Wakes a queue from any thread of the process: an event `{ filter: 'user' }` comes to whoever is in `wait()`, an
 * iteration or a blocking `poll()`. It is what `kq.waker()` returns and can be posted as it is:
 *
 * ```ts
 * worker.postMessage(kq.waker());                                  // here
 * parentPort.once('message', (handle) => new Waker(handle).wake()); // in the worker
 * ```
 */
export class Waker implements WakerHandle {
  readonly ident: number;
  /** @internal */
  readonly gate: SharedArrayBuffer;
  /** @internal */
  readonly route: Route;
  readonly #state: Int32Array;
  readonly #fire: () => boolean;

  /**
   * @param handle a Waker, or what became of one on its way through postMessage() or workerData
   * @throws TypeError for anything else
   */
  constructor(handle: WakerHandle) {
    if (typeof handle !== 'object' || handle === null || !(handle.gate instanceof SharedArrayBuffer)) {
      throw wrongType('handle', 'a Waker of kq.waker(), or its copy from postMessage()', handle);
    }
    const { ident, gate, route } = handle;
    this.ident = ident;
    this.gate = gate;
    this.route = route;
    this.#state = new Int32Array(gate);
    this.#fire = fireBy(ident, route);
  }

  /**
   * Fires the event. Wakes that were not fetched yet are one event, as with any other trigger.
   *
   * @returns false when the queue is closed, or its thread has ended
   * @throws KqueueError ENOENT when the user event is no longer registered. The built-in Linux kqueue does not report that
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

function isFile(fd: number, device: bigint, inode: bigint): boolean {
  const stat = statOf(fd);
  return stat?.device === device && stat.inode === inode;
}

/** Fires the event; false when the queue is closed. */
function fireBy(ident: number, route: Route): () => boolean {
  switch (route?.kind) {
    case 'write': {
      const { fd, device, inode } = route;
      checkInteger('handle.route.fd', fd, 0, 2 ** 31 - 1);
      bindLibc();
      return () => {
        // A worker that is terminated closes no gate, and the number may be another file by now.
        if (!isFile(fd, device, inode)) return false;
        // Any byte. EAGAIN: the pipe is full of wakes that were not fetched, and one more changes nothing.
        if (libc.write(fd, scratchAddress, 1) === -1 && errno() !== EAGAIN) throw new KqueueError(errno(), 'write');
        return true;
      };
    }
    case 'kevent': {
      const { kq, udata, library, abiName, symbols } = route;
      const abi: Abi | undefined = abis[abiName];
      if (abi === undefined) throw wrongType('handle.route.abiName', 'the name of an ABI', abiName);
      const sys = bindKqueue({ library, abi, symbols });
      const { EVFILT_USER = 0, NOTE_TRIGGER = 0 } = abi.constants;
      const list = new KeventList(1, abi);
      // flags 0: on FreeBSD an EV_CLEAR here would take the trigger back.
      const change = { ident, filter: EVFILT_USER, flags: 0, fflags: NOTE_TRIGGER, data: 0, udata };
      list.set(0, change);
      return () => {
        if (sys.kevent(kq, list, 1, null, 0, null) !== -1) return true;
        const error = sys.errno();
        if (error === EBADF) return false;
        throw new KqueueError(error, 'kevent', { change });
      };
    }
    default:
      throw wrongType('handle.route', 'the route of a Waker', route);
  }
}
