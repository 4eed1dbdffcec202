import { timespec } from './timespec.ts';
import type { AbiData } from './types.ts';

/**
 * FreeBSD 12.0 and later: <sys/event.h>. The `kevent` that dlsym(3) finds is the default version of the symbol, which
 * speaks this layout; the one of FreeBSD 11 stays in libc as version FBSD_1.0.
 */
export const freebsd: AbiData = {
  name: 'freebsd',
  kevent: {
    size: 64,
    align: 8,
    fields: {
      ident: 'uintptr_t',
      filter: 'int16_t',
      flags: 'uint16_t',
      fflags: 'uint32_t',
      data: 'int64_t',
      udata: 'void *',
      ext: 'uint64_t[4]',
    },
  },
  timespec,
  symbols: { kqueue: 'kqueue', kevent: 'kevent', close: 'close' },
  counts: 'int',
  kevent64: false,
  constants: {
    // Filters
    EVFILT_READ: -1,
    EVFILT_WRITE: -2,
    EVFILT_AIO: -3,
    EVFILT_VNODE: -4,
    EVFILT_PROC: -5,
    EVFILT_SIGNAL: -6,
    EVFILT_TIMER: -7,
    EVFILT_PROCDESC: -8,
    EVFILT_FS: -9,
    EVFILT_LIO: -10,
    EVFILT_USER: -11,
    EVFILT_SENDFILE: -12,
    EVFILT_EMPTY: -13,
    // Flags of a change: actions
    EV_ADD: 0x1,
    EV_DELETE: 0x2,
    EV_ENABLE: 0x4,
    EV_DISABLE: 0x8,
    // Flags of a change: how it reports
    EV_ONESHOT: 0x10,
    EV_CLEAR: 0x20,
    EV_RECEIPT: 0x40,
    EV_DISPATCH: 0x80,
    EV_KEEPUDATA: 0x200,
    EV_FORCEONESHOT: 0x100,
    // Flags: reserved for the system and the filters
    EV_SYSFLAGS: 0xf000,
    EV_FLAG1: 0x2000,
    EV_FLAG2: 0x4000,
    EV_DROP: 0x1000,
    // Flags of an event
    EV_ERROR: 0x4000,
    EV_EOF: 0x8000,
    // EVFILT_USER
    NOTE_FFNOP: 0,
    NOTE_FFAND: 0x40000000,
    NOTE_FFOR: 0x80000000,
    NOTE_FFCOPY: 0xc0000000,
    NOTE_FFCTRLMASK: 0xc0000000,
    NOTE_FFLAGSMASK: 0xffffff,
    NOTE_TRIGGER: 0x1000000,
    // EVFILT_READ and EVFILT_WRITE
    NOTE_LOWAT: 0x1,
    NOTE_FILE_POLL: 0x2,
    // EVFILT_VNODE
    NOTE_DELETE: 0x1,
    NOTE_WRITE: 0x2,
    NOTE_EXTEND: 0x4,
    NOTE_ATTRIB: 0x8,
    NOTE_LINK: 0x10,
    NOTE_RENAME: 0x20,
    NOTE_REVOKE: 0x40,
    NOTE_OPEN: 0x80,
    NOTE_CLOSE: 0x100,
    NOTE_CLOSE_WRITE: 0x200,
    NOTE_READ: 0x400,
    // EVFILT_PROC
    NOTE_EXIT: 0x80000000,
    NOTE_FORK: 0x40000000,
    NOTE_EXEC: 0x20000000,
    NOTE_PCTRLMASK: 0xf0000000,
    NOTE_PDATAMASK: 0xfffff,
    NOTE_TRACK: 0x1,
    NOTE_TRACKERR: 0x2,
    NOTE_CHILD: 0x4,
    // EVFILT_TIMER: milliseconds unless a unit is given; the units are bits
    NOTE_SECONDS: 0x1,
    NOTE_MSECONDS: 0x2,
    NOTE_USECONDS: 0x4,
    NOTE_NSECONDS: 0x8,
    NOTE_ABSTIME: 0x10,
    // Flags of kqueuex(2), since 14.0
    KQUEUE_CLOEXEC: 0x1,
    KQUEUE_CPONFORK: 0x2,
  },
};

/**
 * FreeBSD up to 11: `struct kevent` without `ext`. A table to look at only; nothing chooses it at run time, because a record
 * that is too small would let the kernel write past the end of a list.
 */
export const freebsd11: AbiData = {
  name: 'freebsd11',
  kevent: {
    size: 32,
    align: 8,
    fields: {
      ident: 'uintptr_t',
      filter: 'int16_t',
      flags: 'uint16_t',
      fflags: 'uint32_t',
      data: 'intptr_t',
      udata: 'void *',
    },
  },
  timespec,
  symbols: { kqueue: 'kqueue', kevent: 'kevent', close: 'close' },
  counts: 'int',
  kevent64: false,
  constants: freebsd.constants,
};
