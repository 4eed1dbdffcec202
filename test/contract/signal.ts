import assert from 'node:assert/strict';
import type { Case } from './case.ts';
import { Queue } from './queue.ts';
import type { Kernel } from './world.ts';

// Every case lets the event loop turn between a signal and the call, because the built-in kqueue of Linux counts the calls
// of Node's handlers. No case uses SIGUSR1, with which Node starts its debugger.

const NAME = 'SIGUSR2';
const SIGNAL = ['SIGNAL', 'signal', 'kill', 'handle'] as const;

/** A queue that watches the signal, which does this process no harm. */
function watch(world: Kernel, flags = 'ADD', udata = 0): { kq: Queue; number: number } {
  world.handle(NAME, () => {});
  const kq = new Queue(world);
  const number = world.signal(NAME);
  kq.set('SIGNAL', number, flags, { udata });
  return { kq, number };
}

async function send(world: Kernel, name = NAME, times = 1): Promise<void> {
  for (let count = 0; count < times; count++) {
    world.kill(name);
    // One at a time: equal signals that are pending are one signal.
    await world.turn();
  }
}

/** EVFILT_SIGNAL. */
export const cases: readonly Case[] = [
  {
    name: 'SIGNAL: silent without a signal; one signal is one event',
    needs: SIGNAL,
    async run(world) {
      const { kq, number } = watch(world, 'ADD', 5);
      await world.turn();
      kq.silent();
      await send(world);
      const event = kq.one('SIGNAL', number);
      assert.ok(event.data >= 1n, String(event));
      assert.equal(event.udata, 5n);
      await world.turn();
      kq.silent();
    },
  },
  {
    name: 'SIGNAL: data counts the signals since the last fetch',
    needs: SIGNAL,
    gates: [
      {
        on: 'dragonfly',
        reason: 'a signal is counted when it is delivered, and some twice',
        source: 'read in sys/kern/kern_sig.c',
      },
    ],
    async run(world) {
      const { kq, number } = watch(world);
      await send(world, NAME, 3);
      assert.equal(kq.one('SIGNAL', number).data, 3n);
      await send(world, NAME, 2);
      assert.equal(kq.one('SIGNAL', number).data, 2n);
    },
  },
  {
    name: 'SIGNAL: EV_CLEAR is set without a request',
    needs: SIGNAL,
    async run(world) {
      const { kq, number } = watch(world);
      await send(world);
      assert.ok(kq.one('SIGNAL', number).has('CLEAR'));
    },
  },
  {
    name: 'SIGNAL: a handler of the signal still runs',
    needs: SIGNAL,
    async run(world) {
      let handled = 0;
      world.handle(NAME, () => handled++);
      const { kq, number } = watch(world);
      await send(world);
      kq.one('SIGNAL', number);
      assert.equal(handled, 1);
      kq.set('SIGNAL', number, 'DELETE');
      await send(world);
      assert.equal(handled, 2);
    },
  },
  {
    name: 'SIGNAL: an ignored signal is counted',
    needs: SIGNAL,
    async run(world) {
      const kq = new Queue(world);
      const number = world.signal('SIGWINCH');
      kq.set('SIGNAL', number, 'ADD');
      await send(world, 'SIGWINCH');
      assert.ok(kq.one('SIGNAL', number).data >= 1n);
    },
  },
  {
    name: 'SIGNAL: a signal before registration is not counted',
    needs: SIGNAL,
    async run(world) {
      world.handle(NAME, () => {});
      await send(world);
      const { kq } = watch(world);
      await world.turn();
      kq.silent();
    },
  },
  {
    name: 'SIGNAL: different signals have different knotes',
    needs: SIGNAL,
    async run(world) {
      const { kq, number } = watch(world, 'ADD', 1);
      world.handle('SIGHUP', () => {});
      const other = world.signal('SIGHUP');
      kq.set('SIGNAL', other, 'ADD', { udata: 2 });
      await send(world, 'SIGHUP');
      assert.equal(kq.one('SIGNAL', other).udata, 2n);
      await send(world);
      assert.equal(kq.one('SIGNAL', number).udata, 1n);
    },
  },
  {
    name: 'SIGNAL: two queues both count',
    needs: SIGNAL,
    async run(world) {
      const { kq, number } = watch(world);
      const other = new Queue(world);
      other.set('SIGNAL', number, 'ADD');
      await send(world);
      kq.one('SIGNAL', number);
      other.one('SIGNAL', number);
      other.close();
      await send(world);
      kq.one('SIGNAL', number);
    },
  },
  {
    name: 'SIGNAL with EV_ONESHOT: one event, then gone',
    needs: SIGNAL,
    async run(world) {
      const { kq, number } = watch(world, 'ADD|ONESHOT');
      await send(world);
      kq.one('SIGNAL', number);
      await send(world);
      kq.silent();
      kq.fails('ENOENT', 'SIGNAL', number, 'DELETE');
    },
  },
  {
    name: 'SIGNAL with EV_DISPATCH: disabled by delivery until EV_ENABLE',
    needs: [...SIGNAL, 'EV_DISPATCH'],
    gates: [
      {
        on: 'netbsd',
        reason: 'EV_DISPATCH is ignored, because signals have EV_CLEAR',
        source: 'read in sys/kern/kern_event.c, kqueue_scan',
      },
    ],
    async run(world) {
      const { kq, number } = watch(world, 'ADD|DISPATCH');
      await send(world);
      kq.one('SIGNAL', number);
      await send(world);
      kq.silent();
      kq.set('SIGNAL', number, 'ENABLE');
      await world.turn();
      kq.one('SIGNAL', number);
    },
  },
  {
    name: 'SIGNAL: EV_ENABLE reports signals that came while it was disabled',
    needs: SIGNAL,
    async run(world) {
      const { kq, number } = watch(world, 'ADD|DISABLE');
      await send(world);
      kq.silent();
      kq.set('SIGNAL', number, 'ENABLE');
      await world.turn();
      assert.ok(kq.one('SIGNAL', number).data >= 1n);
    },
  },
  {
    name: 'SIGNAL: a deleted knote reports nothing',
    needs: SIGNAL,
    async run(world) {
      const { kq, number } = watch(world);
      kq.set('SIGNAL', number, 'DELETE');
      await send(world);
      kq.silent();
    },
  },
  {
    name: 'SIGNAL: adding it again keeps the count and replaces udata',
    needs: SIGNAL,
    async run(world) {
      const { kq, number } = watch(world, 'ADD', 1);
      await send(world);
      kq.set('SIGNAL', number, 'ADD', { udata: 2n ** 53n });
      await world.turn();
      const event = kq.one('SIGNAL', number);
      assert.ok(event.data >= 1n);
      assert.equal(event.udata, 2n ** 53n);
    },
  },
];
