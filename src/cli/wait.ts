import { constants } from 'node:os';
import { proc, type SignalName } from '../index.ts';
import { exited } from '../recipes/index.ts';
import { unavailableReason } from '../sys/index.ts';
import { checked, duration, integer, parse, UsageError } from './arguments.ts';

/** As timeout(1) and pwait(1) have it. */
const TIMED_OUT = 124;
/** The process has ended, but its status is not known. timeout(1) has this number for a failure of its own. */
const STATUS_UNKNOWN = 125;

export const help = `kqueue-ffi wait: waits for the exit of a process, child or not.

Usage: kqueue-ffi wait --pid N [--timeout TIME]

  --pid N          the process
  --timeout TIME   how long to wait at most: 500ms, 5s, 1m, 1h

Exit status:
  that of the process, or 128 and the number of the signal that killed it
  1     there is no such process, or the system refuses to report its exit
  2     wrong arguments
  124   the timeout expired
  125   the process has ended, but the system does not report its status
        (macOS: a process of another user. Linux before 6.15: not a child)`;

export async function run(args: string[]): Promise<number> {
  const { values } = parse({ args, options: { pid: { type: 'string' }, timeout: { type: 'string' } } });
  if (values.pid === undefined) throw new UsageError('expected --pid N');
  const pid = integer('--pid', values.pid, 1);
  checked('--pid', () => proc(pid));
  const timeout = values.timeout === undefined ? undefined : duration('--timeout', values.timeout);

  const say = (message: string): void => console.error(`kqueue-ffi wait: ${message}`);
  const reason = unavailableReason();
  if (reason !== undefined) {
    say(reason);
    return 1;
  }
  try {
    const status = await exited(pid, { timeout });
    if (status?.code !== undefined) return status.code;
    if (status?.signal !== undefined) return 128 + signalNumber(status.signal);
    say(`process ${pid} has ended, but this system does not report its status`);
    return STATUS_UNKNOWN;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ETIMEDOUT') return TIMED_OUT;
    if (code !== 'ESRCH') throw error;
    say(`there is no process ${pid}`);
    return 1;
  }
}

function signalNumber(signal: SignalName | number): number {
  return typeof signal === 'number' ? signal : constants.signals[signal as NodeJS.Signals];
}
