import { EV_EOF, NOTE_LOWAT } from './constants.ts';
import { DescriptorKnote } from './descriptor-knote.ts';
import { EPOLLOUT, type Epoll } from './epoll.ts';
import { queues } from './nested.ts';
import { isShutForWriting, isStream, sendBuffer, takeError } from './socket.ts';
import {
  bytesToRead,
  bytesToSend,
  EINVAL,
  libc,
  POLLERR,
  POLLHUP,
  POLLNVAL,
  POLLOUT,
  POLLRDHUP,
  pollNow,
} from './syscalls.ts';

const F_GETPIPE_SZ = 1032;
/** What a pipe takes at once or not at all: pipe(7). */
const PIPE_BUF = 4096;

/** EVFILT_WRITE. data: bytes that can be written without waiting; 0 on a regular file, which always can. */
export class WriteKnote extends DescriptorKnote {
  protected readonly interest: number = EPOLLOUT;
  #error = 0;
  #stream: boolean | undefined;

  override attach(): number {
    // A queue cannot be written to. One that was closed behind our back may have left its number to a pipe.
    return this.kind === 'other' && queues.has(this.fd) ? EINVAL : super.attach();
  }

  protected epoll(): Epoll | null {
    return this.queue.writers();
  }

  protected attachFile(): number {
    return 0;
  }

  protected detachFile(): void {}

  event(): boolean {
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
    if (socket ? (revents & POLLERR) !== 0 || (revents & shut) === shut : (revents & (POLLERR | POLLHUP)) !== 0) {
      if (socket && (revents & POLLERR) !== 0) this.#error = takeError(fd) || this.#error;
      this.outFlags = EV_EOF;
      this.outFflags = this.#error;
      return true;
    }
    if ((revents & POLLOUT) === 0 || (revents & POLLHUP) !== 0) return false;
    if (socket) {
      this.#stream ??= isStream(fd);
      if (this.#stream && isShutForWriting(fd)) {
        this.outFlags = EV_EOF;
        return true;
      }
    }
    const space = this.#space(socket);
    this.outData = space;
    return (this.fflags & NOTE_LOWAT) === 0 || space >= Number(this.data);
  }

  #space(socket: boolean): number {
    const { fd } = this;
    // Both count what the kernel spends on a message, not only its bytes: there is room, or poll(2) would not say so.
    if (socket) return Math.max(1, sendBuffer(fd) - Math.max(0, bytesToSend(fd)));
    if (this.kind !== 'pipe') return 1;
    return Math.max(PIPE_BUF, libc.fcntl(fd, F_GETPIPE_SZ, 0) - bytesToRead(fd));
  }
}
