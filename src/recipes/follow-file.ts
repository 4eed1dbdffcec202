import { dirname } from 'node:path';
import type { FileUrl } from '../index.ts';
import { type Changes, changes } from './changes.ts';
import type { Listener } from './dispatcher.ts';
import { isSame, statNamed, WatchedDirectory, watchNamed } from './named.ts';
import { checkOptions, invalid, pathOf, type RecipeOptions } from './options.ts';
import { TextFile } from './text-file.ts';

export interface FollowOptions extends RecipeOptions {
  /** Where to start in a file that exists at the call. Default: `end`. A file that comes later is read from its start. */
  readonly from?: 'start' | 'end' | undefined;
}

/**
 * Iterates over the lines that are added to a file, without their newline, from the call on, as `tail -F` does. It follows
 * the name: over rotation by rename, copy and truncate, deletion and re-creation. The file need not exist. Text is decoded as
 * UTF-8.
 *
 * An old file is read until the new file has bytes. A program goes on writing to the old file until it opens the new
 * one. A file that is cut short is read from its start. If a file has no newline at its end when it is cut short or replaced,
 * what follows its last newline is a line.
 *
 * Lines are lost if they are cut off before they are read, or if their file loses its name before this thread looks. They are
 * also lost if a file is cut short and grows again until it has the same bytes at the same place. A log of equal lines does that.
 * followFile() does not notice the links and directories that watchFile() does not notice.
 *
 * @example
 * ```ts
 * for await (const line of followFile('server.log')) {
 *   if (line.includes('error')) console.log(line);
 * }
 * ```
 *
 * @throws TypeError: an argument is invalid
 * @throws (also next() rejects with) KqueueError EMFILE: this process has no file descriptor left
 * @throws (also next() rejects with) KqueueError EINVAL: the system cannot watch a file of this kind, such as a FIFO on Linux
 * @throws (also next() rejects with) Error of open(2), stat(2) or read(2): the file or its directory cannot be read. Examples:
 * EACCES, and EISDIR for a directory. For a file that gets the name later, EACCES must last a second
 * @throws (also next() rejects with) the signal's reason: the signal is aborted
 */
export function followFile(path: string | FileUrl, options: FollowOptions = {}): Changes<string> {
  checkOptions(options, 'from');
  const { signal, from = 'end' } = options;
  if (from !== 'start' && from !== 'end') throw invalid('from', "'start' or 'end'", from);
  const name = pathOf(path);
  const directory = new WatchedDirectory(dirname(name));
  /** The file that is read, and those that got its name since. */
  const files: TextFile[] = [];
  let lines: string[] = [];
  let position = 0;
  let closed = false;
  let self: Listener;

  /** Opens the file that has the name now, unless it is open. */
  const follow = (): void => {
    if (closed) return;
    directory.follow(self);
    if (isSame(statNamed(name), files.at(-1)?.watched.stats)) return;
    const watched = watchNamed(name, self);
    if (watched !== undefined) files.push(new TextFile(watched));
  };

  /** The next lines, or none if every file is read to its end. */
  const more = async (): Promise<string[]> => {
    while (!closed) {
      follow();
      const [current, ...newer] = files;
      if (current === undefined) break;
      // Before the read: what the program wrote before it opened the new file is in the old one by now.
      const isOld = newer.some(({ size }) => size > 0);
      const found = await current.read();
      if (found !== undefined && found.length > 0) return found;
      if (found !== undefined) continue;
      if (closed || !isOld) break;
      files.shift();
      current.close(self);
      const rest = current.rest();
      if (rest.length > 0) return rest;
    }
    return [];
  };

  return changes<string>(
    {
      open: (listener) => {
        self = listener;
        follow();
        if (from === 'end') files[0]?.skip();
      },
      // Now, and not when the consumer asks: the file may be replaced again before that.
      event: follow,
      take: async () => {
        if (position >= lines.length) {
          lines = await more();
          position = 0;
        }
        return lines[position++];
      },
      close: (listener) => {
        closed = true;
        directory.close(listener);
        for (const file of files.splice(0)) file.close(listener);
      },
    },
    signal,
  );
}
