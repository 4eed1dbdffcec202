import { abis } from '../layout.ts';

function constant(name: string): number {
  const value = abis.linux.constants[name];
  if (value === undefined) throw new Error(`abis.linux lacks ${name}`);
  return value;
}

export const EVFILT_READ: number = constant('EVFILT_READ');
export const EVFILT_WRITE: number = constant('EVFILT_WRITE');
export const EVFILT_VNODE: number = constant('EVFILT_VNODE');
export const EVFILT_PROC: number = constant('EVFILT_PROC');
export const EVFILT_SIGNAL: number = constant('EVFILT_SIGNAL');
export const EVFILT_TIMER: number = constant('EVFILT_TIMER');
export const EVFILT_USER: number = constant('EVFILT_USER');

export const EV_ADD: number = constant('EV_ADD');
export const EV_DELETE: number = constant('EV_DELETE');
export const EV_ENABLE: number = constant('EV_ENABLE');
export const EV_DISABLE: number = constant('EV_DISABLE');
export const EV_ONESHOT: number = constant('EV_ONESHOT');
export const EV_CLEAR: number = constant('EV_CLEAR');
export const EV_RECEIPT: number = constant('EV_RECEIPT');
export const EV_DISPATCH: number = constant('EV_DISPATCH');
export const EV_ERROR: number = constant('EV_ERROR');
export const EV_EOF: number = constant('EV_EOF');
export const EV_SYSFLAGS: number = constant('EV_SYSFLAGS');

export const NOTE_LOWAT: number = constant('NOTE_LOWAT');
export const NOTE_SECONDS: number = constant('NOTE_SECONDS');
export const NOTE_USECONDS: number = constant('NOTE_USECONDS');
export const NOTE_NSECONDS: number = constant('NOTE_NSECONDS');
export const NOTE_ABSOLUTE: number = constant('NOTE_ABSOLUTE');
export const NOTE_TRIGGER: number = constant('NOTE_TRIGGER');
export const NOTE_FFCTRLMASK: number = constant('NOTE_FFCTRLMASK');
export const NOTE_FFLAGSMASK: number = constant('NOTE_FFLAGSMASK');
export const NOTE_FFAND: number = constant('NOTE_FFAND');
export const NOTE_FFOR: number = constant('NOTE_FFOR');
export const NOTE_FFCOPY: number = constant('NOTE_FFCOPY');
export const NOTE_EXIT: number = constant('NOTE_EXIT');
export const NOTE_DELETE: number = constant('NOTE_DELETE');
export const NOTE_WRITE: number = constant('NOTE_WRITE');
export const NOTE_EXTEND: number = constant('NOTE_EXTEND');
export const NOTE_ATTRIB: number = constant('NOTE_ATTRIB');
export const NOTE_LINK: number = constant('NOTE_LINK');
export const NOTE_RENAME: number = constant('NOTE_RENAME');
export const NOTE_REVOKE: number = constant('NOTE_REVOKE');
export const NOTE_TRUNCATE: number = constant('NOTE_TRUNCATE');
export const NOTE_OPEN: number = constant('NOTE_OPEN');
export const NOTE_CLOSE: number = constant('NOTE_CLOSE');
export const NOTE_CLOSE_WRITE: number = constant('NOTE_CLOSE_WRITE');
export const NOTE_READ: number = constant('NOTE_READ');
