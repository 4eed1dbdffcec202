import { koffi } from './koffi.ts';
import { bindLibc, EEXIST, errno, libc } from './linux/syscalls.ts';

const EPOLL_CTL_ADD = 1;

/** struct epoll_event: no events, until libuv asks for some; its data is the descriptor, at 4 or at 8, as libuv has it. */
const words = new Int32Array(new ArrayBuffer(16));
let address = 0;
/** The epoll(7) of the main thread's loop; -1 where the program that has Node in it exports nothing of libuv. */
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

/** The descriptor of the epoll(7) of the main thread's loop; -1 where it is not known. Linux only, on the main thread. */
export function backendFd(): number {
  // Bun exports functions of libuv that end the process.
  const { bun, deno } = process.versions;
  backend ??= bun === undefined && deno === undefined ? findBackend() : -1;
  return backend;
}

/**
 * Puts a descriptor into the epoll of Node's loop ahead of libuv, which does so when the loop turns, and aborts the process
 * if the kernel says no; one that is there already it takes for its own. False where the kernel does say no: to an epoll
 * that watches one that watches one, and so on, to one that watches that of libuv, and to one with a file that too many
 * others watch. Where nobody can be asked, true. Linux only, on the main thread.
 */
export function admit(fd: number): boolean {
  bindLibc();
  const backend = backendFd();
  if (backend === -1) return true;
  words.set([0, fd, fd, 0]);
  return libc.epoll_ctl(backend, EPOLL_CTL_ADD, fd, address) === 0 || errno() === EEXIST;
}
