import { common } from './common.ts';
import type { AbiData } from './types.ts';

/**
 * NetBSD: <sys/event.h> 1.54, of NetBSD 10. Filters count up from 0, filter and flags have 32 bits, and the counts are size_t.
 *
 * The header renames kevent to `__kevent50`. The symbol `kevent` is the call of NetBSD 5 and earlier, with a 32-bit time_t,
 * and must never be bound. NetBSD 11 renames kevent to `__kevent100`, whose records end with `uint64_t ext[4]` (72 bytes).
 * It keeps `__kevent50` with this layout, so this table serves every release.
 */
export const netbsd: AbiData = {
  ...common,
  name: 'netbsd',
  title: 'NetBSD',
  oldestRelease: '10',
  // Before 10 the kernel refuses the filter. It accepts these notes, but never reports them.
  since: { EVFILT_USER: '10', NOTE_OPEN: '10', NOTE_CLOSE: '10', NOTE_CLOSE_WRITE: '10', NOTE_READ: '10' },
  kevent: {
    size: 40,
    align: 8,
    fields: {
      ident: 'uintptr_t',
      filter: 'uint32_t',
      flags: 'uint32_t',
      fflags: 'uint32_t',
      data: 'int64_t',
      udata: 'void *',
    },
  },
  symbols: { ...common.symbols, kevent: '__kevent50' },
  counts: 'size_t',
  constants: {
    ...common.constants,
    // Filters
    EVFILT_READ: 0,
    EVFILT_WRITE: 1,
    EVFILT_AIO: 2,
    EVFILT_VNODE: 3,
    EVFILT_PROC: 4,
    EVFILT_SIGNAL: 5,
    EVFILT_TIMER: 6,
    EVFILT_FS: 7,
    EVFILT_USER: 8,
    EVFILT_EMPTY: 9,
    // Flags: reserved for the system and the filters
    EV_SYSFLAGS: 0xf000,
    // EVFILT_READ and EVFILT_WRITE
    NOTE_LOWAT: 0x1,
    // EVFILT_VNODE
    NOTE_REVOKE: 0x40,
    NOTE_OPEN: 0x80,
    NOTE_CLOSE: 0x100,
    NOTE_CLOSE_WRITE: 0x200,
    NOTE_READ: 0x400,
    // EVFILT_PROC
    NOTE_PCTRLMASK: 0xf0000000,
    // EVFILT_TIMER: the unit is a number in the two low bits, not a bit
    NOTE_SECONDS: 0x1,
    NOTE_MSECONDS: 0,
    NOTE_USECONDS: 0x2,
    NOTE_NSECONDS: 0x3,
    NOTE_ABSTIME: 0x10,
  },
  // sys/kern/vfs_vnops.c, vn_knote_attach(): the mask of notes is set when a knote is attached.
  quirks: { ...common.quirks, fixedVnodeNotes: true },
};
