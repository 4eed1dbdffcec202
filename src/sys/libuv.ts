import { koffi } from './koffi.ts';
import { bindLibc, EEXIST, errno, libc } from './linux/syscalls.ts';
import { hasLibuv } from './runtime.ts';

const EPOLL_CTL_ADD = 1;

/** struct epoll_event with no events, which libuv sets later. data is the descriptor, as in libuv, at offset 4 or 8. */
const words = new Int32Array(new ArrayBuffer(16));
let address = 0;
/** The epoll(7) instance of the main thread's loop. -1 if the program that contains Node exports no symbol of libuv. */
let backend: number | undefined;

function findBackend(): number {
  const { load, address: addressOf } = koffi();
  address = Number(addressOf(words.buffer));
  try {
    const uv = load(null);
    return uv.func('uv_backend_fd', 'int', ['uintptr_t'])(uv.func('uv_default_loop', 'uintptr_t', [])());
  } catch {
    // koffi found no such symbol.
    return -1;
  }
}

/** The descriptor of the epoll(7) instance of the main thread's loop, or -1 if it is unknown. Only on Linux's main thread. */
export function backendFd(): number {
  backend ??= hasLibuv ? findBackend() : -1;
  return backend;
}

/**
 * On Linux, adds a descriptor to the epoll instance of Node's loop. Returns false if the kernel refuses it, and true if it
 * succeeds or the instance is unknown. Only on the main thread.
 *
 * libuv adds a descriptor when the loop turns, and aborts the process if the kernel refuses it. libuv accepts a descriptor
 * that is already there. The kernel refuses an epoll instance in three cases (epoll_ctl(2), ELOOP and EINVAL):
 * - its chain of watched epoll instances is too long,
 * - it watches libuv's instance,
 * - it watches a file that too many others watch.
 */
export function addToLoopEpoll(fd: number): boolean {
  if (process.platform !== 'linux') return true;
  bindLibc();
  const backend = backendFd();
  if (backend === -1) return true;
  words.set([0, fd, fd, 0]);
  return libc.epoll_ctl(backend, EPOLL_CTL_ADD, fd, address) === 0 || errno() === EEXIST;
}
