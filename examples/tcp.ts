// TCP sockets as C makes them, by their descriptors. kqueue watches descriptors. Node's net.Socket has no documented property
// for its descriptor, and Node reads from the socket itself.

import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';

const AF_INET = 2;
const SOCK_STREAM = 1;
const LOCALHOST = 0x7f_00_00_01;

// <netinet/in.h>. The BSDs and macOS begin with the length. Linux has a wider family instead.
const SockaddrIn = koffi.struct({
  ...(process.platform === 'linux' ? { sin_family: 'uint16_t' } : { sin_len: 'uint8_t', sin_family: 'uint8_t' }),
  sin_port: 'uint16_be_t',
  sin_addr: 'uint32_be_t',
  sin_zero: koffi.array('uint8_t', 8),
});

const libc = koffi.load(null); // the C library of this process
const socket = libc.func('int socket(int domain, int type, int protocol)');
const connect = libc.func('connect', 'int', ['int', koffi.pointer(SockaddrIn), 'uint32_t']);
// koffi has no ssize_t. intptr_t has the same width.
const write = libc.func('intptr_t write(int fd, const char *buf, size_t nbytes)');
const close = libc.func('int close(int fd)');

/** socket(2), connect(2): a connection to a port of 127.0.0.1. Returns its descriptor. */
export function openConnection(port: number): number {
  const fd: number = check('socket', socket(AF_INET, SOCK_STREAM, 0));
  const size = koffi.sizeof(SockaddrIn);
  // koffi writes the members that the struct has, and 0 where a member is not given.
  check('connect', connect(fd, { sin_len: size, sin_family: AF_INET, sin_port: port, sin_addr: LOCALHOST }, size));
  return fd;
}

/** write(2): sends a short ASCII text, which a new connection takes in one piece. */
export function send(fd: number, text: string): void {
  check('write', write(fd, text, text.length));
}

/** close(2). */
export function closeConnection(fd: number): void {
  check('close', close(fd));
}

function check(call: string, result: number): number {
  if (result === -1) throw new Error(`${call}: ${getSystemErrorName(-koffi.errno())}`);
  return result;
}
