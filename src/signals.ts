import { constants } from 'node:os';
import { isMainThread } from './sys/runtime.ts';

/** The name of a signal, as in `os.constants.signals`. See signal(7). No system has all of them. */
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
// The first name of a number counts: SIGIOT is a second name of SIGABRT and comes after it.
for (const [name, number] of Object.entries(numbers)) if (!names.has(number)) names.set(number, name as SignalName);

/** Returns the number of a signal (signal(7)), or undefined if this system does not have the name. */
export function signalNumber(name: string): number | undefined {
  return Object.hasOwn(numbers, name) ? numbers[name] : undefined;
}

/** Returns the name of a signal number, or undefined if Node has no name for the number. */
export function signalName(number: number): SignalName | undefined {
  return names.get(number);
}

/** Signals that Node ignores from its start. When Node removes the last handler, their default action ends the process. */
const ignored: ReadonlySet<SignalName> = new Set<SignalName>(['SIGPIPE', 'SIGXFSZ']);
const holders = new Map<SignalName, number>();
function doNothing(): void {}

/**
 * Keeps a signal from ending the process: installs a handler that does nothing, through Node. EVFILT_SIGNAL itself does not
 * change the action of a signal. Returns a function that removes the handler after its last user. For a signal that Node
 * ignored before, the handler stays permanently. A worker cannot install a handler, so nothing happens there.
 * @throws the error of a 'newListener' handler
 */
export function holdSignal(name: SignalName): () => void {
  if (!isMainThread()) return doNothing;
  const count = holders.get(name) ?? 0;
  if (count === 0) process.on(name, doNothing);
  holders.set(name, count + 1);
  if (ignored.has(name)) return doNothing;
  return () => {
    const left = (holders.get(name) as number) - 1;
    holders.set(name, left);
    if (left === 0) process.removeListener(name, doNothing);
  };
}
