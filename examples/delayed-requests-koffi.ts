// The book's express example, first of three: koffi alone. This file declares every struct, constant and function itself. In
// delayed-requests-sys.ts `kqueue-ffi/sys` has them, and delayed-requests.ts uses the high-level API.
//
// The program sends five requests to a server that answers late: the first after four seconds, the last immediately. One
// kevent(2) waits for all five answers, which come in reverse order.

import { existsSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { getSystemErrorName, inspect } from 'node:util';
import koffi from 'koffi';
import { startDelayServer, unit } from './delay-server-process.ts';

const { platform } = process;
const linux = platform === 'linux';
const netbsd = platform === 'netbsd';
// Node calls DragonFly `freebsd`, but FreeBSD's record is twice as long. Their dynamic linkers have different names.
const freebsd = platform === 'freebsd' && !existsSync('/usr/libexec/ld-elf.so.2');

if (linux && !process.env.KQUEUE_LIBRARY) {
  console.error('Linux has no kqueue(2) in its C library. Name a libkqueue: KQUEUE_LIBRARY=/path/to/libkqueue.so.0');
  console.error(
    "Debian's experimental suite has one, libkqueue0t64; its source is https://github.com/mheily/libkqueue",
  );
  console.error(
    'delayed-requests.ts and delayed-requests-sys.ts need none: their library has a kqueue for Linux built in.',
  );
  process.exit(1);
}

// ---- <sys/event.h> ----------------------------------------------------------------------------------------------------

// As a change it says what to watch. As an event it says what has happened. All systems have the same fields, but not the same
// widths. NetBSD has 32 bits for filter and flags. FreeBSD (since 12) has four more words at the end.
koffi.struct('Kevent', {
  ident: 'uintptr_t', // what to watch: here the descriptor of a socket
  filter: netbsd ? 'uint32_t' : 'int16_t', // what to wait for: EVFILT_*
  flags: netbsd ? 'uint32_t' : 'uint16_t', // EV_*: of a change what to do, of an event its state
  fflags: 'uint32_t', // the filter's own flags: none here
  data: 'int64_t', // the filter's own number: of an event here the bytes that can be read
  udata: 'uintptr_t', // void * in C: comes back unchanged, so a small number says which answer it is
  ...(freebsd ? { ext: koffi.array('uint64_t', 4) } : {}),
});
interface Kevent {
  ident: number;
  filter: number;
  flags: number;
  fflags: number;
  data: number;
  udata: number;
}

// <time.h>. The longest time that kevent() sleeps. This program passes NULL and sleeps as long as needed.
koffi.struct('Timespec', { tv_sec: 'int64_t', tv_nsec: 'long' });

const EVFILT_READ = netbsd ? 0 : -1;
const EV_ADD = 0x1;
const EV_ENABLE = 0x4;
const EV_ONESHOT = 0x10;

const libc = koffi.load(null); // the C library of this process
const library = linux ? koffi.load(process.env.KQUEUE_LIBRARY ?? '') : libc;

// On NetBSD the plain `kevent` is the call of NetBSD 5, with another timespec. It is kept for old programs.
const [name, count] = netbsd ? ['__kevent50', 'size_t'] : ['kevent', 'int'];
const kqueue = library.func('int kqueue(void)');
const kevent = library.func(
  `int ${name}(int kq, const Kevent *changelist, ${count} nchanges,
    _Out_ Kevent *eventlist, ${count} nevents, const Timespec *timeout)`,
);
const close = libc.func('int close(int fd)');

// ---- <sys/socket.h>, <netinet/in.h>, <unistd.h> -------------------------------------------------------------------------

const AF_INET = 2;
const SOCK_STREAM = 1;
const LOCALHOST = 0x7f_00_00_01;

// The BSDs and macOS begin with the length. Linux has a wider family instead.
koffi.struct('SockaddrIn', {
  ...(linux ? { sin_family: 'uint16_t' } : { sin_len: 'uint8_t', sin_family: 'uint8_t' }),
  sin_port: 'uint16_be_t', // be: big-endian, "network byte order"
  sin_addr: 'uint32_be_t',
  sin_zero: koffi.array('uint8_t', 8),
});
const SIZE = koffi.sizeof('SockaddrIn');

const socket = libc.func('int socket(int domain, int type, int protocol)');
const connect = libc.func('int connect(int s, const SockaddrIn *name, uint32_t namelen)');
// koffi has no ssize_t. intptr_t has the same width.
const write = libc.func('intptr_t write(int fd, const char *buf, size_t nbytes)');

// A C function returns -1 and leaves the reason in errno. Read it before another call overwrites it.
function check(call: string, result: number): number {
  if (result === -1) throw new Error(`${call}: ${getSystemErrorName(-koffi.errno())}`);
  return result;
}

// ---- the program ------------------------------------------------------------------------------------------------------

const server = await startDelayServer();
const start = performance.now();
const show = (event: Kevent): string => inspect(event, { breakLength: Number.POSITIVE_INFINITY });

const kq = check('kqueue', kqueue());

for (let i = 1; i <= 5; i++) {
  const delay = (5 - i) * unit;
  const fd = check('socket', socket(AF_INET, SOCK_STREAM, 0));
  // koffi writes the members that the struct has, and 0 where a member is not given.
  const address = { sin_len: SIZE, sin_family: AF_INET, sin_port: server.port, sin_addr: LOCALHOST };
  check('connect', connect(fd, address, SIZE));
  const request = `GET /${delay}/request-${i} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  check('write', write(fd, request, request.length));

  // Register mode: a changelist of one record, and no eventlist.
  const flags = EV_ADD | EV_ENABLE | EV_ONESHOT;
  const change = { ident: fd, filter: EVFILT_READ, flags, fflags: 0, data: 0, udata: i };
  check('kevent', kevent(kq, [change], 1, null, 0, null));
  console.log(`REGISTERED: ${i}  answer after ${delay} ms  ${show(change)}`);
}

for (let owed = 5; owed > 0; ) {
  // Wait mode: no changelist, room for ten events, and no timeout.
  const events = new Array<Kevent>(10);
  const n: number = kevent(kq, null, 0, events, events.length, null);
  if (n === -1 && koffi.errno() === koffi.os.errno.EINTR) {
    // A signal arrived. Its handlers in JavaScript run when the event loop turns, and a blocked call prevents that.
    await setImmediate();
    continue;
  }
  check('kevent', n);
  for (const event of events.slice(0, n)) {
    // The program reads nothing from the socket. It shows the notification only.
    console.log(`RECEIVED: ${event.udata}  after ${Math.round(performance.now() - start)} ms  ${show(event)}`);
    check('close', close(event.ident));
    owed--;
  }
}

check('close', close(kq));
console.log('FINISHED');
await server.stop();
