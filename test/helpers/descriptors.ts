import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** tsx's cache: it opens that folder, and writes files in it, when it likes, from a thread of libuv's. */
const cache = join(realpathSync(tmpdir()), 'tsx');

/** What each open descriptor of this process is, sorted: a path, or `anon_inode:[eventpoll]` and the like; but for tsx's. */
export function descriptors(): string[] {
  const open: string[] = [];
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      if (!target.startsWith(cache)) open.push(target);
    } catch {
      // The one that readdir had.
    }
  }
  return open.sort();
}

/** The open descriptors that were not among those `before`. */
export function descriptorsSince(before: readonly string[]): string[] {
  const open = descriptors();
  for (const one of before) if (open.includes(one)) open.splice(open.indexOf(one), 1);
  return open;
}

/** How many inodes the inotify instances of this process watch. */
export function inotifyWatches(): number {
  let count = 0;
  for (const fd of readdirSync('/proc/self/fdinfo')) {
    try {
      count += readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1').split('inotify wd:').length - 1;
    } catch {
      // The one that readdir had.
    }
  }
  return count;
}
