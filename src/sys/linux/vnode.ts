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
  type Inotify,
  type Watcher,
} from './inotify.ts';
import { type Change, type Host, Knote } from './knote.ts';
import { EACCES, EBADF, EINVAL, errno, linkOf, type Stat, statAt, statOf } from './syscalls.ts';

const ALWAYS = IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | ENTRIES;
/** Events are missing, so everything that can be compared is compared. */
const LOST = IN_Q_OVERFLOW | IN_IGNORED;
/** Events that do not say all themselves. */
const LOOK = IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | LOST;
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

/** What a look at a file finds. */
interface Look {
  readonly stat: Stat;
  readonly name: Name;
}

/** memfd_create(2): a file without a name, in a file system of the kernel's own. Its link in /proc begins like this. */
function isMemfd({ stat, name }: Look): boolean {
  return stat.links === 0 && name.deleted && name.path?.startsWith('/memfd:') === true;
}

/**
 * EVFILT_VNODE, of the file that is open as ident, under whatever names. fflags: what happened since it was last fetched
 * with EV_CLEAR, or ever without it. inotify(7) reports that something happened. A look at the file finds out what: how
 * many links it has, how long it is, whether the name by which it was opened is still there.
 */
export class VnodeKnote extends Knote implements Watcher {
  readonly #fd: number;
  #file: FileIdentity | null = null;
  #inotify!: Inotify;
  #last!: Look;
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
    this.#last = { stat, name: nameOf(this.#fd, stat) };
    const kind = kindOf(this.#fd);
    if (kind === 'socket' || kind === 'pipe' || kind === 'other') return EINVAL;
    // As POSIX shared memory on the BSDs: since Linux 6.14 inotify does not report what is written through its descriptor.
    if (isMemfd(this.#last)) return EINVAL;
    const inotify = this.queue.inotify();
    if (inotify === null) return asKqueueErrno(errno());
    this.#inotify = inotify;
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
    const error = this.#inotify.add(this.#fd, this, '', wanted(change.fflags));
    if (error !== 0) return error;
    super.change(change, true);
    this.#notes &= this.fflags;
    return 0;
  }

  detach(): void {
    // attach() may have been stopped before it had one.
    (this.#inotify as Inotify | undefined)?.remove(this);
    (this.#inotify as Inotify | undefined)?.remove(this.#parent);
  }

  override alive(): boolean {
    return this.#file?.same(this.#fd) === true;
  }

  changed(mask: number): void {
    const lost = (mask & LOST) !== 0;
    if (lost) {
      if (!this.alive()) return;
      // With the last link of a file its watch is gone, even if it is still open under a name that was removed before.
      this.#inotify.renew(this.#fd, this);
    }
    // Renamed, perhaps into another directory, or perhaps not: IN_ISDIR is not set here.
    const moved = this.#isDirectory && (lost || (mask & IN_MOVE_SELF) !== 0);
    if (moved) {
      this.#inotify.remove(this.#parent);
      this.#inotify.renew(this.#fd, this.#parent, '/..');
    }
    this.#look(mask);
    // The new parent was not watched until now, and the directory may be gone from there already.
    if (moved) this.#lookWhetherRemoved();
  }

  /** Reported once: the next directory that is removed from the same parent is another. */
  #lookWhetherRemoved(): void {
    const stat = statOf(this.#fd);
    if (stat === undefined) return;
    const before = this.#last;
    const name = this.#nameNow(stat);
    const now = { stat: { ...before.stat, links: stat.links }, name };
    if (isRemoved(before, now)) this.#report(NOTE_DELETE, now);
  }

  /** Of the name: once it is removed, it stays so. */
  #nameNow(stat: Stat): Name {
    const { name } = this.#last;
    return name.deleted ? name : nameOf(this.#fd, stat);
  }

  /** The notes come first: if JavaScript is stopped in between, the event is delivered again, and compared again. */
  #report(notes: number, look: Look): void {
    this.#notes |= notes & this.fflags;
    if (this.#notes !== 0) this.activate();
    this.#last = look;
  }

  #look(mask: number): void {
    let notes = notesOf(mask);
    const now = (mask & LOOK) === 0 ? undefined : statOf(this.#fd);
    if (now === undefined) {
      // Nothing to look at, or closed. Nothing is reported of a closed descriptor, as alive() shows.
      this.#report(notes, this.#last);
      return;
    }
    if ((mask & LOST) !== 0) {
      const look = { stat: now, name: this.#nameNow(now) };
      this.#report(notes | this.#compare(look), look);
      return;
    }
    // Each event is compared with what it is about. The rest is for the events that come after it.
    let { stat, name } = this.#last;
    if ((mask & IN_MODIFY) !== 0) {
      notes |= this.#resized(now);
      stat = { ...stat, size: now.size, mtime: now.mtime };
    }
    if ((mask & IN_MOVE_SELF) !== 0) name = { path: this.#nameNow(now).path, deleted: name.deleted };
    if ((mask & IN_ATTRIB) !== 0) {
      name = this.#nameNow(now);
      notes |= this.#attributes({ stat: now, name }, stat);
      stat = { ...now, size: stat.size };
    }
    this.#report(notes, { stat, name });
  }

  /** IN_ATTRIB: one or more of mode, owner, times, extended attributes, links. */
  #attributes(now: Look, before: Stat): number {
    const links = this.#linked(now);
    if (isOther(now.stat, before) || now.stat.mtime !== before.mtime) return links | NOTE_ATTRIB;
    return links === 0 ? this.#unknown : links;
  }

  #resized({ size }: Stat): number {
    const before = this.#last.stat.size;
    // The size of a directory changes with its entries.
    if (this.#isDirectory || size === before) return 0;
    // Shrinking is ATTRIB on the BSDs, TRUNCATE too on OpenBSD, WRITE on DragonFly.
    return size > before ? NOTE_WRITE | NOTE_EXTEND : NOTE_WRITE | NOTE_ATTRIB | NOTE_TRUNCATE;
  }

  #linked(now: Look): number {
    if (isRemoved(this.#last, now)) return this.#isDirectory ? NOTE_DELETE : NOTE_LINK | NOTE_DELETE;
    // The links of a directory change with its entries, which are reported as such.
    return this.#isDirectory || now.stat.links === this.#last.stat.links ? 0 : NOTE_LINK;
  }

  /** What the difference between two looks shows, when events in between are missing. */
  #compare(now: Look): number {
    const { stat, name } = this.#last;
    let notes = this.#linked(now) | this.#resized(now.stat);
    if (this.#isDirectory && now.stat.links !== stat.links) notes |= NOTE_LINK;
    // Written, or its times were set.
    if (now.stat.mtime !== stat.mtime) notes |= NOTE_WRITE | NOTE_ATTRIB;
    if (isOther(now.stat, stat)) notes |= NOTE_ATTRIB;
    if (now.stat.ctime === stat.ctime) return notes;
    // If a directory above was renamed, the path differs, and the ctime does not.
    if (now.name.path !== name.path) notes |= NOTE_RENAME;
    return notes === 0 ? this.#unknown : notes;
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

/** The notes that the events of inotify say themselves. */
function notesOf(mask: number): number {
  let notes = 0;
  if ((mask & IN_MODIFY) !== 0) notes |= NOTE_WRITE;
  if ((mask & IN_MOVE_SELF) !== 0) notes |= NOTE_RENAME;
  if ((mask & IN_OPEN) !== 0) notes |= NOTE_OPEN;
  if ((mask & IN_ACCESS) !== 0) notes |= NOTE_READ;
  if ((mask & IN_CLOSE_NOWRITE) !== 0) notes |= NOTE_CLOSE;
  if ((mask & IN_CLOSE_WRITE) !== 0) notes |= NOTE_CLOSE_WRITE;
  // An entry of a directory came or went. A subdirectory is a link to its parent.
  if ((mask & ENTRIES) !== 0) notes |= (mask & IN_ISDIR) === 0 ? NOTE_WRITE : NOTE_WRITE | NOTE_LINK;
  return notes;
}

/** Whether the name by which the file was opened was removed, or its last name. */
function isRemoved(before: Look, now: Look): boolean {
  return (now.name.deleted && !before.name.deleted) || (now.stat.links === 0 && before.stat.links !== 0);
}

/** Whether the mode or the owner changed. */
function isOther(now: Stat, before: Stat): boolean {
  return now.mode !== before.mode || now.uid !== before.uid || now.gid !== before.gid;
}
