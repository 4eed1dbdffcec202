import assert from 'node:assert/strict';
import type { Case } from './case.ts';
import { type Change, notes, Queue } from './queue.ts';
import type { Kernel } from './world.ts';

// A first EV_ADD has no notes: FreeBSD and NetBSD take no trigger there, DragonFly no flags either. A trigger has no
// flags: EV_CLEAR in it would take the trigger back.

function user(world: Kernel, flags = 'ADD|CLEAR'): Queue {
  const kq = new Queue(world);
  kq.set('USER', 1, flags);
  return kq;
}

/** The lower 24 bits of fflags after these changes, each `[operation, bits]`. */
function flagsAfter(world: Kernel, ...changes: readonly [operation: string, bits: number][]): number {
  const kq = user(world);
  for (const [operation, bits] of changes) kq.set('USER', 1, '', { fflags: (notes(world, operation) | bits) >>> 0 });
  kq.set('USER', 1, '', { fflags: 'TRIGGER|FFNOP' });
  return kq.one('USER', 1).fflags;
}

/** EVFILT_USER. */
export const cases: readonly Case[] = [
  {
    name: 'USER: silent until it is triggered',
    needs: ['USER'],
    run: (world) => user(world).silent(),
  },
  {
    name: 'USER with EV_CLEAR: one event for a trigger',
    needs: ['USER'],
    run(world) {
      const kq = user(world);
      kq.set('USER', 1, '', { fflags: 'TRIGGER' });
      kq.one('USER', 1);
      kq.silent();
      kq.set('USER', 1, '', { fflags: 'TRIGGER' });
      kq.one('USER', 1);
      kq.silent();
    },
  },
  {
    name: 'USER with EV_CLEAR: several triggers before a fetch are one event',
    needs: ['USER'],
    run(world) {
      const kq = user(world);
      for (let count = 0; count < 5; count++) kq.set('USER', 1, '', { fflags: 'TRIGGER' });
      kq.one('USER', 1);
      kq.silent();
    },
  },
  {
    name: 'USER without EV_CLEAR: reported again and again once it is triggered',
    needs: ['USER'],
    run(world) {
      const kq = user(world, 'ADD');
      kq.silent();
      kq.set('USER', 1, '', { fflags: 'TRIGGER' });
      for (let look = 0; look < 3; look++) kq.one('USER', 1);
      kq.set('USER', 1, 'DELETE');
      kq.silent();
    },
  },
  {
    name: 'USER with EV_ONESHOT: one event, then gone',
    needs: ['USER'],
    run(world) {
      const kq = user(world, 'ADD|ONESHOT');
      kq.set('USER', 1, '', { fflags: 'TRIGGER' });
      kq.one('USER', 1);
      kq.silent();
      kq.fails('ENOENT', 'USER', 1, '', { fflags: 'TRIGGER' });
    },
  },
  {
    name: 'USER with EV_DISPATCH: disabled by delivery; EV_ENABLE reports that it is still triggered',
    needs: ['USER', 'EV_DISPATCH'],
    run(world) {
      const kq = user(world, 'ADD|DISPATCH');
      kq.set('USER', 1, '', { fflags: 'TRIGGER' });
      kq.one('USER', 1);
      kq.silent();
      kq.set('USER', 1, 'ENABLE');
      kq.one('USER', 1);
      kq.silent();
    },
  },
  {
    name: 'USER: EV_ENABLE reports a trigger that came while it was disabled',
    needs: ['USER'],
    run(world) {
      const kq = user(world, 'ADD|CLEAR|DISABLE');
      kq.set('USER', 1, '', { fflags: 'TRIGGER' });
      kq.silent();
      kq.set('USER', 1, 'ENABLE');
      kq.one('USER', 1);
      kq.silent();
    },
  },
  {
    name: 'USER: added, triggered and fetched in one call',
    needs: ['USER'],
    run(world) {
      const kq = new Queue(world);
      const changes: Change[] = [
        ['USER', 1, 'ADD|CLEAR', { udata: 4 }],
        ['USER', 1, '', { fflags: 'TRIGGER', udata: 4 }],
      ];
      const events = kq.call(changes, 1000);
      assert.equal(events.length, 1);
      assert.equal(events[0]?.udata, 4n);
    },
  },
  {
    name: 'USER: NOTE_FFCOPY replaces the flags',
    needs: ['USER'],
    run(world) {
      assert.equal(flagsAfter(world, ['FFCOPY', 0x123456]), 0x123456);
      assert.equal(flagsAfter(world, ['FFCOPY', 0x123456], ['FFCOPY', 0x5]), 0x5);
    },
  },
  {
    name: 'USER: NOTE_FFOR adds flags',
    needs: ['USER'],
    run: (world) => assert.equal(flagsAfter(world, ['FFCOPY', 0x11], ['FFOR', 0x3]), 0x13),
  },
  {
    name: 'USER: NOTE_FFAND removes flags',
    needs: ['USER'],
    run: (world) => assert.equal(flagsAfter(world, ['FFCOPY', 0x13], ['FFAND', 0x6]), 0x2),
  },
  {
    name: 'USER: NOTE_FFNOP does not change the flags',
    needs: ['USER'],
    run: (world) => assert.equal(flagsAfter(world, ['FFCOPY', 0x13], ['FFNOP', 0x77]), 0x13),
  },
  {
    name: 'USER: all 24 bits of the flags come back, and no others',
    needs: ['USER'],
    run(world) {
      const kq = user(world);
      kq.set('USER', 1, '', { fflags: (notes(world, 'TRIGGER|FFCOPY') | 0xffffff) >>> 0 });
      assert.equal(kq.one('USER', 1).fflags, 0xffffff);
    },
  },
  {
    name: 'USER with EV_CLEAR: delivery does not reset the flags',
    needs: ['USER'],
    gates: [
      {
        on: 'dragonfly',
        reason: 'delivery sets flags and data to 0',
        source: 'read in sys/kern/kern_event.c, filt_usertouch',
      },
    ],
    run(world) {
      const kq = user(world);
      kq.set('USER', 1, '', { fflags: (notes(world, 'TRIGGER|FFCOPY') | 0x15) >>> 0 });
      assert.equal(kq.one('USER', 1).fflags, 0x15);
      kq.set('USER', 1, '', { fflags: 'TRIGGER|FFNOP' });
      assert.equal(kq.one('USER', 1).fflags, 0x15);
    },
  },
  {
    name: 'USER: flags can be set without a trigger, and the next event has them',
    needs: ['USER'],
    run(world) {
      const kq = user(world);
      kq.set('USER', 1, '', { fflags: (notes(world, 'FFCOPY') | 0x9) >>> 0 });
      kq.silent();
      kq.set('USER', 1, '', { fflags: 'TRIGGER' });
      assert.equal(kq.one('USER', 1).fflags, 0x9);
    },
  },
  ...[0n, 42n, -1n, 2n ** 53n + 1n, -(2n ** 62n)].map(
    (data): Case => ({
      name: `USER: data ${data} comes back with the event`,
      needs: ['USER'],
      run(world) {
        const kq = user(world);
        kq.set('USER', 1, '', { fflags: 'TRIGGER', data });
        assert.equal(kq.one('USER', 1).data, data);
      },
    }),
  ),
  {
    name: 'USER: a trigger is a change, and replaces udata',
    needs: ['USER'],
    gates: [
      {
        on: 'dragonfly',
        reason: 'udata remains that of the first EV_ADD',
        source: 'read in sys/kern/kern_event.c, kqueue_register',
      },
    ],
    run(world) {
      const kq = new Queue(world);
      kq.set('USER', 1, 'ADD|CLEAR', { udata: 1 });
      kq.set('USER', 1, '', { fflags: 'TRIGGER', udata: 2n ** 64n - 1n });
      assert.equal(kq.one('USER', 1).udata, 2n ** 64n - 1n);
    },
  },
  {
    name: 'USER: adding it again replaces udata, keeps the trigger, and does not make a second knote',
    needs: ['USER'],
    gates: [
      {
        on: 'dragonfly',
        reason: 'udata remains that of the first EV_ADD',
        source: 'read in sys/kern/kern_event.c, kqueue_register',
      },
    ],
    run(world) {
      const kq = new Queue(world);
      kq.set('USER', 1, 'ADD|CLEAR', { udata: 1 });
      kq.set('USER', 1, '', { fflags: 'TRIGGER', udata: 1 });
      kq.set('USER', 1, 'ADD', { udata: 2n ** 53n });
      assert.equal(kq.one('USER', 1).udata, 2n ** 53n);
      kq.silent();
      kq.set('USER', 1, 'DELETE');
      kq.fails('ENOENT', 'USER', 1, 'DELETE');
    },
  },
  ...[0n, 2n ** 31n, 2n ** 32n + 1n, 2n ** 53n + 1n, 2n ** 64n - 1n].map(
    (ident): Case => ({
      name: `USER: ${ident} is a valid ident`,
      needs: ['USER'],
      run(world) {
        const kq = new Queue(world);
        // The number in the low 32 bits is another knote.
        kq.set('USER', ident ^ (1n << 40n), 'ADD|CLEAR');
        kq.set('USER', ident, 'ADD|CLEAR', { udata: 3 });
        kq.set('USER', ident, '', { fflags: 'TRIGGER', udata: 3 });
        assert.equal(kq.one('USER', ident).udata, 3n);
        kq.silent();
        kq.set('USER', ident, 'DELETE');
        kq.fails('ENOENT', 'USER', ident, 'DELETE');
      },
    }),
  ),
  {
    name: 'USER: a trigger of one queue does not trigger another',
    needs: ['USER'],
    run(world) {
      const [a, b] = [user(world), user(world)];
      a.set('USER', 1, '', { fflags: 'TRIGGER' });
      b.silent();
      a.one('USER', 1);
    },
  },
  {
    name: 'USER: a triggered knote that is deleted is not reported',
    needs: ['USER'],
    run(world) {
      const kq = user(world);
      kq.set('USER', 1, '', { fflags: 'TRIGGER' });
      kq.set('USER', 1, 'DELETE');
      kq.silent();
      kq.set('USER', 1, 'ADD|CLEAR');
      kq.silent();
    },
  },
];
