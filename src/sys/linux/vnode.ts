import {
  NOTE_ATTRIB,
  NOTE_CLOSE,
  NOTE_CLOSE_WRITE,
  NOTE_DELETE,
  NOTE_EXTEND,
  NOTE_LINK,
  NOTE_OPEN,
  NOTE_READ,
  NOTE_RENAME,
  NOTE_REVOKE,
  NOTE_TRUNCATE,
  NOTE_WRITE,
} from './constants.ts';
import { kindOf } from './descriptor-knote.ts';
import { asKqueueErrno } from './epoll.ts';
import { FileIdentity } from './file-identity.ts';
import {
  ENTRIES,
  IN_ACCESS,
  IN_ATTRIB,
  IN_CLOSE_NOWRITE,
  IN_CLOSE_WRITE,
  IN_DELETE,
  IN_IGNORED,
  IN_ISDIR,
  IN_MODIFY,
  IN_MOVE_SELF,
  IN_OPEN,
  IN_Q_OVERFLOW,
  type Watcher,
} from './inotify.ts';
import { type Change, type Host, Knote } from './knote.ts';
import { EACCES, EBADF, EINVAL, errno, linkOf, type Stat, statAt, statOf } from './syscalls.ts';

const ALWAYS = IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | ENTRIES;
/** Events are missing, so everything that can be compared is compared. */
const LOST = IN_Q_OVERFLOW | IN_IGNORED;
const NOTES =
  NOTE_DELETE |
  NOTE_WRITE |
  NOTE_EXTEND |
  NOTE_ATTRIB |
  NOTE_LINK |
  NOTE_RENAME |
  NOTE_REVOKE |
  NOTE_TRUNCATE |
  NOTE_OPEN |
  NOTE_CLOSE |
  NOTE_CLOSE_WRITE |
  NOTE_READ;

/** The IN_* of which the notes are made. */
function wanted(fflags: number): number {
  let mask = ALWAYS;
  if ((fflags & NOTE_OPEN) !== 0) mask |= IN_OPEN;
  if ((fflags & NOTE_READ) !== 0) mask |= IN_ACCESS;
  if ((fflags & NOTE_CLOSE) !== 0) mask |= IN_CLOSE_NOWRITE;
  if ((fflags & NOTE_CLOSE_WRITE) !== 0) mask |= IN_CLOSE_WRITE;
  return mask;
}

/** What the link in /proc has behind a name that was removed, or over which another file was renamed. */
const DELETED = ' (deleted)';

/** The name by which a file was opened, as it is now. */
interface Name {
  /** The whole path. undefined where /proc does not tell it. */
  readonly path: string | undefined;
  readonly deleted: boolean;
}

function nameOf(fd: number, file: Stat): Name {
  const path = linkOf(fd);
  if (path?.endsWith(DELETED) !== true) return { path, deleted: false };
  // A file may be called so. Then it is there.
  const there = statAt(path);
  const deleted = there?.inode !== file.inode || there.device !== file.device;
  return { path: deleted ? path.slice(0, -DELETED.length) : path, deleted };
}

/** memfd_create(2): a file without a name, in a file system of the kernel's own. Its link in /proc begins like this. */
function isMemfd({ links }: Stat, { path, deleted }: Name): boolean {
  return links === 0 && deleted && path?.startsWith('/memfd:') === true;
}

/**
 * EVFILT_VNODE, of the file that is open as ident, under whatever names. fflags: what happened since it was last fetched
 * with EV_CLEAR, or ever without it. inotify(7) reports that something happened. A look at the file finds out what: how
 * many links it has, how long it is, whether the name by which it was opened is still there.
 */
