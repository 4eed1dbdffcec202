import { readFileSync } from 'node:fs';

/** Code that no test on Linux can run, or whose run the coverage cannot count. */
export interface Left {
  /** Under the root. */
  readonly file: string;
  /** A piece of one line that is in the file once: that line, and the block that it opens. */
  readonly code: string;
  readonly reason: string;
}

const OTHER_ARCHITECTURE = 'one half is for arm64, the other for x64';
const OF_A_BSD = 'only macOS and the BSDs have a kqueue in libc';
const FILTER_OF_A_BSD = 'only macOS or a BSD has the filter';
const BUN_OR_DENO = 'one half is for Bun or Deno, whose runs are not counted';
const WITHOUT_LIBUV = 'Node exports the functions of libuv, and Bun and Deno are not counted';
const NO_ERROR = 'the caught value is always an Error, which the type system does not know';
const FOR_THE_COMPILER = 'for the compiler: the value is never undefined here';
const MISTAKE = 'only a mistake in this program has no code';
const CLOSED = 'another thread would have to close the descriptor between two system calls';
const STATUS = 'Linux 6.15 and later report the status of each process';

/** test/fuzz/interrupt.ts stops JavaScript at each point of a bundle, and the coverage does not count a bundle. */
const STOPPED =
  'runs after JavaScript was stopped in a call: test/fuzz/interrupt.ts does that in a bundle, which is not counted';

