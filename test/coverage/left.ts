/** Code that no test on Linux can run. */
export interface Left {
  /** Under the root. */
  readonly file: string;
  /** A piece of one line that is in the file once: that line, and the block that it opens. */
  readonly code: string;
  readonly reason: string;
}

const OTHER_ARCHITECTURE = 'one half is for arm64, the other for x64';
const OF_A_BSD = 'a kqueue of libc is of macOS and the BSDs';
const WITHOUT_LIBUV = 'Node itself exports what libuv has: only a program that has Node in it may not';
const NO_ERROR = 'nothing throws what is no Error; the type system does not know';

const FOR_THE_COMPILER = 'for the compiler: what the ABI lacks was refused before, or the queue would not be there';

export const left: readonly Left[] = [
  { file: 'src/change.ts', code: '(abi.constants[constant] ?? 0), 0)', reason: FOR_THE_COMPILER },
  { file: 'src/change.ts', code: '?? UNITS[0]', reason: 'every ABI has milliseconds' },
  { file: 'src/change.ts', code: 'fflags |= abi.constants[unit.constant] ?? 0', reason: FOR_THE_COMPILER },
  {
    file: 'src/registrar.ts',
    code: "const OPEN_FLAGS = process.platform === 'darwin'",
    reason: 'O_EVTONLY is of macOS',
  },
  {
    file: 'src/kqueue.ts',
    code: "this.#sys.abi.constants['EVFILT_USER'] ?? 0",
    reason: FOR_THE_COMPILER,
  },
  { file: 'src/kqueue.ts', code: 'find(fired)?.udata ?? 0', reason: 'the knote has just been registered' },
  { file: 'src/registrar.ts', code: 'return error instanceof Error ? error.message', reason: NO_ERROR },
  {
    file: 'src/receipts.ts',
    code: 'if (step === undefined) continue',
    reason: 'a receipt for a change that was not made: no kernel at hand has one',
  },
  {
    file: 'src/registrar.ts',
    code: "return interest.filter === 'vnode' ? `'",
    reason: 'no other interest has no ident',
  },
  {
    file: 'src/registrar.ts',
    code: 'return errno === undefined ? error',
    reason: 'what a builder has let through, open(2) refuses with an errno if at all',
  },
  {
    file: 'src/registrar.ts',
    code: "throw new KqueueError(EINVAL, 'sigaction'",
    reason: 'signal() has refused the two that Linux lets nobody catch',
  },
  { file: 'src/event.ts', code: 'const udata = this.#exact?.udata ?? 0n', reason: 'what shows its udata has it exact' },
  { file: 'src/signals.ts', code: 'if (!isMainThread()) return nothing', reason: OF_A_BSD },
  {
    file: 'src/notes.ts',
    code: "return having.length === 0 ? 'no system has it'",
    reason: 'every name that a builder takes is one that some system has',
  },
  {
    file: 'src/waker.ts',
    code: 'if (-errno !== EAGAIN) throw',
    reason: 'the descriptor is closed between the check of CLOSED and the write',
  },
  { file: 'src/signals.ts', code: 'holders.get(name) ?? 1', reason: 'it is let go by whoever held it' },
  {
    file: 'src/sys/names.ts',
    code: 'if (constants.errno.EOPNOTSUPP !== undefined)',
    reason: 'Linux has EOPNOTSUPP; Windows has not',
  },
  {
    file: 'src/sys/kevent-list.ts',
    code: 'if (end < bytes.length)',
    reason: 'no struct kevent that is known has padding at its end',
  },
  { file: 'src/sys/select.ts', code: 'return error instanceof Error', reason: NO_ERROR },
  { file: 'src/sys/native.ts', code: 'const reason = cause instanceof Error', reason: NO_ERROR },
  {
    file: 'src/sys/native.ts',
    code: 'if (abi.kevent.size % 8 !== 0',
    reason: 'holds for each ABI, and measure() has refused a koffi that lays it out otherwise',
  },
  { file: 'src/sys/koffi.ts', code: '?? __filename', reason: 'only in a bundle, whose run is not counted' },
  { file: 'src/sys/native.ts', code: 'const pollable = library === null', reason: OF_A_BSD },
  { file: 'src/sys/native.ts', code: 'name: library ?? abi.name', reason: OF_A_BSD },
  { file: 'src/sys/native.ts', code: 'pollable ? createTracked(calls.kqueue)', reason: OF_A_BSD },
  { file: 'src/sys/libuv.ts', code: 'return -1;', reason: WITHOUT_LIBUV },
  { file: 'src/sys/libuv.ts', code: 'if (backend === -1) return true', reason: WITHOUT_LIBUV },
  {
    file: 'src/sys/linux/constants.ts',
    code: 'if (value === undefined) throw',
    reason: 'abis.linux has every one of them',
  },
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
  {
    file: 'src/sys/linux/descriptor-knote.ts',
    code: 'if (file === null) return EBADF',
    reason: 'epoll has just known the descriptor; another thread would have to close it between two system calls',
  },
  {
    file: 'src/sys/linux/knote.ts',
    code: 'if (this.gone) return',
    reason: 'a knote that was let go is forgotten by whatever could make it active; should one not be, it does no harm',
  },
  {
    file: 'src/sys/linux/proc.ts',
    code: 'if (this.#pidfd === -1) return',
    reason: 'what has no pidfd is never detached',
  },
  {
    file: 'src/sys/linux/proc.ts',
    code: "if (fields[0] !== 'Z') return undefined",
    reason: 'the process would have to be waited for, and its number used again, since the kernel told of its end',
  },
  {
    file: 'src/sys/linux/descriptor-knote.ts',
    code: 'if (knote instanceof DescriptorKnote) knote.error',
    reason: 'a socket has no knote of another kind, and attach() has let go of what was stale',
  },
];
