import { type Interest, Kqueue, type KqueueEvent, type Registration } from '../index.ts';

/*
 * The kqueue that all recipes of a thread share. It is made with the first knote and closed with the last one. An ES module
 * exists once in each thread, so the variables of this file belong to one thread.
 */

/** What waits for the events of one or more knotes. */
export interface Listener {
  event(event: KqueueEvent): void;
  /** The kqueue, or the descriptor of the knote, is gone. No event will come. */
  fail(error: unknown): void;
}

/** A kqueue has one knote for each filter and ident, so two waits for one process share a knote. */
interface SharedKnote {
  registration: Registration;
  readonly listeners: Set<Listener>;
}

const knotes = new Map<string, SharedKnote>();
/** Those that keep the process running. */
const holders = new Set<Listener>();
let kq: Kqueue | undefined;
let lastIdent = 0;

/** An ident for a timer that no other recipe uses. */
export function freshIdent(): number {
  return ++lastIdent;
}

const nameOf = ({ filter, ident }: { filter: string; ident: number | bigint | undefined }): string =>
  `${filter} ${ident}`;

/**
 * Registers the interest, unless another listener has done so, and sends its events to the listener.
 * @throws as {@link Kqueue.register}
 */
export function join(interest: Interest, listener: Listener): void {
  const name = nameOf(interest);
  const knote = knotes.get(name);
  // It is registered until its process exits, and cannot be registered anew after that.
  if (knote !== undefined && interest.filter === 'proc') {
    knote.listeners.add(listener);
    return;
  }
  try {
    kq ??= start();
    // The program may have closed the descriptor since, and opened another file with its number. No kernel reports that.
    knote?.registration.unregister();
    const [registration] = kq.register(interest);
    if (knote === undefined) knotes.set(name, { registration, listeners: new Set([listener]) });
    else {
      knote.registration = registration;
      knote.listeners.add(listener);
    }
  } catch (error) {
    knotes.delete(name);
    if (knote !== undefined) fail(knote, error);
    closeIfUnused();
    throw error;
  }
}

/** Ends what {@link join} began. */
export function leave(interest: Interest, listener: Listener): void {
  const name = nameOf(interest);
  const knote = knotes.get(name);
  if (!knote?.listeners.delete(listener) || knote.listeners.size > 0) return;
  knotes.delete(name);
  knote.registration.unregister();
  closeIfUnused();
}

/** Keeps the process running until {@link release}. */
export function hold(listener: Listener): void {
  holders.add(listener);
  kq?.ref();
}

export function release(listener: Listener): void {
  holders.delete(listener);
  if (holders.size === 0) kq?.unref();
}

/** Dispatches what has happened already, without waiting. */
export function look(): void {
  for (const event of kq?.poll({ timeout: 0 }) ?? []) dispatch(event);
}

function start(): Kqueue {
  const queue = new Kqueue();
  if (holders.size === 0) queue.unref();
  serve(queue);
  return queue;
}

/** The one loop that waits. It ends when the kqueue is closed. */
async function serve(queue: Kqueue): Promise<void> {
  try {
    for await (const event of queue) dispatch(event);
  } catch (error) {
    kq = undefined;
    queue.close();
    const all = [...knotes.values()];
    knotes.clear();
    for (const knote of all) fail(knote, error);
  }
}

function dispatch(event: KqueueEvent): void {
  // A copy, because a listener may leave. Without a knote: every listener has left since the event was fetched.
  for (const listener of [...(knotes.get(nameOf(event))?.listeners ?? [])]) listener.event(event);
}

function fail({ listeners }: SharedKnote, error: unknown): void {
  for (const listener of listeners) listener.fail(error);
}

function closeIfUnused(): void {
  if (knotes.size > 0) return;
  kq?.close();
  kq = undefined;
}
