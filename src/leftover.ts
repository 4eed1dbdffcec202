import type { KqueueEvent } from './event.ts';
import type { Registration } from './registration.ts';

/** The events of one queue that were fetched and not returned yet, oldest first. */
export class Leftover<Token> {
  #events: KqueueEvent<Token>[] = [];
  #next = 0;
  readonly #complete: () => void;

  /** @param complete pushes the events of a call that fetched them and was stopped before it pushed them */
  constructor(complete: () => void) {
    this.#complete = complete;
  }

  /** To be called before a registration ends: later, an event that was not pushed yet does not find its registration. */
  complete(): void {
    this.#complete();
  }

  push(event: KqueueEvent<Token>): void {
    this.#events.push(event);
  }

  get empty(): boolean {
    return this.#events.length === 0;
  }

  /** Replaces all events. */
  keep(events: KqueueEvent<Token>[]): void {
    this.#events = events;
    this.#next = 0;
  }

  takeOne(): KqueueEvent<Token> | undefined {
    // JavaScript can be stopped where a function is called. There is none between here and the return.
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

  /** Drops the events of the registrations for which `isOver` returns true. */
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
