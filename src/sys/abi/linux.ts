import { common } from './common.ts';
import { libkqueue, notImplemented } from './libkqueue.ts';
import type { AbiData } from './types.ts';

/**
 * The built-in kqueue for Linux. It uses libkqueue's numbers, so that one program runs on both. For what libkqueue lacks, it
 * uses FreeBSD's.
 */
export const linux: AbiData = {
  ...common,
  name: 'linux',
  title: 'Linux',
  oldestRelease: '5.3',
  constants: {
    ...libkqueue.constants,
    // EVFILT_READ
    NOTE_LOWAT: 0x1,
    // EVFILT_VNODE. FreeBSD's NOTE_OPEN is 0x80, which is NOTE_TRUNCATE in libkqueue after 2.3.1. So NOTE_OPEN is 0x800 here.
    NOTE_REVOKE: 0x40,
    NOTE_TRUNCATE: 0x80,
    NOTE_OPEN: 0x800,
    NOTE_CLOSE: 0x100,
    NOTE_CLOSE_WRITE: 0x200,
    NOTE_READ: 0x400,
  },
  quirks: {
    ...common.quirks,
    unsupported: notImplemented,
    limits: {
      ENOSPC: 'fs.inotify.max_user_watches',
      EMFILE: 'the open files of the process (ulimit -n), or for a file fs.inotify.max_user_instances',
    },
  },
};
