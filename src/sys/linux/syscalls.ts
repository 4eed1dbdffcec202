import { constants } from 'node:os';
import { koffi } from '../koffi.ts';

/*
 * The system calls of Linux for the built-in kqueue, called through libc. Each returns the value of its man page in section 2,
 * and -1 with errno() on failure. A result that C returns through a pointer is written to `scratch`.
 */

type Call = (...args: readonly number[]) => number;

interface Libc {
  readonly close: Call;
  readonly open: (path: string, flags: number) => number;
  readonly readlink: (path: string, buffer: number, size: number) => number;
  readonly pipe2: Call;
  readonly epoll_create1: Call;
  readonly epoll_ctl: Call;
  readonly epoll_wait: Call;
  readonly eventfd: Call;
  readonly clock_gettime: Call;
  readonly timerfd_create: Call;
  readonly timerfd_settime: Call;
  readonly inotify_init1: Call;
  readonly inotify_add_watch: (fd: number, path: string, mask: number) => number;
  readonly inotify_rm_watch: Call;
  readonly poll: Call;
  readonly ppoll: Call;
  readonly read: Call;
  readonly write: Call;
  readonly lseek: Call;
  readonly getsockopt: Call;
  readonly send: Call;
  readonly waitid: Call;
  readonly sigaction: Call;
  readonly syscall: Call;
  readonly ioctl: Call;
  readonly fcntl: Call;
}

/** Memory for the results of calls: 512 bytes outside the JavaScript heap, so that their address never changes. */
export const scratch: Int32Array = new Int32Array(new ArrayBuffer(512));
/** The address of {@link scratch}. 0 before {@link bindLibc}. */
export let scratchAddress = 0;
/** Memory for clock_gettime(2) only, so that reading the clock does not overwrite {@link scratch}. */
const time = new Int32Array(new ArrayBuffer(16));
let timeAddress = 0;
/** Memory for the bytes of a link or of a file in /proc. */
const bytes = Buffer.from(new ArrayBuffer(4096));
let bytesAddress = 0;
/** The calls of libc. Valid after {@link bindLibc}. */
export let libc: Libc;

/** errno(3) of the call that has just returned -1. Valid after {@link bindLibc}. */
export let errno: () => number;

/** Declares the calls to koffi. Pointers are passed as numbers, because the address of a buffer here never changes. */
export function bindLibc(): void {
  if (scratchAddress !== 0) return;
  const { load, address, errno: currentErrno } = koffi();
  errno = currentErrno;
  const self = load(null);
  const declare = (name: string, ...types: string[]): Call => {
    const [result = 'int', ...parameters] = types;
    return self.func(name, result, parameters) as unknown as Call;
  };
  libc = {
    close: declare('close', 'int', 'int'),
    // Variadic, but without O_CREAT there is no third argument.
    open: declare('open', 'int', 'str', 'int') as unknown as Libc['open'],
    readlink: declare('readlink', 'intptr_t', 'str', 'uintptr_t', 'size_t') as unknown as Libc['readlink'],
    pipe2: declare('pipe2', 'int', 'uintptr_t', 'int'),
    epoll_create1: declare('epoll_create1', 'int', 'int'),
    epoll_ctl: declare('epoll_ctl', 'int', 'int', 'int', 'int', 'uintptr_t'),
    epoll_wait: declare('epoll_wait', 'int', 'int', 'uintptr_t', 'int', 'int'),
    eventfd: declare('eventfd', 'int', 'uint', 'int'),
    clock_gettime: declare('clock_gettime', 'int', 'int', 'uintptr_t'),
    timerfd_create: declare('timerfd_create', 'int', 'int', 'int'),
    timerfd_settime: declare('timerfd_settime', 'int', 'int', 'int', 'uintptr_t', 'uintptr_t'),
    inotify_init1: declare('inotify_init1', 'int', 'int'),
    inotify_add_watch: declare(
      'inotify_add_watch',
      'int',
      'int',
      'str',
      'uint32_t',
    ) as unknown as Libc['inotify_add_watch'],
    inotify_rm_watch: declare('inotify_rm_watch', 'int', 'int', 'int'),
    poll: declare('poll', 'int', 'uintptr_t', 'ulong', 'int'),
    ppoll: declare('ppoll', 'int', 'uintptr_t', 'ulong', 'uintptr_t', 'uintptr_t'),
    read: declare('read', 'intptr_t', 'int', 'uintptr_t', 'size_t'),
    write: declare('write', 'intptr_t', 'int', 'uintptr_t', 'size_t'),
    lseek: declare('lseek', 'int64_t', 'int', 'int64_t', 'int'),
    getsockopt: declare('getsockopt', 'int', 'int', 'int', 'int', 'uintptr_t', 'uintptr_t'),
    send: declare('send', 'intptr_t', 'int', 'uintptr_t', 'size_t', 'int'),
    waitid: declare('waitid', 'int', 'int', 'uint', 'uintptr_t', 'int'),
    sigaction: declare('sigaction', 'int', 'int', 'uintptr_t', 'uintptr_t'),
    // Linux passes variadic arguments in the same registers as others. So these three are declared with a fixed list, which
    // takes koffi half the time of a variadic call.
    fcntl: declare('fcntl', 'int', 'int', 'int', 'long'),
    ioctl: declare('ioctl', 'int', 'int', 'ulong', 'uintptr_t'),
    // For calls for which musl, or glibc before 2.36, has no function.
    syscall: declare('syscall', 'long', 'long', 'long', 'long', 'long', 'long', 'long', 'long'),
  };
  scratchAddress = Number(address(scratch.buffer));
  timeAddress = Number(address(time.buffer));
  bytesAddress = Number(address(bytes.buffer));
}

