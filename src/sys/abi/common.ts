import type { AbiData, CommonConstants } from './types.ts';

/**
 * The defaults of all tables. The file of each system holds its differences.
 *
 * The struct is that of DragonFly, of FreeBSD before 12 and of libkqueue. The constants have these values in all tables.
 */
export const common: Omit<AbiData, 'name' | 'title' | 'constants'> & { readonly constants: CommonConstants } = {
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
  // <time.h>: equal on every 64-bit system, because time_t has 64 bits there.
  timespec: {
    size: 16,
    align: 8,
    fields: { tv_sec: 'int64_t', tv_nsec: 'long' },
  },
  symbols: { kqueue: 'kqueue', kevent: 'kevent', close: 'close' },
  counts: 'int',
  bindable: true,
  since: {},
  constants: {
    // Flags of a change: actions
    EV_ADD: 0x1,
    EV_DELETE: 0x2,
    EV_ENABLE: 0x4,
    EV_DISABLE: 0x8,
    // Flags of a change: how the knote reports
    EV_ONESHOT: 0x10,
    EV_CLEAR: 0x20,
    EV_RECEIPT: 0x40,
    EV_DISPATCH: 0x80,
    // Flags: reserved for the system and the filters
    EV_FLAG1: 0x2000,
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
    // EVFILT_VNODE
    NOTE_DELETE: 0x1,
    NOTE_WRITE: 0x2,
    NOTE_EXTEND: 0x4,
    NOTE_ATTRIB: 0x8,
    NOTE_LINK: 0x10,
    NOTE_RENAME: 0x20,
    // EVFILT_PROC
    NOTE_EXIT: 0x80000000,
    NOTE_FORK: 0x40000000,
    NOTE_EXEC: 0x20000000,
    NOTE_PDATAMASK: 0xfffff,
    NOTE_TRACK: 0x1,
    NOTE_TRACKERR: 0x2,
    NOTE_CHILD: 0x4,
  },
  quirks: {
    receipts: true,
    errorsPastNevents: false,
    silentExit: false,
    fixedVnodeNotes: false,
    longestWait: Number.POSITIVE_INFINITY,
    longestTimer: Number.POSITIVE_INFINITY,
    nestingLimit: false,
    unsupported: [],
    limits: {},
  },
};
