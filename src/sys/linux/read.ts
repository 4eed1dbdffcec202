import { EV_EOF, NOTE_LOWAT } from './constants.ts';
import { DescriptorKnote } from './descriptor-knote.ts';
import { asKqueueErrno, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLRDHUP, type Epoll } from './epoll.ts';
import { IN_IGNORED, IN_MODIFY, IN_Q_OVERFLOW, type Watcher } from './inotify.ts';
import { type Pending, queueAt } from './nested.ts';
import { backlog, isDatagram, isListening } from './socket.ts';
import {
  bytesToRead,
  errno,
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
/** Events after which counting bytes does not tell everything: an end of file, an error. */
const SPECIAL = EPOLLERR | EPOLLHUP | EPOLLRDHUP;

/**
 * EVFILT_READ. data: bytes to read; connections that wait, on a listening socket; from the offset to the end, on a
 * regular file, which may be negative and is silent at 0. NOTE_LOWAT: data is a low-water mark.
 */
export class ReadKnote extends DescriptorKnote implements Watcher {
  readonly mask: number = IN_MODIFY;
  protected readonly interest: number = EPOLLIN | EPOLLRDHUP;
  #fallback: number | undefined;
  /** Whether it was a listening socket. */
  #listened = false;
  /** The queue that is watched, if it is one. */
  #inner: Pending | undefined;

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

  protected epoll(): Epoll {
    return this.queue.readers;
  }

  protected attachFile(): number {
    // A device without poll, /dev/null for one, is always ready and never changes.
    if (this.kind !== 'file') return 0;
    const inotify = this.queue.inotify();
    return inotify === null ? asKqueueErrno(errno()) : inotify.add(this.fd, this);
  }

  protected detachFile(): void {
    if (this.kind === 'file') this.queue.inotify()?.remove(this);
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
        this.outData = this.#inner.pending();
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

  /** The bytes do not tell: nothing to count, nothing there, or the end. */
  #lookAgain(): boolean {
    const { fd } = this;
    const revents = pollNow(fd, POLLIN | POLLRDHUP);
    if ((revents & POLLNVAL) !== 0) return false;
    this.revents = revents;
    const socket = this.kind === 'socket';
    // A stream socket that was never connected has POLLHUP, and no end. An end that a FIFO had is over with a new writer.
    let end = (revents & (socket ? POLLRDHUP : POLLHUP)) !== 0;
    const bytes = bytesToRead(fd);
    if (socket && !end) {
      const listening = bytes === -1 && isListening(fd);
      // shutdown(2) makes a TCP socket that listened one that was never connected: net/ipv4/af_inet.c, inet_shutdown().
      end = this.#listened && !listening && (revents & POLLHUP) !== 0;
      this.#listened ||= listening;
      if (listening) {
        this.forgetError();
        this.outData = (revents & POLLIN) === 0 ? 0 : backlog(fd);
        return this.outData > 0;
      }
    }
    if (end) {
      if (socket && (revents & POLLERR) !== 0) this.takeError();
      this.outFlags = EV_EOF;
      this.outFflags = this.error;
      this.outData = Math.max(0, bytes);
      return true;
    }
    this.forgetError();
    // An error waits that the next call on the socket will give, as on a UDP socket whose message found no port.
    if (socket && (revents & POLLERR) !== 0) {
      this.outData = Math.max(0, bytes);
      return true;
    }
    if ((revents & POLLIN) === 0) return false;
    if (bytes === 0 && this.kind === 'device') {
      // A terminal's end that was typed (^D), which read(2) takes: the BSDs have it in the line, and count it.
      this.outData = 1;
      return (pollNow(fd, POLLIN) & POLLIN) !== 0;
    }
    if (bytes >= 0) {
      this.outData = bytes;
      // Nothing to count and yet something to read: an empty datagram. Of anything else it was read between the two calls.
      return bytes > 0 ? bytes >= this.#lowWater() : socket && isDatagram(fd);
    }
    this.outData = this.#uncounted();
    return true;
  }

  /** What read(2) would bring of a descriptor that does not count: an eventfd and a timerfd give 8 bytes at a time. */
  #uncounted(): number {
    if (this.#fallback === undefined) {
      // Without /proc there is no link, and the descriptor is readable all the same.
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
    if (this.kind !== 'file') return true;
    const size = sizeOf(this.fd);
    // EBADF: closed, so there is nothing to report; the knote goes when its number is next looked at.
    if (size === -1) return false;
    this.outData = size - libc.lseek(this.fd, 0, SEEK_CUR);
    return this.outData !== 0;
  }
}
