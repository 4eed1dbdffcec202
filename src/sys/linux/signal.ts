import { constants } from 'node:os';
import { isMainThread } from '../runtime.ts';
import { EV_CLEAR } from './constants.ts';
import { type Change, Knote } from './knote.ts';
import { loopTurns } from './loop-wait.ts';
import { EINVAL, libc, scratch, scratchAddress } from './syscalls.ts';

const names = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name as NodeJS.Signals]));
/** signal(7): these two cannot be caught. */
const uncatchable: ReadonlySet<number> = new Set([constants.signals.SIGKILL, constants.signals.SIGSTOP]);
const SIG_IGN = 1;
/** More than sizeof(struct sigaction), in 32-bit words, with glibc as with musl. */
const SIGACTION_WORDS = 40;
/** As it is at import: test frameworks replace it. */
const nextTick = process.nextTick.bind(process);

/** One listener of Node's for all knotes of a signal, in whatever queue. */
interface Watch {
  readonly name: NodeJS.Signals;
  readonly signal: number;
  readonly knotes: Set<SignalKnote>;
  readonly listener: () => void;
  /** Nobody listened, and the signal was ignored, as SIGPIPE is in Node. */
  readonly wasIgnored: boolean;
  /** Node is installing the listener: a 'newListener' handler that registers the signal must not have it installed twice. */
  installing: boolean;
}

const watches = new Map<NodeJS.Signals, Watch>();
/** Those whose listener may have to come or go. */
const unsettled = new Set<Watch>();

function isIgnored(signal: number): boolean {
  // struct sigaction begins with sa_handler.
  return libc.sigaction(signal, 0, scratchAddress) === 0 && scratch[0] === SIG_IGN && scratch[1] === 0;
}

function watchOf(name: NodeJS.Signals, signal: number): Watch {
  const known = watches.get(name);
  if (known !== undefined) return known;
  const knotes = new Set<SignalKnote>();
  const listener = (): void => {
    for (const knote of knotes) knote.deliver();
  };
  const wasIgnored = process.listenerCount(name) === 0 && isIgnored(signal);
  const made = { name, signal, knotes, listener, wasIgnored, installing: false };
  watches.set(name, made);
  return made;
}

function unsettle(watch: Watch): void {
  unsettled.add(watch);
  // For what no kevent(2) settles: the fetch of a one-shot, and a listener whose installation was interrupted.
  nextTick(settleOnTick, watch);
}

function settleOnTick(watch: Watch): void {
  // The stack is empty: if this is still set, the installation was interrupted.
  watch.installing = false;
  unsettled.add(watch);
  settleListeners();
}

/** Whether {@link settleListeners} has something to do. */
export function hasUnsettledListeners(): boolean {
  return unsettled.size > 0;
}

/**
 * Installs and removes listeners, as knotes have come and gone. Node calls 'newListener' and 'removeListener' handlers
 * meanwhile. They may call anything here, so this is called only while no change and no fetch of a queue is under way.
 * @throws what a 'newListener' handler throws. The knotes of that signal are gone then
 */
export function settleListeners(): void {
  const failures: unknown[] = [];
  for (const watch of unsettled) {
    const { name, knotes, listener } = watch;
    // An earlier knote may have installed it, and removeAllListeners() may have removed it since.
    const installed = watch.installing || process.listeners(name).includes(listener);
    unsettled.delete(watch);
    if (knotes.size === 0) uninstall(watch);
    else if (!installed) {
      try {
        install(watch);
      } catch (error) {
        for (const knote of knotes) knote.queue.drop(knote);
        failures.push(error);
      }
    }
  }
  if (failures.length > 0) throw failures[0];
}

function install(watch: Watch): void {
  watch.installing = true;
  try {
    process.on(watch.name, watch.listener);
  } finally {
    watch.installing = false;
  }
  // A handler has closed the queue.
  if (watch.knotes.size === 0) uninstall(watch);
}

function uninstall(watch: Watch): void {
  const { name, signal, listener, wasIgnored } = watch;
  try {
    process.removeListener(name, listener);
  } catch (error) {
    // Of a 'removeListener' handler. The listener is removed, and whoever called here must still get the events.
    nextTick(() => {
      throw error;
    });
  }
  // A handler has registered the signal again.
  if (watch.knotes.size > 0) return;
  if (watches.get(name) === watch) watches.delete(name);
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
  #watch: Watch | undefined;
  #deliveries = 0;

  attach(): number {
    const signal = Number(this.ident);
    const name = names.get(signal);
    // Node gives signals to its main thread only.
    if (!isMainThread() || name === undefined || uncatchable.has(signal)) return EINVAL;
    loopTurns();
    const watch = watchOf(name, signal);
    unsettle(watch);
    this.#watch = watch;
    watch.knotes.add(this);
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
    // removeAllListeners() may have taken the listener, and with it what keeps the signal from ending the process.
    unsettled.add(this.#watch as Watch);
    if (this.#deliveries > 0) this.activate();
  }

  detach(): void {
    const watch = this.#watch;
    if (watch === undefined) return;
    unsettle(watch);
    if (watch.knotes.delete(this)) this.queue.loopBound--;
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
