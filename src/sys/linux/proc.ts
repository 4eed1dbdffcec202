import { createOwn, release } from '../descriptor.ts';
import { EV_EOF, EV_ONESHOT, NOTE_EXIT } from './constants.ts';
import { asKqueueErrno, EPOLLET, EPOLLIN } from './epoll.ts';
import { type Change, Knote, type Source } from './knote.ts';
import { EINVAL, ENOENT, ESRCH, errno, libc, readProc, SYS_PIDFD_OPEN, scratch, scratchAddress } from './syscalls.ts';

const P_PIDFD = 3;
const WEXITED_NOHANG_NOWAIT = 0x4 | 0x1 | 0x0100_0000;
const CLD_EXITED = 1;
const CLD_DUMPED = 3;
const CORE_DUMPED = 0x80;
/** _IOWR(0xff, 11, struct pidfd_info), Linux 6.13: 64 bytes. */
const PIDFD_GET_INFO = 0xc040_ff0b;
const PIDFD_INFO_EXIT = 1 << 3;
const INT_MAX = 2 ** 31 - 1;

/** What data says when the kernel gives the status to nobody but the parent: no wait(2) status is negative. */
const UNKNOWN = -1;

/**
 * EVFILT_PROC. NOTE_EXIT of any process, through pidfd_open(2), Linux 5.3. data: the status as wait(2) has it, or -1 where
 * it cannot be seen. The status is only looked at: the parent, Node for one, still gets it.
 */
export class ProcKnote extends Knote implements Source {
  #pidfd = -1;
  #name = 0;
  #exited = false;

  attach(): number {
    const pid = Number(this.ident);
    if ((this.fflags & ~NOTE_EXIT) >>> 0 !== 0) return EINVAL;
    if (!(pid >= 1 && pid <= INT_MAX)) return ESRCH;
    const pidfd = createOwn(() => libc.syscall(SYS_PIDFD_OPEN, pid, 0, 0, 0, 0, 0));
    if (pidfd === -1) {
      const error = errno();
      // EINVAL, ENOENT: the number is a thread's, which is no process.
      return error === EINVAL || error === ENOENT ? ESRCH : asKqueueErrno(error);
    }
    this.#pidfd = pidfd;
    this.#name = this.queue.name(this);
    const error = this.queue.readers.add(this.#pidfd, EPOLLIN | EPOLLET, this.#name);
    if (error !== 0) {
      this.detach();
      return asKqueueErrno(error);
    }
    this.flags |= EV_ONESHOT;
    return 0;
  }

  override change(change: Change): number {
    return (change.fflags & ~NOTE_EXIT) >>> 0 === 0 ? super.change(change, true) : EINVAL;
  }

  ready(): void {
    this.#exited = true;
    this.activate();
  }

  detach(): void {
    if (this.#pidfd === -1) return;
    release(this.#pidfd);
    this.#pidfd = -1;
    this.queue.forget(this.#name);
  }

  event(): boolean {
    if (!this.#exited) return false;
    this.outFlags = EV_EOF;
    this.outFflags = this.fflags;
    this.outData = exitStatus(this.#pidfd, Number(this.ident));
    return true;
  }
}

/** The wait(2) status of a process that has exited, without reaping it. */
function exitStatus(pidfd: number, pid: number): number {
  // Our own child that nobody has waited for: waitid(2) shows it. siginfo_t: si_code at 8, si_status at 24.
  scratch.fill(0, 0, 32);
  if (libc.waitid(P_PIDFD, pidfd, scratchAddress, WEXITED_NOHANG_NOWAIT) === 0 && scratch[0] !== 0) {
    const [code, status] = [scratch[2] as number, scratch[6] as number];
    if (code === CLD_EXITED) return status << 8;
    return code === CLD_DUMPED ? status | CORE_DUMPED : status;
  }
  // Reaped: the pidfd remembers, from Linux 6.15 on. Not reaped, and another's child: /proc says, to whom may trace it.
  return reapedStatus(pidfd) ?? zombieStatus(pid) ?? reapedStatus(pidfd) ?? UNKNOWN;
}

function reapedStatus(pidfd: number): number | undefined {
  scratch.fill(0, 0, 16);
  scratch[0] = PIDFD_INFO_EXIT;
  if (libc.ioctl(pidfd, PIDFD_GET_INFO, scratchAddress) === -1) return undefined;
  return ((scratch[0] as number) & PIDFD_INFO_EXIT) === 0 ? undefined : scratch[15];
}

/** proc_pid_stat(5): state is the third field, exit_code the 52nd; the second, in parentheses, may hold anything. */
function zombieStatus(pid: number): number | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  // ENOENT: reaped meanwhile. EACCES: /proc is mounted with hidepid.
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] !== 'Z') return undefined;
  const status = Number(fields[49]);
  // 0 is what it also shows to whoever may not trace the process.
  return status > 0 ? status : undefined;
}
