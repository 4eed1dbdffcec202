import type { Sys } from '../../src/sys/sys.ts';

export type Pair = [number, number];

/** A process that waits until end() is called. */
export interface Child {
  readonly pid: number;
  /** Lets the process end. */
  end(): void;
  /** Its exit code or signal, as wait(2) reports it. Only for a child of this process. */
  readonly exited?: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

export interface ChildOptions {
  /** Ends with this code; 0 if absent. */
  readonly code?: number;
  /** Ends by killing itself with this signal (`SIGKILL`). */
  readonly signal?: string;
  /** Makes an orphan instead of a child of this process. */
  readonly orphan?: boolean;
  /** Ends by itself after so many milliseconds, without `end()`. */
  readonly after?: number;
  /** Before it ends, makes a process of its own. */
  readonly forks?: boolean;
  /** Before it ends, becomes another program. */
  readonly execs?: boolean;
}

/**
 * The system calls that cases make. Descriptors are those of the kernel that answers `sys.kevent`, close-on-exec and
 * non-blocking: a call that would have to wait throws an error with code EAGAIN. What fails throws an Error whose `code`
 * is the errno's name, as Node's do.
 */
export interface Calls {
  /** pipe(2): [the end to read, the end to write]. */
  pipe(): Pair;
  /** socketpair(2), AF_UNIX. */
  socketpair(type: 'stream' | 'datagram'): Pair;
  /** A TCP socket that listens on the loopback address, on a free port, with room for a few connections. */
  listen(): number;
  /** A TCP socket connected to that listener; returns when the connection stands in the listener's queue. */
  connect(listener: number): number;
  accept(listener: number): number;
  /** A TCP socket connected to nothing. */
  tcp(): number;
  /** Two UDP sockets on the loopback address, connected to each other. */
  udp(): Pair;
  shutdown(fd: number, how: 'read' | 'write'): void;
  /** Closes a TCP socket so that the other side gets ECONNRESET (SO_LINGER with a time of 0). */
  reset(fd: number): void;
  /** eventfd(2), its counter 0. */
  eventfd(): number;
  /** A pseudo-terminal: [master, slave], the slave in the line mode in which it starts. */
  pty(): Pair;
  /** read(2): at most `length` bytes; none at the end of the file. */
  read(fd: number, length: number): Uint8Array;
  write(fd: number, data: string | Uint8Array): number;
  dup(fd: number): number;
  /** dup2(2): returns `target`. */
  dup2(fd: number, target: number): number;
  /** A new, empty directory for this case's files: its path. */
  folder(): string;
  /** open(2): to read, to write, to append, both, or a new file for both. `r` also opens a directory. */
  open(path: string, how: 'r' | 'w' | 'a' | 'rw' | 'create'): number;
  /** lseek(2) from the start. */
  lseek(fd: number, offset: number): void;
  unlink(path: string): void;
  rename(from: string, to: string): void;
  link(from: string, to: string): void;
  chmod(path: string, mode: number): void;
  /** utimes(2): access and modification time to this many seconds since 1970. */
  utimes(path: string, seconds: number): void;
  truncate(path: string, length: number): void;
  mkdir(path: string): void;
  rmdir(path: string): void;
  mkfifo(path: string): void;
  /** poll(2) with no wait: whether `fd` is readable. */
  poll(fd: number): boolean;
  spawn(options: ChildOptions): Child;
  /** The number of a signal (`SIGHUP`). */
  signal(name: string): number;
  /** kill(2): sends the signal to this process. */
  kill(name: string): void;
  /** Runs `handler` for each such signal, instead of its default action, until the case is over. */
  handle(name: string, handler: () => void): void;
}

/** Every call's name. */
export const calls: readonly (keyof Calls)[] = [
  'pipe',
  'socketpair',
  'listen',
  'connect',
  'accept',
  'tcp',
  'udp',
  'shutdown',
  'reset',
  'eventfd',
  'pty',
  'read',
  'write',
  'dup',
  'dup2',
  'folder',
  'open',
  'lseek',
  'unlink',
  'rename',
  'link',
  'chmod',
  'utimes',
  'truncate',
  'mkdir',
  'rmdir',
  'mkfifo',
  'poll',
  'spawn',
  'signal',
  'kill',
  'handle',
];

/**
 * A kqueue, and the kernel behind it. It may be another kernel than this process's: its struct kevent, its filters'
 * numbers, its constants, its errno numbers and its descriptors are its own. Whatever call it lacks is left out, and the
 * cases that need it are gated.
 */
export interface World extends Partial<Calls> {
  /** The kqueue's name, as gates have it: `darwin freebsd openbsd netbsd dragonfly linux libkqueue`, or a new one. */
  readonly name: string;
  /** Its version, `10.1`. Gates that hold for some versions only hold where it is not said. */
  readonly version?: string;
  readonly sys: Sys;
  /** How many milliseconds one call takes. The runner measures it if absent. */
  readonly pace?: number;
  /** The kernel's errno numbers by name. */
  readonly errno: Readonly<Record<string, number>>;
  /** What its kernel has not, though its ABI has a name for it: filters (`PROC`) and constants (`NOTE_LOWAT`). */
  readonly lacks?: readonly string[];
  close(fd: number): void;
  /** Lets whatever needs the event loop happen: where a kqueue learns of signals from Node. Nothing if absent. */
  turn?(): Promise<void>;
  /** The kernel's wall clock, in milliseconds since 1970. Date.now() if absent. */
  now?(): number;
  /** Removes everything that a case has left, except descriptors: files, processes, handlers. */
  cleanup?(): void;
}

/** A World as a case sees it: with every call, some of which throw {@link Missing}. */
export interface Kernel extends Omit<World, keyof Calls>, Calls {
  /** What the case says it needs. */
  readonly needs: readonly string[];
  readonly pace: number;
  turn(): Promise<void>;
  now(): number;
  cleanup(): void;
}

/** A case asked for something that its world lacks. */
export class Missing extends Error {
  readonly what: string;

