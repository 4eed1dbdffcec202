import { common } from './common.ts';
import type { AbiData } from './types.ts';

/** OpenBSD: <sys/event.h> 1.74 (2025-05-10). */
export const openbsd: AbiData = {
  ...common,
  name: 'openbsd',
  title: 'OpenBSD',
  oldestRelease: '7.4',
  // Before 7.4 the kernel ignores the fflags of a timer.
  since: { EVFILT_USER: '7.8', NOTE_SECONDS: '7.4', NOTE_USECONDS: '7.4', NOTE_NSECONDS: '7.4', NOTE_ABSTIME: '7.4' },
  kevent: {
    size: 32,
    align: 8,
    fields: {
      ident: 'uintptr_t',
      filter: 'int16_t',
      flags: 'uint16_t',
      fflags: 'uint32_t',
      data: 'int64_t',
      udata: 'void *',
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
    EVFILT_DEVICE: -8,
    EVFILT_EXCEPT: -9,
    EVFILT_USER: -10,
    // Flags: reserved for the system and the filters
    EV_SYSFLAGS: 0xf800,
    // EVFILT_READ and EVFILT_WRITE; NOTE_OOB is for EVFILT_EXCEPT
    NOTE_LOWAT: 0x1,
    NOTE_EOF: 0x2,
    NOTE_OOB: 0x4,
    // EVFILT_VNODE
    NOTE_REVOKE: 0x40,
    NOTE_TRUNCATE: 0x80,
    // EVFILT_DEVICE
    NOTE_CHANGE: 0x1,
    // EVFILT_PROC
    NOTE_PCTRLMASK: 0xf0000000,
    // EVFILT_TIMER: the unit is a number in the two low bits, not a bit
    NOTE_SECONDS: 0x1,
    NOTE_MSECONDS: 0,
    NOTE_USECONDS: 0x2,
    NOTE_NSECONDS: 0x3,
    NOTE_ABSTIME: 0x10,
  },
};
