// Random calls of the system-call API on the kqueue built in for Linux, beside a model of what must come of them.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { abis, errnoName, type Kevent, KeventList, Timespec } from '../../src/sys/index.ts';
import { linuxSys } from '../../src/sys/linux/sys.ts';
import { POLLIN, pollNow } from '../../src/sys/linux/syscalls.ts';
import type { Sys } from '../../src/sys/sys.ts';
import { type Random, seeded } from '../helpers/random.ts';
import { constant } from '../sys/built-in.ts';

const libc = koffi.load(null);
type Call = (...args: (number | Int32Array)[]) => number;
const pipe2 = libc.func('int pipe2(void *fds, int flags)') as Call;
const socketpair = libc.func('int socketpair(int domain, int type, int protocol, void *fds)') as Call;
const eventfd = libc.func('int eventfd(unsigned int initial, int flags)') as Call;
const dup3 = libc.func('int dup3(int from, int to, int flags)') as Call;
const CLOEXEC = 0o2000000;
const NONBLOCK_CLOEXEC = 0o2004000;

const NOW = new Timespec(0, 0);
/** Numbers for descriptors: few, so that they come round, and where the queues' own descriptors are not. */
const SLOTS: readonly number[] = Array.from({ length: 40 }, (_, index) => 500 + index);
const READ = constant('EVFILT', 'READ');
const WRITE = constant('EVFILT', 'WRITE');
const VNODE = constant('EVFILT', 'VNODE');
const TIMER = constant('EVFILT', 'TIMER');
const USER = constant('EVFILT', 'USER');
const PROC = constant('EVFILT', 'PROC');
const SIGNAL = constant('EVFILT', 'SIGNAL');
const ofDescriptors: readonly number[] = [READ, WRITE, VNODE];
const EV = (names: string): number => constant('EV', names);
const NOTE = (names: string): number => constant('NOTE', names);
const ERROR = EV('ERROR');

/** So much is written before it is read: a socket is not to be written to when its buffer is full of small messages. */
const MOST = 400;

/** An open file: what dup(2) shares. */
interface Open {
  readonly kind: 'reader' | 'writer' | 'socket' | 'eventfd' | 'file' | 'queue';
  /** How many numbers it has. */
  numbers: number;
  /** Under which of them it was registered in the queue. */
  readonly registered: Set<number>;
  /** What can be read: of a pipe both ends have one count. */
  readonly bytes: { count: number };
  /** The other end of a pipe or socket pair. */
  other?: Open;
}

interface Knote {
  readonly filter: number;
  readonly ident: number;
  /** Of a descriptor: what it was when it was registered. */
  readonly open: Open | undefined;
  readonly mode: number;
  disabled: boolean;
  udata: number;
  /** USER: triggered; VNODE: written to. */
  pending: boolean;
}

/** What is open, but for what it takes to look. */
function descriptors(): string[] {
  const folder = '/proc/self/fd';
  return fs.readdirSync(folder).filter((fd) => fs.existsSync(`${folder}/${fd}`));
}

/** What must come sooner or later, what may, and what must not. */
type Condition = 'holds' | 'unknown' | 'not';

export class Fuzz {
  readonly #random: Random;
  readonly #sys: Sys = linuxSys();
  readonly #folder: string = fs.mkdtempSync(join(tmpdir(), 'kqueue-fuzz-'));
  /** Numbers that are open. */
  readonly #open = new Map<number, Open>();
  readonly #knotes = new Map<string, Knote>();
  readonly #list = new KeventList(64, abis.linux);
  #kq = -1;
  /** What was done last, for who has to find out why. */
  readonly #log: string[] = [];
  #files = 0;
  steps = 0;
  events = 0;

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  #pick<T>(from: readonly T[]): T {
    assert(from.length > 0);
    return from[this.#random(from.length)] as T;
  }

  #say(text: string): void {
    this.#log.push(text);
    if (this.#log.length > 30) this.#log.shift();
  }

