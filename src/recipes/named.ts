import { type BigIntStats, closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Interest, type VnodeNote, vnode } from '../index.ts';
import { join, type Listener, leave } from './dispatcher.ts';

/*
 * EVFILT_VNODE watches an open file, and a program means a name. So this file holds each file open, because its inode could
 * be used again otherwise. It also watches the directory, because the directory reports that its names have changed.
 */

/** The notes of a directory that has got or lost a name, and of one that has lost its own. */
const DIRECTORY_NOTES: readonly VnodeNote[] = ['write', 'delete', 'rename'];
/** The notes of a file. NOTE_TRUNCATE exists on few systems. The others report NOTE_ATTRIB or NOTE_WRITE for it. */
const FILE_NOTES: readonly VnodeNote[] = ['write', 'extend', 'attrib', 'link', 'delete', 'rename'];

/** A file that is open and has a knote. */
export interface WatchedFile {
  readonly fd: number;
  readonly interest: Interest;
  readonly stats: BigIntStats;
}

/** What has the name now; undefined if nothing has. */
export function statNamed(path: string): BigIntStats | undefined {
  return unlessMissing(() => statSync(path, { bigint: true }));
}

export function isSame(one: BigIntStats | undefined, other: BigIntStats | undefined): boolean {
  return one?.dev === other?.dev && one?.ino === other?.ino;
}

/**
 * Opens and watches the file that has the name; undefined if none has. Its `stats` are read after its knote exists, so that
 * a later change is an event.
 */
export function watchNamed(
  path: string,
  listener: Listener,
  on: readonly VnodeNote[] = FILE_NOTES,
): WatchedFile | undefined {
  // O_NONBLOCK: the open of a FIFO would wait for a writer.
  const fd = unlessMissing(() => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  if (fd === undefined) return undefined;
  const interest = vnode(fd, { on, clear: true });
  try {
    join(interest, listener);
    return { fd, interest, stats: fstatSync(fd, { bigint: true }) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

export function closeWatched({ fd, interest }: WatchedFile, listener: Listener): void {
  leave(interest, listener);
  closeSync(fd);
}

/** The directory of a name. While it does not exist, the nearest ancestor that does is watched for its return. */
export class WatchedDirectory {
  readonly #path: string;
  #watched: WatchedFile | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Watches what is at the path now. To be called before each look at the names, so that a later change is an event. */
  follow(listener: Listener): void {
    for (;;) {
      const [path, stats] = this.#nearest();
      if (this.#watched !== undefined && isSame(this.#watched.stats, stats)) return;
      this.close(listener);
      // The loop ends when a look after the registration finds the same directory.
      this.#watched = watchNamed(path, listener, DIRECTORY_NOTES);
    }
  }

  close(listener: Listener): void {
    if (this.#watched !== undefined) closeWatched(this.#watched, listener);
    this.#watched = undefined;
  }

  #nearest(): [path: string, stats: BigIntStats | undefined] {
    for (let path = this.#path; ; path = dirname(path)) {
      const stats = statNamed(path);
      if (stats?.isDirectory() || path === dirname(path)) return [path, stats];
    }
  }
}

/** What the call returns; undefined if the name does not exist. */
export function unlessMissing<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
