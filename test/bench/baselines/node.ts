// Node's own way to hear of a byte in a pipe: a net.Socket on its descriptor, which is what Node itself makes of a pipe that
// is its standard input. fs.ReadStream would ask a thread of libuv's pool for every read.

import { Socket } from 'node:net';

/** Calls `heard` whenever bytes have come; they are read by then. */
export function nodeStream(fd: number, heard: (bytes: Buffer) => void): Socket {
  const socket = new Socket({ fd, readable: true, writable: false });
  socket.on('data', heard);
  return socket;
}