  constructor(what: string) {
    super(`no ${what}`);
    this.what = what;
  }
}

/**
 * A world for one case, which says what it needs: a call that it did not name throws. It knows every descriptor that the
 * case made, and `cleanup` closes those that are left.
 */
export function stage(world: World, needs: readonly string[], pace: number): Kernel {
  const { sys } = world;
  const open = new Set<number>();
  const queues = new Set<number>();
  const keep = (made: unknown): void => {
    for (const fd of Array.isArray(made) ? made : [made]) if (typeof fd === 'number') open.add(fd);
  };
  const staged: Record<string, unknown> = {
    name: world.name,
    version: world.version,
    pace,
    errno: world.errno,
    lacks: world.lacks,
    needs,
    turn: async (): Promise<void> => world.turn?.(),
    now: (): number => world.now?.() ?? Date.now(),
    close(fd: number): void {
      open.delete(fd);
      world.close(fd);
    },
    cleanup(): void {
      const quietly = (close: () => unknown): void => {
        try {
          close();
        } catch {
          // The case closed it by another way.
        }
      };
      for (const fd of queues) quietly(() => sys.close(fd));
      for (const fd of open) quietly(() => world.close(fd));
      world.cleanup?.();
    },
  };
  for (const name of calls) {
    staged[name] = (...args: unknown[]): unknown => {
      const call = world[name] as ((...args: unknown[]) => unknown) | undefined;
      if (call === undefined) throw new Missing(`${name}()`);
      if (!needs.includes(name) && !always.has(name)) throw new Error(`the case needs ${name}, and does not say so`);
      const result = call.apply(world, args);
      if (name === 'reset') open.delete(args[0] as number);
      if (makers.has(name)) keep(result);
      return result;
    };
  }
  staged.sys = {
    name: sys.name,
    abi: sys.abi,
    pollable: sys.pollable,
    kqueue(): number {
      const fd = sys.kqueue();
      if (fd >= 0) queues.add(fd);
      return fd;
    },
    kevent: (...args: Parameters<Sys['kevent']>): number => sys.kevent(...args),
    close(fd: number): number {
      queues.delete(fd);
      return sys.close(fd);
    },
    errno: (): number => sys.errno(),
  } satisfies Sys;
  return staged as unknown as Kernel;
}

/** What every kernel that has files or pipes has as well. */
const always: ReadonlySet<string> = new Set(['read', 'write']);

/** The calls that make descriptors. */
export const makers: ReadonlySet<string> = new Set([
  'pipe',
  'socketpair',
  'listen',
  'connect',
  'accept',
  'tcp',
  'udp',
  'eventfd',
  'pty',
  'dup',
  'dup2',
  'open',
] satisfies readonly (keyof Calls)[]);
