import { dirname } from 'node:path';
import type { FileUrl } from '../index.ts';
import { type Changes, changes } from './changes.ts';
import type { Listener } from './dispatcher.ts';
import { closeWatched, isSame, statNamed, WatchedDirectory, type WatchedFile, watchNamed } from './named.ts';
import { checkOptions, pathOf, type RecipeOptions } from './options.ts';

/** What has happened to a name since the last change. */
export type FileChange =
  /** The same file has other bytes (`content`), or another mode, owner, time or number of names (`attributes`). */
  | { readonly type: 'changed'; readonly path: string; readonly content: boolean; readonly attributes: boolean }
  /** Another file has the name: an editor saved by rename, or the name was removed and made again. */
  | { readonly type: 'replaced'; readonly path: string }
  /** The name exists, and did not before. */
  | { readonly type: 'created'; readonly path: string }
  /** The name does not exist any more. */
  | { readonly type: 'deleted'; readonly path: string };

/**
 * Iterates over the changes of a file, from the call on. It follows the name: over saves by rename, deletion, re-creation,
 * and a directory that is replaced. The file need not exist. A slow consumer gets one change for all that has happened.
 *
 * The last change comes after the last write, but a change may also come between two writes of one save. It takes one
 * descriptor for the file, and one for its directory. A symbolic link is followed. It does not report a rename of a
 * directory above the file's own directory. It does not report that a symbolic link in the path of that directory gets another
 * target. If the target of a symbolic link is re-created in another directory, it does not report that either.
 *
 * @example
 * ```ts
 * for await (const { type } of watchFile('server.conf')) {
 *   if (type !== 'deleted') reload();
 * }
 * ```
 *
 * @throws TypeError: an argument is invalid
 * @throws (also next() rejects with) KqueueError EMFILE: this process has no file descriptor left
 * @throws (also next() rejects with) KqueueError EINVAL: the system cannot watch a file of this kind, such as a FIFO on Linux
 * @throws (also next() rejects with) Error of open(2) or stat(2): the file or its directory cannot be opened. Examples: EACCES,
 * ELOOP for a loop of symbolic links, ENXIO for a socket. For a file that gets the name later, EACCES must last a second
 * @throws (also next() rejects with) the signal's reason: the signal is aborted
 */
export function watchFile(path: string | FileUrl, options: RecipeOptions = {}): Changes<FileChange> {
  checkOptions(options);
  const name = pathOf(path);
  const directory = new WatchedDirectory(dirname(name));
  let self: Listener;
  let file: WatchedFile | undefined;
  let content = false;
  let attributes = false;

  return changes<FileChange>(
    {
      open: (listener) => {
        self = listener;
        directory.follow(self);
        file = watchNamed(name, self);
      },
      event: (event) => {
        if (event.filter !== 'vnode' || event.fd !== file?.fd) return;
        content ||= event.has('write') || event.has('extend');
        attributes ||= event.has('attrib') || event.has('link');
      },
      take: () => {
        directory.follow(self);
        const stats = statNamed(name);
        const before = file;
        if (before !== undefined && stats !== undefined && isSame(before.stats, stats)) {
          // No event yet: what stat(2) shows already is reported with it.
          if (!content && !attributes) return undefined;
          // Some systems report a file that was cut short as NOTE_ATTRIB alone.
          const change = { content: content || before.stats.size !== stats.size, attributes };
          file = { ...before, stats };
          content = false;
          attributes = false;
          return { type: 'changed', path: name, ...change };
        }
        file = watchNamed(name, self);
        if (before !== undefined) closeWatched(before, self);
        content = false;
        attributes = false;
        if (before === undefined) return file && { type: 'created', path: name };
        return { type: file === undefined ? 'deleted' : 'replaced', path: name };
      },
      close: (listener) => {
        directory.close(listener);
        if (file !== undefined) closeWatched(file, listener);
        file = undefined;
      },
    },
    options.signal,
  );
}
