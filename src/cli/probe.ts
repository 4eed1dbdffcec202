import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Interest,
  type Kqueue,
  KqueueError,
  proc,
  type Registration,
  raw,
  read,
  signal,
  timer,
  type UserRegistration,
  user,
  vnode,
  write,
} from '../index.ts';
import { abis, type Sys } from '../sys/index.ts';

/** What came of a try to use one filter. */
export interface Probe {
  readonly filter: string;
  /**
   * `works`: an event came. `registered`: the kernel took the knote, and this program cannot cause an event of it.
   * `silent`: the event did not come. `not probed`: the filter needs something that this program cannot make.
   */
  readonly result: 'works' | 'registered' | 'silent' | 'refused' | 'not on this system' | 'not probed';
  /** The errno, the systems that have the filter, or what it needs. */
  readonly detail?: string;
}

/** What a filter watches, made for the probe. */
interface Subject {
  readonly interest: Interest;
  /** Causes the event. Absent where the event is already there. */
  readonly fire?: (registration: UserRegistration) => void;
  readonly end?: () => void;
  /** Only the registration can be tried. */
  readonly mute?: boolean;
}

/** How long a probe waits for its event, in milliseconds. */
const EVENT_TIMEOUT_MS = 2000;

/** What the filter needs that this program cannot make. */
const needs: Readonly<Record<string, string>> = {
  MACHPORT: 'a Mach port',
  PROCDESC: 'a descriptor of pdfork(2)',
  DEVICE: 'a descriptor of a drm(4) device',
  JAIL: 'a jail',
  JAILDESC: 'a descriptor of jail_get(2)',
};

/** One of each filter, in the order of the man page, then those that few systems have. */
const subjects: Readonly<Record<string, (sys: Sys) => Subject>> = {
  READ: (sys) => {
    const [fd, peer] = socketPair();
    // End of file makes the other end readable.
    return { interest: read(fd), fire: () => sys.close(peer), end: () => sys.close(fd) };
  },
  WRITE: (sys) => {
    const [fd, peer] = socketPair();
    return { interest: write(fd), end: () => closeAll(sys, fd, peer) };
  },
  VNODE: () => {
    const folder = mkdtempSync(join(tmpdir(), 'kqueue-ffi-'));
    const inside = join(folder, 'inside');
    return {
      interest: vnode(folder, { on: ['write'] }),
      fire: () => mkdirSync(inside),
      // Not recursively, because that needs a free descriptor.
      end: () => {
        if (existsSync(inside)) rmdirSync(inside);
        rmdirSync(folder);
      },
    };
  },
  PROC: () => {
    const child = sleeper();
    return { interest: proc(Number(child.pid)), fire: () => child.kill('SIGKILL'), end: () => child.kill('SIGKILL') };
  },
  SIGNAL: () => ({ interest: signal('SIGURG'), fire: () => process.kill(process.pid, 'SIGURG') }),
  TIMER: () => ({ interest: timer(1, { after: 1 }) }),
  USER: () => ({ interest: user(1), fire: (registration) => registration.trigger() }),
  EXCEPT: (sys) => {
    const [fd, peer] = socketPair();
    const { EVFILT_EXCEPT = 0, NOTE_OOB = 0 } = sys.abi.constants;
    const interest = raw({ ident: fd, filter: EVFILT_EXCEPT, fflags: NOTE_OOB });
    return { interest, mute: true, end: () => closeAll(sys, fd, peer) };
  },
  EMPTY: (sys) => {
    const [fd, peer] = socketPair();
    const interest = raw({ ident: fd, filter: sys.abi.constants['EVFILT_EMPTY'] ?? 0 });
    return { interest, end: () => closeAll(sys, fd, peer) };
  },
  FS: (sys) => {
    const interest = raw({ ident: 0, filter: sys.abi.constants['EVFILT_FS'] ?? 0, fflags: 0xffff });
    return { interest, mute: true };
  },
};

/** Tries each filter that a registration can reach. AIO, LIO and the filters that are private to a system are not among them. */
export async function probeAll(sys: Sys, kq: Kqueue): Promise<Probe[]> {
  const probes: Probe[] = [];
  for (const filter of [...Object.keys(subjects), ...Object.keys(needs)]) probes.push(await probe(sys, kq, filter));
  return probes;
}

async function probe(sys: Sys, kq: Kqueue, filter: string): Promise<Probe> {
  const constant = `EVFILT_${filter}`;
  const has = ({ constants, quirks }: Sys['abi']): boolean =>
    constants[constant] !== undefined && !quirks.unsupported.includes(constant);
  if (!has(sys.abi)) {
    const having = Object.values(abis).filter((abi) => abi.bindable && has(abi));
    return { filter, result: 'not on this system', detail: having.map(({ title }) => title).join(', ') };
  }
  const makeSubject = subjects[filter];
  if (makeSubject === undefined) return { filter, result: 'not probed', detail: `needs ${needs[filter]}` };
  let subject: Subject | undefined;
  let registration: Registration | undefined;
  try {
    subject = makeSubject(sys);
    [registration] = kq.register(subject.interest);
    if (subject.mute) return { filter, result: 'registered' };
    subject.fire?.(registration as UserRegistration);
    const events = await kq.wait({ timeout: EVENT_TIMEOUT_MS });
    return { filter, result: events.length > 0 ? 'works' : 'silent' };
  } catch (error) {
    if (error instanceof KqueueError) {
      const since = sys.abi.since[constant];
      const needed = since === undefined ? '' : ` (needs ${sys.abi.title} ${since})`;
      return { filter, result: 'refused', detail: `${error.code}${needed}` };
    }
    // The subject could not be made: no temporary folder, no free process.
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return { filter, result: 'not probed', detail: message };
  } finally {
    registration?.unregister();
    subject?.end?.();
  }
}

/** socketpair(2) of two connected stream sockets. Node has no call that returns two descriptors. */
function socketPair(): [number, number] {
  const { load } = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const socketpair = load(null).func('int socketpair(int domain, int type, int protocol, void *fds)');
  const fds = new Int32Array(2);
  // AF_UNIX and SOCK_STREAM are 1 on every system.
  if (socketpair(1, 1, 0, fds) === -1) throw Object.assign(new Error('socketpair(2) failed'), { code: 'EMFILE' });
  return [fds[0] as number, fds[1] as number];
}

function closeAll(sys: Sys, ...fds: readonly number[]): void {
  for (const fd of fds) sys.close(fd);
}

/** A child that runs until its standard input ends, so that it does not outlive this process. */
function sleeper(): ChildProcess {
  const child: ChildProcess = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
  // A failure shows in the missing pid.
  child.on('error', () => {});
  // Without a free descriptor there is no pipe either.
  child.stdin?.on('error', () => {});
  if (child.pid === undefined) throw Object.assign(new Error('cat(1) cannot be started'), { code: 'ENOENT' });
  return child;
}