export const left: readonly Left[] = [
  { file: 'src/cli/probe.ts', code: 'EXCEPT: (sys) => {', reason: FILTER_OF_A_BSD },
  { file: 'src/cli/probe.ts', code: 'EMPTY: (sys) => {', reason: FILTER_OF_A_BSD },
  { file: 'src/cli/probe.ts', code: 'FS: (sys) => {', reason: FILTER_OF_A_BSD },
  { file: 'src/cli/probe.ts', code: 'if (makeSubject === undefined) return', reason: FILTER_OF_A_BSD },
  { file: 'src/cli/probe.ts', code: 'if (subject.mute) return', reason: FILTER_OF_A_BSD },
  { file: 'src/cli/probe.ts', code: 'const needed = since === undefined', reason: FILTER_OF_A_BSD },
  { file: 'src/cli/probe.ts', code: 'if (code === undefined) throw error', reason: MISTAKE },
  { file: 'src/cli/main.ts', code: "if (!(one instanceof Error && 'code' in one)) throw error", reason: MISTAKE },
  {
    file: 'src/cli/arguments.ts',
    code: "if (code?.startsWith('ERR_PARSE_ARGS_')",
    reason: 'parseArgs() throws no other error',
  },
  { file: 'src/cli/abi.ts', code: '(blocks[0] ?? [])', reason: FOR_THE_COMPILER },
  { file: 'src/cli/doctor.ts', code: "?? '',", reason: FOR_THE_COMPILER },
  { file: 'src/cli/doctor.ts', code: "case 'registered':", reason: FILTER_OF_A_BSD },
  { file: 'src/cli/doctor.ts', code: "return paint('green', 'registered')", reason: FILTER_OF_A_BSD },
  { file: 'src/cli/doctor.ts', code: '    default:', reason: FILTER_OF_A_BSD },
  { file: 'src/cli/doctor.ts', code: "paint('dim', `not probed", reason: FILTER_OF_A_BSD },
  { file: 'src/cli/doctor.ts', code: 'if (binding.library === null) return', reason: OF_A_BSD },
  { file: 'src/cli/doctor.ts', code: 'runtime: bun !== undefined', reason: BUN_OR_DENO },
  { file: 'src/cli/doctor.ts', code: 'if (bun !== undefined) return', reason: BUN_OR_DENO },
  { file: 'src/cli/doctor.ts', code: 'if (deno !== undefined) return', reason: BUN_OR_DENO },
  { file: 'src/cli/doctor.ts', code: "if (typeof report?.getReport !== 'function')", reason: BUN_OR_DENO },
  { file: 'src/cli/doctor.ts', code: 'return userLimits?.open_files?.soft', reason: BUN_OR_DENO },
  { file: 'src/cli/wait.ts', code: 'if (status?.signal !== undefined) return', reason: STATUS },
  { file: 'src/cli/wait.ts', code: 'has ended, but this system does not report', reason: STATUS },
  { file: 'src/cli/wait.ts', code: 'return STATUS_UNKNOWN', reason: STATUS },
  {
    file: 'src/cli/wait.ts',
    code: "if (code !== 'ESRCH') throw error",
    reason: 'Linux lets a process watch every other process',
  },
  { file: 'src/knotes.ts', code: 'if (!(error instanceof KqueueError)) throw error', reason: STOPPED },
  { file: 'src/knotes.ts', code: 'const isUnknown = uncertain !== undefined', reason: STOPPED },
  {
    file: 'src/knotes.ts',
    code: 'throw errno === undefined ? error',
    reason: 'open(2) refuses a path that a builder has accepted only with an errno',
  },
  { file: 'src/knotes.ts', code: 'error instanceof Error ? error.message : String(error)', reason: NO_ERROR },
  { file: 'src/kqueue.ts', code: 'registered(fired)?.kevent.udata ?? 0', reason: 'the knote has just been registered' },
  { file: 'src/loop.ts', code: 'if (this.#copy === -1) this.#copy = duplicate', reason: STOPPED },
  { file: 'src/recipes/text-file.ts', code: "this.#partial = lines.pop() ?? ''", reason: FOR_THE_COMPILER },
  {
    file: 'src/waker.ts',
    code: 'if (wakefd === undefined) throw closedError()',
    reason: CLOSED,
  },
  { file: 'src/sys/descriptor.ts', code: 'if (fd !== -1) release(fd)', reason: STOPPED },
  {
    file: 'src/sys/descriptor.ts',
    code: "!== 'EBADF') throw error",
    reason: 'fstat(2) and close(2) fail with another errno only after an I/O error',
  },
  { file: 'src/sys/descriptor.ts', code: "dup3: linux ? (self.func('dup3'", reason: 'only Linux needs dup3(2)' },
  { file: 'src/sys/descriptor.ts', code: '=== undefined ? dup2(fd, slot) : dup3', reason: 'only Linux needs dup3(2)' },
  { file: 'src/sys/descriptor.ts', code: 'if (dup3 === undefined) fcntl(slot', reason: 'only Linux needs dup3(2)' },
  {
    file: 'src/sys/kevent-list.ts',
    code: 'if (end < bytes.length)',
    reason: 'no known struct kevent has padding at its end',
  },
  { file: 'src/sys/koffi.ts', code: '?? __filename', reason: 'only in a bundle, whose run is not counted' },
  { file: 'src/sys/koffi.ts', code: 'if (!(cause instanceof Error)) return String(cause)', reason: NO_ERROR },
  { file: 'src/sys/libuv.ts', code: 'return -1;', reason: WITHOUT_LIBUV },
  { file: 'src/sys/libuv.ts', code: 'backend ??= hasLibuv ?', reason: BUN_OR_DENO },
  { file: 'src/sys/libuv.ts', code: "if (process.platform !== 'linux') return", reason: OF_A_BSD },
  { file: 'src/sys/libuv.ts', code: 'if (backend === -1) return true', reason: WITHOUT_LIBUV },
  {
    file: 'src/sys/names.ts',
    code: 'if (constants.errno.EOPNOTSUPP !== undefined)',
    reason: 'Linux has EOPNOTSUPP, and Windows does not',
  },
  {
    file: 'src/sys/native.ts',
    code: 'if (abi.kevent.size % 8 !== 0',
    reason: 'it holds for each ABI, and measure() has refused a koffi that computes another layout',
  },
  { file: 'src/sys/native.ts', code: 'const reason = cause instanceof Error', reason: NO_ERROR },
  { file: 'src/sys/native.ts', code: 'const pollable = library === null', reason: OF_A_BSD },
  { file: 'src/sys/native.ts', code: 'if (pollable) unowned.length--', reason: OF_A_BSD },
  { file: 'src/sys/native.ts', code: 'name: library ?? abi.name', reason: OF_A_BSD },
  { file: 'src/sys/native.ts', code: 'pollable ? createTracked(calls.kqueue)', reason: OF_A_BSD },
  {
    file: 'src/sys/runtime.ts',
    code: 'return undefined;',
    reason: 'only Deno refuses to read an environment variable',
  },
  {
    file: 'src/sys/wakefd.ts',
    code: 'errno() !== EAGAIN ?',
    reason: 'another thread would have to close the descriptor between the check and the write',
  },
  { file: 'src/sys/trace.ts', code: 'if (error instanceof Error) error.message', reason: NO_ERROR },
  { file: 'src/sys/default-sys.ts', code: 'return error instanceof Error', reason: NO_ERROR },
  { file: 'src/sys/linux/constants.ts', code: 'if (value === undefined) throw', reason: 'abis.linux has all of them' },
  {
    file: 'src/sys/linux/descriptor-knote.ts',
    code: 'if (file === null) return EBADF',
    reason: CLOSED,
  },
  {
    file: 'src/sys/linux/descriptor-knote.ts',
    code: 'if (knote instanceof DescriptorKnote) knote.error',
    reason: 'a socket has no knote of another class, and attach() has removed the knotes of a closed descriptor',
  },
  { file: 'src/sys/linux/descriptor-knote.ts', code: 'override recover(): void {', reason: STOPPED },
  { file: 'src/sys/linux/descriptor-knote.ts', code: 'if (this.file !== null) this.detachFile()', reason: STOPPED },
  { file: 'src/sys/linux/epoll.ts', code: 'const STRIDE = packed', reason: OTHER_ARCHITECTURE },
  { file: 'src/sys/linux/epoll.ts', code: 'const DATA = packed', reason: OTHER_ARCHITECTURE },
  {
    file: 'src/sys/linux/epoll.ts',
    code: 'if (sizeof((packed ? pack : struct)(event))',
    reason: `koffi and the kernel agree; and ${OTHER_ARCHITECTURE}`,
  },
  {
    file: 'src/sys/linux/epoll.ts',
    code: "throw new Error('struct epoll_event has another size here')",
    reason: 'koffi and the kernel agree',
  },
  { file: 'src/sys/linux/inotify.ts', code: 'if (this.fd !== -1) release(this.fd)', reason: STOPPED },
  { file: 'src/sys/linux/inotify.ts', code: 'static repair(): void {', reason: STOPPED },
  { file: 'src/sys/linux/inotify.ts', code: '(this.#watches.get(number)?.asked ?? 0)', reason: FOR_THE_COMPILER },
  { file: 'src/sys/linux/knote.ts', code: 'recover(): void {', reason: STOPPED },
  {
    file: 'src/sys/linux/knote.ts',
    code: 'if (this.gone) return',
    reason: 'no source of events keeps a knote that is gone. If one did, this line prevents harm',
  },
  { file: 'src/sys/linux/proc.ts', code: 'if (this.#pidfd === -1) return', reason: STOPPED },
  {
    file: 'src/sys/linux/proc.ts',
    code: "if (fields[0] !== 'Z') return undefined",
    reason: 'another process would have to get the process ID between two system calls',
  },
  { file: 'src/sys/linux/queue.ts', code: 'if (error === EEXIST) error = this.readers.modify', reason: STOPPED },
  { file: 'src/sys/linux/queue.ts', code: 'resume(): void {', reason: STOPPED },
  {
    file: 'src/sys/linux/queue.ts',
    code: '#withdraw(filter: number, ident: number | bigint): boolean {',
    reason: STOPPED,
  },
  {
    file: 'src/sys/linux/queue.ts',
    code: '#repeat(eventlist: KeventList, nevents: number): number {',
    reason: STOPPED,
  },
  { file: 'src/sys/linux/queue.ts', code: 'if (this.#unreturned.length > 0 && (knote', reason: STOPPED },
  { file: 'src/sys/linux/queue.ts', code: 'if (this.#unreturned.length > 0) {', reason: STOPPED },
  { file: 'src/sys/linux/queue.ts', code: 'this.#repeated > 0 ? this.#unreturned', reason: STOPPED },
  { file: 'src/sys/linux/queue.ts', code: 'if (underway !== null) repair();', reason: STOPPED },
  { file: 'src/sys/linux/queue.ts', code: 'if (this.readinessFd !== -1) release', reason: STOPPED },
  {
    file: 'src/sys/linux/queue.ts',
    code: 'if (knote instanceof ProcKnote) knote',
    reason: 'every knote of EVFILT_PROC is one, which the type system does not know',
  },
  { file: 'src/sys/linux/signal.ts', code: 'if (watch === undefined) return;', reason: STOPPED },
  { file: 'src/sys/linux/signal.ts', code: 'if (watch.knotes.delete(this)) this.queue.loopBound--', reason: STOPPED },
  { file: 'src/sys/linux/syscalls.ts', code: 'const SYS_STATX =', reason: OTHER_ARCHITECTURE },
  { file: 'src/sys/linux/syscalls.ts', code: 'const [SYS_FSTATAT, LINKS', reason: OTHER_ARCHITECTURE },
  { file: 'src/sys/linux/timers.ts', code: '#sort(): void {', reason: STOPPED },
  { file: 'src/sys/linux/vnode.ts', code: 'if (stat === undefined) return;', reason: CLOSED },
];

/**
 * Returns the index of the line of an entry.
 * @throws Error if the file does not have the code, or has it more than once
 */
export function lineOf({ file, code }: Left): number {
  const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').split('\n');
  const [index, another] = source.flatMap((line, number) => (line.includes(code) ? [number] : []));
  if (index === undefined || another !== undefined) throw new Error(`left.ts: ${file} must have once: ${code}`);
  return index;
}
