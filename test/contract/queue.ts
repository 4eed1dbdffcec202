import assert from 'node:assert/strict';
import { KeventList, Timespec } from '../../src/sys/index.ts';
import { type Kernel, Missing } from './world.ts';

/** How many milliseconds anything that must happen may take. */
export function deadline(world: Kernel): number {
  return 5000 + 100 * world.pace;
}

/** Fields of a change that are not always given. */
export interface Rest {
  /** A number, or names without `NOTE_`: `WRITE|EXTEND`. */
  readonly fflags?: number | string;
  readonly data?: number | bigint;
  readonly udata?: number | bigint;
}

/** One change: filter and flags by name, without `EVFILT_` and `EV_`. */
export type Change = readonly [filter: string, ident: number | bigint, flags: string, rest?: Rest];

export function constant(world: Kernel, name: string): number {
  const value = world.lacks?.includes(name) ? undefined : world.sys.abi.constants[name];
  if (value === undefined) throw new Missing(name);
  return value;
}

function filter(world: Kernel, name: string): number {
  if (world.lacks?.includes(name)) throw new Missing(`EVFILT_${name}`);
  if (!world.needs.includes(name)) throw new Error(`the case needs ${name}, and does not say so`);
  return constant(world, `EVFILT_${name}`);
}

function bits(world: Kernel, prefix: 'EV' | 'NOTE', names: string): number {
  if (names === '') return 0;
  // Or-ed as 32 bits without a sign: NOTE_EXIT is the topmost.
  return names.split('|').reduce((sum, name) => (sum | constant(world, `${prefix}_${name}`)) >>> 0, 0);
}

/** Names joined by `|`, without `NOTE_`, as a number. */
export function notes(world: Kernel, names: string): number {
  return bits(world, 'NOTE', names);
}

/** One record that came out of kevent(2). */
export class Event {
  readonly #world: Kernel;
  readonly #filter: number;
  readonly ident: bigint;
  readonly flags: number;
  readonly fflags: number;
  readonly data: bigint;
  readonly udata: bigint;

  constructor(world: Kernel, list: KeventList, index: number) {
    this.#world = world;
    this.#filter = list.filter(index);
    this.ident = list.ident64(index);
    this.flags = list.flags(index);
    this.fflags = list.fflags(index);
    this.data = list.data64(index);
    this.udata = list.udata64(index);
  }

