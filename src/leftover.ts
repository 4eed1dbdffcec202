import type { KqueueEvent } from './event.ts';
import type { Registration } from './registration.ts';

/** The events of one queue that were fetched and are not handed out yet, oldest first. */
export class Leftover<Token> {
  #events: KqueueEvent<Token>[] = [];
  #next = 0;
  readonly #complete: () => void;

  /** @param complete pushes what was fetched by a call that was stopped before it could push it */
  constructor(complete: () => void) {
    this.#complete = complete;
  }

  /** Before a registration ends: afterwards an event that was not pushed yet does not find it. */
  complete(): void {
    this.#complete();
  }

  push(event: KqueueEvent<Token>): void {
    this.#events.push(event);
  }

  get empty(): boolean {
    return this.#events.length === 0;
  }

  /** Keeps events, where none are left over. */
  keep(events: KqueueEvent<Token>[]): void {
    this.#events = events;
    this.#next = 0;
  }

  takeOne(): KqueueEvent<Token> | undefined {
    // From here on no function is called: an event that is taken reaches the caller.
    const event = this.#events[this.#next++];
    if (this.#next >= this.#events.length) {
      this.#events = [];
      this.#next = 0;
    }
    return event;
  }

  take(max: number = Number.POSITIVE_INFINITY): KqueueEvent<Token>[] {
    const from = this.#next;
    const all = this.#events;
    if (from + max < all.length) {
      this.#next = from + max;
      return all.slice(from, from + max);
    }
    this.#events = [];
    this.#next = 0;
    return from === 0 ? all : all.slice(from);
  }

  /** Drops the events of the registrations that are over. */
  drop(isOver: (registration: Registration) => boolean): void {
    this.complete();
    if (this.empty) return;
    this.keep(
      this.#events.slice(this.#next).filter(({ registration }) => registration === undefined || !isOver(registration)),
    );
  }

  clear(): void {
    this.keep([]);
  }
}
