import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
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
