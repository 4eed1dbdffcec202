import { openSync, writeSync } from 'node:fs';
import type { KeventList } from './kevent-list.ts';
import { describeRecord, errnoName } from './names.ts';
import { now } from './runtime.ts';
import type { Sys } from './sys.ts';
import type { Timespec } from './timespec.ts';

/** As many records of a list are written out. Of a longer list the line says how many more there are. */
const RECORDS = 8;

/**
 * A Sys that writes down each call of another, one line a call, as strace(1) and ktrace(1) do:
 *
 * ```text
 * kqueue() = 5  (0.02 ms)
 * kevent(5, [{ READ fd=7, ADD|CLEAR, udata=1 }], [{ READ fd=7, ADD|CLEAR, data=12, udata=1 }], 10, 1.5 s) = 1  (0.41 ms)
 * kevent(5, [{ READ fd=99, ADD }], NULL, 0, NULL) = -1 EBADF  (0.01 ms)
 * ```
 *
 * The changelist is shown as it goes down, and the eventlist as it comes back. With KQUEUE_TRACE=1 in the environment the
 * default kqueue is traced to standard error; with another value, to the file of that name.
 *
 * @param sys what to trace
 * @param write gets each line, without a newline; standard error if absent
 *
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
      // Before the call: one list may serve as both.
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

/** What KQUEUE_TRACE asks for: `1` is standard error, any other value names a file, to which lines are appended. */
export function traceAsAsked(sys: Sys): Sys {
  const asked = process.env['KQUEUE_TRACE'];
  if (asked === undefined || asked === '' || asked === '0') return sys;
  return traceSys(sys, toDescriptor(asked === '1' ? 2 : openSync(asked, 'a')));
}

/** Writes at once and in order, because a stream of Node's writes when its event loop turns, and poll() stops that. */
function toDescriptor(fd: number): (line: string) => void {
  return (line) => {
    writeSync(fd, `${line}\n`);
  };
}

function records({ abi }: Sys, list: KeventList, count: number): string {
  const shown = Array.from({ length: Math.min(count, RECORDS) }, (_, i) => describeRecord(abi, list.get(i)));
  if (count > RECORDS) shown.push(`... ${count - RECORDS} more`);
  return `[${shown.join(', ')}]`;
}

function span(timeout: Timespec | null): string {
  return timeout === null ? 'NULL' : `${timeout.sec + timeout.nsec / 1e9} s`;
}
