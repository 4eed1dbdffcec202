import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { constants, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises';
import koffi from 'koffi';
import type { Sys } from '../../src/sys/sys.ts';
import type { Child, ChildOptions, Pair, World } from './world.ts';

const libc = koffi.load(null);
const linux = process.platform === 'linux';
const bsd = !linux;

/** A C function of integers and pointers. */
type Integers = (...args: (number | string | Uint8Array | Int16Array | Int32Array)[]) => number;

const c = {
  pipe: libc.func('int pipe(void *fds)') as Integers,
  socketpair: libc.func('int socketpair(int domain, int type, int protocol, void *fds)') as Integers,
  socket: libc.func('int socket(int domain, int type, int protocol)') as Integers,
  bind: libc.func('int bind(int fd, void *address, unsigned int length)') as Integers,
  listen: libc.func('int listen(int fd, int backlog)') as Integers,
  connect: libc.func('int connect(int fd, void *address, unsigned int length)') as Integers,
  accept: libc.func('int accept(int fd, void *address, void *length)') as Integers,
  getsockname: libc.func('int getsockname(int fd, void *address, void *length)') as Integers,
  setsockopt: libc.func('int setsockopt(int fd, int level, int name, void *value, unsigned int length)') as Integers,
  shutdown: libc.func('int shutdown(int fd, int how)') as Integers,
  dup: libc.func('int dup(int fd)') as Integers,
  dup2: libc.func('int dup2(int fd, int target)') as Integers,
  // Variadic, and declared so: arm64 macOS passes such arguments on the stack.
  fcntl: libc.func('int fcntl(int fd, int command, ...)') as Integers,
  open: libc.func('int open(const char *path, int flags, ...)') as Integers,
  close: libc.func('int close(int fd)') as Integers,
  read: libc.func('int64_t read(int fd, void *buffer, size_t length)') as Integers,
  write: libc.func('int64_t write(int fd, const void *data, size_t length)') as Integers,
  lseek: libc.func('int64_t lseek(int fd, int64_t offset, int whence)') as Integers,
  mkfifo: libc.func('int mkfifo(const char *path, unsigned int mode)') as Integers,
  poll: libc.func('int poll(void *fds, unsigned long count, int timeout)') as Integers,
};

// The numbers that differ. These are equal on every system:
// - AF_UNIX 1, AF_INET 2, SOCK_STREAM 1, SOCK_DGRAM 2, SHUT_RD 0, SHUT_WR 1,
// - F_SETFD 2, F_GETFL 3, F_SETFL 4, FD_CLOEXEC 1, POLLIN 1, POLLOUT 4, SEEK_SET 0.
const SOL_SOCKET = linux ? 1 : 0xffff;
const SO_LINGER = linux ? 13 : 0x80;

const { O_APPEND, O_CREAT, O_EXCL, O_NOCTTY, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = fs.constants;

/** Throws what Node would for a call that returned -1. */
function must(syscall: string, result: number): number {
  if (result !== -1) return result;
  const errno = koffi.errno();
  const code = Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;
  throw Object.assign(new Error(`${code}, ${syscall}`), { code, errno, syscall });
}

/** Sets close-on-exec, so that no child keeps a pipe open, and O_NONBLOCK unless `blocking`. */
function prepare(fd: number, blocking = false): number {
  must('fcntl', c.fcntl(fd, 2, 'int', 1));
  if (!blocking) must('fcntl', c.fcntl(fd, 4, 'int', must('fcntl', c.fcntl(fd, 3, 'int', 0)) | O_NONBLOCK));
  return fd;
}

// Deno's node:fs refuses descriptors that it did not open, so all calls on descriptors go through koffi.

function open(path: string, flags: number): number {
  return prepare(must('open', c.open(path, flags, 'int', 0o644)), true);
}

function read(fd: number, length: number): Uint8Array {
  const buffer = new Uint8Array(length);
  return buffer.subarray(0, must('read', c.read(fd, buffer, length)));
}

function close(fd: number): void {
  must('close', c.close(fd));
}

function pair(fds: Int32Array, blocking = false): Pair {
  return [prepare(fds[0] as number, blocking), prepare(fds[1] as number, blocking)];
}

function pipe(blocking: boolean): Pair {
  const fds = new Int32Array(2);
  must('pipe', c.pipe(fds));
  return pair(fds, blocking);
}

/** struct sockaddr_in for 127.0.0.1; the BSDs' begins with its own length. */
function loopback(port = 0): Uint8Array {
  const address = new Uint8Array(16);
  address.set(bsd ? [16, 2] : [2, 0]);
  address.set([port >> 8, port & 255, 127, 0, 0, 1], 2);
  return address;
}

function addressOf(fd: number): Uint8Array {
  const address = new Uint8Array(16);
  must('getsockname', c.getsockname(fd, address, Int32Array.of(16)));
  return address;
}

/** poll(2) for one descriptor: whether one of these events is there within `ms`. */
function poll(fd: number, events: number, ms: number): boolean {
  // struct pollfd { int fd; short events; short revents; }
  const pollfd = new Int32Array([fd, events]);
  return must('poll', c.poll(pollfd, 1, ms)) > 0;
}

function socket(type: number): number {
  return prepare(must('socket', c.socket(2, type, 0)));
}

/** What a child does when it may end: one sh script, whose descriptor 3 is the pipe that it waits on. */
function script({ code = 0, signal, after, forks, execs }: ChildOptions): string {
  const end = signal === undefined ? `exit ${code}` : `kill -${signal.slice(3)} $$`;
  return [
    after === undefined ? 'read line <&3' : `sleep ${after / 1000}`,
    forks ? 'sh -c : & wait' : ':',
    execs ? `exec sh -c '${end}'` : end,
  ].join('; ');
}

/** The world of this process: its kernel's calls, made through Node and libc, and any kqueue on top of them. */
export function processWorld(sys: Sys, name: string, version?: string): World {
  const undo: (() => void)[] = [];

  const world: World = {
    name,
    ...(version === undefined ? {} : { version }),
    sys,
    errno: constants.errno,

    pipe: () => pipe(false),
    socketpair(type) {
      const fds = new Int32Array(2);
      must('socketpair', c.socketpair(1, type === 'stream' ? 1 : 2, 0, fds));
      return pair(fds);
    },
    listen() {
      const fd = socket(1);
      must('bind', c.bind(fd, loopback(), 16));
      must('listen', c.listen(fd, 16));
      return fd;
    },
    connect(listener) {
      const fd = socket(1);
      if (c.connect(fd, addressOf(listener), 16) === -1 && koffi.errno() !== constants.errno.EINPROGRESS) {
        must('connect', -1);
      }
      poll(fd, 4, 2000);
      return fd;
    },
    accept(listener) {
      poll(listener, 1, 2000);
      return prepare(must('accept', c.accept(listener, new Uint8Array(16), Int32Array.of(16))));
    },
    tcp: () => socket(1),
    udp() {
      const [a, b] = [socket(2), socket(2)];
      for (const fd of [a, b]) must('bind', c.bind(fd, loopback(), 16));
      must('connect', c.connect(a, addressOf(b), 16));
      must('connect', c.connect(b, addressOf(a), 16));
      return [a, b];
    },
    shutdown: (fd, how) => void must('shutdown', c.shutdown(fd, how === 'read' ? 0 : 1)),
    reset(fd) {
      // struct linger { int l_onoff; int l_linger; }
      must('setsockopt', c.setsockopt(fd, SOL_SOCKET, SO_LINGER, Int32Array.of(1, 0), 8));
      close(fd);
    },

    read,
    write(fd, data) {
      const bytes = typeof data === 'string' ? Buffer.from(data) : data;
      return must('write', c.write(fd, bytes, bytes.length));
    },
    // A duplicate shares the other's flags, but for close-on-exec.
    dup: (fd) => prepare(must('dup', c.dup(fd)), true),
    dup2: (fd, target) => prepare(must('dup2', c.dup2(fd, target)), true),
    close,

    folder() {
      const path = fs.mkdtempSync(join(tmpdir(), 'kqueue-'));
      undo.push(() => fs.rmSync(path, { recursive: true, force: true }));
      return path;
    },
    open(path, how) {
      const access = {
        r: O_RDONLY,
        w: O_WRONLY,
        a: O_WRONLY | O_APPEND,
        rw: O_RDWR,
        create: O_RDWR | O_CREAT | O_EXCL,
      };
      return open(path, access[how] | O_NONBLOCK);
    },
    lseek: (fd, offset) => void must('lseek', c.lseek(fd, offset, 0)),
    unlink: (path) => fs.unlinkSync(path),
    rename: (from, to) => fs.renameSync(from, to),
    link: (from, to) => fs.linkSync(from, to),
    chmod: (path, mode) => fs.chmodSync(path, mode),
    utimes: (path, seconds) => fs.utimesSync(path, seconds, seconds),
    truncate: (path, length) => fs.truncateSync(path, length),
    mkdir: (path) => fs.mkdirSync(path),
    rmdir: (path) => fs.rmdirSync(path),
    mkfifo: (path) => void must('mkfifo', c.mkfifo(path, 0o600)),
    poll: (fd) => poll(fd, 1, 0),

    signal: (signal) => constants.signals[signal as NodeJS.Signals],
    kill: (signal) => void process.kill(process.pid, signal),
    handle(signal, handler) {
      process.on(signal, handler);
      undo.push(() => process.off(signal, handler));
    },
    spawn(options): Child {
      const [wait, go] = pipe(true);
      let ended = false;
      const end = (): void => {
        // Once: the number may be another file's by then.
        if (!ended) close(go);
        ended = true;
      };
      undo.push(end);
      // With its pipe closed the child's `read` is over: it ends, and so does every child when this process dies.
      if (!options.orphan) {
        const child = spawn('/bin/sh', ['-c', script(options)], { stdio: ['ignore', 'ignore', 'ignore', wait] });
        close(wait);
        const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
          child.on('exit', (code, signal) => resolve({ code, signal }));
        });
        return { pid: child.pid as number, end, exited };
      }
      const [answer, tell] = pipe(true);
      const both = `sh -c "$0" 4>&- & echo $! >&4`;
      spawn('/bin/sh', ['-c', both, script(options)], { stdio: ['ignore', 'ignore', 'ignore', wait, tell] });
      close(wait);
      close(tell);
      const pid = Number(Buffer.from(read(answer, 32)).toString());
      close(answer);
      return { pid, end };
    },
    async turn() {
      // Long enough for a signal or the end of a process to come through libuv's pipe.
      await delay(20);
      await immediate();
    },

    cleanup() {
      for (const step of undo.splice(0).reverse()) step();
    },
  };

  // What only some systems have.
  const found = (prototype: string): Integers | undefined => {
    try {
      return libc.func(prototype) as Integers;
    } catch {
      return undefined;
    }
  };
  const eventfd = linux ? found('int eventfd(unsigned int initial, int flags)') : undefined;
  if (eventfd !== undefined) world.eventfd = () => prepare(must('eventfd', eventfd(0, 0)));
  const openpt = found('int posix_openpt(int flags)');
  const grantpt = found('int grantpt(int fd)');
  const unlockpt = found('int unlockpt(int fd)');
  const ptsname = found('const char *ptsname(int fd)') as ((fd: number) => string | null) | undefined;
  if (openpt !== undefined && grantpt !== undefined && unlockpt !== undefined && ptsname !== undefined) {
    world.pty = () => {
      const master = prepare(must('posix_openpt', openpt(O_RDWR | O_NOCTTY)));
      must('grantpt', grantpt(master));
      must('unlockpt', unlockpt(master));
      const slave = open(ptsname(master) as string, O_RDWR | O_NOCTTY | O_NONBLOCK);
      return [master, slave];
    };
  }
  return world;
}

/** The version of the running system, `14.1` of `14.1-RELEASE`. */
export const systemVersion: string = release();
