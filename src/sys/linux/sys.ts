import { checkCall } from '../call.ts';
import { checkInt } from '../check.ts';
import { closeByFs, unowned } from '../descriptor.ts';
import { abis } from '../layout.ts';
import type { Sys } from '../sys.ts';
import { queues as innerQueues } from './nested.ts';
import { Queue, repair } from './queue.ts';
import { hasUnsettledListeners, settleListeners } from './signal.ts';
import { bindLibc, EBADF, errno, libc } from './syscalls.ts';

/** The built-in kqueue for Linux 5.3 and later, made of epoll, timerfd, eventfd, inotify and pidfd. */
export function linuxSys(): Sys {
  bindLibc();
  const abi = abis.linux;
  const queues = innerQueues as Map<number, Queue>;
  let saved = 0;
  /** The descriptors of queues whose close() has begun and not finished. */
  const closing = new Set<number>();
  const fail = (error: number): -1 => {
    saved = error;
    return -1;
  };
  const forget = (kq: number, queue: Queue): void => {
    // A handler that ran in the queue's call may have closed the queue and made another with the same number.
    if (queues.get(kq) !== queue) return;
    queue.dismantle();
    queues.delete(kq);
  };

  /** The queue with this descriptor. Forgets a queue whose descriptor was closed without close(). */
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
      // A queue with this number was closed without close(). Its other descriptors are still open.
      const stale = queues.get(queue.fd);
      if (stale !== undefined) forget(queue.fd, stale);
      const { fd } = queue.readers;
      closing.delete(fd);
      queues.set(fd, queue);
      unowned.length -= 2;
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
      if (queue !== undefined) {
        // EBADF if the number is closed or is now another file, because libuv aborts the process if its epoll instance is closed.
        // A queue whose close() was stopped has no readiness eventfd to prove its number with. That close() continues here.
        if (!closing.has(fd) && find(fd) === undefined) return fail(EBADF);
        closing.add(fd);
        queue.dismantle();
        queues.delete(fd);
      }
      // While the number is taken, because a 'removeListener' handler may open a file and call close() again.
      if (hasUnsettledListeners()) settleListeners();
      if (queue !== undefined && !closing.has(fd)) return 0;
      // Before the number is closed. If JavaScript is stopped after that, a second close(fd) closes another file.
      closing.delete(fd);
      return closeByFs(fd) ?? (libc.close(fd) === -1 ? fail(errno()) : 0);
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
