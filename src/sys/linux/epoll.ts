import { type createOwn, type createTracked, release } from '../descriptor.ts';
import { koffi } from '../koffi.ts';
import {
  EBADF,
  EINVAL,
  ELOOP,
  ENOENT,
  ENOMEM,
  ENOSPC,
  errno,
  isMissingCall,
  libc,
  SYS_EPOLL_PWAIT2,
} from './syscalls.ts';

export const EPOLLIN = 0x001;
export const EPOLLPRI = 0x002;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EPOLLRDHUP = 0x2000;
export const EPOLLET: number = 0x8000_0000 | 0;

/** How many seconds {@link Epoll.wait} waits at once. */
export const LONGEST_WAIT = 86_400;

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EPOLL_CLOEXEC = 0o2000000;

const TWO32 = 2 ** 32;
const TWO16 = 2 ** 16;
/** How many events one epoll_wait(2) brings. */
const BATCH = 1024;

/*
 * struct epoll_event { uint32_t events; uint64_t data; } is packed on x86, so that 32-bit and 64-bit programs agree: 12
 * bytes there, 16 with data at 8 elsewhere.
 */
const packed = process.arch === 'x64';
const STRIDE = packed ? 3 : 4;
const DATA = packed ? 1 : 2;

// One buffer serves every queue of the isolate: it is drained before the next call. The last record is ctl's argument.
const words = new Int32Array(new ArrayBuffer((BATCH + 1) * STRIDE * 4));
const timespec = new BigInt64Array(new ArrayBuffer(16));
const ARGUMENT = BATCH * STRIDE;
let wordsAddress = 0;
let timespecAddress = 0;
let preciseWait = true;
let lastTag = Math.floor(Math.random() * TWO16);

/** What {@link Epoll.wait} returns when the number is another epoll by now. */
export const FOREIGN = -2;

/**
 * The events in the buffer: how many there are, how many of them `receive` was called with, and whose they are. An edge is
 * given once, so what a stopped wait() leaves here must not be overwritten: {@link finishEvents}.
 */
let taken = 0;
let given = 0;
let receive: (data: number, events: number) => void = () => {};

/** Hands on the events that epoll_wait(2) gave. One whose `ready` was stopped is handed on again. */
export function finishEvents(): void {
  for (; given < taken; given++) {
    const at = given * STRIDE;
    const data = ((words[at + DATA + 1] as number) & 0xffff) * TWO32 + ((words[at + DATA] as number) >>> 0);
    receive(data, words[at] as number);
  }
}

/** An epoll(7) instance; `data` of its events is a number of the caller's, of 48 bits. */
export class Epoll {
  readonly fd: number;

  /**
   * The upper 16 bits of every event's data tell this epoll from any other. They are not 0, as they are in the data of
   * programs that store a descriptor there or, as a rule, a pointer.
   */
  readonly #tag: number;
  #retired = false;

  private constructor(fd: number) {
    this.fd = fd;
    lastTag = (lastTag % (TWO16 - 1)) + 1;
    this.#tag = lastTag;
  }

  /**
   * epoll_create1(2), through one of the functions that keep track of descriptors; null and errno() when it fails. Its
   * descriptor is in {@link unowned}.
   */
  static create(open: typeof createOwn | typeof createTracked): Epoll | null {
    if (wordsAddress === 0) {
      const { address, sizeof, struct, pack } = koffi();
      const event = { events: 'uint32_t', data: 'uint64_t' };
      if (sizeof((packed ? pack : struct)(event)) !== STRIDE * 4)
        throw new Error('struct epoll_event has another size here');
      wordsAddress = Number(address(words.buffer));
      timespecAddress = Number(address(timespec.buffer));
    }
    const fd = open(() => libc.epoll_create1(EPOLL_CLOEXEC));
    return fd === -1 ? null : new Epoll(fd);
  }

