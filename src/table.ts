import type { Knote } from './registration.ts';

/** Slot numbers take the lower 24 bits of udata, generations the 29 above: together a safe integer. */
const SLOT_BITS = 24;
const SLOT_MASK = 2 ** SLOT_BITS - 1;
const GENERATIONS = 2 ** 29;

/**
 * Which knote an event belongs to. udata, which the kernel carries, is a slot number and the slot's generation; it counts
 * only together with the (ident, filter) of the knote in the slot. So a udata from before the slot was given to another,
 * or of somebody else's making, finds nothing. There are no more slots than knotes were registered at one time.
 */
export class KnoteTable {
  readonly #slots: (Knote | undefined)[] = [];
  readonly #generations: number[] = [];
  readonly #free: number[] = [];
  readonly #byFilter: Map<number, Map<number | bigint, Knote>> = new Map();

  /** Gives the knote a slot, and its udata, and puts it in the place of the one with its (ident, filter), which is returned. */
  add(knote: Knote): Knote | undefined {
    const { interest } = knote;
    if (interest.filter === 'raw') knote.udata = interest.udata;
    else {
      const slot = this.#free.pop() ?? this.#slots.length;
      const generation = ((this.#generations[slot] ?? 0) % (GENERATIONS - 1)) + 1;
      this.#slots[slot] = knote;
      this.#generations[slot] = generation;
      knote.udata = generation * 2 ** SLOT_BITS + slot;
    }
    const { filter } = knote.change;
    let byIdent = this.#byFilter.get(filter);
    if (byIdent === undefined) {
      byIdent = new Map();
      this.#byFilter.set(filter, byIdent);
    }
    const previous = byIdent.get(knote.ident);
    byIdent.set(knote.ident, knote);
    return previous;
  }

  /** Takes the knote's slot back, and its name unless another has it by now; `heir` gets the name. */
  remove(knote: Knote, heir?: Knote): void {
    const slot = Number(knote.udata) & SLOT_MASK;
    if (this.#slots[slot] === knote) {
      this.#slots[slot] = undefined;
      this.#free.push(slot);
    }
    const byIdent = this.#byFilter.get(knote.change.filter);
    if (byIdent?.get(knote.ident) !== knote) return;
    if (heir === undefined) byIdent.delete(knote.ident);
    else byIdent.set(knote.ident, heir);
  }

  /** The queue is closed: nothing more will be looked for. */
  clear(): void {
    this.#slots.length = 0;
    this.#byFilter.clear();
  }

  get(filter: number, ident: number | bigint): Knote | undefined {
    return this.#byFilter.get(filter)?.get(ident);
  }

  /** The knote that reported an event. */
  find(filter: number, ident: number | bigint, udata: number): Knote | undefined {
    // Exact even where udata is beyond the safe integers, of which none is ours.
    const knote = this.#slots[udata & SLOT_MASK];
    if (knote !== undefined && knote.udata === udata && knote.change.filter === filter) {
      // NOTE_TRACK attaches to a child of its own accord, and copies the parent's udata.
      if (knote.ident === ident || knote.tracked !== undefined) return knote;
    }
    // The udata of raw() is its user's; that of user() may be an older one, which a waker in another thread repeated.
    const named = this.get(filter, ident);
    return named?.interest.filter === 'raw' || named?.interest.filter === 'user' ? named : undefined;
  }

  *[Symbol.iterator](): IterableIterator<Knote> {
    for (const byIdent of this.#byFilter.values()) yield* byIdent.values();
  }
}
