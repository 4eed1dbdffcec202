import type { Kevent } from '../abi/types.ts';
import { createOwn, release, unowned } from '../descriptor.ts';
import { EV_EOF, EV_ONESHOT, NOTE_EXIT } from './constants.ts';
import { asKqueueErrno, EPOLLET, EPOLLIN } from './epoll.ts';
import { type EpollSource, Knote } from './knote.ts';
import {
  EINVAL,
  ENOENT,
  ENOSYS,
  ESRCH,
  errno,
  isMissingCall,
  libc,
  POLLIN,
  pollNow,
  readLink,
  readProc,
  SYS_PIDFD_OPEN,
  SYS_PIDFD_SEND_SIGNAL,
  scratch,
  scratchAddress,
} from './syscalls.ts';

const P_PIDFD = 3;
const WEXITED_NOHANG_NOWAIT = 0x4 | 0x1 | 0x0100_0000;
const CLD_EXITED = 1;
const CLD_DUMPED = 3;
const CORE_DUMPED = 0x80;
/** _IOWR(0xff, 11, struct pidfd_info), Linux 6.13: 64 bytes. */
const PIDFD_GET_INFO = 0xc040_ff0b;
const PIDFD_INFO_EXIT = 1 << 3;
const INT_MAX = 2 ** 31 - 1;

/** data if this process cannot see the status. A wait(2) status is never negative. */
const UNKNOWN = -1;

/**
 * EVFILT_PROC. NOTE_EXIT of any process, by pidfd_open(2) of Linux 5.3. data is the status of wait(2), or -1 if this process
 * cannot see it. The knote does not reap the process, so the parent, for example Node, still gets the status.
 */
export class ProcKnote extends Knote implements EpollSource {
  #pidfd = -1;
  #key = 0;
  #exited = false;
  #status = UNKNOWN;

  attach(): number {
    const pid = Number(this.ident);
    if ((this.fflags & ~NOTE_EXIT) >>> 0 !== 0) return EINVAL;
    if (!(pid >= 1 && pid <= INT_MAX)) return ESRCH;
    const pidfd = createOwn(() => libc.syscall(SYS_PIDFD_OPEN, pid, 0, 0, 0, 0, 0));
    if (pidfd === -1) {
      const error = errno();
      if (isMissingCall(error)) return ENOSYS;
      // EINVAL, ENOENT: the number belongs to a thread that does not lead a process.
      return error === EINVAL || error === ENOENT ? ESRCH : asKqueueErrno(error);
    }
    this.#pidfd = pidfd;
    unowned.length--;
    this.#key = this.queue.newKey(this);
    const error = this.queue.readers.add(this.#pidfd, EPOLLIN | EPOLLET, this.#key);
    if (error !== 0) {
      this.detach();
      return asKqueueErrno(error);
    }
    this.flags |= EV_ONESHOT;
    return 0;
  }

  override change(change: Kevent): number {
    return (change.fflags & ~NOTE_EXIT) >>> 0 === 0 ? super.change(change, true) : EINVAL;
  }

  ready(): void {
    this.#exited = true;
    this.activate();
    // Not at the fetch, because before Linux 6.15 the status is lost when the parent reaps the process.
    this.#takeStatus();
  }

  /** Reads the status if the process has exited. */
  takeStatus(): void {
    if ((pollNow(this.#pidfd, POLLIN) & POLLIN) !== 0) this.#takeStatus();
  }

  /** Reads the status until it is known. A status that was read before the process was reaped is still valid afterwards. */
  #takeStatus(): void {
    if (this.#status === UNKNOWN) this.#status = exitStatus(this.#pidfd, Number(this.ident));
  }

  detach(): void {
    if (this.#pidfd === -1) return;
    this.queue.forgetKey(this.#key);
    release(this.#pidfd);
    this.#pidfd = -1;
  }

  event(): boolean {
    if (!this.#exited) return false;
    this.outFlags = EV_EOF;
    this.outFflags = this.fflags;
    // A hidden status may now be visible: since Linux 6.15, the pidfd has it after the process is reaped.
    this.#takeStatus();
    this.outData = this.#status;
    return true;
  }
}

/** The wait(2) status of a process that has exited. Does not reap the process. */
function exitStatus(pidfd: number, pid: number): number {
  // The pidfd is read twice, because the process may be reaped after the first time.
  return childStatus(pidfd) ?? reapedStatus(pidfd) ?? zombieStatus(pidfd, pid) ?? reapedStatus(pidfd) ?? UNKNOWN;
}

/** The status of a child of this process that is not reaped. waitid(2) accepts a pidfd since Linux 5.4. */
function childStatus(pidfd: number): number | undefined {
  // siginfo_t: si_signo at 0, si_code at 8, si_status at 24.
  scratch.fill(0, 0, 32);
  // ECHILD: it is not a child of this process, or it was reaped.
  if (libc.waitid(P_PIDFD, pidfd, scratchAddress, WEXITED_NOHANG_NOWAIT) === -1 || scratch[0] === 0) return undefined;
  const [code, status] = [scratch[2] as number, scratch[6] as number];
  if (code === CLD_EXITED) return status << 8;
  return code === CLD_DUMPED ? status | CORE_DUMPED : status;
}

/** The status of a reaped process. Its pidfd has it since Linux 6.15. Before, ENOTTY or no PIDFD_INFO_EXIT. */
function reapedStatus(pidfd: number): number | undefined {
  scratch.fill(0, 0, 16);
  scratch[0] = PIDFD_INFO_EXIT;
  if (libc.ioctl(pidfd, PIDFD_GET_INFO, scratchAddress) === -1) return undefined;
  return ((scratch[0] as number) & PIDFD_INFO_EXIT) === 0 ? undefined : scratch[15];
}

/**
 * The status of any process that is not reaped, from proc_pid_stat(5). A process that may trace it can see the status. state
 * is the third field and exit_code the 52nd. The second field, in parentheses, may contain any character.
 */
function zombieStatus(pidfd: number, pid: number): number | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  // ENOENT: reaped, or /proc is mounted with hidepid.
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] !== 'Z') return undefined;
  const status = Number(fields[49]);
  // A process that may not trace it sees 0. For it, the link to the program is EACCES. For others it is ENOENT.
  if (status === 0 && (readLink(`/proc/${pid}/exe`) !== undefined || errno() !== ENOENT)) return undefined;
  // Signal 0 succeeds only if the process is not reaped yet. Then its pid has not belonged to another process.
  return libc.syscall(SYS_PIDFD_SEND_SIGNAL, pidfd, 0, 0, 0, 0, 0) === 0 ? status : undefined;
}
