import type { KqueueEvent } from './event.ts';
import type { Registration } from './registration.ts';

/** The events of one queue that were fetched and are not handed out yet, oldest first. */
export class Leftover<Token> {
  #events: KqueueEvent<Token>[] = [];
  #next = 0;

  get empty(): boolean {
    return this.#events.length === 0;
  }

  /** Keeps events, where none are left over. */
  keep(events: KqueueEvent<Token>[]): void {
    this.#events = events;
    this.#next = 0;
  }

  takeOne(): KqueueEvent<Token> | undefined {
    const event = this.#events[this.#next++];
    if (this.#next >= this.#events.length) this.clear();
    return event;
  }

  take(max: number = Number.POSITIVE_INFINITY): KqueueEvent<Token>[] {
    const events = this.#events.slice(this.#next, this.#next + max);
    this.#next += events.length;
    if (this.#next === this.#events.length) this.clear();
    return events;
  }

  /** Drops the events of the registrations that are over. */
  drop(isOver: (registration: Registration) => boolean): void {
    if (this.empty) return;
    this.keep(
      this.#events.slice(this.#next).filter(({ registration }) => registration === undefined || !isOver(registration)),
    );
  }

  clear(): void {
    this.keep([]);
  }
}
