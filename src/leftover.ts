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

  /** Call it before a registration ends. After that, an event that is not pushed yet would not find its registration. */
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

  /** Returns the next event without taking it. Not `peek(1)`, which makes an array for each event. */
  first(): KqueueEvent<Token> | undefined {
    return this.#events[this.#next];
  }

  /** Returns the next `max` events without taking them. */
  peek(max: number = Number.POSITIVE_INFINITY): KqueueEvent<Token>[] {
    const from = this.#next;
    const all = this.#events;
    return from === 0 && max >= all.length ? all : all.slice(from, from + max);
  }

  /** Takes the next `count` events. It calls no function, so JavaScript cannot be stopped after its entry. */
  skip(count: number): void {
    this.#next += count;
    if (this.#next >= this.#events.length) {
      this.#events = [];
      this.#next = 0;
    }
  }

  take(max?: number): KqueueEvent<Token>[] {
    const events = this.peek(max);
    this.skip(events.length);
    return events;
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
