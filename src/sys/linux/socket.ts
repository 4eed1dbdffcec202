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

/** Whether the socket carries messages, of which one may be empty. */
export function isDatagram(fd: number): boolean {
  const type = socketOption(fd, SOL_SOCKET, SO_TYPE);
  return type !== -1 && type !== SOCK_STREAM && type !== SOCK_SEQPACKET;
}

/**
 * How many connections wait for accept(2). tcp_info of a listener has them in tcpi_unacked, at byte 24; a UNIX-domain
 * listener counts them for nobody, and 1 it is when there are any.
 */
export function backlog(fd: number): number {
  return Math.max(1, socketOption(fd, IPPROTO_TCP, TCP_INFO, 24));
}

/** so_error, which Linux gives once: reading it clears it. */
export function takeError(fd: number): number {
  return Math.max(0, socketOption(fd, SOL_SOCKET, SO_ERROR));
}

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** Whether the socket is a stream of bytes. */
export function isStream(fd: number): boolean {
  return socketOption(fd, SOL_SOCKET, SO_TYPE) === SOCK_STREAM;
}

/**
 * The errno of sending nothing over a stream socket, which does nothing where it can be: EPIPE where it was shut down for
 * writing from this side, which poll(2) calls writable; so_error where an error came meanwhile, given here and not again.
 */
export function sendNothing(fd: number): number {
  return libc.send(fd, scratchAddress, 0, MSG_DONTWAIT | MSG_NOSIGNAL) === -1 ? errno() : 0;
}

/** The size of the send buffer, in bytes. */
export function sendBuffer(fd: number): number {
  return Math.max(0, socketOption(fd, SOL_SOCKET, SO_SNDBUF));
}
