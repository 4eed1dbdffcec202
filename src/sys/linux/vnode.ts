import type { Kevent } from '../abi/types.ts';
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
import { fileTypeOf } from './descriptor-knote.ts';
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
  type InodeWatcher,
  type Inotify,
} from './inotify.ts';
import { type Host, Knote } from './knote.ts';
import { EACCES, EBADF, EINVAL, errno, isMemfd, linkOf, type Stat, statAt, statOf } from './syscalls.ts';

const ALWAYS = IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | ENTRIES;
/** Events were lost, so the knote compares all that it can. */
const LOST = IN_Q_OVERFLOW | IN_IGNORED;
/** Events for which the file must be checked, because the event alone does not determine the notes. */
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

/** The IN_* bits that are needed for the notes. */
function wanted(fflags: number): number {
  let mask = ALWAYS;
  if ((fflags & NOTE_OPEN) !== 0) mask |= IN_OPEN;
  if ((fflags & NOTE_READ) !== 0) mask |= IN_ACCESS;
  if ((fflags & NOTE_CLOSE) !== 0) mask |= IN_CLOSE_NOWRITE;
  if ((fflags & NOTE_CLOSE_WRITE) !== 0) mask |= IN_CLOSE_WRITE;
  return mask;
}

/** The suffix of the link in /proc if the name was removed or another file was renamed over it. */
const DELETED = ' (deleted)';

/** The current state of the name by which a file was opened. */
interface FileName {
  /** The whole path. undefined if /proc does not have it. */
  readonly path: string | undefined;
  readonly deleted: boolean;
}

function nameOf(fd: number, file: Stat): FileName {
  const path = linkOf(fd);
  if (path?.endsWith(DELETED) !== true) return { path, deleted: false };
  // A file's own name may end so. Then the file exists at that path.
  const there = statAt(path);
  const deleted = there?.inode !== file.inode || there.device !== file.device;
  return { path: deleted ? path.slice(0, -DELETED.length) : path, deleted };
}

/** The state of a file at one check. */
interface Snapshot {
  readonly stat: Stat;
  readonly name: FileName;
}

/**
 * EVFILT_VNODE, for the file that is open as ident, whatever its names are. fflags are the notes since the last fetch with
 * EV_CLEAR, and all notes without it. inotify(7) reports that the file changed. The knote then checks the file. It compares the
 * number of links, the size and the name by which the file was opened with the check before.
 */