  /** The filter's name, without `EVFILT_`. */
  get filter(): string {
    const found = Object.entries(this.#world.sys.abi.constants).find(
      ([name, value]) => name.startsWith('EVFILT_') && value === this.#filter,
    );
    return found === undefined ? String(this.#filter) : found[0].slice('EVFILT_'.length);
  }

  /** Whether the flag EV_`name` is set. */
  has(name: string): boolean {
    return (this.flags & constant(this.#world, `EV_${name}`)) !== 0;
  }

  /** Whether the bit NOTE_`name` is set in fflags. */
  note(name: string): boolean {
    return (this.fflags & constant(this.#world, `NOTE_${name}`)) !== 0;
  }

  /** Those of these notes, joined by `|`, that are set. */
  noted(names: string): string {
    return names
      .split('|')
      .filter((name) => this.note(name))
      .join('|');
  }

  toString(): string {
    const { filter, ident, flags, fflags, data, udata } = this;
    return `{ ${filter} ${ident} flags=0x${flags.toString(16)} fflags=0x${fflags.toString(16)} data=${data} udata=${udata} }`;
  }
}

/** Fails unless `number` is one of these errnos of the world's kernel. */
export function isErrno(world: Kernel, number: number | bigint, ...codes: string[]): void {
  const known = codes.filter((code) => world.errno[code] !== undefined);
  if (known.some((code) => world.errno[code] === Number(number))) return;
  const name = Object.entries(world.errno).find(([, value]) => value === Number(number))?.[0] ?? `errno ${number}`;
  assert.fail(`expected ${codes.join(' or ')}, got ${Number(number) === 0 ? 'no error' : name}`);
}

/**
 * Fails unless `seen` is what this kernel was seen to do, where kernels differ. A kernel that is not in `known` may do what
 * any of them does: docs/differences.md says which ones were read.
 */
export function differs(world: Kernel, seen: string, known: Readonly<Record<string, string>>): void {
  const expected = known[world.name];
  if (expected !== undefined) assert.equal(seen, expected);
  else
    assert.ok(Object.values(known).includes(seen), `expected one of ${Object.values(known).join(', ')}, got ${seen}`);
}

/** The name of the errno that the last call left. */
function lastError(world: Kernel): string {
  const number = world.sys.errno();
  return Object.entries(world.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
}

/** One kqueue of a world, and the few things that cases do with it. No call waits for ever. */
export class Queue {
  readonly world: Kernel;
  readonly fd: number;

  constructor(world: Kernel) {
    this.world = world;
    this.fd = world.sys.kqueue();
    assert.ok(this.fd >= 0, `kqueue(): ${lastError(world)}`);
  }

  /** A list that holds these changes, and has `room` for at least so many events. */
  list(changes: readonly Change[], room = 1): KeventList {
    const list = new KeventList(Math.max(changes.length, room, 1), this.world.sys.abi);
    for (const [index, change] of changes.entries()) this.write(list, index, change);
    return list;
  }

  write(list: KeventList, index: number, [name, ident, flags, rest = {}]: Change): void {
    const { world } = this;
    const fflags = typeof rest.fflags === 'string' ? bits(world, 'NOTE', rest.fflags) : (rest.fflags ?? 0);
    const { data = 0, udata = 0 } = rest;
    list.set(index, { ident, filter: filter(world, name), flags: bits(world, 'EV', flags), fflags, data, udata });
  }

  /**
   * kevent(2) with these changes and room for `room` events, but not for fewer than there are changes: each may fail. The
   * timeout is in milliseconds; null waits for ever.
   */
  call(changes: readonly Change[], ms: number | null, room = 64): Event[] {
    const { world } = this;
    const wanted = Math.max(room, changes.length);
    const changelist = changes.length > 0 ? this.list(changes) : null;
    const eventlist = new KeventList(wanted, world.sys.abi);
    const start = performance.now();
    const timeout = (): Timespec | null =>
      ms === null ? null : Timespec.fromMillis(Math.max(0, start + ms - performance.now()));
    let count = world.sys.kevent(this.fd, changelist, changes.length, eventlist, wanted, timeout());
    // The end of a child, or another signal that Node handles: the changes were applied, the rest of the time is waited.
    while (count === -1 && world.sys.errno() === world.errno.EINTR) {
      count = world.sys.kevent(this.fd, null, 0, eventlist, wanted, timeout());
    }
    assert.ok(count >= 0, `kevent(): ${lastError(world)}`);
    assert.ok(count <= wanted, `kevent() returned ${count} with room for ${wanted}`);
    return Array.from({ length: count }, (_, index) => new Event(world, eventlist, index));
  }

  /** Applies changes, each of which must succeed. Fetches nothing. */
  apply(...changes: Change[]): void {
    const result = this.#apply(changes);
    assert.equal(result, 0, `kevent(): ${lastError(this.world)} for ${JSON.stringify(changes.slice(0, 5), show)}`);
  }

  #apply(changes: readonly Change[]): number {
    return this.world.sys.kevent(this.fd, this.list(changes), changes.length, null, 0, Timespec.fromMillis(0));
  }

  /** Applies one change, which must succeed. */
  set(...change: Change): void {
    this.apply(change);
  }

  /** Applies one change, which must fail with one of these errnos. */
  fails(codes: string | readonly string[], ...change: Change): void {
    const result = this.#apply([change]);
    assert.equal(result, -1, `${change[0]} ${change[1]} ${change[2]} succeeded`);
    isErrno(this.world, this.world.sys.errno(), ...[codes].flat());
  }

  /** Events that are there, or come within `ms`; at most `room`. */
  fetch(ms = 0, room = 64): Event[] {
    return this.call([], ms, room);
  }

  /** Waits for exactly one event, which must be this one. */
  one(name: string, ident: number | bigint): Event {
    const events = this.fetch(deadline(this.world));
    assert.equal(events.length, 1, `expected one event of ${name} ${ident}, got [${events.join(', ')}]`);
    const event = events[0] as Event;
    assert.equal(event.filter, name);
    assert.equal(event.ident, BigInt(ident));
    assert.ok(!event.has('ERROR'), `an error record: ${event}`);
    return event;
  }

  /** Fails if anything comes within `ms`. */
  silent(ms = 30): void {
    const events = this.fetch(ms);
    assert.equal(events.length, 0, `expected silence, got [${events.join(', ')}]`);
  }

  /** Fetches, `room` at a time, until there are `count` events. The deadline is for each fetch: there may be a thousand. */
  collect(count: number, room = 64): Event[] {
    const events: Event[] = [];
    for (let more = [] as Event[]; events.length < count; events.push(...more)) {
      more = this.fetch(deadline(this.world), room);
      if (more.length === 0) break;
    }
    assert.equal(
      events.length,
      count,
      `expected ${count} events, got ${events.length}: ${events.slice(0, 8).join(', ')}`,
    );
    return events;
  }

  /** Fetches until an event passes `test`; level-triggered ones may be seen many times before. */
  until(test: (event: Event) => boolean): Event {
    const end = performance.now() + deadline(this.world);
    let last: Event | undefined;
    while (performance.now() < end) {
      for (const event of this.fetch(100)) {
        if (test(event)) return event;
        last = event;
      }
    }
    return assert.fail(`the expected event did not come; the last was ${last}`);
  }

  close(): void {
    assert.equal(this.world.sys.close(this.fd), 0);
  }
}

function show(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

/** Waits for so many milliseconds of the world's own clock. */
export function sleep(world: Kernel, ms: number): void {
  const kq = new Queue(world);
  kq.silent(ms);
  kq.close();
}

/** How long `run` takes, in milliseconds of a monotonic clock. */
export function timed(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

/** Whether an error that a call of the world threw has this code. */
export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** Writes until nothing more fits: how many bytes that were. */
export function fill(world: Kernel, fd: number): number {
  let total = 0;
  // Ever smaller pieces: a descriptor without room for many bytes may have room for one.
  for (const size of [65536, 8192, 1024, 128, 16, 1]) {
    const piece = new Uint8Array(size);
    try {
      for (;;) total += world.write(fd, piece);
    } catch (error) {
      if (!isCode(error, 'EAGAIN') && !isCode(error, 'EWOULDBLOCK')) throw error;
    }
  }
  return total;
}

/** Reads until nothing is left: how many bytes that were. */
export function drain(world: Kernel, fd: number): number {
  let total = 0;
  try {
    for (;;) {
      const { length } = world.read(fd, 65536);
      if (length === 0) return total;
      total += length;
    }
  } catch (error) {
    if (!isCode(error, 'EAGAIN') && !isCode(error, 'EWOULDBLOCK')) throw error;
    return total;
  }
}

/** Closes `fd` and puts another open file on the same number. */
export function reuse(world: Kernel, fd: number, make: () => number): void {
  world.close(fd);
  const made = make();
  if (made === fd) return;
  world.dup2(made, fd);
  world.close(made);
}
