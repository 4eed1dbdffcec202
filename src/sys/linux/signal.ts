import { constants } from 'node:os';
import type { Kevent } from '../abi/types.ts';
import { isMainThread } from '../runtime.ts';
import { EV_CLEAR } from './constants.ts';
import { Knote } from './knote.ts';
import { noteFirstTurn } from './loop-wait.ts';
import { EINVAL, libc, scratch, scratchAddress } from './syscalls.ts';

const signalNames = new Map(
  Object.entries(constants.signals).map(([name, number]) => [number, name as NodeJS.Signals]),
);
/** signal(7): these two cannot be caught. */
const uncatchable: ReadonlySet<number> = new Set([constants.signals.SIGKILL, constants.signals.SIGSTOP]);
const SIG_IGN = 1;
/** More than sizeof(struct sigaction), in 32-bit words, with glibc as with musl. */
const SIGACTION_WORDS = 40;
/** Captured at import, because test frameworks replace it. */
const nextTick = process.nextTick.bind(process);

/** One listener on `process` for the knotes of a signal in all queues. */
interface SignalWatch {
  readonly name: NodeJS.Signals;
  readonly signal: number;
  readonly knotes: Set<SignalKnote>;
  readonly listener: () => void;
  /** There was no listener, and the signal was ignored, as Node does with SIGPIPE. */
  readonly wasIgnored: boolean;
  /** Node is installing the listener. If a 'newListener' handler registers the signal, the listener is not added twice. */
  installing: boolean;
}

const watches = new Map<NodeJS.Signals, SignalWatch>();
/** The watches whose listener may have to be added or removed. */
const unsettled = new Set<SignalWatch>();

function isIgnored(signal: number): boolean {
  // struct sigaction begins with sa_handler.
  return libc.sigaction(signal, 0, scratchAddress) === 0 && scratch[0] === SIG_IGN && scratch[1] === 0;
}

function watchFor(name: NodeJS.Signals, signal: number): SignalWatch {
  const existing = watches.get(name);
  if (existing !== undefined) return existing;
  const knotes = new Set<SignalKnote>();
  const listener = (): void => {
    for (const knote of knotes) knote.deliver();
  };
  const wasIgnored = process.listenerCount(name) === 0 && isIgnored(signal);
  const made = { name, signal, knotes, listener, wasIgnored, installing: false };
  watches.set(name, made);
  return made;
}

function unsettle(watch: SignalWatch): void {
  unsettled.add(watch);
  // For the cases that no kevent(2) settles: a one-shot that was fetched, and an installation that was interrupted.
  nextTick(settleOnTick, watch);
}

function settleOnTick(watch: SignalWatch): void {
  // The stack is empty here. If `installing` is still set, the installation was interrupted.
  watch.installing = false;
  unsettled.add(watch);
  settleListeners();
}

/** Whether {@link settleListeners} has something to do. */
export function hasUnsettledListeners(): boolean {
  return unsettled.size > 0;
}

/**
 * Adds and removes listeners, as the knotes require. Node calls 'newListener' and 'removeListener' handlers meanwhile, which
 * may call the queue. So this runs only while no change and no fetch is in progress.
 * @throws the error of a 'newListener' handler, after the knotes of that signal are deleted
 */
export function settleListeners(): void {
  const failures: unknown[] = [];
  for (const watch of unsettled) {
    const { name, knotes, listener } = watch;
    // Checked each time, because removeAllListeners() may have removed the listener.
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

function install(watch: SignalWatch): void {
  watch.installing = true;
  try {
    process.on(watch.name, watch.listener);
  } finally {
    watch.installing = false;
  }
  // A handler has closed the queue.
  if (watch.knotes.size === 0) uninstall(watch);
}

function uninstall(watch: SignalWatch): void {
  const { name, signal, listener, wasIgnored } = watch;
  try {
    process.removeListener(name, listener);
  } catch (error) {
    // A 'removeListener' handler has thrown. The listener is removed, and the caller of kevent(2) must still get its events.
    nextTick(() => {
      throw error;
    });
  }
  // A handler has registered the signal again.
  if (watch.knotes.size > 0) return;
  if (watches.get(name) === watch) watches.delete(name);
  // After the last listener, Node restores the default action. A signal that was ignored before is ignored again.
  if (!wasIgnored || process.listenerCount(name) > 0) return;
  scratch.fill(0, 0, SIGACTION_WORDS);
  scratch[0] = SIG_IGN;
  libc.sigaction(signal, scratchAddress, 0);
}

/**
 * EVFILT_SIGNAL. data is the number of calls of Node's handler since the last fetch. The handler runs when the event loop
 * turns, and equal pending signals merge into one (signal(7)).
 */
export class SignalKnote extends Knote {
  #watch: SignalWatch | undefined;
  #deliveries = 0;

  attach(): number {
    const signal = Number(this.ident);
    const name = signalNames.get(signal);
    // Node delivers signals only to its main thread.
    if (!isMainThread() || name === undefined || uncatchable.has(signal)) return EINVAL;
    noteFirstTurn();
    const watch = watchFor(name, signal);
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

  override change(change: Kevent): number {
    this.udata = change.udata;
    return 0;
  }

  override recheck(): void {
    // removeAllListeners() may have removed the listener. Without it the signal could end the process.
    unsettled.add(this.#watch as SignalWatch);
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
