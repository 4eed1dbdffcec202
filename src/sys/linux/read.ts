import { EV_EOF, NOTE_LOWAT } from './constants.ts';
import { DescriptorKnote } from './descriptor-knote.ts';
import { asKqueueErrno, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLRDHUP, type Epoll } from './epoll.ts';
import { IN_IGNORED, IN_MODIFY, IN_Q_OVERFLOW, type InodeWatcher } from './inotify.ts';
import { type InnerQueue, queueAt } from './nested.ts';
import { backlog, isDatagram, isListening } from './socket.ts';
import {
  bytesToRead,
  EINVAL,
  errno,
  isMemfd,
  libc,
  linkOf,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLRDHUP,
  pollNow,
  sizeOf,
} from './syscalls.ts';

const SEEK_CUR = 1;
/** Events of an end or an error, for which the number of bytes is not enough. */
const SPECIAL = EPOLLERR | EPOLLHUP | EPOLLRDHUP;

/**
 * EVFILT_READ. With NOTE_LOWAT, data of the change is a low-water mark. data of an event is:
 * - the number of bytes to read,
 * - on a listening socket, the number of pending connections,
 * - on a regular file, the number of bytes from the offset to the end. It may be negative. 0 is not reported.
 */
export class ReadKnote extends DescriptorKnote implements InodeWatcher {
  readonly mask: number = IN_MODIFY;
  protected readonly interest: number = EPOLLIN | EPOLLRDHUP;
  #fallback: number | undefined;
  /** Whether the socket has listened. */
  #listened = false;
  /** The watched queue, if the descriptor is a queue. */
  #inner: InnerQueue | undefined;

  override attach(): number {
    this.#inner = queueAt(this.fd);
    this.#listened = isListening(this.fd);
    const error = super.attach();
    if (error === 0 && this.#inner !== undefined) this.queue.inner.add(this.#inner);
    return error;
  }

  override detach(): void {
    if (this.#inner !== undefined) this.queue.inner.delete(this.#inner);
    super.detach();
  }

  override ready(events: number): void {
    super.ready(events);
    this.#inner?.expireTimers();
  }

  protected epoll(): Epoll {
    return this.queue.readers;
  }

  protected attachFile(): number {
    // A device without poll, such as /dev/null, is always ready and never changes.
    if (this.fileType !== 'file') return 0;
    // As for POSIX shared memory on the BSDs. Since Linux 6.14, inotify does not report that such a file grows.
    if (isMemfd(this.fd)) return EINVAL;
    const inotify = this.queue.inotify();
    return inotify === null ? asKqueueErrno(errno()) : inotify.add(this.fd, this);
  }

  protected detachFile(): void {
    if (this.fileType === 'file') this.queue.inotify()?.remove(this);
  }

  changed(mask: number): void {
    if ((mask & (IN_IGNORED | IN_Q_OVERFLOW)) !== 0 && this.alive()) this.queue.inotify()?.renew(this.fd, this);
    this.activate();
  }

  event(): boolean {
    if (this.file !== null) return this.#fileEvent();
    this.outFlags = 0;
    this.outFflags = 0;
    if ((this.revents & SPECIAL) === 0) {
      if (this.#inner !== undefined) {
        this.outData = this.#inner.readyCount();
        return this.outData > 0;
      }
      const bytes = bytesToRead(this.fd);
      if (bytes > 0) {
        this.outData = bytes;
        return bytes >= this.#lowWater();
      }
    }
    return this.#lookAgain();
  }

  /** Checks the descriptor when the number of bytes is not enough: it is unknown or 0, or there is an end or an error. */
  #lookAgain(): boolean {
    const { fd } = this;
    const revents = pollNow(fd, POLLIN | POLLRDHUP);
    if ((revents & POLLNVAL) !== 0) return false;
    this.revents = revents;
    const socket = this.fileType === 'socket';
    // A stream socket that was never connected has POLLHUP, and no end. A FIFO's end no longer holds after a new writer.
    let end = (revents & (socket ? POLLRDHUP : POLLHUP)) !== 0;
    const bytes = bytesToRead(fd);
    if (socket && !end) {
      const listening = bytes === -1 && isListening(fd);
      // After shutdown(2), a listening TCP socket looks like one that was never connected (net/ipv4/af_inet.c, inet_shutdown()).
      end = this.#listened && !listening && (revents & POLLHUP) !== 0;
      this.#listened ||= listening;
      if (listening) {
        this.forgetError();
        this.outData = (revents & POLLIN) === 0 ? 0 : backlog(fd);
        return this.outData > 0;
      }
    }
    if (end) {
      if (socket && (revents & POLLERR) !== 0) this.takeSocketError();
      this.outFlags = EV_EOF;
      this.outFflags = this.error;
      this.outData = Math.max(0, bytes);
      return true;
    }
    this.forgetError();
    // A pending error, which the next call on the socket returns. Example: a UDP message was sent to a closed port.
    if (socket && (revents & POLLERR) !== 0) {
      this.outData = Math.max(0, bytes);
      return true;
    }
    if ((revents & POLLIN) === 0) return false;
    if (bytes === 0 && this.fileType === 'device') {
      // An end of file typed at a terminal (^D), for which read(2) returns 0. The BSDs store it in the line and count it.
      this.outData = 1;
      return (pollNow(fd, POLLIN) & POLLIN) !== 0;
    }
    if (bytes >= 0) {
      this.outData = bytes;
      // 0 bytes and POLLIN: an empty datagram. On any other file, the bytes were read between the two calls.
      return bytes > 0 ? bytes >= this.#lowWater() : socket && isDatagram(fd);
    }
    this.outData = this.#uncounted();
    return true;
  }

  /** The bytes that read(2) returns if the descriptor does not count bytes: 8 for an eventfd and a timerfd. */
  #uncounted(): number {
    if (this.#fallback === undefined) {
      // Without /proc there is no link, but the descriptor is readable.
      const target = linkOf(this.fd) ?? '';
      this.#fallback = /\[(eventfd|timerfd)\]/.test(target) ? 8 : 1;
    }
    return this.#fallback;
  }

  #lowWater(): number {
    return (this.fflags & NOTE_LOWAT) === 0 ? 1 : Number(this.data);
  }

  #fileEvent(): boolean {
    this.outData = 0;
    if (this.fileType !== 'file') return true;
    const size = sizeOf(this.fd);
    // EBADF: closed, so there is nothing to report. The next check of the number deletes the knote.
    if (size === -1) return false;
    this.outData = size - libc.lseek(this.fd, 0, SEEK_CUR);
    return this.outData !== 0;
  }
}
