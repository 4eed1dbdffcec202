// A kqueue with a fault: it forgets EV_ONESHOT. The suite must find that out.
//
//   npm run contract -- --world test/contract/wrong-world.ts --only EV_ONESHOT

import { defaultSys, KeventList } from '../../src/sys/index.ts';
import { processWorld } from './process-world.ts';
import type { World } from './world.ts';

export default async function wrongWorld(): Promise<World> {
  const sys = defaultSys();
  const { EV_ONESHOT = 0 } = sys.abi.constants;
  return processWorld(
    {
      ...sys,
      kevent(kq, changes, nchanges, events, nevents, timeout): number {
        if (changes === null) return sys.kevent(kq, null, 0, events, nevents, timeout);
        const forgetful = new KeventList(changes.length, sys.abi);
        for (let i = 0; i < nchanges; i++) {
          forgetful.set(i, {
            ident: changes.ident64(i),
            filter: changes.filter(i),
            flags: changes.flags(i) & ~EV_ONESHOT,
            fflags: changes.fflags(i),
            data: changes.data64(i),
            udata: changes.udata64(i),
          });
        }
        return sys.kevent(kq, forgetful, nchanges, events, nevents, timeout);
      },
    },
    sys.abi.name,
  );
}
