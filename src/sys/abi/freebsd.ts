import { common } from './common.ts';
import type { AbiData } from './types.ts';

/**
 * FreeBSD 12.0 and later: <sys/event.h>. dlsym(3) finds the default version of the symbol `kevent`, which has this layout.
 * The call of FreeBSD 11 is still in libc, as version FBSD_1.0.
 */
export const freebsd: AbiData = {
  ...common,
  name: 'freebsd',
  title: 'FreeBSD',
  oldestRelease: '12.3',
  since: { EVFILT_JAIL: '15.0', EVFILT_JAILDESC: '15.0' },
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
  constants: {
    ...common.constants,
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
    // The jail filters came with 15.0. Their numbers were read in sys/sys/event.h of two derived systems, not of FreeBSD itself:
    // github.com/5BSD/5BSD and github.com/lin72h/rmxOS.
    EVFILT_JAIL: -14,
    EVFILT_JAILDESC: -15,
    // Flags of a change: how the knote reports
    EV_KEEPUDATA: 0x200,
    EV_FORCEONESHOT: 0x100,
    // Flags: reserved for the system and the filters
    EV_SYSFLAGS: 0xf000,
    EV_FLAG2: 0x4000,
    EV_DROP: 0x1000,
    // EVFILT_READ and EVFILT_WRITE
    NOTE_LOWAT: 0x1,
    NOTE_FILE_POLL: 0x2,
    // EVFILT_VNODE
    NOTE_REVOKE: 0x40,
    NOTE_OPEN: 0x80,
    NOTE_CLOSE: 0x100,
    NOTE_CLOSE_WRITE: 0x200,
    NOTE_READ: 0x400,
    // EVFILT_PROC
    NOTE_PCTRLMASK: 0xf0000000,
    // EVFILT_JAIL and EVFILT_JAILDESC
    NOTE_JAIL_CHILD: 0x80000000,
    NOTE_JAIL_SET: 0x40000000,
    NOTE_JAIL_ATTACH: 0x20000000,
    NOTE_JAIL_REMOVE: 0x10000000,
    NOTE_JAIL_MULTI: 0x8000000,
    // EVFILT_TIMER: each unit is a bit. Milliseconds without one
    NOTE_SECONDS: 0x1,
    NOTE_MSECONDS: 0x2,
    NOTE_USECONDS: 0x4,
    NOTE_NSECONDS: 0x8,
    NOTE_ABSTIME: 0x10,
    // Flags of kqueuex(2), since 14.0
    KQUEUE_CLOEXEC: 0x1,
    KQUEUE_CPONFORK: 0x2,
  },
  quirks: {
    ...common.quirks,
    // sys/kern/kern_event.c, filt_proc(): it sets EV_DROP at the exit.
    silentExit: true,
    // sys/kern/kern_event.c, filt_timerstart(): 2^31 s and more overflow. The timer then fires immediately, and a periodic one
    // fires again and again.
    longestTimer: 2 ** 30 * 1000,
  },
};

/**
 * FreeBSD 11 and earlier: `struct kevent` without `ext`. A layout only. With these smaller records, the kernel of FreeBSD 12
 * would write past the end of a list.
 */
export const freebsd11: AbiData = {
  ...common,
  name: 'freebsd11',
  title: 'FreeBSD 11',
  bindable: false,
  constants: freebsd.constants,
};
