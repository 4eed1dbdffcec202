import type { Kevent } from '../abi/types.ts';
import {
  EVFILT_PROC,
  EVFILT_READ,
  EVFILT_SIGNAL,
  EVFILT_TIMER,
  EVFILT_USER,
  EVFILT_VNODE,
  EVFILT_WRITE,
} from './constants.ts';
import type { Host, Knote } from './knote.ts';
import { ProcKnote } from './proc.ts';
import { ReadKnote } from './read.ts';
import { SignalKnote } from './signal.ts';
import { TimerKnote } from './timer.ts';
import { UserKnote } from './user.ts';
import { VnodeKnote } from './vnode.ts';
import { WriteKnote } from './write.ts';

type KnoteClass = new (queue: Host, change: Kevent) => Knote;

/** The supported filters. Any other is EINVAL. */
export const filters: ReadonlyMap<number, KnoteClass> = new Map<number, KnoteClass>([
  [EVFILT_READ, ReadKnote],
  [EVFILT_WRITE, WriteKnote],
  [EVFILT_VNODE, VnodeKnote],
  [EVFILT_PROC, ProcKnote],
  [EVFILT_SIGNAL, SignalKnote],
  [EVFILT_TIMER, TimerKnote],
  [EVFILT_USER, UserKnote],
]);

/** The filters whose ident is a descriptor. */
export const descriptorFilters: readonly number[] = [EVFILT_READ, EVFILT_WRITE, EVFILT_VNODE];