export const EACCES: number = constants.errno.EACCES;
export const EAGAIN: number = constants.errno.EAGAIN;
export const EBADF: number = constants.errno.EBADF;
export const EEXIST: number = constants.errno.EEXIST;
export const EINTR: number = constants.errno.EINTR;
export const EINVAL: number = constants.errno.EINVAL;
export const ELOOP: number = constants.errno.ELOOP;
export const ENOENT: number = constants.errno.ENOENT;
export const ENOMEM: number = constants.errno.ENOMEM;
export const ENOSPC: number = constants.errno.ENOSPC;
export const ENOSYS: number = constants.errno.ENOSYS;
export const EPIPE: number = constants.errno.EPIPE;
export const EPERM: number = constants.errno.EPERM;
export const ESRCH: number = constants.errno.ESRCH;

/**
 * Whether an errno means that the system call is missing. Kernels return ENOSYS. A container runtime whose seccomp filter is
 * older than the call returns EPERM: https://github.com/opencontainers/runc/issues/2151.
 */
export function isMissingCall(error: number): boolean {
  return error === ENOSYS || error === EPERM;
}

/** syscall(2) numbers of new calls, which are equal on every architecture. */
export const SYS_PIDFD_SEND_SIGNAL = 424;
export const SYS_PIDFD_OPEN = 434;
export const SYS_EPOLL_PWAIT2 = 441;
/** An older call: one number on x86-64, and another on the architectures that use asm-generic/unistd.h. */
const SYS_STATX = process.arch === 'x64' ? 332 : 291;

/**
 * clock_gettime(2), in nanoseconds. A double represents 104 days of nanoseconds exactly. process.hrtime() does not serve, because
 * in Bun and Deno it starts at 0 with the process, and test frameworks replace it.
 */
export function clockTime(clock: number): number {
  // Cannot fail, because both clocks exist. struct timespec { int64_t tv_sec; int64_t tv_nsec; }
  libc.clock_gettime(clock, timeAddress);
  return ((time[1] as number) * 2 ** 32 + ((time[0] as number) >>> 0)) * 1e9 + (time[2] as number);
}

