import { constants } from 'node:os';
import { isMainThread } from '../thread.ts';
import { EV_CLEAR } from './constants.ts';
import { type Change, Knote } from './knote.ts';
import { EINVAL, libc, scratch, scratchAddress } from './syscalls.ts';

const names = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name as NodeJS.Signals]));
const SIG_IGN = 1;
/** More than sizeof(struct sigaction), in 32-bit words, with glibc as with musl. */
const SIGACTION_WORDS = 40;
/** The signals that were ignored when a first knote came to them: whichever goes last has them ignored again. */
const wereIgnored = new Set<NodeJS.Signals>();

/**
 * EVFILT_SIGNAL. data: deliveries since it was last fetched, as Node sees them: its handlers run when the event loop
 * turns, and signals that are equal and pending merge into one, as signal(7) has it.
 */
export class SignalKnote extends Knote {
  readonly #name: NodeJS.Signals | undefined;
  #deliveries = 0;
  readonly #deliver = (): void => {
    this.#deliveries++;
    this.activate();
  };

  constructor(...[queue, change]: ConstructorParameters<typeof Knote>) {
    super(queue, change);
    this.#name = names.get(Number(this.ident));
  }

  attach(): number {
    // Node gives signals to its main thread only, and SIGKILL and SIGSTOP to nobody.
    const name = this.#name;
    if (!isMainThread() || name === undefined) return EINVAL;
    if (process.listenerCount(name) === 0) {
      if (this.#ignored()) wereIgnored.add(name);
      else wereIgnored.delete(name);
    }
    try {
      process.on(name, this.#deliver);
    } catch {
      // EINVAL of uv_signal_start, for the signals that cannot be caught.
      return EINVAL;
    }
    this.queue.loopBound++;
    this.flags |= EV_CLEAR;
    return 0;
  }

  #ignored(): boolean {
    // struct sigaction begins with sa_handler.
    return libc.sigaction(Number(this.ident), 0, scratchAddress) === 0 && scratch[0] === SIG_IGN && scratch[1] === 0;
  }

  override change(change: Change): number {
    this.udata = change.udata;
    return 0;
  }

  override touch(): void {
    if (this.#deliveries > 0) this.activate();
  }

  detach(): void {
    this.queue.loopBound--;
    const name = this.#name as NodeJS.Signals;
    process.removeListener(name, this.#deliver);
    // The last listener gone, Node restores the default action. What was ignored, as SIGPIPE is in Node, is ignored again.
    if (!wereIgnored.has(name) || process.listenerCount(name) > 0) return;
    scratch.fill(0, 0, SIGACTION_WORDS);
    scratch[0] = SIG_IGN;
    libc.sigaction(Number(this.ident), scratchAddress, 0);
  }

  event(): boolean {
    this.outData = this.#deliveries;
    return this.#deliveries > 0;
  }

  override clear(): void {
    this.#deliveries = 0;
  }
}