export class VnodeKnote extends Knote implements InodeWatcher {
  readonly #fd: number;
  #file: FileIdentity | null = null;
  #inotify!: Inotify;
  #last!: Snapshot;
  #notes = 0;
  #isDirectory = false;
  /** inotify does not report that an open directory was removed, but its parent's watch does. */
  readonly #parent: InodeWatcher = {
    mask: IN_DELETE,
    changed: (mask) => {
      if ((mask & IN_ISDIR) !== 0) this.#lookWhetherRemoved();
    },
  };

  constructor(queue: Host, change: Kevent) {
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
    const type = fileTypeOf(this.#fd);
    if (type === 'socket' || type === 'pipe' || type === 'other') return EINVAL;
    // As for POSIX shared memory on the BSDs. Since Linux 6.14, inotify does not report writes through its descriptor.
    if (isMemfd(this.#fd)) return EINVAL;
    const inotify = this.queue.inotify();
    if (inotify === null) return asKqueueErrno(errno());
    this.#inotify = inotify;
    this.#isDirectory = type === 'directory';
    let error = inotify.add(this.#fd, this);
    if (error !== 0 || !this.#isDirectory) return error;
    error = inotify.add(this.#fd, this.#parent, '/..');
    // EACCES: the process may not read the parent. Then the removal of this directory is not reported.
    if (error === 0 || error === EACCES) return 0;
    inotify.remove(this);
    return error;
  }

  override change(change: Kevent): number {
    if ((change.fflags & ~NOTES) !== 0) return EINVAL;
    const error = this.#inotify.add(this.#fd, this, '', wanted(change.fflags));
    if (error !== 0) return error;
    super.change(change, true);
    this.#notes &= this.fflags;
    return 0;
  }

  detach(): void {
    // Undefined if attach() was stopped before it was set.
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
      // The kernel removes the watch with the last link, even if the file is still open.
      this.#inotify.renew(this.#fd, this);
    }
    // The directory may have been renamed, and may have a new parent. IN_ISDIR is not set in IN_MOVE_SELF.
    const moved = this.#isDirectory && (lost || (mask & IN_MOVE_SELF) !== 0);
    if (moved) {
      this.#inotify.remove(this.#parent);
      this.#inotify.renew(this.#fd, this.#parent, '/..');
    }
    this.#look(mask);
    // The directory may have been removed from the new parent before that was watched.
    if (moved) this.#lookWhetherRemoved();
  }

  /** Reports the removal once. A later removal from the same parent is that of another directory. */
  #lookWhetherRemoved(): void {
    const stat = statOf(this.#fd);
    if (stat === undefined) return;
    const before = this.#last;
    const name = this.#nameNow(stat);
    const now = { stat: { ...before.stat, links: stat.links }, name };
    if (isRemoved(before, now)) this.#report(NOTE_DELETE, now);
  }

  /** The state of the name. A name that was removed stays removed. */
  #nameNow(stat: Stat): FileName {
    const { name } = this.#last;
    return name.deleted ? name : nameOf(this.#fd, stat);
  }

  /** Sets the notes first. If JavaScript is stopped before the snapshot is stored, the event is delivered and compared again. */
  #report(notes: number, look: Snapshot): void {
    this.#notes |= notes & this.fflags;
    if (this.#notes !== 0) this.activate();
    this.#last = look;
  }

  #look(mask: number): void {
    let notes = notesOfEvents(mask);
    const now = (mask & LOOK) === 0 ? undefined : statOf(this.#fd);
    if (now === undefined) {
      // The event needs no check, or the descriptor is closed. alive() prevents a report of a closed descriptor.
      this.#report(notes, this.#last);
      return;
    }
    if ((mask & LOST) !== 0) {
      const look = { stat: now, name: this.#nameNow(now) };
      this.#report(notes | this.#compare(look), look);
      return;
    }
    // Compares only the state that the event concerns. Later events concern the rest.
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

  /** The notes of IN_ATTRIB: a change of mode, owner, times, extended attributes or links. */
  #attributes(now: Snapshot, before: Stat): number {
    const links = this.#linked(now);
    if (hasNewModeOrOwner(now.stat, before) || now.stat.mtime !== before.mtime) return links | NOTE_ATTRIB;
    return links === 0 ? this.#unknown : links;
  }

  #resized({ size }: Stat): number {
    const before = this.#last.stat.size;
    // The size of a directory changes with its entries.
    if (this.#isDirectory || size === before) return 0;
    // A shorter file is NOTE_ATTRIB on the BSDs, with NOTE_TRUNCATE on OpenBSD, and NOTE_WRITE on DragonFly.
    return size > before ? NOTE_WRITE | NOTE_EXTEND : NOTE_WRITE | NOTE_ATTRIB | NOTE_TRUNCATE;
  }

  #linked(now: Snapshot): number {
    if (isRemoved(this.#last, now)) return this.#isDirectory ? NOTE_DELETE : NOTE_LINK | NOTE_DELETE;
    // The links of a directory change with its entries, which have their own events.
    return this.#isDirectory || now.stat.links === this.#last.stat.links ? 0 : NOTE_LINK;
  }

  /** The notes for the difference from the last snapshot, if events were lost. */
  #compare(now: Snapshot): number {
    const { stat, name } = this.#last;
    let notes = this.#linked(now) | this.#resized(now.stat);
    if (this.#isDirectory && now.stat.links !== stat.links) notes |= NOTE_LINK;
    // The file was written, or its times were set.
    if (now.stat.mtime !== stat.mtime) notes |= NOTE_WRITE | NOTE_ATTRIB;
    if (hasNewModeOrOwner(now.stat, stat)) notes |= NOTE_ATTRIB;
    if (now.stat.ctime === stat.ctime) return notes;
    // If the path differs and the ctime does not, a parent directory was renamed.
    if (now.name.path !== name.path) notes |= NOTE_RENAME;
    return notes === 0 ? this.#unknown : notes;
  }

  /** The notes if nothing differs. A change may have been undone, such as a name that was added and removed. */
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

/** The notes that the events determine without a check. */
function notesOfEvents(mask: number): number {
  let notes = 0;
  if ((mask & IN_MODIFY) !== 0) notes |= NOTE_WRITE;
  if ((mask & IN_MOVE_SELF) !== 0) notes |= NOTE_RENAME;
  if ((mask & IN_OPEN) !== 0) notes |= NOTE_OPEN;
  if ((mask & IN_ACCESS) !== 0) notes |= NOTE_READ;
  if ((mask & IN_CLOSE_NOWRITE) !== 0) notes |= NOTE_CLOSE;
  if ((mask & IN_CLOSE_WRITE) !== 0) notes |= NOTE_CLOSE_WRITE;
  // An entry was added or removed. A subdirectory has a link to its parent, so it changes the number of links.
  if ((mask & ENTRIES) !== 0) notes |= (mask & IN_ISDIR) === 0 ? NOTE_WRITE : NOTE_WRITE | NOTE_LINK;
  return notes;
}

/** Whether the name by which the file was opened, or the last name, was removed. */
function isRemoved(before: Snapshot, now: Snapshot): boolean {
  return (now.name.deleted && !before.name.deleted) || (now.stat.links === 0 && before.stat.links !== 0);
}

/** Whether the mode or the owner changed. */
function hasNewModeOrOwner(now: Stat, before: Stat): boolean {
  return now.mode !== before.mode || now.uid !== before.uid || now.gid !== before.gid;
}
