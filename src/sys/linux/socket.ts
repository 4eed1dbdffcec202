import { errno, libc, scratchAddress, socketOption } from './syscalls.ts';

const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_ERROR = 4;
const SO_SNDBUF = 7;
const SO_ACCEPTCONN = 30;
const SOCK_STREAM = 1;
const SOCK_SEQPACKET = 5;
const IPPROTO_TCP = 6;
const TCP_INFO = 11;

/** Whether listen(2) was called on the socket. */
export function isListening(fd: number): boolean {
  return socketOption(fd, SOL_SOCKET, SO_ACCEPTCONN) === 1;
}

/** Whether the socket carries datagrams, which may be empty. */
export function isDatagram(fd: number): boolean {
  const type = socketOption(fd, SOL_SOCKET, SO_TYPE);
  return type !== -1 && type !== SOCK_STREAM && type !== SOCK_SEQPACKET;
}

/**
 * The number of connections that wait for accept(2), if there are any. tcp_info of a listener has it in tcpi_unacked, at byte
 * 24. The kernel does not report the number for a UNIX-domain listener, so it is 1 there.
 */
export function backlog(fd: number): number {
  return Math.max(1, socketOption(fd, IPPROTO_TCP, TCP_INFO, 24));
}

/** The socket's pending error (SO_ERROR of socket(7)). Reading it clears it, so no function is called after that. */
export function takeError(fd: number): number {
  const error = socketOption(fd, SOL_SOCKET, SO_ERROR);
  return error > 0 ? error : 0;
}

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** Whether the socket is a byte stream. */
export function isStream(fd: number): boolean {
  return socketOption(fd, SOL_SOCKET, SO_TYPE) === SOCK_STREAM;
}

/**
 * Sends 0 bytes over a stream socket, and returns the errno or 0. On a socket that can be written, this has no effect.
 * - EPIPE: this side has shut the socket down for writing. poll(2) reports such a socket as writable.
 * - The pending error (SO_ERROR), which this call clears.
 */
export function sendNothing(fd: number): number {
  return libc.send(fd, scratchAddress, 0, MSG_DONTWAIT | MSG_NOSIGNAL) === -1 ? errno() : 0;
}

/** The size of the send buffer, in bytes. */
export function sendBuffer(fd: number): number {
  return Math.max(0, socketOption(fd, SOL_SOCKET, SO_SNDBUF));
}