/** The status of a file. Times are exact, in nanoseconds since 1970. */
export interface Stat {
  /** The type and the permissions, as in st_mode. */
  readonly mode: number;
  readonly links: number;
  readonly uid: number;
  readonly gid: number;
  /** Both halves of st_dev, only for comparison. */
  readonly device: bigint;
  readonly inode: bigint;
  /** In bytes: exact up to 2^53. */
  readonly size: number;
  readonly mtime: bigint;
  readonly ctime: bigint;
}

const AT_EMPTY_PATH = 0x1000;
/** All fields that fstat(2) reports. */
const STATX_BASIC_STATS = 0x7ff;
/** The offset of `struct statx` in {@link scratch}, in bytes, after an empty path. */
const STATX = 8;
const stat = new DataView(scratch.buffer, STATX, 256);

let hasStatx = true;

/** `path` is the address of a path. */
function statx(directory: number, path: number, flags: number): boolean {
  if (hasStatx) {
    const buffer = scratchAddress + STATX;
    if (libc.syscall(SYS_STATX, directory, path, flags, STATX_BASIC_STATS, buffer, 0) === 0) return true;
    if (!isMissingCall(errno())) return false;
    hasStatx = false;
  }
  return fstatat(directory, path, flags);
}

function statxOf(fd: number): boolean {
  scratch[0] = 0;
  return statx(fd, scratchAddress, AT_EMPTY_PATH);
}

/** The offset of `struct stat` in {@link scratch}, after `struct statx`. x86-64 has another call number and layout. */
const FSTAT = STATX + 256;
const [SYS_FSTATAT, LINKS, MODE, UID, GID] = process.arch === 'x64' ? [262, 16, 24, 28, 32] : [79, 20, 16, 24, 28];

/** fstatat(2), if statx(2) is missing (libseccomp before 2.3.3 does not know it). Writes the result as `struct statx`. */
function fstatat(directory: number, path: number, flags: number): boolean {
  if (libc.syscall(SYS_FSTATAT, directory, path, scratchAddress + FSTAT, flags, 0, 0) === -1) return false;
  const from = new DataView(scratch.buffer, FSTAT, 144);
  const word = (at: number): number => from.getUint32(at, true);
  const long = (at: number): bigint => from.getBigUint64(at, true);
  stat.setUint32(16, word(LINKS), true);
  stat.setUint32(20, word(UID), true);
  stat.setUint32(24, word(GID), true);
  stat.setUint16(28, word(MODE), true);
  stat.setBigUint64(32, long(8), true);
  stat.setBigUint64(40, long(48), true);
  stat.setBigUint64(96, long(104), true);
  stat.setUint32(104, word(112), true);
  stat.setBigUint64(112, long(88), true);
  stat.setUint32(120, word(96), true);
  stat.setBigUint64(136, long(0), true);
  return true;
}

function timestamp(at: number): bigint {
  return stat.getBigInt64(at, true) * 1_000_000_000n + BigInt(stat.getUint32(at + 8, true));
}

/**
 * The status of any descriptor, from statx(2), whose struct has one layout on every architecture, or from fstatat(2). Returns
 * undefined and sets errno() to EBADF on failure. Not Node's fs, because that of Deno refuses descriptors that it did not open.
 */
export function statOf(fd: number): Stat | undefined {
  return statxOf(fd) ? record() : undefined;
}

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;

/** The status of the file at a path in the form of {@link readLink}, one character for each byte. undefined if there is none. */
export function statAt(path: string): Stat | undefined {
  bytes.write(`${path}\0`, 'latin1');
  return statx(AT_FDCWD, bytesAddress, AT_SYMLINK_NOFOLLOW) ? record() : undefined;
}

function record(): Stat {
  return {
    mode: stat.getUint16(28, true),
    links: stat.getUint32(16, true),
    uid: stat.getUint32(20, true),
    gid: stat.getUint32(24, true),
    device: stat.getBigUint64(136, true),
    inode: stat.getBigUint64(32, true),
    size: Number(stat.getBigUint64(40, true)),
    mtime: timestamp(112),
    ctime: timestamp(96),
  };
}

