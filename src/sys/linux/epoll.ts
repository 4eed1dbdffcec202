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
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EPOLLRDHUP = 0x2000;
export const EPOLLET: number = 0x8000_0000 | 0;

/** The longest wait of one {@link Epoll.wait}, in seconds. */
export const LONGEST_WAIT = 86_400;

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EPOLL_CLOEXEC = 0o2000000;

const TWO32 = 2 ** 32;
const TWO16 = 2 ** 16;
/** The most events of one epoll_wait(2). */
const BATCH = 1024;

/*
 * struct epoll_event { uint32_t events; uint64_t data; } is packed on x86-64, so that it equals that of 32-bit programs. It
 * has 12 bytes there. Elsewhere it has 16, with data at offset 8.
 */
const packed = process.arch === 'x64';
const STRIDE = packed ? 3 : 4;
const DATA = packed ? 1 : 2;

// One buffer for all queues of the isolate. Its events are delivered before the next call. The last record is the argument
// of epoll_ctl(2).
const words = new Int32Array(new ArrayBuffer((BATCH + 1) * STRIDE * 4));
const timespec = new BigInt64Array(new ArrayBuffer(16));
const ARGUMENT = BATCH * STRIDE;
let wordsAddress = 0;
let timespecAddress = 0;
let preciseWait = true;
let lastTag = Math.floor(Math.random() * TWO16);

/** The result of {@link Epoll.wait} if the number is now another epoll instance. */
export const FOREIGN = -2;

/**
 * The events in the buffer: their number, the number of those that `receive` has got, and their receiver. The kernel reports
 * an edge once. So {@link finishEvents} delivers the events of a stopped wait() before the next one overwrites them.
 */
let taken = 0;
let given = 0;
let receive: (data: number, events: number) => void = () => {};

/** Delivers the events of the last epoll_wait(2). An event whose receiver was stopped is delivered again. */
export function finishEvents(): void {
  for (; given < taken; given++) {
    const at = given * STRIDE;
    const data = ((words[at + DATA + 1] as number) & 0xffff) * TWO32 + ((words[at + DATA] as number) >>> 0);
    receive(data, words[at] as number);
  }
}

/** An epoll(7) instance. `data` of its events is a number of up to 48 bits, which the caller chooses. */
export class Epoll {
  readonly fd: number;

  /**
   * The upper 16 bits of every event's data, which identify this instance. They are never 0. In other programs, whose data is
   * a descriptor or a pointer, they usually are.
   */
  readonly #tag: number;
  #retired = false;

  private constructor(fd: number) {
    this.fd = fd;
    lastTag = (lastTag % (TWO16 - 1)) + 1;
    this.#tag = lastTag;
  }

  /**
   * epoll_create1(2), called by one of the functions that track descriptors. Returns null and sets errno() on failure. The
   * descriptor is in `unowned`.
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

  /** EPOLL_CTL_ADD. Returns 0 or an errno. */
  add(fd: number, events: number, data: number): number {
    return this.#retired ? EBADF : this.#ctl(EPOLL_CTL_ADD, fd, events, data);
  }

  /** EPOLL_CTL_MOD. Returns 0 or an errno. The kernel checks the descriptor again, and reports a condition that holds. */
  modify(fd: number, events: number, data: number): number {
    return this.#retired ? EBADF : this.#ctl(EPOLL_CTL_MOD, fd, events, data);
  }

  /** EPOLL_CTL_DEL. Returns 0 or an errno. */
  remove(fd: number): number {
    return this.#retired ? EBADF : this.#ctl(EPOLL_CTL_DEL, fd, 0, 0);
  }

  /**
   * Whether the number is still this instance, which watches `fd` with these events and data. EPOLL_CTL_MOD has no effect on
   * another instance, because that does not watch `fd`.
   */
  isWatching(fd: number, events: number, data: number): boolean {
    const error = this.#ctl(EPOLL_CTL_MOD, fd, events, data);
    // EBADF: closed. EINVAL: not an epoll instance. ENOENT: another epoll instance.
    return error !== EBADF && error !== EINVAL && error !== ENOENT;
  }

  /** Prevents further changes, because the number is about to be closed or is now another file. */
  retire(): void {
    this.#retired = true;
  }

  /**
   * epoll_wait(2) for at most `seconds` (Infinity waits forever). Calls `ready` with the data and the events of each event.
   * Returns the number of events, {@link FOREIGN}, or -1 and sets errno(). One call waits at most {@link LONGEST_WAIT}, and the
   * caller repeats it. `ready` must not wait itself, because the events are still in the common buffer.
   */
  wait(seconds: number, ready: (data: number, events: number) => void): number {
    const n = this.#wait(seconds);
    if (n <= 0) return n;
    if ((words[DATA + 1] as number) >>> 16 !== this.#tag) return FOREIGN;
    // Nothing can stop JavaScript between the system call and these assignments, because there is no function call.
    taken = n;
    given = 0;
    receive = ready;
    finishEvents();
    return n;
  }

  /** Whether there may be more events than the `n` that {@link Epoll.wait} had room for. */
  static full(n: number): boolean {
    return n === BATCH;
  }

  #wait(seconds: number): number {
    if (seconds === 0) return libc.epoll_wait(this.fd, wordsAddress, BATCH, 0);
    if (seconds === Number.POSITIVE_INFINITY) return libc.epoll_wait(this.fd, wordsAddress, BATCH, -1);
    const slice = Math.min(seconds, LONGEST_WAIT);
    if (preciseWait) {
      // epoll_pwait2(2) has nanoseconds, since Linux 5.11. epoll_wait(2) has milliseconds.
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

/** The errno of kevent(2) for one of epoll_ctl(2). A cycle of queues is EINVAL, as on macOS. No room for a watch is ENOMEM. */
export function asKqueueErrno(epollErrno: number): number {
  if (epollErrno === ELOOP) return EINVAL;
  return epollErrno === ENOSPC ? ENOMEM : epollErrno;
}
