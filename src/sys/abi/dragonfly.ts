import { common } from './common.ts';
import type { AbiData } from './types.ts';

/**
 * DragonFly BSD: <sys/event.h>. Timers count milliseconds only.
 *
 * process.platform is `freebsd` here: Node's build (gyp) takes every "dragonfly" for FreeBSD. os.type() tells the two apart,
 * but uname(3) lets the environment variable UNAME_s answer for it, and to take a FreeBSD, whose records are twice as long,
 * for a DragonFly would let the kernel write past a list. O_DIRECTORY of Node's own constants cannot be forged like that: it is
 * 0x8000000 in sys/sys/fcntl.h here, and 0x20000 on FreeBSD. To read it needs no permission and opens no file.
 */
export const dragonfly: AbiData = {
  ...common,
  name: 'dragonfly',
  title: 'DragonFly',
  oldestRelease: '6.4',
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
    EVFILT_EXCEPT: -8,
    EVFILT_USER: -9,
    EVFILT_FS: -10,
    // Flags: reserved for the system and the filters
    EV_SYSFLAGS: 0xf800,
    EV_HUP: 0x800,
    EV_NODATA: 0x1000,
    // EVFILT_READ and EVFILT_WRITE; NOTE_OOB is for EVFILT_EXCEPT
    NOTE_LOWAT: 0x1,
    NOTE_OOB: 0x2,
    // EVFILT_VNODE
    NOTE_REVOKE: 0x40,
    // EVFILT_PROC
    NOTE_PCTRLMASK: 0xf0000000,
  },
  quirks: {
    ...common.quirks,
    // kern_kevent() of sys/kern/kern_event.c posts each error, and kevent_copyout() never looks at nevents.
    errorsPastNevents: true,
    // kern.kq_checkloop: the kernel panics when one call loops a million times.
    longestWait: 60_000,
  },
};
