// The same as kevent.ts through the high-level API: poll() makes typed events with tokens, register() takes interests.

import { Kqueue, type KqueueEvent, type Registration, read } from '../../../src/index.ts';
import { type CLoop, epollInC, kqueueInC } from '../baselines/c-loop.ts';
import { readyPipes, socketPairs } from '../descriptors.ts';
import { type Contender, consume, now, type Race } from '../race.ts';
import type { Setting } from '../setting.ts';

interface Token {
  readonly number: number;
}

function inC(setting: Setting): { name: string; loop: CLoop } | undefined {
  const [native, epoll] = [kqueueInC(setting), epollInC(setting)];
  if (native !== undefined) return { name: 'C', loop: native };
  return epoll === undefined ? undefined : { name: 'C, epoll', loop: epoll };
}

/** Reads of an event what C reads of a record; the token stands for udata. */
function sumOf(event: KqueueEvent<Token>): number {
  if (event.filter !== 'read') throw new Error(`not a read event: ${event}`);
  return event.fd + event.flags + event.fflags + event.bytes + (event.eof ? 1 : 0) + (event.token?.number ?? 0);
}

/** poll() that finds `ready` events. */
function polling(setting: Setting, ready: number): Race {
  return {
    id: `poll/${ready}`,
    what:
      ready === 0
        ? 'poll() without an event'
        : `${ready} ready: time of each typed event, with a token, all fields read`,
    unit: 'ns',
    prepare() {
      const made = readyPipes(ready);
      const kq = new Kqueue<Token>();
      kq.register(...made.map(([fd], number) => read(fd, { token: { number } })));
      const contenders: Contender[] = [];
      const c = inC(setting);
      if (c !== undefined) {
        const queue = c.loop.open();
        for (const [fd] of made) c.loop.watch(queue, fd);
        const room = Math.max(64, ready);
        const found = c.loop.count(queue, room) || 1;
        contenders.push({ name: c.name, run: (times) => c.loop.fetch(queue, room, times) / found });
      }
      contenders.push({
        name: 'high-level API',
        run(times) {
          let sum = 0;
          let found = 0;
          const start = now();
          for (let t = 0; t < times; t++) {
            const events = kq.poll({ timeout: 0 });
            found += events.length;
            for (const event of events) sum += sumOf(event);
          }
          const end = now();
          if (found < times * Math.min(ready, 1)) throw new Error(`${found} events in ${times} calls`);
          consume(sum);
          return ready === 0 ? end - start : ((end - start) * times) / found;
        },
      });
      return contenders;
    },
  };
}

/** `batch` interests, made and registered. */
function registering(setting: Setting, batch: number): Race {
  // A run takes back what it has added, so it adds many before that.
  const count = Math.max(batch, 512);
  return {
    id: `poll/register-${batch}`,
    what: `register() of ${batch} in one call, with tokens: time of each`,
    unit: 'ns',
    times: count * (batch > 512 ? 1 : 4),
    ...(batch > 512 ? { rounds: 9 } : {}),
    prepare() {
      const fds = Int32Array.from(socketPairs(count / 2).flat());
      const kq = new Kqueue<Token>();
      const contenders: Contender[] = [];
      const c = inC(setting);
      if (c !== undefined) {
        const queue = c.loop.open();
        contenders.push({
          name: c.name,
          run(times) {
            let took = 0;
            for (let done = 0; done < times; done += count) took += c.loop.register(queue, fds, batch);
            return took;
          },
        });
      }
      contenders.push({
        name: 'high-level API',
        run(times) {
          let took = 0;
          for (let done = 0; done < times; done += count) {
            const registrations: Registration<Token>[] = [];
            const start = now();
            for (let at = 0; at < count; at += batch) {
              const interests = [];
              for (let i = at; i < at + batch; i++) interests.push(read(fds[i] as number, { token: { number: i } }));
              for (const registration of kq.register(...interests)) registrations.push(registration);
            }
            took += now() - start;
            kq.unregister(...registrations);
          }
          return took;
        },
      });
      return contenders;
    },
  };
}

export function pollRaces(setting: Setting): readonly Race[] {
  return [
    ...[0, 1, 64, 1024].map((ready) => polling(setting, ready)),
    ...[1, 64, setting.quick ? 1024 : 10_000].map((batch) => registering(setting, batch)),
  ];
}
