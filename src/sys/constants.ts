import { systemAbi } from './default.ts';

/*
 * The constants of <sys/event.h> by name, with the running system's numbers: they differ from system to system. Those
 * that every system has are numbers; any other is undefined where the running system lacks it. KQUEUE_LIBRARY does not
 * change them: libkqueue has the numbers of the built-in kqueue, and lacks some.
 */

const constants: Readonly<Record<string, number>> = systemAbi?.constants ?? {};
/** On a system without any kqueue the names that all others have still need a number: none is ever sent. */
const common = (name: string): number => constants[name] ?? 0;

/** aio(4) requests. */
export const EVFILT_AIO: number = common('EVFILT_AIO');
/** A device: its state has changed (OpenBSD). */
export const EVFILT_DEVICE: number | undefined = constants['EVFILT_DEVICE'];
/** A socket's send buffer has become empty (FreeBSD, NetBSD). */
export const EVFILT_EMPTY: number | undefined = constants['EVFILT_EMPTY'];
/** Exceptional conditions of a descriptor: out-of-band data (macOS, OpenBSD, DragonFly). */
export const EVFILT_EXCEPT: number | undefined = constants['EVFILT_EXCEPT'];
/** File systems: mount, unmount (macOS, FreeBSD, NetBSD, DragonFly, libkqueue, Linux). */
export const EVFILT_FS: number | undefined = constants['EVFILT_FS'];
/** A jail, by its ID (FreeBSD). */
export const EVFILT_JAIL: number | undefined = constants['EVFILT_JAIL'];
/** A jail descriptor of jail_get(2) (FreeBSD). */
export const EVFILT_JAILDESC: number | undefined = constants['EVFILT_JAILDESC'];
/** lio_listio(2) lists (FreeBSD, libkqueue, Linux). */
export const EVFILT_LIO: number | undefined = constants['EVFILT_LIO'];
/** Mach ports and port sets (macOS). */
export const EVFILT_MACHPORT: number | undefined = constants['EVFILT_MACHPORT'];
/** Memory pressure; private to the system (macOS). */
export const EVFILT_MEMORYSTATUS: number | undefined = constants['EVFILT_MEMORYSTATUS'];
/** Network devices; numbered, not implemented (libkqueue, Linux). */
export const EVFILT_NETDEV: number | undefined = constants['EVFILT_NETDEV'];
/** Skywalk channels; private to the system (macOS). */
export const EVFILT_NW_CHANNEL: number | undefined = constants['EVFILT_NW_CHANNEL'];
/** A process: exit, fork, exec. */
export const EVFILT_PROC: number = common('EVFILT_PROC');
/** A process descriptor of pdfork(2) (FreeBSD). */
export const EVFILT_PROCDESC: number | undefined = constants['EVFILT_PROCDESC'];
/** A descriptor can be read. */
export const EVFILT_READ: number = common('EVFILT_READ');
/** sendfile(2) within the kernel (FreeBSD). */
export const EVFILT_SENDFILE: number | undefined = constants['EVFILT_SENDFILE'];
/** Deliveries of a signal to this process. */
export const EVFILT_SIGNAL: number = common('EVFILT_SIGNAL');
/** Sockets; private to the system (macOS). */
export const EVFILT_SOCK: number | undefined = constants['EVFILT_SOCK'];
/** A timer. */
export const EVFILT_TIMER: number = common('EVFILT_TIMER');
/** An event that programs trigger themselves. */
export const EVFILT_USER: number = common('EVFILT_USER');
/** Virtual memory pressure (macOS). */
export const EVFILT_VM: number | undefined = constants['EVFILT_VM'];
/** Changes of a file. */
export const EVFILT_VNODE: number = common('EVFILT_VNODE');
/** Dispatch work loops; private to the system (macOS). */
export const EVFILT_WORKLOOP: number | undefined = constants['EVFILT_WORKLOOP'];
/** A descriptor can be written. */
export const EVFILT_WRITE: number = common('EVFILT_WRITE');
/** Adds the knote to the queue, or replaces fflags, data and udata of the one that is there. */
export const EV_ADD: number = common('EV_ADD');
/** Resets the state after delivery: reports each change of state once. */
export const EV_CLEAR: number = common('EV_CLEAR');
/** Removes the knote. */
export const EV_DELETE: number = common('EV_DELETE');
/** Keeps the knote and reports nothing of it. */
export const EV_DISABLE: number = common('EV_DISABLE');
/** Disables the knote after delivery. */
export const EV_DISPATCH: number = common('EV_DISPATCH');
/** EV_DISPATCH | EV_UDATA_SPECIFIC (macOS). */
export const EV_DISPATCH2: number | undefined = constants['EV_DISPATCH2'];
/** Reserved for filters (FreeBSD). */
export const EV_DROP: number | undefined = constants['EV_DROP'];
/** Lets a disabled knote report again. */
export const EV_ENABLE: number = common('EV_ENABLE');
/** Returned: the other side is gone. */
export const EV_EOF: number = common('EV_EOF');
/** Returned: the change failed, its errno is in data; 0 in a receipt. */
export const EV_ERROR: number = common('EV_ERROR');
/** A flag of the filter's own (macOS). */
export const EV_FLAG0: number | undefined = constants['EV_FLAG0'];
/** A flag of the filter's own. */
export const EV_FLAG1: number = common('EV_FLAG1');
/** A flag of the filter's own (FreeBSD). */
export const EV_FLAG2: number | undefined = constants['EV_FLAG2'];
/** Makes the knote fire once, now (FreeBSD). */
export const EV_FORCEONESHOT: number | undefined = constants['EV_FORCEONESHOT'];
/** Returned: both directions are shut (DragonFly). */
export const EV_HUP: number | undefined = constants['EV_HUP'];
/** Leaves udata as it was registered (FreeBSD). */
export const EV_KEEPUDATA: number | undefined = constants['EV_KEEPUDATA'];
/** Returned with EV_EOF: nothing is left to read (DragonFly). */
export const EV_NODATA: number | undefined = constants['EV_NODATA'];
/** Removes the knote after its first delivery. */
export const EV_ONESHOT: number = common('EV_ONESHOT');
/** Returned by READ: out-of-band data is there (macOS). */
export const EV_OOBAND: number | undefined = constants['EV_OOBAND'];
/** Reserved for poll(2) (macOS). */
export const EV_POLL: number | undefined = constants['EV_POLL'];
/** Answers the change with an EV_ERROR record, data 0, and fetches nothing. */
export const EV_RECEIPT: number = common('EV_RECEIPT');
/** The flags that the kernel keeps for itself. */
export const EV_SYSFLAGS: number = common('EV_SYSFLAGS');
/** The knote is (ident, filter, udata) (macOS). */
export const EV_UDATA_SPECIFIC: number | undefined = constants['EV_UDATA_SPECIFIC'];
/** Returned: the object went away while it was watched (macOS). */
export const EV_VANISHED: number | undefined = constants['EV_VANISHED'];
/** TIMER: data is a time of the wall clock (macOS, libkqueue, Linux). */
export const NOTE_ABSOLUTE: number | undefined = constants['NOTE_ABSOLUTE'];
/** TIMER: data is a time of the wall clock (FreeBSD, OpenBSD, NetBSD). */
export const NOTE_ABSTIME: number | undefined = constants['NOTE_ABSTIME'];
/** VNODE: attributes changed. */
export const NOTE_ATTRIB: number = common('NOTE_ATTRIB');
/** TIMER: may be coalesced generously (macOS). */
export const NOTE_BACKGROUND: number | undefined = constants['NOTE_BACKGROUND'];
/** DEVICE: its state changed (OpenBSD). */
export const NOTE_CHANGE: number | undefined = constants['NOTE_CHANGE'];
/** PROC, returned: this is a child of a tracked process. */
export const NOTE_CHILD: number = common('NOTE_CHILD');
/** VNODE: a descriptor was closed that could not write (FreeBSD, NetBSD, Linux). */
export const NOTE_CLOSE: number | undefined = constants['NOTE_CLOSE'];
/** VNODE: a descriptor was closed that could write (FreeBSD, NetBSD, Linux). */
export const NOTE_CLOSE_WRITE: number | undefined = constants['NOTE_CLOSE_WRITE'];
/** TIMER: not to be coalesced (macOS). */
export const NOTE_CRITICAL: number | undefined = constants['NOTE_CRITICAL'];
/** VNODE: unlinked. */
export const NOTE_DELETE: number = common('NOTE_DELETE');
/** READ: report a regular file at its end too (OpenBSD). */
export const NOTE_EOF: number | undefined = constants['NOTE_EOF'];
/** PROC: called execve(2). */
export const NOTE_EXEC: number = common('NOTE_EXEC');
/** PROC: exited. */
export const NOTE_EXIT: number = common('NOTE_EXIT');
/** PROC: put the wait(2) status into data (macOS). */
export const NOTE_EXITSTATUS: number | undefined = constants['NOTE_EXITSTATUS'];
/** PROC, returned: killed for its code signature (macOS). */
export const NOTE_EXIT_CSERROR: number | undefined = constants['NOTE_EXIT_CSERROR'];
/** PROC, returned: killed as its text could not be decrypted (macOS). */
export const NOTE_EXIT_DECRYPTFAIL: number | undefined = constants['NOTE_EXIT_DECRYPTFAIL'];
/** PROC: say why it exited (macOS). */
export const NOTE_EXIT_DETAIL: number | undefined = constants['NOTE_EXIT_DETAIL'];
/** PROC: the bits of NOTE_EXIT_DETAIL (macOS). */
export const NOTE_EXIT_DETAIL_MASK: number | undefined = constants['NOTE_EXIT_DETAIL_MASK'];
/** PROC, returned: killed for want of memory (macOS). */
export const NOTE_EXIT_MEMORY: number | undefined = constants['NOTE_EXIT_MEMORY'];
/** PROC, returned: exited while its parent was another (macOS). */
export const NOTE_EXIT_REPARENTED: number | undefined = constants['NOTE_EXIT_REPARENTED'];
/** VNODE: grew. */
export const NOTE_EXTEND: number = common('NOTE_EXTEND');
/** USER: fflags &= the new ones. */
export const NOTE_FFAND: number = common('NOTE_FFAND');
/** USER: fflags = the new ones. */
export const NOTE_FFCOPY: number = common('NOTE_FFCOPY');
/** USER: the bits that say what to do. */
export const NOTE_FFCTRLMASK: number = common('NOTE_FFCTRLMASK');
/** USER: the bits that are the program's own. */
export const NOTE_FFLAGSMASK: number = common('NOTE_FFLAGSMASK');
/** USER: fflags stay. */
export const NOTE_FFNOP: number = common('NOTE_FFNOP');
/** USER: fflags |= the new ones. */
export const NOTE_FFOR: number = common('NOTE_FFOR');
/** READ: report a regular file at its end too (FreeBSD). */
export const NOTE_FILE_POLL: number | undefined = constants['NOTE_FILE_POLL'];
/** PROC: called fork(2). */
export const NOTE_FORK: number = common('NOTE_FORK');
/** VNODE: a flock(2) lock was released (macOS). */
export const NOTE_FUNLOCK: number | undefined = constants['NOTE_FUNLOCK'];
/** JAIL, JAILDESC: a process attached (FreeBSD). */
export const NOTE_JAIL_ATTACH: number | undefined = constants['NOTE_JAIL_ATTACH'];
/** JAIL, JAILDESC: a child jail was created (FreeBSD). */
export const NOTE_JAIL_CHILD: number | undefined = constants['NOTE_JAIL_CHILD'];
/** JAIL, JAILDESC, returned: several processes or jails since the last event, so data is 0 (FreeBSD). */
export const NOTE_JAIL_MULTI: number | undefined = constants['NOTE_JAIL_MULTI'];
/** JAIL, JAILDESC: the jail was removed (FreeBSD). */
export const NOTE_JAIL_REMOVE: number | undefined = constants['NOTE_JAIL_REMOVE'];
/** JAIL, JAILDESC: the jail was changed by jail_set(2) (FreeBSD). */
export const NOTE_JAIL_SET: number | undefined = constants['NOTE_JAIL_SET'];
/** VNODE: a lease is to be downgraded (macOS). */
export const NOTE_LEASE_DOWNGRADE: number | undefined = constants['NOTE_LEASE_DOWNGRADE'];
/** VNODE: a lease is to be released (macOS). */
export const NOTE_LEASE_RELEASE: number | undefined = constants['NOTE_LEASE_RELEASE'];
/** TIMER: ext[1] says how late it may be (macOS). */
export const NOTE_LEEWAY: number | undefined = constants['NOTE_LEEWAY'];
/** VNODE: the link count changed. */
export const NOTE_LINK: number = common('NOTE_LINK');
/** READ, WRITE: data is a low-water mark in bytes (macOS, FreeBSD, OpenBSD, NetBSD, DragonFly, Linux). */
export const NOTE_LOWAT: number | undefined = constants['NOTE_LOWAT'];
/** TIMER: data is in Mach absolute time units (macOS). */
export const NOTE_MACHTIME: number | undefined = constants['NOTE_MACHTIME'];
/** TIMER: goes on while the machine sleeps (macOS). */
export const NOTE_MACH_CONTINUOUS_TIME: number | undefined = constants['NOTE_MACH_CONTINUOUS_TIME'];
/** MEMORYSTATUS: swap space is low (macOS). */
export const NOTE_MEMORYSTATUS_LOW_SWAP: number | undefined = constants['NOTE_MEMORYSTATUS_LOW_SWAP'];
/** MEMORYSTATUS: memory is short (macOS). */
export const NOTE_MEMORYSTATUS_PRESSURE_CRITICAL: number | undefined = constants['NOTE_MEMORYSTATUS_PRESSURE_CRITICAL'];
/** MEMORYSTATUS: memory is plenty again (macOS). */
export const NOTE_MEMORYSTATUS_PRESSURE_NORMAL: number | undefined = constants['NOTE_MEMORYSTATUS_PRESSURE_NORMAL'];
/** MEMORYSTATUS: memory runs short (macOS). */
export const NOTE_MEMORYSTATUS_PRESSURE_WARN: number | undefined = constants['NOTE_MEMORYSTATUS_PRESSURE_WARN'];
/** TIMER: data is in milliseconds (FreeBSD, OpenBSD, NetBSD). */
export const NOTE_MSECONDS: number | undefined = constants['NOTE_MSECONDS'];
/** VNODE: nothing; an event of no kind (macOS). */
export const NOTE_NONE: number | undefined = constants['NOTE_NONE'];
/** TIMER: data is in nanoseconds (macOS, FreeBSD, OpenBSD, NetBSD, libkqueue, Linux). */
export const NOTE_NSECONDS: number | undefined = constants['NOTE_NSECONDS'];
/** EXCEPT: out-of-band data (macOS, OpenBSD, DragonFly). */
export const NOTE_OOB: number | undefined = constants['NOTE_OOB'];
/** VNODE: opened (FreeBSD, NetBSD, Linux). */
export const NOTE_OPEN: number | undefined = constants['NOTE_OPEN'];
/** PROC: the bits that say what to report. */
export const NOTE_PCTRLMASK: number = common('NOTE_PCTRLMASK');
/** PROC: the bits that carry data. */
export const NOTE_PDATAMASK: number = common('NOTE_PDATAMASK');
/** VNODE: read from (FreeBSD, NetBSD, Linux). */
export const NOTE_READ: number | undefined = constants['NOTE_READ'];
/** PROC: the process was reaped (macOS). */
export const NOTE_REAP: number | undefined = constants['NOTE_REAP'];
/** VNODE: renamed. */
export const NOTE_RENAME: number = common('NOTE_RENAME');
/** VNODE: access was revoked, or its file system unmounted (macOS, FreeBSD, OpenBSD, NetBSD, DragonFly, Linux). */
export const NOTE_REVOKE: number | undefined = constants['NOTE_REVOKE'];
/** TIMER: data is in seconds (macOS, FreeBSD, OpenBSD, NetBSD, libkqueue, Linux). */
export const NOTE_SECONDS: number | undefined = constants['NOTE_SECONDS'];
/** PROC: a signal was sent; shared with EVFILT_SIGNAL (macOS). */
export const NOTE_SIGNAL: number | undefined = constants['NOTE_SIGNAL'];
/** PROC: follow children. */
export const NOTE_TRACK: number = common('NOTE_TRACK');
/** PROC, returned: a child could not be followed. */
export const NOTE_TRACKERR: number = common('NOTE_TRACKERR');
/** USER: fire. */
export const NOTE_TRIGGER: number = common('NOTE_TRIGGER');
/** VNODE: shrank (OpenBSD, Linux). */
export const NOTE_TRUNCATE: number | undefined = constants['NOTE_TRUNCATE'];
/** TIMER: data is in microseconds (macOS, FreeBSD, OpenBSD, NetBSD, libkqueue, Linux). */
export const NOTE_USECONDS: number | undefined = constants['NOTE_USECONDS'];
/** VM: an error occurred (macOS). */
export const NOTE_VM_ERROR: number | undefined = constants['NOTE_VM_ERROR'];
/** VM: memory is short (macOS). */
export const NOTE_VM_PRESSURE: number | undefined = constants['NOTE_VM_PRESSURE'];
/** VM: memory is short, exit at once (macOS). */
export const NOTE_VM_PRESSURE_SUDDEN_TERMINATE: number | undefined = constants['NOTE_VM_PRESSURE_SUDDEN_TERMINATE'];
/** VM: memory is short, exit (macOS). */
export const NOTE_VM_PRESSURE_TERMINATE: number | undefined = constants['NOTE_VM_PRESSURE_TERMINATE'];
/** VNODE: written to. */
export const NOTE_WRITE: number = common('NOTE_WRITE');
/** kevent64(2): report errors only (macOS). */
export const KEVENT_FLAG_ERROR_EVENTS: number | undefined = constants['KEVENT_FLAG_ERROR_EVENTS'];
/** kevent64(2): do not wait (macOS). */
export const KEVENT_FLAG_IMMEDIATE: number | undefined = constants['KEVENT_FLAG_IMMEDIATE'];
/** kevent64(2): no flag (macOS). */
export const KEVENT_FLAG_NONE: number | undefined = constants['KEVENT_FLAG_NONE'];
/** kqueuex(2): close-on-exec (FreeBSD). */
export const KQUEUE_CLOEXEC: number | undefined = constants['KQUEUE_CLOEXEC'];
/** kqueuex(2): the child of fork(2) gets a copy (FreeBSD). */
export const KQUEUE_CPONFORK: number | undefined = constants['KQUEUE_CPONFORK'];
