import { cases as call } from './call.ts';
import type { Case } from './case.ts';
import { cases as changes } from './changes.ts';
import { cases as close } from './close.ts';
import { cases as nested } from './nested.ts';
import { cases as overload } from './overload.ts';
import { cases as proc } from './proc.ts';
import { cases as read } from './read.ts';
import { cases as signal } from './signal.ts';
import { cases as timer } from './timer.ts';
import { cases as user } from './user.ts';
import { cases as vnode } from './vnode.ts';
import { cases as write } from './write.ts';

/** What kqueue(2) promises, case by case. */
export const cases: readonly Case[] = [
  ...call,
  ...changes,
  ...read,
  ...write,
  ...timer,
  ...user,
  ...vnode,
  ...proc,
  ...signal,
  ...nested,
  ...close,
  ...overload,
];
