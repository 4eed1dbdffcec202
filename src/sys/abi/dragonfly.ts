import { common } from './common.ts';
import type { AbiData } from './types.ts';

/**
 * DragonFly BSD: <sys/event.h>. Timers count milliseconds only.
 *
 * `process.platform` is `freebsd` on DragonFly, because Node's build (gyp) takes "dragonfly" for FreeBSD. FreeBSD's records
 * are twice as long. With this table, a FreeBSD kernel would write past the end of a list.
 *
 * O_DIRECTORY of Node's constants distinguishes the two systems. In sys/sys/fcntl.h it is 0x8000000 on DragonFly and 0x20000
 * on FreeBSD. It needs no permission and no file. os.type() does not serve: uname(3) returns the environment variable
 * UNAME_s if it is set.
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
    // sys/kern/kern_event.c: kern_kevent() writes a record for each error, and kevent_copyout() does not check nevents.
    errorsPastNevents: true,
    // kern.kq_checkloop: the kernel panics if one call loops a million times.
    longestWait: 60_000,
  },
};