  #ctl(operation: number, fd: number, events: number, data: number): number {
    words[ARGUMENT] = events;
    words[ARGUMENT + DATA] = data;
    words[ARGUMENT + DATA + 1] = this.#tag * TWO16 + data / TWO32;
    return libc.epoll_ctl(this.fd, operation, fd, wordsAddress + ARGUMENT * 4) === -1 ? errno() : 0;
  }

  /** EPOLL_CTL_ADD: 0 or an errno. */
  add(fd: number, events: number, data: number): number {
    return this.#retired ? EBADF : this.#ctl(EPOLL_CTL_ADD, fd, events, data);
  }

  /** EPOLL_CTL_MOD: 0 or an errno. Looks at the descriptor again, so that what holds now is reported. */
  modify(fd: number, events: number, data: number): number {
    return this.#retired ? EBADF : this.#ctl(EPOLL_CTL_MOD, fd, events, data);
  }

  /** EPOLL_CTL_DEL: 0 or an errno. */
  remove(fd: number): number {
    return this.#retired ? EBADF : this.#ctl(EPOLL_CTL_DEL, fd, 0, 0);
  }

  /**
   * Whether the number still is this epoll, which watches `fd` with these events and data. The kernel changes the events of a
   * descriptor only in an epoll that watches it, so nothing is asked of somebody else's epoll.
   */
  isWatching(fd: number, events: number, data: number): boolean {
    const error = this.#ctl(EPOLL_CTL_MOD, fd, events, data);
    // Closed; a file of another kind; another epoll.
    return error !== EBADF && error !== EINVAL && error !== ENOENT;
  }

  /** From now on nothing is changed: the number is about to be closed, or is another file by now. */
  retire(): void {
    this.#retired = true;
  }

  /**
   * epoll_wait(2) for at most `seconds` (Infinity: for ever) and calls `ready` with each event's data and events. Returns
   * how many there were, or -1 and errno(), or {@link FOREIGN}. Waits no longer than {@link LONGEST_WAIT} at once: the caller
   * knows the clock. `ready` must not wait itself: the events are still in the common buffer.
   */
  wait(seconds: number, ready: (data: number, events: number) => void): number {
    const n = this.#wait(seconds);
    if (n > 0 && (words[DATA + 1] as number) >>> 16 !== this.#tag) return FOREIGN;
    // No function call since the system call: JavaScript cannot be stopped between the two.
    taken = n;
    given = 0;
    receive = ready;
    finishEvents();
    return n;
  }

  /** Whether the last {@link Epoll.wait} may have left events behind for want of room. */
  static full(n: number): boolean {
    return n === BATCH;
  }

  #wait(seconds: number): number {
    if (seconds === 0) return libc.epoll_wait(this.fd, wordsAddress, BATCH, 0);
    if (seconds === Number.POSITIVE_INFINITY) return libc.epoll_wait(this.fd, wordsAddress, BATCH, -1);
    const slice = Math.min(seconds, LONGEST_WAIT);
    if (preciseWait) {
      // epoll_pwait2(2), Linux 5.11: epoll_wait(2) counts in milliseconds.
      timespec[0] = BigInt(Math.floor(slice));
      timespec[1] = BigInt(Math.floor((slice % 1) * 1e9));
      const n = libc.syscall(SYS_EPOLL_PWAIT2, this.fd, wordsAddress, BATCH, timespecAddress, 0, 8);
      if (n !== -1 || !isMissingCall(errno())) return n;
      preciseWait = false;
    }
    return libc.epoll_wait(this.fd, wordsAddress, BATCH, Math.ceil(slice * 1000));
  }

  close(): void {
    release(this.fd);
  }
}

/** What kevent(2) calls an errno of epoll_ctl(2): a cycle of queues is EINVAL, as on macOS; no room for a watch is ENOMEM. */
export function asKqueueErrno(epollErrno: number): number {
  if (epollErrno === ELOOP) return EINVAL;
  return epollErrno === ENOSPC ? ENOMEM : epollErrno;
}
