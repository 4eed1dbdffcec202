import { now } from './clock.ts';
import { EV_EOF, NOTE_LOWAT } from './constants.ts';
import { DescriptorKnote } from './descriptor-knote.ts';
import { EPOLLOUT, type Epoll } from './epoll.ts';
import type { Change } from './knote.ts';
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
/** What a pipe takes at once or not at all: pipe(7). */
const PIPE_BUF = 4096;
/** The time between two looks at a space that is below the low-water mark, in nanoseconds. */
const INTERVAL = 10e6;

/**
 * EVFILT_WRITE. data: bytes that can be written without waiting; 0 on a regular file, which always can. NOTE_LOWAT: data is
 * a low-water mark. epoll tells once that there is space, and no more as it grows: below the mark a timer looks again.
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

  override change(change: Change, adding: boolean): number {
    return this.#canLookAgain(change.fflags) ? super.change(change, adding) : ENOMEM;
  }

  /** Makes the timer now: later there is nobody to be told that it cannot be had. */
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
    // Looked at now, whoever wanted it.
    this.pause();
    this.outFlags = 0;
    this.outFflags = 0;
    this.outData = 0;
    if (this.file !== null) return true;
    const { fd } = this;
    const revents = pollNow(fd, POLLOUT | POLLRDHUP);
    if ((revents & POLLNVAL) !== 0) return false;
    const socket = this.kind === 'socket';
    // A pipe says POLLERR when its reader is gone. A socket is shut for good with both of these; POLLHUP alone is one
    // that was never connected, which is not ready.
    const shut = POLLHUP | POLLRDHUP;
    if (socket ? (revents & shut) === shut : (revents & (POLLERR | POLLHUP)) !== 0) {
      if (socket && (revents & POLLERR) !== 0) this.takeError();
      this.outFlags = EV_EOF;
      this.outFflags = this.error;
      return true;
    }
    this.forgetError();
    // An error waits that the next call on the socket will give, as on a UDP socket whose message found no port: no end.
    if (socket && (revents & POLLERR) !== 0) {
      this.outData = this.#space(socket);
      return true;
    }
    if ((revents & POLLOUT) === 0 || (revents & POLLHUP) !== 0) return false;
    // Asked each time: were the number a datagram socket's by now, sending nothing would be a message.
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
    this.deadline = now() + INTERVAL;
    this.queue.timers()?.add(this);
    return false;
  }

  #space(socket: boolean): number {
    const { fd } = this;
    // Both count what the kernel spends on a message, not only its bytes: there is room, or poll(2) would not say so.
    if (socket) return Math.max(1, sendBuffer(fd) - Math.max(0, bytesToSend(fd)));
    if (this.kind !== 'pipe') return 1;
    return Math.max(PIPE_BUF, libc.fcntl(fd, F_GETPIPE_SZ, 0) - bytesToRead(fd));
  }
}
