import type { Kevent } from '../abi/types.ts';
import { monotonicTime } from './clock.ts';
import { EV_EOF, NOTE_LOWAT } from './constants.ts';
import { DescriptorKnote } from './descriptor-knote.ts';
import { EPOLLOUT, type Epoll } from './epoll.ts';
import { queueAt } from './nested.ts';
import { isStream, sendBuffer, sendNothing } from './socket.ts';
import {
  bytesToRead,
  bytesToSend,
  EINVAL,
  ENOMEM,
  EPIPE,
  libc,
  POLLERR,
  POLLHUP,
  POLLNVAL,
  POLLOUT,
  POLLRDHUP,
  pollNow,
} from './syscalls.ts';
import type { Timer } from './timers.ts';

const F_GETPIPE_SZ = 1032;
/** A write of at most this many bytes to a pipe is atomic (pipe(7)). */
const PIPE_BUF = 4096;
/** The time between two checks while the space is below the low-water mark, in nanoseconds. */
const INTERVAL = 10e6;

/**
 * EVFILT_WRITE. data is the number of bytes that can be written without blocking, and 0 on a regular file, which never blocks.
 * With NOTE_LOWAT, data of the change is a low-water mark. epoll reports that there is space, and not that it grows. So a timer
 * checks the space while it is below the mark.
 */
export class WriteKnote extends DescriptorKnote implements Timer {
  deadline = 0;
  position = -1;
  protected readonly interest: number = EPOLLOUT;

  override attach(): number {
    // A queue cannot be written to.
    if (queueAt(this.fd) !== undefined) return EINVAL;
    return this.#canLookAgain(this.fflags) ? super.attach() : ENOMEM;
  }

  override change(change: Kevent, adding: boolean): number {
    return this.#canLookAgain(change.fflags) ? super.change(change, adding) : ENOMEM;
  }

  /** Creates the timers now, because only a change can return the error. */
  #canLookAgain(fflags: number): boolean {
    return (fflags & NOTE_LOWAT) === 0 || this.queue.timers() !== null;
  }

  expire(): void {
    this.activate();
    this.deadline = Number.POSITIVE_INFINITY;
  }

  override pause(): void {
    if (this.position !== -1) this.queue.timers()?.remove(this);
  }

  override detach(): void {
    this.pause();
    super.detach();
  }

  protected epoll(): Epoll | null {
    return this.queue.writers();
  }

  protected attachFile(): number {
    return 0;
  }

  protected detachFile(): void {}

  event(): boolean {
    // This is a check, so the timer is no longer needed.
    this.pause();
    this.outFlags = 0;
    this.outFflags = 0;
    this.outData = 0;
    if (this.file !== null) return true;
    const { fd } = this;
    const revents = pollNow(fd, POLLOUT | POLLRDHUP);
    if ((revents & POLLNVAL) !== 0) return false;
    const socket = this.fileType === 'socket';
    // A pipe has POLLERR when its reader is closed. A socket with both bits of `shut` is closed in both directions. POLLHUP
    // alone means that it was never connected, and it is not ready.
    const shut = POLLHUP | POLLRDHUP;
    if (socket ? (revents & shut) === shut : (revents & (POLLERR | POLLHUP)) !== 0) {
      if (socket && (revents & POLLERR) !== 0) this.takeSocketError();
      this.outFlags = EV_EOF;
      this.outFflags = this.error;
      return true;
    }
    this.forgetError();
    // A pending error, which the next call on the socket returns. It is not an end. Example: a UDP message to a closed port.
    if (socket && (revents & POLLERR) !== 0) {
      this.outData = this.#space(socket);
      return true;
    }
    if ((revents & POLLOUT) === 0 || (revents & POLLHUP) !== 0) return false;
    // The type is checked each time. On a datagram socket that has the number now, sending 0 bytes would send a message.
    const error = socket && isStream(fd) ? sendNothing(fd) : 0;
    if (error === EPIPE || (error !== 0 && (pollNow(fd, POLLRDHUP) & shut) === shut)) {
      if (error !== EPIPE) this.shareError(error);
      this.outFlags = EV_EOF;
      this.outFflags = this.error;
      return true;
    }
    const space = this.#space(socket);
    this.outData = space;
    if ((this.fflags & NOTE_LOWAT) === 0 || space >= Number(this.data)) return true;
    this.deadline = monotonicTime() + INTERVAL;
    this.queue.timers()?.add(this);
    return false;
  }

  #space(socket: boolean): number {
    const { fd } = this;
    // Both sizes include the kernel's overhead, so the difference may be 0 or less. But poll(2) has reported space.
    if (socket) return Math.max(1, sendBuffer(fd) - Math.max(0, bytesToSend(fd)));
    if (this.fileType !== 'pipe') return 1;
    return Math.max(PIPE_BUF, libc.fcntl(fd, F_GETPIPE_SZ, 0) - bytesToRead(fd));
  }
}
