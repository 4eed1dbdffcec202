import { systemAbi } from './default-abi.ts';

/*
 * The constants of <sys/event.h> by name, with the running system's numbers, which differ between systems. A constant that
 * some system lacks is undefined there, and its comment names the systems that have it. KQUEUE_LIBRARY does not change the
 * numbers: those of libkqueue are equal to those of the built-in kqueue.
 */

const constants: Readonly<Record<string, number>> = systemAbi?.constants ?? {};
/** A constant that every system has. It is 0 on a system without kqueue(2), where no call uses it. */
const common = (name: string): number => constants[name] ?? 0;

/** aio(4) requests. */
export const EVFILT_AIO: number = common('EVFILT_AIO');
/** The state of a device has changed (OpenBSD). */
export const EVFILT_DEVICE: number | undefined = constants['EVFILT_DEVICE'];
/** A socket's send buffer is empty (FreeBSD, NetBSD). */
export const EVFILT_EMPTY: number | undefined = constants['EVFILT_EMPTY'];
/** An exceptional condition of a descriptor, such as out-of-band data (macOS, OpenBSD, DragonFly). */
export const EVFILT_EXCEPT: number | undefined = constants['EVFILT_EXCEPT'];
/** Changes of file systems, such as mount and unmount (macOS, FreeBSD, NetBSD, DragonFly, libkqueue, Linux). */
export const EVFILT_FS: number | undefined = constants['EVFILT_FS'];
/** Changes of a jail. ident is its ID (FreeBSD). */
export const EVFILT_JAIL: number | undefined = constants['EVFILT_JAIL'];
/** Changes of a jail. ident is a descriptor of jail_get(2) (FreeBSD). */
export const EVFILT_JAILDESC: number | undefined = constants['EVFILT_JAILDESC'];
/** lio_listio(2) requests (FreeBSD, libkqueue, Linux). */
export const EVFILT_LIO: number | undefined = constants['EVFILT_LIO'];
/** Mach ports and port sets (macOS). */
export const EVFILT_MACHPORT: number | undefined = constants['EVFILT_MACHPORT'];
/** Memory pressure. Private to the system (macOS). */
export const EVFILT_MEMORYSTATUS: number | undefined = constants['EVFILT_MEMORYSTATUS'];
/** Network devices. The header has the number, but the filter is not implemented (libkqueue, Linux). */
export const EVFILT_NETDEV: number | undefined = constants['EVFILT_NETDEV'];
/** Skywalk channels. Private to the system (macOS). */
export const EVFILT_NW_CHANNEL: number | undefined = constants['EVFILT_NW_CHANNEL'];
/** A process exits, forks or calls execve(2). ident is its ID. */
export const EVFILT_PROC: number = common('EVFILT_PROC');
/** A process exits. ident is a descriptor of pdfork(2) (FreeBSD). */
export const EVFILT_PROCDESC: number | undefined = constants['EVFILT_PROCDESC'];
/** A descriptor can be read. */
export const EVFILT_READ: number = common('EVFILT_READ');
/** The progress of sendfile(2). Internal to the kernel (FreeBSD). */
export const EVFILT_SENDFILE: number | undefined = constants['EVFILT_SENDFILE'];
/** A signal is delivered to this process. ident is its number. */
export const EVFILT_SIGNAL: number = common('EVFILT_SIGNAL');
/** Sockets. Private to the system (macOS). */
export const EVFILT_SOCK: number | undefined = constants['EVFILT_SOCK'];
/** A timer expires. ident is any number. */
export const EVFILT_TIMER: number = common('EVFILT_TIMER');
/** A program triggers the event with NOTE_TRIGGER. ident is any number. */
export const EVFILT_USER: number = common('EVFILT_USER');
/** Memory pressure (macOS). */
export const EVFILT_VM: number | undefined = constants['EVFILT_VM'];
/** A file changes. ident is its descriptor. */
export const EVFILT_VNODE: number = common('EVFILT_VNODE');
/** Work loops of libdispatch. Private to the system (macOS). */
export const EVFILT_WORKLOOP: number | undefined = constants['EVFILT_WORKLOOP'];
/** A descriptor can be written. */
export const EVFILT_WRITE: number = common('EVFILT_WRITE');
/** Adds the knote, or replaces fflags, data and udata of an existing knote. */
export const EV_ADD: number = common('EV_ADD');
/** Resets the state after delivery, so that each change of state is reported once. */
export const EV_CLEAR: number = common('EV_CLEAR');
/** Deletes the knote. */
export const EV_DELETE: number = common('EV_DELETE');
/** Keeps the knote but does not report its events. */
export const EV_DISABLE: number = common('EV_DISABLE');
/** Disables the knote after delivery. */
export const EV_DISPATCH: number = common('EV_DISPATCH');
/** EV_DISPATCH | EV_UDATA_SPECIFIC (macOS). */
export const EV_DISPATCH2: number | undefined = constants['EV_DISPATCH2'];
/** Reserved for filters (FreeBSD). */
export const EV_DROP: number | undefined = constants['EV_DROP'];
/** Reports the events of a disabled knote again. */
export const EV_ENABLE: number = common('EV_ENABLE');
/** In an event: the other side is closed. */
export const EV_EOF: number = common('EV_EOF');
/** In an event: the change failed, and data is its errno. In a receipt data is 0. */
export const EV_ERROR: number = common('EV_ERROR');
/** Reserved for the filter (macOS). */
export const EV_FLAG0: number | undefined = constants['EV_FLAG0'];
/** Reserved for the filter. */
export const EV_FLAG1: number = common('EV_FLAG1');
/** Reserved for the filter (FreeBSD). */
export const EV_FLAG2: number | undefined = constants['EV_FLAG2'];
/** Makes the knote fire once, immediately (FreeBSD). */
export const EV_FORCEONESHOT: number | undefined = constants['EV_FORCEONESHOT'];
/** In an event: both directions are closed (DragonFly). */
export const EV_HUP: number | undefined = constants['EV_HUP'];
/** Does not change the udata of the knote (FreeBSD). */
export const EV_KEEPUDATA: number | undefined = constants['EV_KEEPUDATA'];
/** In an event, with EV_EOF: no bytes are left to read (DragonFly). */
export const EV_NODATA: number | undefined = constants['EV_NODATA'];
/** Deletes the knote after its first delivery. */
export const EV_ONESHOT: number = common('EV_ONESHOT');
/** In a READ event: there is out-of-band data (macOS). */
export const EV_OOBAND: number | undefined = constants['EV_OOBAND'];
/** Reserved for poll(2) (macOS). */
export const EV_POLL: number | undefined = constants['EV_POLL'];
/** Answers the change with an EV_ERROR record whose data is 0, and fetches no event. */
export const EV_RECEIPT: number = common('EV_RECEIPT');
/** The flags that are reserved for the system. */
export const EV_SYSFLAGS: number = common('EV_SYSFLAGS');
/** Makes udata part of the key of the knote, with ident and filter (macOS). */
export const EV_UDATA_SPECIFIC: number | undefined = constants['EV_UDATA_SPECIFIC'];
/** In an event: the object disappeared while it was watched (macOS). */
export const EV_VANISHED: number | undefined = constants['EV_VANISHED'];
/** TIMER: data is a time of day (macOS, libkqueue, Linux). */
export const NOTE_ABSOLUTE: number | undefined = constants['NOTE_ABSOLUTE'];
/** TIMER: data is a time of day (FreeBSD, OpenBSD, NetBSD). */
export const NOTE_ABSTIME: number | undefined = constants['NOTE_ABSTIME'];
/** VNODE: the attributes changed. */
export const NOTE_ATTRIB: number = common('NOTE_ATTRIB');
/** TIMER: the system may delay the timer more than usual, to save energy (macOS). */
export const NOTE_BACKGROUND: number | undefined = constants['NOTE_BACKGROUND'];
/** DEVICE: the state changed (OpenBSD). */
export const NOTE_CHANGE: number | undefined = constants['NOTE_CHANGE'];
/** PROC, in an event: the process is a child of a tracked process. */
export const NOTE_CHILD: number = common('NOTE_CHILD');
/** VNODE: a descriptor without write access was closed (FreeBSD, NetBSD, Linux). */
export const NOTE_CLOSE: number | undefined = constants['NOTE_CLOSE'];
/** VNODE: a descriptor with write access was closed (FreeBSD, NetBSD, Linux). */
export const NOTE_CLOSE_WRITE: number | undefined = constants['NOTE_CLOSE_WRITE'];
/** TIMER: the system does not delay the timer to save energy (macOS). */
export const NOTE_CRITICAL: number | undefined = constants['NOTE_CRITICAL'];
/** VNODE: the file was unlinked. */
export const NOTE_DELETE: number = common('NOTE_DELETE');
/** READ: also reports a regular file whose offset is at its end (OpenBSD). */
export const NOTE_EOF: number | undefined = constants['NOTE_EOF'];
/** PROC: the process called execve(2). */
export const NOTE_EXEC: number = common('NOTE_EXEC');
/** PROC: the process exited. */
export const NOTE_EXIT: number = common('NOTE_EXIT');
/** PROC: data of the exit event is the status of wait(2) (macOS). */
export const NOTE_EXITSTATUS: number | undefined = constants['NOTE_EXITSTATUS'];
/** PROC, in an event: the process was killed because of its code signature (macOS). */
export const NOTE_EXIT_CSERROR: number | undefined = constants['NOTE_EXIT_CSERROR'];
/** PROC, in an event: the process was killed because its text could not be decrypted (macOS). */
export const NOTE_EXIT_DECRYPTFAIL: number | undefined = constants['NOTE_EXIT_DECRYPTFAIL'];
/** PROC: reports the reason of the exit (macOS). */
export const NOTE_EXIT_DETAIL: number | undefined = constants['NOTE_EXIT_DETAIL'];
/** PROC: the mask of the reasons of NOTE_EXIT_DETAIL (macOS). */
export const NOTE_EXIT_DETAIL_MASK: number | undefined = constants['NOTE_EXIT_DETAIL_MASK'];
/** PROC, in an event: the process was killed because memory was short (macOS). */
export const NOTE_EXIT_MEMORY: number | undefined = constants['NOTE_EXIT_MEMORY'];
/** PROC, in an event: the process exited while it had another parent (macOS). */
export const NOTE_EXIT_REPARENTED: number | undefined = constants['NOTE_EXIT_REPARENTED'];
/** VNODE: the file became longer. */
export const NOTE_EXTEND: number = common('NOTE_EXTEND');
/** USER: ANDs the new fflags with the stored fflags. */
export const NOTE_FFAND: number = common('NOTE_FFAND');
/** USER: copies the new fflags over the stored fflags. */
export const NOTE_FFCOPY: number = common('NOTE_FFCOPY');
/** USER: the mask of the NOTE_FF operation. */
export const NOTE_FFCTRLMASK: number = common('NOTE_FFCTRLMASK');
/** USER: the mask of the program's own bits. */
export const NOTE_FFLAGSMASK: number = common('NOTE_FFLAGSMASK');
/** USER: does not change the stored fflags. */
export const NOTE_FFNOP: number = common('NOTE_FFNOP');
/** USER: ORs the new fflags with the stored fflags. */
export const NOTE_FFOR: number = common('NOTE_FFOR');
/** READ: also reports a regular file whose offset is at its end (FreeBSD). */
export const NOTE_FILE_POLL: number | undefined = constants['NOTE_FILE_POLL'];
/** PROC: the process called fork(2). */
export const NOTE_FORK: number = common('NOTE_FORK');
/** VNODE: a flock(2) lock was released (macOS). */
export const NOTE_FUNLOCK: number | undefined = constants['NOTE_FUNLOCK'];
/** JAIL, JAILDESC: a process was attached (FreeBSD). */
export const NOTE_JAIL_ATTACH: number | undefined = constants['NOTE_JAIL_ATTACH'];
/** JAIL, JAILDESC: a child jail was created (FreeBSD). */
export const NOTE_JAIL_CHILD: number | undefined = constants['NOTE_JAIL_CHILD'];
/** JAIL, JAILDESC, in an event: there were several processes or jails, so data is 0 (FreeBSD). */
export const NOTE_JAIL_MULTI: number | undefined = constants['NOTE_JAIL_MULTI'];
/** JAIL, JAILDESC: the jail was removed (FreeBSD). */
export const NOTE_JAIL_REMOVE: number | undefined = constants['NOTE_JAIL_REMOVE'];
/** JAIL, JAILDESC: jail_set(2) changed the jail (FreeBSD). */
export const NOTE_JAIL_SET: number | undefined = constants['NOTE_JAIL_SET'];
/** VNODE: the system asks to downgrade a lease (macOS). */
export const NOTE_LEASE_DOWNGRADE: number | undefined = constants['NOTE_LEASE_DOWNGRADE'];
/** VNODE: the system asks to release a lease (macOS). */
export const NOTE_LEASE_RELEASE: number | undefined = constants['NOTE_LEASE_RELEASE'];
/** TIMER: ext[1] is the longest delay that the system may add (macOS). */
export const NOTE_LEEWAY: number | undefined = constants['NOTE_LEEWAY'];
/** VNODE: the link count changed. */
export const NOTE_LINK: number = common('NOTE_LINK');
/** READ, WRITE: data is the low-water mark in bytes (macOS, FreeBSD, OpenBSD, NetBSD, DragonFly, Linux). */
export const NOTE_LOWAT: number | undefined = constants['NOTE_LOWAT'];
/** TIMER: data is in Mach absolute time units (macOS). */
export const NOTE_MACHTIME: number | undefined = constants['NOTE_MACHTIME'];
/** TIMER: the timer continues while the machine sleeps (macOS). */
export const NOTE_MACH_CONTINUOUS_TIME: number | undefined = constants['NOTE_MACH_CONTINUOUS_TIME'];
/** MEMORYSTATUS: swap space is low (macOS). */
export const NOTE_MEMORYSTATUS_LOW_SWAP: number | undefined = constants['NOTE_MEMORYSTATUS_LOW_SWAP'];
/** MEMORYSTATUS: the memory pressure is critical (macOS). */
export const NOTE_MEMORYSTATUS_PRESSURE_CRITICAL: number | undefined = constants['NOTE_MEMORYSTATUS_PRESSURE_CRITICAL'];
/** MEMORYSTATUS: the memory pressure is normal again (macOS). */
export const NOTE_MEMORYSTATUS_PRESSURE_NORMAL: number | undefined = constants['NOTE_MEMORYSTATUS_PRESSURE_NORMAL'];
/** MEMORYSTATUS: the memory pressure is rising (macOS). */
export const NOTE_MEMORYSTATUS_PRESSURE_WARN: number | undefined = constants['NOTE_MEMORYSTATUS_PRESSURE_WARN'];
/** TIMER: data is in milliseconds (FreeBSD, OpenBSD, NetBSD). */
export const NOTE_MSECONDS: number | undefined = constants['NOTE_MSECONDS'];
/** VNODE: an event of no other kind (macOS). */
export const NOTE_NONE: number | undefined = constants['NOTE_NONE'];
/** TIMER: data is in nanoseconds (macOS, FreeBSD, OpenBSD, NetBSD, libkqueue, Linux). */
export const NOTE_NSECONDS: number | undefined = constants['NOTE_NSECONDS'];
/** EXCEPT: out-of-band data (macOS, OpenBSD, DragonFly). */
export const NOTE_OOB: number | undefined = constants['NOTE_OOB'];
/** VNODE: the file was opened (FreeBSD, NetBSD, Linux). */
export const NOTE_OPEN: number | undefined = constants['NOTE_OPEN'];
/** PROC: the mask of the notes. */
export const NOTE_PCTRLMASK: number = common('NOTE_PCTRLMASK');
/** PROC: the mask of the bits that carry data. */
export const NOTE_PDATAMASK: number = common('NOTE_PDATAMASK');
/** VNODE: the file was read (FreeBSD, NetBSD, Linux). */
export const NOTE_READ: number | undefined = constants['NOTE_READ'];
/** PROC: the process was reaped (macOS). */
export const NOTE_REAP: number | undefined = constants['NOTE_REAP'];
/** VNODE: the file was renamed. */
export const NOTE_RENAME: number = common('NOTE_RENAME');
/** VNODE: access was revoked, or the file system was unmounted (macOS, FreeBSD, OpenBSD, NetBSD, DragonFly, Linux). */
export const NOTE_REVOKE: number | undefined = constants['NOTE_REVOKE'];
/** TIMER: data is in seconds (macOS, FreeBSD, OpenBSD, NetBSD, libkqueue, Linux). */
export const NOTE_SECONDS: number | undefined = constants['NOTE_SECONDS'];
/** PROC: a signal was sent to the process. EVFILT_SIGNAL uses it too (macOS). */
export const NOTE_SIGNAL: number | undefined = constants['NOTE_SIGNAL'];
/** PROC: also watches the children of the process. */
export const NOTE_TRACK: number = common('NOTE_TRACK');
/** PROC, in an event: a child could not be tracked. */
export const NOTE_TRACKERR: number = common('NOTE_TRACKERR');
/** USER: triggers the event. */
export const NOTE_TRIGGER: number = common('NOTE_TRIGGER');
/** VNODE: the file became shorter (OpenBSD, Linux). */
export const NOTE_TRUNCATE: number | undefined = constants['NOTE_TRUNCATE'];
/** TIMER: data is in microseconds (macOS, FreeBSD, OpenBSD, NetBSD, libkqueue, Linux). */
export const NOTE_USECONDS: number | undefined = constants['NOTE_USECONDS'];
/** VM: an error occurred (macOS). */
export const NOTE_VM_ERROR: number | undefined = constants['NOTE_VM_ERROR'];
/** VM: memory is short (macOS). */
export const NOTE_VM_PRESSURE: number | undefined = constants['NOTE_VM_PRESSURE'];
/** VM: memory is short, and the process should exit immediately (macOS). */
export const NOTE_VM_PRESSURE_SUDDEN_TERMINATE: number | undefined = constants['NOTE_VM_PRESSURE_SUDDEN_TERMINATE'];
/** VM: memory is short, and the process should exit (macOS). */
export const NOTE_VM_PRESSURE_TERMINATE: number | undefined = constants['NOTE_VM_PRESSURE_TERMINATE'];
/** VNODE: the file was written. */
export const NOTE_WRITE: number = common('NOTE_WRITE');
/** kevent64(2): reports errors only (macOS). */
export const KEVENT_FLAG_ERROR_EVENTS: number | undefined = constants['KEVENT_FLAG_ERROR_EVENTS'];
/** kevent64(2): does not wait (macOS). */
export const KEVENT_FLAG_IMMEDIATE: number | undefined = constants['KEVENT_FLAG_IMMEDIATE'];
/** kevent64(2): no flag (macOS). */
export const KEVENT_FLAG_NONE: number | undefined = constants['KEVENT_FLAG_NONE'];
/** kqueuex(2): close-on-exec (FreeBSD). */
export const KQUEUE_CLOEXEC: number | undefined = constants['KQUEUE_CLOEXEC'];
/** kqueuex(2): the child of fork(2) gets a copy of the queue (FreeBSD). */
export const KQUEUE_CPONFORK: number | undefined = constants['KQUEUE_CPONFORK'];