/** st_mode of a descriptor. 0 if it is closed. */
export function modeOf(fd: number): number {
  return statxOf(fd) ? stat.getUint16(28, true) : 0;
}

/** st_size of a descriptor. -1 if it is closed. */
export function sizeOf(fd: number): number {
  return statxOf(fd) ? Number(stat.getBigUint64(40, true)) : -1;
}

/** Whether a descriptor is the file with this st_dev and st_ino. */
export function isFile(fd: number, device: bigint, inode: bigint): boolean {
  return statxOf(fd) && stat.getBigUint64(136, true) === device && stat.getBigUint64(32, true) === inode;
}

/**
 * readlink(2). Returns the target of a link, one character for each byte, or undefined and sets errno(). A target longer than
 * 4,096 bytes is truncated.
 */
export function readLink(path: string): string | undefined {
  const length = libc.readlink(path, bytesAddress, bytes.length);
  return length === -1 ? undefined : bytes.toString('latin1', 0, length);
}

/** {@link readLink} of the link in /proc for `fd`: a path, `socket:[5]`, `anon_inode:[eventfd]`. */
export function linkOf(fd: number): string | undefined {
  return readLink(`/proc/self/fd/${fd}`);
}

/** Whether a descriptor is a file of memfd_create(2). It has no name, and its link in /proc begins with `/memfd:`. */
export function isMemfd(fd: number): boolean {
  return linkOf(fd)?.startsWith('/memfd:') === true && statOf(fd)?.links === 0;
}

const O_RDONLY_CLOEXEC = 0o2000000;

/** The first 4,096 bytes of a file in /proc, one character for each byte, or undefined with errno() set. */
export function readProc(path: string): string | undefined {
  const size = bytes.length;
  // No function is called between open(2) and close(2), not even a getter, so JavaScript cannot be stopped there.
  const fd = libc.open(path, O_RDONLY_CLOEXEC);
  if (fd === -1) return undefined;
  const length = libc.read(fd, bytesAddress, size);
  libc.close(fd);
  return length === -1 ? undefined : bytes.toString('latin1', 0, length);
}

/** FIONREAD of ioctl_tty(2); SIOCOUTQ of tcp(7) has TIOCOUTQ's number. */
const FIONREAD = 0x541b;
const TIOCOUTQ = 0x5411;

/** FIONREAD: the number of bytes that can be read. -1 if the descriptor does not count bytes. */
export function bytesToRead(fd: number): number {
  // Cleared first, because a driver may accept the request and write nothing.
  scratch[0] = 0;
  return libc.ioctl(fd, FIONREAD, scratchAddress) === -1 ? -1 : (scratch[0] as number);
}

/** SIOCOUTQ: the number of used bytes in a socket's send buffer. -1 if there is no send buffer. */
export function bytesToSend(fd: number): number {
  scratch[0] = 0;
  return libc.ioctl(fd, TIOCOUTQ, scratchAddress) === -1 ? -1 : (scratch[0] as number);
}

/** getsockopt(2). Returns the int at byte `offset` of the option's value. -1 if the call fails or the value is shorter. */
export function socketOption(fd: number, level: number, option: number, offset = 0): number {
  const length = offset + 4;
  scratch[0] = length;
  if (libc.getsockopt(fd, level, option, scratchAddress + 4, scratchAddress) === -1) return -1;
  return (scratch[0] as number) < length ? -1 : (scratch[1 + offset / 4] as number);
}

export const POLLIN = 0x001;
export const POLLOUT = 0x004;
export const POLLERR = 0x008;
export const POLLHUP = 0x010;
export const POLLNVAL = 0x020;
export const POLLRDHUP = 0x2000;

/** poll(2) of one descriptor without waiting. Returns its revents. */
export function pollNow(fd: number, events: number): number {
  scratch[0] = fd;
  scratch[1] = events;
  return libc.poll(scratchAddress, 1, 0) <= 0 ? 0 : (scratch[1] as number) >>> 16;
}
