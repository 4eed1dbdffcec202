import { timespec } from './timespec.ts';
import type { AbiData } from './types.ts';

/**
 * DragonFly BSD: <sys/event.h>. Timers count milliseconds only.
 *
 * process.platform is `freebsd` here: Node's build (gyp) takes every "dragonfly" for FreeBSD. os.type() tells the two apart,
 * but uname(3) lets the environment variable UNAME_s answer for it, and to take a FreeBSD, whose records are twice as long,
 * for a DragonFly would let the kernel write past a list. What cannot be forged so is the interpreter that Node's own ELF
 * file names: /usr/libexec/ld-elf.so.2 here, /libexec/ld-elf.so.1 on FreeBSD.
 */
export const dragonfly: AbiData = {
  name: 'dragonfly',
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
  constants: {
    // Filters
    EVFILT_READ: -1,
    EVFILT_WRITE: -2,
    EVFILT_AIO: -3,
    EVFILT_VNODE: -4,
    EVFILT_PROC: -5,
    EVFILT_SIGNAL: -6,
    EVFILT_TIMER: -7,
    EVFILT_EXCEPT: -8,
    EVFILT_USER: -9,
    EVFILT_FS: -10,
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
    // Flags: reserved for the system and the filters
    EV_SYSFLAGS: 0xf800,
    EV_FLAG1: 0x2000,
    EV_HUP: 0x800,
    EV_NODATA: 0x1000,
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
    // EVFILT_READ and EVFILT_WRITE; NOTE_OOB is for EVFILT_EXCEPT
    NOTE_LOWAT: 0x1,
    NOTE_OOB: 0x2,
    // EVFILT_VNODE
    NOTE_DELETE: 0x1,
    NOTE_WRITE: 0x2,
    NOTE_EXTEND: 0x4,
    NOTE_ATTRIB: 0x8,
    NOTE_LINK: 0x10,
    NOTE_RENAME: 0x20,
    NOTE_REVOKE: 0x40,
    // EVFILT_PROC
    NOTE_EXIT: 0x80000000,
    NOTE_FORK: 0x40000000,
    NOTE_EXEC: 0x20000000,
    NOTE_PCTRLMASK: 0xf0000000,
    NOTE_PDATAMASK: 0xfffff,
    NOTE_TRACK: 0x1,
    NOTE_TRACKERR: 0x2,
    NOTE_CHILD: 0x4,
  },
};
