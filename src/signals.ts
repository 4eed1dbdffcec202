import { constants } from 'node:os';
import { isMainThread } from './sys/runtime.ts';

/** A signal's name, as `os.constants.signals` has it: signal(7). No system has all of them. */
export type SignalName =
  | 'SIGABRT'
  | 'SIGALRM'
  | 'SIGBREAK'
  | 'SIGBUS'
  | 'SIGCHLD'
  | 'SIGCONT'
  | 'SIGFPE'
  | 'SIGHUP'
  | 'SIGILL'
  | 'SIGINFO'
  | 'SIGINT'
  | 'SIGIO'
  | 'SIGIOT'
  | 'SIGKILL'
  | 'SIGLOST'
  | 'SIGPIPE'
  | 'SIGPOLL'
  | 'SIGPROF'
  | 'SIGPWR'
  | 'SIGQUIT'
  | 'SIGSEGV'
  | 'SIGSTKFLT'
  | 'SIGSTOP'
  | 'SIGSYS'
  | 'SIGTERM'
  | 'SIGTRAP'
  | 'SIGTSTP'
  | 'SIGTTIN'
  | 'SIGTTOU'
  | 'SIGUNUSED'
  | 'SIGURG'
  | 'SIGUSR1'
  | 'SIGUSR2'
  | 'SIGVTALRM'
  | 'SIGWINCH'
  | 'SIGXCPU'
  | 'SIGXFSZ';

const numbers = constants.signals as Readonly<Record<string, number>>;
const names = new Map<number, SignalName>();
// SIGIOT is a second name of SIGABRT, and stands behind it.
for (const [name, number] of Object.entries(numbers)) if (!names.has(number)) names.set(number, name as SignalName);

/** signal(7): the number of a name; undefined for a name that this system does not have. */
export function signalNumber(name: string): number | undefined {
  return Object.hasOwn(numbers, name) ? numbers[name] : undefined;
}

/** The name of a signal number; undefined for a number that Node has no name for. */
export function signalName(number: number): SignalName | undefined {
  return names.get(number);
}

/** What Node ignores from its start. When their last handler goes, it gives them their default action: the end of the process. */
const ignored: ReadonlySet<SignalName> = new Set<SignalName>(['SIGPIPE', 'SIGXFSZ']);
const held = new Map<SignalName, number>();
function nothing(): void {}

/**
 * EVFILT_SIGNAL watches a signal and leaves its action as it is, which for most of them is the end of the process. This
 * keeps a handler that does nothing installed through Node until the function that it returns is called; for good where
 * Node ignored the signal before. A worker cannot install any: there it does nothing.
 * @throws what process.on() throws for a signal that cannot be caught
 */
export function holdSignal(name: SignalName): () => void {
  if (!isMainThread()) return nothing;
  const count = held.get(name) ?? 0;
  if (count === 0) process.on(name, nothing);
  held.set(name, count + 1);
  if (ignored.has(name)) return nothing;
  return () => {
    const left = (held.get(name) ?? 1) - 1;
    held.set(name, left);
    if (left === 0) process.removeListener(name, nothing);
  };
}
