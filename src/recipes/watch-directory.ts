import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FileUrl } from '../index.ts';
import { type Changes, changes } from './changes.ts';
import type { Listener } from './dispatcher.ts';
import { isSame, unlessMissing, WatchedDirectory } from './named.ts';
import { checkOptions, pathOf, type RecipeOptions } from './options.ts';

/** What has happened to a name in a directory since the last look. */
export interface NameChange {
  /** `replaced`: another file or directory has the name. */
  readonly type: 'created' | 'replaced' | 'deleted';
  /** The name, without the path of the directory. */
  readonly name: string;
}

/**
 * Iterates over the names that appear in a directory, disappear from it, or get another file, from the call on. The kernel
 * reports only that names have changed, so each time the directory is read again and compared with what it was. That takes longer
 * the more names there are. A name that comes and goes between two looks is not reported.
 *
 * It follows the name of the directory, which need not exist. It does not notice that a symbolic link in the path gets another
 * target. It does not look into directories, and it does not report
 * writes: see watchFile().
 *
 * @example
 * ```ts
 * for await (const { type, name } of watchDirectory('inbox')) {
 *   if (type === 'created') console.log(`new: ${name}`);
 * }
 * ```
 *
 * @throws TypeError: an argument is invalid
 * @throws (also next() rejects with) KqueueError EMFILE: this process has no file descriptor left
 * @throws (also next() rejects with) Error of open(2) or stat(2): the directory cannot be opened, for example EACCES
 * @throws (also next() rejects with) the signal's reason: the signal is aborted
 */
export function watchDirectory(path: string | FileUrl, options: RecipeOptions = {}): Changes<NameChange> {
  checkOptions(options);
  const folder = pathOf(path);
  const directory = new WatchedDirectory(folder);
  let self: Listener;
  let names = new Map<string, BigIntStats>();
  let found: NameChange[] = [];
  /** Whether an event came since the directory was read. */
  let stale = false;

  return changes<NameChange>(
    {
      open: (listener) => {
        self = listener;
        directory.follow(self);
        names = namesIn(folder);
      },
      event: () => {
        stale = true;
      },
      take: () => {
        if (found.length === 0 && stale) {
          stale = false;
          directory.follow(self);
          const before = names;
          names = namesIn(folder);
          found = compare(before, names);
        }
        return found.shift();
      },
      close: (listener) => directory.close(listener),
    },
    options.signal,
  );
}

function namesIn(folder: string): Map<string, BigIntStats> {
  const names = new Map<string, BigIntStats>();
  for (const name of unlessMissing(() => readdirSync(folder)) ?? []) {
    const stats = unlessMissing(() => lstatSync(join(folder, name), { bigint: true }));
    if (stats !== undefined) names.set(name, stats);
  }
  return names;
}

function compare(before: ReadonlyMap<string, BigIntStats>, after: ReadonlyMap<string, BigIntStats>): NameChange[] {
  const found: NameChange[] = [];
  for (const name of before.keys()) if (!after.has(name)) found.push({ type: 'deleted', name });
  for (const [name, stats] of after) {
    const known = before.get(name);
    if (known === undefined) found.push({ type: 'created', name });
    // These files are not held open, so a new file may have the inode of a removed one.
    else if (!isSame(known, stats) || known.birthtimeNs !== stats.birthtimeNs) found.push({ type: 'replaced', name });
  }
  return found;
}
