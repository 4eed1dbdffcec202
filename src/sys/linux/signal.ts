import { constants } from 'node:os';
import { isMainThread } from '../runtime.ts';
import { EV_CLEAR } from './constants.ts';
import { type Change, Knote } from './knote.ts';
import { EINVAL, libc, scratch, scratchAddress } from './syscalls.ts';

const names = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name as NodeJS.Signals]));
const SIG_IGN = 1;
/** More than sizeof(struct sigaction), in 32-bit words, with glibc as with musl. */
const SIGACTION_WORDS = 40;

/** One listener of Node's for all knotes of a signal, in whatever queue. */
interface Watch {
  readonly knotes: Set<SignalKnote>;
  readonly listener: () => void;
  /** Nobody listened, and the signal was ignored, as SIGPIPE is in Node. */
  readonly wasIgnored: boolean;
}

const watches = new Map<NodeJS.Signals, Watch>();

function isIgnored(signal: number): boolean {
  // struct sigaction begins with sa_handler.
  return libc.sigaction(signal, 0, scratchAddress) === 0 && scratch[0] === SIG_IGN && scratch[1] === 0;
}

/** Undefined for the signals that cannot be caught. */
function watch(name: NodeJS.Signals, signal: number): Watch | undefined {
  const known = watches.get(name);
  if (known !== undefined) {
    // Somebody removed all listeners of the signal, and with ours what keeps it from ending the process.
    if (!process.listeners(name).includes(known.listener)) process.on(name, known.listener);
    return known;
  }
  const knotes = new Set<SignalKnote>();
  const listener = (): void => {
    for (const knote of knotes) knote.deliver();
  };
  const wasIgnored = process.listenerCount(name) === 0 && isIgnored(signal);
  const made = { knotes, listener, wasIgnored };
  // Before, for a 'newListener' handler may register the same signal.
  watches.set(name, made);
  try {
    process.on(name, listener);
  } catch (error) {
    if (watches.get(name) === made) watches.delete(name);
    // EINVAL of uv_signal_start. Any other is the error of a 'newListener' handler.
    if ((error as NodeJS.ErrnoException).syscall === 'uv_signal_start') return undefined;
    throw error;
  }
  return made;
}

/** Does nothing more where it was done. */
function unwatch(name: NodeJS.Signals, signal: number, watch: Watch): void {
  const { listener, wasIgnored } = watch;
  if (watches.get(name) === watch) watches.delete(name);
  process.removeListener(name, listener);
  // The last listener gone, Node restores the default action: what was ignored is ignored again.
  if (!wasIgnored || process.listenerCount(name) > 0) return;
  scratch.fill(0, 0, SIGACTION_WORDS);
  scratch[0] = SIG_IGN;
  libc.sigaction(signal, scratchAddress, 0);
}

/**
 * EVFILT_SIGNAL. data: deliveries since it was last fetched, as Node sees them: its handlers run when the event loop
 * turns, and signals that are equal and pending merge into one, as signal(7) has it.
 */
export class SignalKnote extends Knote {
  readonly #name: NodeJS.Signals | undefined;
  #watch: Watch | undefined;
  #deliveries = 0;

  constructor(...[queue, change]: ConstructorParameters<typeof Knote>) {
    super(queue, change);
    this.#name = names.get(Number(this.ident));
  }

  attach(): number {
    // Node gives signals to its main thread only, and SIGKILL and SIGSTOP to nobody.
    const name = this.#name;
    if (!isMainThread() || name === undefined) return EINVAL;
    const watched = this.queue.outside(() => watch(name, Number(this.ident)));
    if (watched === undefined) return EINVAL;
    this.#watch = watched;
    watched.knotes.add(this);
    this.queue.loopBound++;
    this.flags |= EV_CLEAR;
    return 0;
  }

  deliver(): void {
    this.queue.repair();
    this.#deliveries++;
    this.activate();
  }

  override change(change: Change): number {
    this.udata = change.udata;
    return 0;
  }

  override touch(): void {
    if (this.#deliveries > 0) this.activate();
  }

  detach(): void {
    const watched = this.#watch;
    if (watched === undefined) return;
    if (watched.knotes.delete(this)) this.queue.loopBound--;
    if (watched.knotes.size === 0) {
      this.queue.outside(() => unwatch(this.#name as NodeJS.Signals, Number(this.ident), watched));
    }
    this.#watch = undefined;
  }

  event(): boolean {
    this.outData = this.#deliveries;
    return this.#deliveries > 0;
  }

  override clear(): void {
    this.#deliveries = 0;
  }
}
