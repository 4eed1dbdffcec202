import { Buffer } from 'node:buffer';
import { openSync, writeSync } from 'node:fs';
import { checkCall } from './call.ts';
import type { KeventList } from './kevent-list.ts';
import { describeRecord, errnoName } from './names.ts';
import { environment, now } from './runtime.ts';
import type { Sys } from './sys.ts';
import type { Timespec } from './timespec.ts';

/** The number of records of a list that a line shows. For a longer list the line also says how many more there are. */
const MAX_SHOWN = 8;

const STDERR = 2;

/** Nothing changes it, so Atomics.wait() on it sleeps. */
const pause = new Int32Array(new SharedArrayBuffer(4));

/**
 * Returns a {@link Sys} that forwards each call to `sys` and writes one line for each call, in the format of strace(1).
 *
 * ```text
 * kqueue() = 5  (0.02 ms)
 * kevent(5, [{ READ fd=7, ADD|CLEAR, udata=1 }], [{ READ fd=7, ADD|CLEAR, data=12, udata=1 }], 10, 1.5 s) = 1  (0.41 ms)
 * kevent(5, [{ READ fd=99, ADD }], NULL, 0, NULL) = -1 EBADF  (0.01 ms)
 * ```
 *
 * A line shows the changelist before the call and the eventlist after it.
 *
 * With KQUEUE_TRACE=1 in the environment the default kqueue writes its trace to standard error. Any other value, except 0
 * and the empty string, names the file to which it appends the lines.
 *
 * @param sys the calls to trace
 * @param write receives each line, without a newline. By default it writes to standard error. An error that it throws is
 * thrown by the call, after the kernel has done its work
 *
 * @example
 * ```ts
 * const kq = new Kqueue({ sys: traceSys(defaultSys(), (line) => lines.push(line)) });
 * ```
 */
export function traceSys(sys: Sys, write: (line: string) => void = toDescriptor(2)): Sys {
  const traced = (run: () => number, line: (result: number) => string): number => {
    const start = now();
    const result = run();
    const time = now() - start;
    const outcome = result === -1 ? `-1 ${errnoName(sys.errno())}` : String(result);
    write(`${line(result)} = ${outcome}  (${time.toFixed(2)} ms)`);
    return result;
  };
  const list = (of: KeventList | null, count: number): string => (of === null ? 'NULL' : records(sys, of, count));
  const { wakefd } = sys;

  return Object.freeze<Sys>({
    ...sys,
    kqueue: () =>
      traced(
        () => sys.kqueue(),
        () => 'kqueue()',
      ),
    kevent(kq, changelist, nchanges, eventlist, nevents, timeout): number {
      // Before the lists are read, so that a wrong argument throws the same error as without the trace.
      checkCall(sys.abi, kq, changelist, nchanges, eventlist, nevents, timeout);
      // Before the call, because one list may serve as both.
      const changes = list(changelist, nchanges);
      return traced(
        () => sys.kevent(kq, changelist, nchanges, eventlist, nevents, timeout),
        (n) => `kevent(${kq}, ${changes}, ${list(eventlist, Math.max(n, 0))}, ${nevents}, ${span(timeout)})`,
      );
    },
    close: (fd) =>
      traced(
        () => sys.close(fd),
        () => `close(${fd})`,
      ),
    ...(wakefd === undefined
      ? {}
      : {
          wakefd: (kq: number, ident: number): number =>
            traced(
              () => wakefd(kq, ident),
              () => `wakefd(${kq}, ${ident})`,
            ),
        }),
  });
}

/** Traces `sys` if KQUEUE_TRACE is set: `1` means standard error, any other value names a file. */
export function traceFromEnvironment(sys: Sys): Sys {
  const target = environment('KQUEUE_TRACE');
  if (target === undefined || target === '' || target === '0') return sys;
  return traceSys(sys, toDescriptor(target === '1' ? STDERR : open(target)));
}

function open(path: string): number {
  try {
    return openSync(path, 'a');
  } catch (error) {
    if (error instanceof Error) error.message = `KQUEUE_TRACE: ${error.message}`;
    throw error;
  }
}

/**
 * Synchronous, because a stream of Node's writes when the event loop turns, and poll() blocks the loop. When a write fails,
 * the trace ends and the program goes on: the call that is traced has been made, and its result must not be lost.
 */
function toDescriptor(fd: number): (line: string) => void {
  let ended = false;
  return (line) => {
    if (ended) return;
    try {
      writeAll(fd, Buffer.from(`${line}\n`));
    } catch (error) {
      ended = true;
      // If standard error itself fails, no place is left to report the error.
      if (fd !== STDERR) process.emitWarning(`KQUEUE_TRACE: ${(error as Error).message}. The trace ends here`);
    }
  };
}

/** Waits while a pipe is full. Node makes the pipes of standard error non-blocking, so write(2) fails with EAGAIN. */
function writeAll(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

function records({ abi }: Sys, list: KeventList, count: number): string {
  const shown = Array.from({ length: Math.min(count, MAX_SHOWN) }, (_, i) => describeRecord(abi, list.get(i)));
  if (count > MAX_SHOWN) shown.push(`... ${count - MAX_SHOWN} more`);
  return `[${shown.join(', ')}]`;
}

function span(timeout: Timespec | null): string {
  return timeout === null ? 'NULL' : `${timeout.sec + timeout.nsec / 1e9} s`;
}
