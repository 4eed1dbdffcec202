import { common } from './common.ts';
import type { AbiData } from './types.ts';

/** Constants that libkqueue and the built-in kqueue for Linux have a number for, and that neither implements. */
export const notImplemented: readonly string[] = [
  'EVFILT_AIO',
  'EVFILT_FS',
  'EVFILT_LIO',
  'EVFILT_NETDEV',
  'NOTE_FORK',
  'NOTE_EXEC',
  'NOTE_TRACK',
];

/** libkqueue for Linux: <sys/event.h> of libkqueue-dev 2.3.1. */
export const libkqueue: AbiData = {
  ...common,
  name: 'libkqueue',
  title: 'libkqueue',
  oldestRelease: '2.3.1',
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
    EVFILT_NETDEV: -8,
    EVFILT_FS: -9,
    EVFILT_LIO: -10,
    EVFILT_USER: -11,
    // Flags: reserved for the system and the filters
    EV_SYSFLAGS: 0xf000,
    // EVFILT_PROC
    NOTE_PCTRLMASK: 0xf0000000,
    // EVFILT_TIMER: each unit is a bit. Milliseconds without one
    NOTE_SECONDS: 0x1,
    NOTE_USECONDS: 0x2,
    NOTE_NSECONDS: 0x4,
    NOTE_ABSOLUTE: 0x8,
  },
  quirks: {
    ...common.quirks,
    // The call's result does not count receipts, and they have no EV_ERROR.
    receipts: false,
    // Before 2.6.4 it treats microseconds as nanoseconds.
    unsupported: [...notImplemented, 'NOTE_USECONDS'],
  },
};
