import {
  EV_EOF,
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
import { FileIdentity } from './file-identity.ts';
import {
  ENTRIES,
  IN_ACCESS,
  IN_ATTRIB,
  IN_CLOSE_NOWRITE,
  IN_CLOSE_WRITE,
  IN_DELETE,
  IN_DELETE_SELF,
  IN_ISDIR,
  IN_MODIFY,
  IN_MOVE_SELF,
  IN_OPEN,
  IN_Q_OVERFLOW,
  IN_UNMOUNT,
  type Watcher,
} from './inotify.ts';
import { type Change, type Host, Knote } from './knote.ts';
import { EACCES, EBADF, EINVAL, ENOMEM, type Stat, statOf } from './syscalls.ts';

const ALWAYS = IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF | ENTRIES;
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

/**
 * EVFILT_VNODE, of the file that is open as ident, under whatever names. fflags: what happened since it was last fetched
 * with EV_CLEAR, or ever without it. inotify(7) says that something happened, fstat(2) what: an inode whose last name is
 * gone is only told from one whose mode changed by its link count.
 */
export class VnodeKnote extends Knote implements Watcher {
  readonly #fd: number;
  #file: FileIdentity | null = null;
  #stat: Stat | undefined;
  #notes = 0;
  #isDirectory = false;
  /** inotify does not tell that an open directory was removed, but its parent's watch does. */
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
    let mask = ALWAYS;
    if ((this.fflags & NOTE_OPEN) !== 0) mask |= IN_OPEN;
    if ((this.fflags & NOTE_READ) !== 0) mask |= IN_ACCESS;
    if ((this.fflags & NOTE_CLOSE) !== 0) mask |= IN_CLOSE_NOWRITE;
    if ((this.fflags & NOTE_CLOSE_WRITE) !== 0) mask |= IN_CLOSE_WRITE;
    return mask;
  }

  attach(): number {
    if ((this.fflags & ~NOTES) !== 0) return EINVAL;
    this.#file = FileIdentity.of(this.#fd);
    this.#stat = this.#look();
    if (this.#file === null || this.#stat === undefined) return EBADF;
    const kind = kindOf(this.#fd);
    if (kind === 'socket' || kind === 'pipe' || kind === 'other') return EINVAL;
    const inotify = this.queue.inotify();
    if (inotify === null) return ENOMEM;
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
    super.change(change, true);
    this.#notes &= this.fflags;
    // The wanted events may be more than before.
    return this.queue.inotify()?.add(this.#fd, this) ?? ENOMEM;
  }

  detach(): void {
    this.queue.inotify()?.remove(this);
    this.queue.inotify()?.remove(this.#parent);
  }

  override alive(): boolean {
    return this.#file?.same(this.#fd) === true;
  }

  /** undefined when the descriptor is closed. Nothing is reported of it any more: alive() says so. */
  #look(): Stat | undefined {
    return statOf(this.#fd);
  }

  changed(mask: number): void {
    // Renamed, perhaps into another directory: the one that was watched is its parent no longer. IN_ISDIR is not told here.
    if ((mask & IN_MOVE_SELF) !== 0 && this.#isDirectory) {
      this.queue.inotify()?.remove(this.#parent);
      this.queue.inotify()?.add(this.#fd, this.#parent, '/..');
      // Nobody watched where it went: it may be gone from there already.
      this.#lookWhetherRemoved();
    }
    this.#note(this.#notesOf(mask));
  }

  /** Told once: the next directory that is removed beside it is another. */
  #lookWhetherRemoved(): void {
    const after = this.#look();
    if (after?.links !== 0 || this.#stat?.links === 0) return;
    this.#stat = after;
    this.#note(NOTE_DELETE);
  }

  #note(notes: number): void {
    this.#notes |= notes & this.fflags;
    if (this.#notes !== 0) this.activate();
  }

  #notesOf(mask: number): number {
    let notes = 0;
    if ((mask & IN_MOVE_SELF) !== 0) notes |= NOTE_RENAME;
    if ((mask & IN_DELETE_SELF) !== 0) notes |= NOTE_DELETE;
    if ((mask & IN_UNMOUNT) !== 0) notes |= NOTE_REVOKE;
    if ((mask & IN_OPEN) !== 0) notes |= NOTE_OPEN;
    if ((mask & IN_ACCESS) !== 0) notes |= NOTE_READ;
    if ((mask & IN_CLOSE_NOWRITE) !== 0) notes |= NOTE_CLOSE;
    if ((mask & IN_CLOSE_WRITE) !== 0) notes |= NOTE_CLOSE_WRITE;
    // An entry of a directory came or went; a subdirectory is a link to its parent.
    if ((mask & ENTRIES) !== 0) notes |= (mask & IN_ISDIR) === 0 ? NOTE_WRITE : NOTE_WRITE | NOTE_LINK;
    return notes | this.#compare(mask);
  }

  /** What only a look at the file tells. */
  #compare(mask: number): number {
    if ((mask & (IN_MODIFY | IN_ATTRIB | IN_Q_OVERFLOW)) === 0) return 0;
    const before = this.#stat;
    const after = this.#look();
    if (before === undefined || after === undefined) return 0;
    this.#stat = after;
    let notes = 0;
    // The size of a directory and its links change with its entries, and were told of with them.
    const told = this.#isDirectory && (mask & IN_Q_OVERFLOW) === 0;
    if ((mask & IN_MODIFY) !== 0) notes |= NOTE_WRITE;
    if (!told && after.size > before.size) notes |= NOTE_WRITE | NOTE_EXTEND;
    // Shrinking is ATTRIB on the BSDs, TRUNCATE too on OpenBSD, WRITE on DragonFly.
    if (!told && after.size < before.size) notes |= NOTE_WRITE | NOTE_ATTRIB | NOTE_TRUNCATE;
    const linked = after.links !== before.links && (!told || after.links === 0);
    if (linked) notes |= after.links === 0 ? NOTE_LINK | NOTE_DELETE : NOTE_LINK;
    const same = after.mode === before.mode && after.uid === before.uid && after.gid === before.gid;
    const touched = after.mtime !== before.mtime && (mask & IN_MODIFY) === 0;
    if ((mask & IN_ATTRIB) !== 0 && (!linked || !same || touched)) notes |= NOTE_ATTRIB;
    if ((mask & IN_Q_OVERFLOW) !== 0 && (!same || touched)) notes |= NOTE_WRITE | NOTE_ATTRIB;
    return notes;
  }

  event(): boolean {
    this.outFflags = this.#notes;
    this.outFlags = (this.#notes & NOTE_REVOKE) === 0 ? 0 : EV_EOF;
    return this.#notes !== 0;
  }

  override clear(): void {
    this.#notes = 0;
  }
}