export class VnodeKnote extends Knote implements Watcher {
  readonly #fd: number;
  #file: FileIdentity | null = null;
  /** What the last look found. */
  #stat!: Stat;
  #name!: Name;
  #notes = 0;
  #isDirectory = false;
  /** inotify does not report that an open directory was removed, but its parent's watch does. */
  readonly #parent: Watcher = {
    mask: IN_DELETE,
    changed: (mask) => {
      if ((mask & IN_ISDIR) !== 0) this.#lookWhetherRemoved();
    },
  };

  constructor(queue: Host, change: Change) {
    super(queue, change);
    this.#fd = Number(change.ident);
  }

  get mask(): number {
    return wanted(this.fflags);
  }

  attach(): number {
    if ((this.fflags & ~NOTES) !== 0) return EINVAL;
    this.#file = FileIdentity.of(this.#fd);
    const stat = statOf(this.#fd);
    if (this.#file === null || stat === undefined) return EBADF;
    this.#stat = stat;
    this.#name = nameOf(this.#fd, stat);
    const kind = kindOf(this.#fd);
    if (kind === 'socket' || kind === 'pipe' || kind === 'other') return EINVAL;
    // As POSIX shared memory on the BSDs: since Linux 6.14 inotify does not report what is written through its descriptor.
    if (isMemfd(stat, this.#name)) return EINVAL;
    const inotify = this.queue.inotify();
    if (inotify === null) return asKqueueErrno(errno());
    this.#isDirectory = kind === 'directory';
    let error = inotify.add(this.#fd, this);
    if (error !== 0 || !this.#isDirectory) return error;
    error = inotify.add(this.#fd, this.#parent, '/..');
    // The parent may not be read: then the removal of this directory goes unseen.
    if (error === 0 || error === EACCES) return 0;
    inotify.remove(this);
    return error;
  }

  override change(change: Change): number {
    if ((change.fflags & ~NOTES) !== 0) return EINVAL;
    const error = this.queue.inotify()?.add(this.#fd, this, '', wanted(change.fflags)) ?? 0;
    if (error !== 0) return error;
    super.change(change, true);
    this.#notes &= this.fflags;
    return 0;
  }

  detach(): void {
    this.queue.inotify()?.remove(this);
    this.queue.inotify()?.remove(this.#parent);
  }

  override alive(): boolean {
    return this.#file?.same(this.#fd) === true;
  }

  changed(mask: number): void {
    const lost = (mask & LOST) !== 0;
    if (lost && !this.alive()) return;
    const inotify = this.queue.inotify();
    // With the last link of a file its watch is gone, even if it is still open under a name that was removed before.
    if (lost) inotify?.renew(this.#fd, this);
    // Renamed, perhaps into another directory, or perhaps not: IN_ISDIR is not set here.
    const moved = this.#isDirectory && (lost || (mask & IN_MOVE_SELF) !== 0);
    if (moved) {
      inotify?.remove(this.#parent);
      inotify?.renew(this.#fd, this.#parent, '/..');
    }
    this.#note(this.#notesOf(mask));
    // The new parent was not watched until now, and the directory may be gone from there already.
    if (moved) this.#lookWhetherRemoved();
  }

  /** Reported once: the next directory that is removed from the same parent is another. */
  #lookWhetherRemoved(): void {
    const now = statOf(this.#fd);
    if (now === undefined || (this.#linked(now) & NOTE_DELETE) === 0) return;
    this.#stat = { ...this.#stat, links: now.links };
    this.#note(NOTE_DELETE);
  }

  #note(notes: number): void {
    this.#notes |= notes & this.fflags;
    if (this.#notes !== 0) this.activate();
  }

  #notesOf(mask: number): number {
    let notes = 0;
    if ((mask & IN_OPEN) !== 0) notes |= NOTE_OPEN;
    if ((mask & IN_ACCESS) !== 0) notes |= NOTE_READ;
    if ((mask & IN_CLOSE_NOWRITE) !== 0) notes |= NOTE_CLOSE;
    if ((mask & IN_CLOSE_WRITE) !== 0) notes |= NOTE_CLOSE_WRITE;
    // An entry of a directory came or went. A subdirectory is a link to its parent.
    if ((mask & ENTRIES) !== 0) notes |= (mask & IN_ISDIR) === 0 ? NOTE_WRITE : NOTE_WRITE | NOTE_LINK;
    if ((mask & (IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | LOST)) === 0) return notes;

    // undefined: the descriptor is closed. Nothing is reported of it any more, as alive() shows.
    const now = statOf(this.#fd);
    if (now === undefined) return notes;
    if ((mask & LOST) !== 0) return notes | this.#compare(now);
    if ((mask & IN_MOVE_SELF) !== 0) notes |= this.#renamed(now);
    if ((mask & IN_MODIFY) !== 0) notes |= this.#modified(now);
    if ((mask & IN_ATTRIB) !== 0) notes |= this.#attributes(now);
    return notes;
  }

  #renamed(now: Stat): number {
    this.#name = nameOf(this.#fd, now);
    return NOTE_RENAME;
  }

  /** IN_MODIFY: written, or made shorter or longer. */
  #modified(now: Stat): number {
    const notes = this.#resized(now);
    this.#stat = { ...this.#stat, size: now.size, mtime: now.mtime };
    return NOTE_WRITE | notes;
  }

  #resized({ size }: Stat): number {
    // The size of a directory changes with its entries.
    if (this.#isDirectory || size === this.#stat.size) return 0;
    // Shrinking is ATTRIB on the BSDs, TRUNCATE too on OpenBSD, WRITE on DragonFly.
    return size > this.#stat.size ? NOTE_WRITE | NOTE_EXTEND : NOTE_WRITE | NOTE_ATTRIB | NOTE_TRUNCATE;
  }

  /** IN_ATTRIB: one or more of mode, owner, times, extended attributes, links. */
  #attributes(now: Stat): number {
    const before = this.#stat;
    const links = this.#linked(now);
    const attributes = isOther(now, before) || now.mtime !== before.mtime;
    this.#stat = { ...now, size: before.size };
    if (attributes) return links | NOTE_ATTRIB;
    return links === 0 ? this.#unknown : links;
  }

  #linked(now: Stat): number {
    const { deleted } = this.#name;
    if (!deleted) this.#name = nameOf(this.#fd, now);
    const removed = (this.#name.deleted && !deleted) || (now.links === 0 && this.#stat.links !== 0);
    if (removed) return NOTE_LINK | NOTE_DELETE;
    // The links of a directory change with its entries, which are reported as such.
    return now.links === this.#stat.links || this.#isDirectory ? 0 : NOTE_LINK;
  }

  /** What the difference between two looks shows, when events in between are missing. */
  #compare(now: Stat): number {
    const before = this.#stat;
    const { path } = this.#name;
    let notes = this.#linked(now) | this.#resized(now);
    if (this.#isDirectory && now.links !== before.links) notes |= NOTE_LINK;
    // Written, or its times were set.
    if (now.mtime !== before.mtime) notes |= NOTE_WRITE | NOTE_ATTRIB;
    if (isOther(now, before)) notes |= NOTE_ATTRIB;
    if (now.ctime !== before.ctime) {
      // If a directory above was renamed, the path differs, and the ctime does not.
      if (this.#name.path !== path) notes |= NOTE_RENAME;
      if (notes === 0) notes = this.#unknown;
    }
    this.#stat = now;
    return notes;
  }

  /** Something was changed and changed back. A name may have been added and removed. */
  get #unknown(): number {
    return this.#isDirectory ? NOTE_ATTRIB : NOTE_ATTRIB | NOTE_LINK;
  }

  event(): boolean {
    this.outFflags = this.#notes;
    return this.#notes !== 0;
  }

  override clear(): void {
    this.#notes = 0;
  }
}

/** Whether the mode or the owner changed. */
function isOther(now: Stat, before: Stat): boolean {
  return now.mode !== before.mode || now.uid !== before.uid || now.gid !== before.gid;
}
