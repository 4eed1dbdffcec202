import { common } from './common.ts';
import type { AbiData } from './types.ts';

// kevent(2) and kevent64(2) use the same numbers.
const constants: AbiData['constants'] = {
  ...common.constants,
  // Filters
  EVFILT_READ: -1,
  EVFILT_WRITE: -2,
  EVFILT_AIO: -3,
  EVFILT_VNODE: -4,
  EVFILT_PROC: -5,
  EVFILT_SIGNAL: -6,
  EVFILT_TIMER: -7,
  EVFILT_MACHPORT: -8,
  EVFILT_FS: -9,
  EVFILT_USER: -10,
  EVFILT_VM: -12,
  EVFILT_EXCEPT: -15,
  // Flags of a change: how the knote reports
  EV_UDATA_SPECIFIC: 0x100,
  EV_DISPATCH2: 0x180,
  EV_VANISHED: 0x200,
  // Flags: reserved for the system and the filters
  EV_SYSFLAGS: 0xf000,
  EV_FLAG0: 0x1000,
  EV_POLL: 0x1000,
  EV_OOBAND: 0x2000,
  // Flags of kevent64(2)
  KEVENT_FLAG_NONE: 0,
  KEVENT_FLAG_IMMEDIATE: 0x1,
  KEVENT_FLAG_ERROR_EVENTS: 0x2,
  // EVFILT_READ and EVFILT_WRITE; NOTE_OOB is for EVFILT_EXCEPT
  NOTE_LOWAT: 0x1,
  NOTE_OOB: 0x2,
  // EVFILT_VNODE
  NOTE_REVOKE: 0x40,
  NOTE_NONE: 0x80,
  NOTE_FUNLOCK: 0x100,
  NOTE_LEASE_DOWNGRADE: 0x200,
  NOTE_LEASE_RELEASE: 0x400,
  // EVFILT_PROC
  NOTE_REAP: 0x10000000,
  NOTE_SIGNAL: 0x8000000,
  NOTE_EXITSTATUS: 0x4000000,
  NOTE_EXIT_DETAIL: 0x2000000,
  NOTE_EXIT_DETAIL_MASK: 0x70000,
  NOTE_EXIT_DECRYPTFAIL: 0x10000,
  NOTE_EXIT_MEMORY: 0x20000,
  NOTE_EXIT_CSERROR: 0x40000,
  NOTE_EXIT_REPARENTED: 0x80000,
  NOTE_PCTRLMASK: 0xfff00000,
  // EVFILT_TIMER: each unit is a bit. Milliseconds without one
  NOTE_SECONDS: 0x1,
  NOTE_USECONDS: 0x2,
  NOTE_NSECONDS: 0x4,
  NOTE_ABSOLUTE: 0x8,
  NOTE_LEEWAY: 0x10,
  NOTE_CRITICAL: 0x20,
  NOTE_BACKGROUND: 0x40,
  NOTE_MACH_CONTINUOUS_TIME: 0x80,
  NOTE_MACHTIME: 0x100,
  // EVFILT_VM
  NOTE_VM_ERROR: 0x10000000,
  NOTE_VM_PRESSURE_SUDDEN_TERMINATE: 0x20000000,
  NOTE_VM_PRESSURE_TERMINATE: 0x40000000,
  NOTE_VM_PRESSURE: 0x80000000,
  // <sys/event_private.h>: private or undocumented, so a release may change them
  EVFILT_SOCK: -13,
  EVFILT_MEMORYSTATUS: -14,
  EVFILT_NW_CHANNEL: -16,
  EVFILT_WORKLOOP: -17,
  NOTE_MEMORYSTATUS_PRESSURE_NORMAL: 0x1,
  NOTE_MEMORYSTATUS_PRESSURE_WARN: 0x2,
  NOTE_MEMORYSTATUS_PRESSURE_CRITICAL: 0x4,
  NOTE_MEMORYSTATUS_LOW_SWAP: 0x8,
};

/**
 * macOS: <sys/event.h> of xnu-11417.101.15. `#pragma pack(4)` applies to `struct kevent` only. It changes the alignment
 * to 4, and not the size.
 */
export const darwin: AbiData = {
  ...common,
  name: 'darwin',
  title: 'macOS',
  oldestRelease: '10.15',
  kevent: {
    size: 32,
    align: 4,
    pack: 4,
    fields: {
      ident: 'uintptr_t',
      filter: 'int16_t',
      flags: 'uint16_t',
      fflags: 'uint32_t',
      data: 'intptr_t',
      udata: 'void *',
    },
  },
  constants,
  // knote_link() of bsd/kern/kern_event.c: EINVAL.
  quirks: { ...common.quirks, nestingLimit: true },
};

/**
 * macOS: `struct kevent64_s` and kevent64(2), from the same header. The struct comes after the `#pragma pack()` that ends the
 * packing, so its alignment is 8. A layout only, because the call has one more argument: `unsigned int flags`, before the
 * timeout.
 */
export const darwin64: AbiData = {
  ...common,
  name: 'darwin64',
  title: 'macOS',
  kevent: {
    size: 48,
    align: 8,
    fields: {
      ident: 'uint64_t',
      filter: 'int16_t',
      flags: 'uint16_t',
      fflags: 'uint32_t',
      data: 'int64_t',
      udata: 'uint64_t',
      ext: 'uint64_t[2]',
    },
  },
  symbols: { ...common.symbols, kevent: 'kevent64' },
  bindable: false,
  constants,
};
