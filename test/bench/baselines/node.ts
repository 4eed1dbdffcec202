// Node's own ways to hear of what a kqueue tells.

import type { ChildProcess } from 'node:child_process';
import { type FSWatcher, watch } from 'node:fs';
import { Socket } from 'node:net';

/**
 * Calls `heard` whenever bytes have come; they are read by then. A net.Socket is what Node itself makes of a pipe that is
 * its standard input; fs.ReadStream would ask a thread of libuv's pool for every read.
 */
export function nodeStream(fd: number, heard: (bytes: Buffer) => void): Socket {
  const socket = new Socket({ fd, readable: true, writable: false });
  socket.on('data', heard);
  return socket;
}

/** Calls `heard` whenever the file changes. */
export function fileChange(path: string, heard: () => void): FSWatcher {
  return watch(path, heard);
}

/** Calls `heard` when the child has ended. */
export function childExit(child: ChildProcess, heard: () => void): void {
  child.on('exit', heard);
}
