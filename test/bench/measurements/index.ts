import type { Measurement } from '../race.ts';

/** Every measurement by its name: the file in this folder. Each is imported by the process that runs it, and no other. */
export const measurements: Readonly<Record<string, () => Promise<Measurement>>> = {
  kevent: async () => (await import('./kevent.ts')).keventRaces,
  poll: async () => (await import('./poll.ts')).pollRaces,
  latency: async () => (await import('./latency.ts')).latencyRaces,
  'ping-pong': async () => (await import('./ping-pong.ts')).pingPongRaces,
  idle: async () => (await import('./idle.ts')).idleRaces,
  memory: async () => (await import('./memory.ts')).memoryRaces,
  timers: async () => (await import('./timers.ts')).timerRaces,
  allocation: async () => (await import('./allocation.ts')).allocationRaces,
  import: async () => (await import('./import.ts')).importRaces,
};