  /** Goes on until it is told to stop, and then looks whether anything is left. */
  run(goOn: (steps: number) => boolean): void {
    const before = descriptors();
    try {
      this.#kq = this.#sys.kqueue();
      while (goOn(this.steps)) {
        this.steps++;
        this.#step();
      }
      assert.equal(this.#sys.close(this.#kq), 0);
      for (const fd of [...this.#open.keys()]) this.#close(fd);
      // One that went meanwhile was not ours: the process has some of its own.
      const left = descriptors().filter((fd) => !before.includes(fd));
      assert.deepEqual(left, [], 'descriptors are left');
    } catch (error) {
      const done = this.#log.join('\n  ');
      throw new Error(`step ${this.steps}: ${(error as Error).message}\nbefore that:\n  ${done}`, { cause: error });
    } finally {
      fs.rmSync(this.#folder, { recursive: true, force: true });
    }
  }

  #step(): void {
    const what = this.#random(100);
    if (what < 12) this.#make();
    else if (what < 22) this.#closeOne();
    else if (what < 27) this.#duplicate();
    else if (what < 42) this.#fill();
    else if (what < 52) this.#drain();
    else if (what < 80) this.#changes();
    else if (what < 99) this.#fetch(1 + this.#random(8));
    else if (this.#random(5) > 0) this.#fetchAll();
    else this.#newQueue();
  }

  // Descriptors.

  #add(fd: number, open: Open): void {
    assert(fd >= 0);
    this.#open.set(fd, open);
    this.#say(`${open.kind} ${fd}`);
  }

  /** Gives what has just been made one of the numbers. */
  #move(fd: number, open: Open): void {
    const slot = this.#pick(this.#closed());
    assert.equal(dup3(fd, slot, CLOEXEC), slot);
    fs.closeSync(fd);
    this.#add(slot, open);
  }

  #closed(): number[] {
    return SLOTS.filter((slot) => !this.#open.has(slot));
  }

  #make(): void {
    if (this.#closed().length < 10 || this.#open.size > 40) return;
    const fds = new Int32Array(2);
    const one = (kind: Open['kind'], count = 0): Open => ({
      kind,
      numbers: 1,
      registered: new Set(),
      bytes: { count },
    });
    switch (this.#random(5)) {
      case 0: {
        assert.equal(pipe2(fds, NONBLOCK_CLOEXEC), 0);
        const reader = one('reader');
        const writer: Open = { ...one('writer'), bytes: reader.bytes, other: reader };
        reader.other = writer;
        this.#move(fds[0] as number, reader);
        this.#move(fds[1] as number, writer);
        break;
      }
      case 1: {
        assert.equal(socketpair(1, 1 | NONBLOCK_CLOEXEC, 0, fds), 0);
        const [a, b] = [one('socket'), one('socket')];
        a.other = b;
        b.other = a;
        this.#move(fds[0] as number, a);
        this.#move(fds[1] as number, b);
        break;
      }
      case 2:
        this.#move(eventfd(0, NONBLOCK_CLOEXEC), one('eventfd'));
        break;
      case 3: {
        // Now and then one that is there already: the same inode, another open file.
        const again = this.#files > 0 && this.#random(2) === 0;
        const path = join(this.#folder, `${again ? this.#random(this.#files) : this.#files++}`);
        const fd = fs.openSync(path, 'a+');
        this.#move(fd, one('file', -1));
        break;
      }
      default:
        this.#add(this.#sys.kqueue(), one('queue'));
    }
  }

  #close(fd: number): void {
    const open = this.#open.get(fd) as Open;
    this.#say(`close ${fd}`);
    if (open.kind === 'queue') assert.equal(this.#sys.close(fd), 0);
    else fs.closeSync(fd);
    open.numbers--;
    this.#open.delete(fd);
  }

  #closeOne(): void {
    if (this.#open.size > 0) this.#close(this.#pick([...this.#open.keys()]));
  }

  /** dup2(2) onto a number that may be open. */
  #duplicate(): void {
    const numbers = [...this.#open].filter(([, open]) => open.kind !== 'queue').map(([fd]) => fd);
    if (numbers.length === 0) return;
    const from = this.#pick(numbers);
    const to = this.#pick([...numbers, ...this.#closed()]);
    const open = this.#open.get(from) as Open;
    // A file that comes back to a number under which it was registered cannot be told from one that never left it.
    if (from === to || open.registered.has(to)) return;
    const over = this.#open.get(to);
    // Nor can two open files of one inode when both were registered.
    if (
      open.kind === 'file' &&
      ofDescriptors.some((filter) => this.#knotes.get(`${filter} ${to}`)?.open?.kind === 'file')
    ) {
      return;
    }
    if (over !== undefined) over.numbers--;
    assert.equal(dup3(from, to, CLOEXEC), to);
    open.numbers++;
    this.#say(`dup2 ${from} over`);
    this.#add(to, open);
  }

  /** Makes something readable. */
  #fill(): void {
    const able = [...this.#open].filter(([, { kind, other, bytes }]) =>
      kind === 'writer' || kind === 'socket'
        ? (other as Open).numbers > 0 && (other as Open).bytes.count < MOST
        : kind !== 'reader' && bytes.count < MOST,
    );
    if (able.length === 0) return;
    const [fd, open] = this.#pick(able);
    this.#say(`write ${fd}`);
    switch (open.kind) {
      case 'writer':
      case 'socket': {
        const length = 20 + this.#random(30);
        assert.equal(fs.writeSync(fd, new Uint8Array(length)), length);
        (open.other as Open).bytes.count += length;
        break;
      }
      case 'eventfd':
        fs.writeSync(fd, new Uint8Array(new BigUint64Array([1n]).buffer));
        open.bytes.count++;
        break;
      case 'file': {
        fs.writeSync(fd, 'x');
        const inode = fs.fstatSync(fd).ino;
        for (const knote of this.#knotes.values()) {
          if (knote.filter === VNODE && this.#alive(knote) && fs.fstatSync(knote.ident).ino === inode)
            knote.pending = true;
        }
        break;
      }
      case 'queue': {
        this.#list.set(0, { ident: 1, filter: USER, flags: EV('ADD|CLEAR') });
        this.#list.set(1, { ident: 1, filter: USER, fflags: NOTE('TRIGGER') });
        assert.equal(this.#sys.kevent(fd, this.#list, 2, null, 0, null), 0);
      }
    }
  }

  #drain(): void {
    const able = [...this.#open].filter(
      ([, { kind, bytes }]) => kind !== 'writer' && kind !== 'file' && bytes.count > 0,
    );
    if (able.length === 0) return;
    const [fd, open] = this.#pick(able);
    this.#say(`read ${fd}`);
    const read = fs.readSync(fd, new Uint8Array(open.kind === 'eventfd' ? 8 : 1 + this.#random(3000)));
    open.bytes.count = open.kind === 'eventfd' ? 0 : open.bytes.count - read;
  }

  #newQueue(): void {
    this.#say('another queue');
    if (this.#random(2) === 0) assert.equal(this.#sys.close(this.#kq), 0);
    else {
      // Closed behind its back, with all it had still open; the next queue with that number, or none, gets rid of it.
      fs.closeSync(this.#kq);
      assert.equal(this.#sys.kevent(this.#kq, null, 0, this.#list, 1, NOW), -1);
      assert.equal(errnoName(this.#sys.errno()), 'EBADF');
    }
    this.#knotes.clear();
    for (const open of this.#open.values()) open.registered.clear();
    this.#kq = this.#sys.kqueue();
  }

  // Knotes.

  /** Whether the number still is what was registered. */
  #alive(knote: Knote): boolean {
    return knote.open === undefined || this.#open.get(knote.ident) === knote.open;
  }

  #change(): Kevent {
    const filter = this.#pick([READ, READ, READ, WRITE, WRITE, VNODE, TIMER, USER, USER, PROC, SIGNAL, 12345, 0]);
    const descriptor = ofDescriptors.includes(filter);
    const numbers = [...this.#open.keys(), ...this.#open.keys(), ...this.#closed(), 9999];
    const ident = descriptor
      ? this.#pick(numbers)
      : filter === PROC
        ? this.#pick([process.ppid, 2 ** 30])
        : filter === SIGNAL
          ? 12
          : this.#random(6);
    const flags = this.#pick([
      'ADD',
      'ADD',
      'ADD',
      'ADD|CLEAR',
      'ADD|CLEAR',
      'ADD|ONESHOT',
      'ADD|DISPATCH',
      'ADD|DISABLE',
      'ADD|ENABLE',
      'ADD|CLEAR|DISPATCH',
      'ENABLE',
      'ENABLE',
      'DISABLE',
      'DELETE',
      'DELETE',
    ]);
    const receipt = this.#random(6) === 0 ? EV('RECEIPT') : 0;
    const fflags =
      filter === USER
        ? this.#pick([0, NOTE('TRIGGER')])
        : filter === VNODE
          ? NOTE('WRITE|EXTEND|DELETE')
          : filter === PROC
            ? NOTE('EXIT')
            : 0;
    const data = filter === TIMER ? this.#pick([0, 1, 2, 60_000, -1]) : 0;
    return { ident, filter, flags: EV(flags) | receipt, fflags, data, udata: this.#random(2 ** 20) };
  }

  /** What a change does to the model, and the errno's name, or `ok`. */
  #apply({ ident: word, filter, flags, fflags, data, udata }: Kevent): string {
    const ident = Number(word);
    const has = (name: string): boolean => (flags & EV(name)) !== 0;
    if (filter === 0 || filter === 12345) return 'EINVAL';
    const descriptor = ofDescriptors.includes(filter);
    const key = `${filter} ${ident}`;
    let knote = this.#knotes.get(key);
    if (knote !== undefined && !this.#alive(knote)) {
      this.#knotes.delete(key);
      knote = undefined;
    }
    const open = this.#open.get(ident);
    if (knote === undefined) {
      if (descriptor && open === undefined) return 'EBADF';
      if (!has('ADD')) return 'ENOENT';
      if (filter === PROC && ident !== process.ppid) return 'ESRCH';
      if (filter === TIMER && data === -1) return 'EINVAL';
      if (filter === VNODE && open?.kind !== 'file') return 'EINVAL';
      if (filter === WRITE && open?.kind === 'queue') return 'EINVAL';
      const mode =
        filter === SIGNAL || filter === TIMER ? flags | EV('CLEAR') : filter === PROC ? flags | EV('ONESHOT') : flags;
      const pending = filter === USER && (fflags & NOTE('TRIGGER')) !== 0;
      const added: Knote = {
        filter,
        ident,
        open: descriptor ? open : undefined,
        mode,
        disabled: has('DISABLE'),
        udata: Number(udata),
        pending,
      };
      this.#knotes.set(key, added);
      if (descriptor) open?.registered.add(ident);
      return 'ok';
    }
    if (has('DELETE')) {
      this.#knotes.delete(key);
      return 'ok';
    }
    if (filter === TIMER && data === -1 && has('ADD')) return 'EINVAL';
    knote.udata = Number(udata);
    if (filter === USER) {
      if ((fflags & NOTE('TRIGGER')) !== 0) knote.pending = true;
      if (has('CLEAR')) knote.pending = false;
    }
    if (has('DISABLE')) knote.disabled = true;
    else if (has('ENABLE')) knote.disabled = false;
    return 'ok';
  }

  #changes(): void {
    const changes = Array.from({ length: 1 + this.#random(4) }, () => this.#change());
    for (const [index, change] of changes.entries()) this.#list.set(index, change);
    this.#say(`change ${Array.from(changes.keys(), (index) => this.#list.toString().split('\n')[index]).join('; ')}`);
    // Without an event list the first failure ends the call; a receipt has no room then, and is not owed.
    const alone = changes.length === 1 && this.#random(2) === 0;
    if (alone) {
      const n = this.#sys.kevent(this.#kq, this.#list, 1, null, 0, null);
      assert.equal(n === -1 ? errnoName(this.#sys.errno()) : 'ok', this.#apply(changes[0] as Kevent));
      return;
    }
    const room = changes.length + this.#random(4);
    const n = this.#sys.kevent(this.#kq, this.#list, changes.length, this.#list, room, NOW);
    assert(n >= 0 && n <= room, errnoName(this.#sys.errno()));
    const got = this.#got(n);
    const records: [unknown, number, string][] = [];
    for (const change of changes) {
      const result = this.#apply(change);
      if (result !== 'ok' || (change.flags & EV('RECEIPT')) !== 0) records.push([change.ident, change.filter, result]);
    }
    if (records.length === 0) {
      this.#check(got);
      return;
    }
    const shown = got.map(({ ident, filter, flags, data }): [unknown, number, string] => [
      ident,
      filter,
      (flags & ERROR) === 0 ? 'no record' : data === 0 ? 'ok' : errnoName(Number(data)),
    ]);
    assert.deepEqual(shown, records);
  }

  // Events.

  #got(n: number): Kevent[] {
    return Array.from({ length: n }, (_, index) => this.#list.get(index));
  }

  #condition(knote: Knote): Condition {
    const { filter, open, pending, mode } = knote;
    if (!this.#alive(knote) || knote.disabled) return 'not';
    // A condition that held when it was reported last, and holds still, is no change.
    const edge = (holds: boolean): Condition => (!holds ? 'not' : (mode & EV('CLEAR')) === 0 ? 'holds' : 'unknown');
    if (filter === USER) return pending ? 'holds' : 'not';
    if (filter === PROC || filter === SIGNAL) return 'not';
    if (filter === TIMER || open === undefined) return 'unknown';
    if (filter === VNODE) return pending ? 'holds' : 'unknown';
    const gone = open.other !== undefined && open.other.numbers === 0;
    if (filter === WRITE) return open.kind === 'reader' ? 'unknown' : edge(true);
    switch (open.kind) {
      case 'reader':
      case 'socket':
        return edge(open.bytes.count > 0 || gone);
      case 'eventfd':
        return edge(open.bytes.count > 0);
      default:
        return 'unknown';
    }
  }

  /** What came must be what may come; and it does to the knotes what it does. */
  #check(events: readonly Kevent[]): void {
    const seen = new Set<string>();
    for (const { ident, filter, flags, data, udata } of events) {
      this.events++;
      const key = `${filter} ${ident}`;
      const what = `${key} (data ${data})`;
      assert(!seen.has(key), `${what}: twice in one fetch`);
      seen.add(key);
      assert.equal(flags & ERROR, 0, what);
      const knote = this.#knotes.get(key);
      assert(knote !== undefined, `${what}: not registered`);
      assert.notEqual(
        this.#condition(knote),
        'not',
        `${what}: ${knote.disabled ? 'disabled' : 'does not hold, or is closed'}`,
      );
      assert.equal(udata, knote.udata, `${what}: udata`);
      const { open } = knote;
      if (filter === READ && (open?.kind === 'reader' || open?.kind === 'socket')) {
        assert.equal(data, open.bytes.count, what);
        assert.equal((flags & EV('EOF')) !== 0, open.other?.numbers === 0, `${what}: EV_EOF`);
      }
      if ((knote.mode & EV('ONESHOT')) !== 0) this.#knotes.delete(key);
      else {
        if ((knote.mode & EV('CLEAR')) !== 0) knote.pending = false;
        if ((knote.mode & EV('DISPATCH')) !== 0) knote.disabled = true;
      }
    }
  }

  #fetch(nevents: number): void {
    this.#say(`fetch ${nevents}`);
    const held = [...this.#knotes.values()].filter((knote) => this.#condition(knote) === 'holds');
    const readable = (pollNow(this.#kq, POLLIN) & POLLIN) !== 0;
    assert(readable || held.length === 0, 'the queue is not readable, and something holds');
    const n = this.#sys.kevent(this.#kq, null, 0, this.#list, nevents, NOW);
    assert(n >= Math.min(nevents, held.length) && n <= nevents, `${n} events where ${held.length} conditions hold`);
    this.#check(this.#got(n));
  }

  /** With room for all: what holds must be there. */
  #fetchAll(): void {
    this.#say('fetch all');
    const held = [...this.#knotes.values()].filter((knote) => this.#condition(knote) === 'holds');
    const n = this.#sys.kevent(this.#kq, null, 0, this.#list, 64, NOW);
    const got = this.#got(n);
    if (n < 64) {
      const keys = new Set(got.map(({ filter, ident }) => `${filter} ${ident}`));
      for (const { filter, ident } of held)
        assert(keys.has(`${filter} ${ident}`), `${filter} ${ident} holds, and did not come`);
    }
    this.#check(got);
  }
}
