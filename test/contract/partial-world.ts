// A kernel that has only timers and user events: no files, no processes. Whatever else a case needs, it is gated.
//
//   npm run contract -- --world test/contract/partial-world.ts

import { constants } from 'node:os';
import { defaultSys } from '../../src/sys/index.ts';
import type { World } from './world.ts';

const sys = defaultSys();

const partial: World = {
  name: 'partial',
  sys: { ...sys, pollable: false },
  errno: constants.errno,
  lacks: ['READ', 'WRITE', 'VNODE', 'PROC', 'SIGNAL', 'NOTE_ABSOLUTE', 'NOTE_ABSTIME', 'EV_RECEIPT'],
  close(): void {
    throw new Error('there is no file');
  },
};

export default partial;
