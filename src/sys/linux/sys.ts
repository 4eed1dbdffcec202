import { checkCall } from '../call.ts';
import { checkInt } from '../check.ts';
import { unowned, untrack } from '../descriptor.ts';
import { abis } from '../layout.ts';
import type { Sys } from '../sys.ts';
import { queues as watchable } from './nested.ts';
import { Queue, repair } from './queue.ts';
import { hasUnsettledListeners, settleListeners } from './signal.ts';
import { bindLibc, EBADF, errno, libc } from './syscalls.ts';

/** The kqueue built in for Linux: kqueue(2) made of epoll, timerfd, eventfd, inotify and pidfd. Linux 5.3 or later. */
export function linuxSys(): Sys {
  bindLibc();
  const abi = abis.linux;
  const queues = new Map<number, Queue>();
  let saved = 0;
  /** The queue that close() has begun to close. */
  let closing: Queue | undefined;
  const fail = (error: number): -1 => {
    saved = error;
    return -1;
  };
  const forget = (kq: number, queue: Queue): void => {
    // A handler that ran in the queue's call may have closed it, and have made another.
    if (queues.get(kq) !== queue) return;
    queue.dismantle();
    queues.delete(kq);
    watchable.delete(kq);
  };

  /** The queue that has this number. A queue that lost it, because it was closed without close(), is forgotten. */
  const find = (kq: number): Queue | undefined => {
    const queue = queues.get(kq);
    if (queue === undefined || queue.isOpen()) return queue;
    forget(kq, queue);
    return undefined;
  };

  return Object.freeze<Sys>({
    name: 'linux',
    abi,
    pollable: true,
    handlesSignals: true,
    kqueue(): number {
      repair();
      const queue = Queue.create();
      if (typeof queue === 'number') return fail(queue);
      // A queue that was closed without close(), and whose number has come round: its own descriptors are still open.
      const stale = queues.get(queue.fd);
      if (stale !== undefined) forget(queue.fd, stale);
      const { bell } = queue;
      const { fd } = queue.readers;
      queues.set(fd, queue);
      watchable.set(fd, queue);
      unowned.delete(fd);
      unowned.delete(bell);
      return fd;
    },
    kevent(kq, changelist, nchanges, eventlist, nevents, timeout): number {
      checkCall(abi, kq, changelist, nchanges, eventlist, nevents, timeout);
      const queue = queues.get(kq);
      if (queue === undefined) return fail(EBADF);
      const result = queue.kevent(changelist, nchanges, eventlist, nevents, timeout);
      if (result >= 0) return result;
      if (queue.closed) forget(kq, queue);
      return fail(-result);
    },
    close(fd): number {
      checkInt('fd', fd);
      repair();
      const queue = queues.get(fd);
      // The number is closed, or is somebody else's file: libuv aborts the process when its epoll is gone. A queue without
      // its eventfd cannot prove it: close() was stopped, and goes on.
      if (queue !== undefined && queue !== closing && find(fd) === undefined) return fail(EBADF);
      closing = queue;
      queue?.dismantle();
      const result = untrack(fd) ?? (libc.close(fd) === -1 ? fail(errno()) : 0);
      closing = undefined;
      if (queue !== undefined && queues.get(fd) === queue) {
        queues.delete(fd);
        watchable.delete(fd);
      }
      if (hasUnsettledListeners()) settleListeners();
      return result;
    },
    errno: () => saved,
    wakefd(kq, ident): number {
      repair();
      const queue = find(kq);
      if (queue === undefined) return fail(EBADF);
      const fd = queue.wakefd(ident);
      return fd === -1 ? fail(errno()) : fd;
    },
    collectExits: (kq) => queues.get(kq)?.collectExits(),
  });
}
