// The loops of loop.c: koffi calls each once a round, and it takes its own time.

import koffi from 'koffi';
import { nativeOf, type Setting } from '../setting.ts';

/** The same loop on a kqueue in C, or on plain epoll. */
export interface CLoop {
  /** A queue of its own. */
  open(): number;
  watch(queue: number, fd: number): void;
  /** How many events one call finds. */
  count(queue: number, nevents: number): number;
  fetch(queue: number, nevents: number, times: number): number;
  register(queue: number, fds: Int32Array, batch: number): number;
  cycle(queue: number, reader: number, writer: number, nevents: number, times: number): number;
  pingPong(queue: number, first: Int32Array, messages: number): number;
  /** How late each of the timers was, in nanoseconds. */
  timer(queue: number, us: number, times: number): Float64Array;
}

type Numbers = (...args: (number | Int32Array | Float64Array)[]) => number;

function bind(path: string, prefix: 'bench' | 'epoll'): CLoop & { readonly start: (...names: string[]) => number } {
  const lib = koffi.load(path);
  const func = (declaration: string): Numbers => lib.func(declaration.replace('PREFIX', prefix)) as unknown as Numbers;
  const [open, watch, count, fetch, register, cycle, pingPong, timer] = [
    func('int PREFIX_new()'),
    func('int PREFIX_watch(int kq, int fd)'),
    func('int PREFIX_count(int kq, int nevents)'),
    func('double PREFIX_fetch(int kq, int nevents, int times)'),
    func('double PREFIX_register(int kq, const void *fds, int count, int batch)'),
    func('double PREFIX_cycle(int kq, int reader, int writer, int nevents, int times)'),
    func('double PREFIX_ping_pong(int kq, const void *first, int pairs, int messages)'),
    func('void PREFIX_timer(int kq, int us, void *late, int times)'),
  ] as const;
  return {
    start:
      prefix === 'bench'
        ? (lib.func('int bench_open(const char *library, const char *kqueue, const char *kevent)') as (
            ...names: string[]
          ) => number)
        : () => 0,
    open,
    watch(queue, fd) {
      if (watch(queue, fd) !== 0) throw new Error(`${prefix}_watch(${fd}): errno ${koffi.errno()}`);
    },
    count,
    fetch,
    register: (queue, fds, batch) => register(queue, fds, fds.length, batch),
    cycle,
    pingPong: (queue, first, messages) => pingPong(queue, first, first.length, messages),
    timer(queue, us, times) {
      const late = new Float64Array(times);
      timer(queue, us, late, times);
      return late;
    },
  };
}

/** On the library that this process measures; undefined where it has none in C, and where nothing was compiled. */
export function kqueueInC({ loop, kqueue }: Setting): CLoop | undefined {
  if (loop === undefined || kqueue === 'linux') return undefined;
  const bound = bind(loop, 'bench');
  const native = nativeOf();
  if (bound.start(native.library, native.kqueue, native.kevent) !== 0)
    throw new Error(`no kevent in ${native.library}`);
  return bound;
}

/** On epoll: what the built-in kqueue is made of, without the kqueue. */
export function epollInC({ loop, kqueue }: Setting): CLoop | undefined {
  return loop === undefined || kqueue !== 'linux' ? undefined : bind(loop, 'epoll');
}

/** A loop that fetches, and does nothing else. */
type FetchLoop = Pick<CLoop, 'open' | 'watch' | 'fetch'>;

/** On epoll, with every system call that the built-in kqueue makes. */
export function sameCallsInC({ loop, kqueue }: Setting): FetchLoop | undefined {
  if (loop === undefined || kqueue !== 'linux') return undefined;
  const lib = koffi.load(loop);
  const func = (declaration: string): Numbers => lib.func(declaration) as unknown as Numbers;
  const watch = func('int calls_watch(int ep, int fd)');
  return {
    open: func('int calls_new()'),
    watch(queue, fd) {
      if (watch(queue, fd) !== 0) throw new Error(`calls_watch(${fd}): errno ${koffi.errno()}`);
    },
    fetch: func('double calls_fetch(int ep, int nevents, int times)'),
  };
}

/** poll(2); the time of `times` cycles of write, poll, read. */
export function pollInC({
  loop,
}: Setting): ((fds: Int32Array, reader: number, writer: number, times: number) => number) | undefined {
  if (loop === undefined) return undefined;
  const cycle = koffi
    .load(loop)
    .func('double poll_cycle(const void *fds, int count, int reader, int writer, int times)') as unknown as Numbers;
  return (fds, reader, writer, times) => cycle(fds, fds.length, reader, writer, times);
}
