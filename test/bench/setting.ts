import { defaultSys, type Sys } from '../../src/sys/index.ts';

/** What the process that measures is told: its only argument, as JSON. */
export interface Setting {
  readonly measurement: string;
  /** The kqueue that this process measures: `linux` (the one built in), `libkqueue`, `darwin`, `freebsd`. */
  readonly kqueue: string;
  /** A smoke run: it shows that everything runs, and its times mean nothing. */
  readonly quick: boolean;
  /** loop.c, compiled; undefined where there is no compiler. */
  readonly loop: string | undefined;
  /** addon.c, compiled. */
  readonly addon: string | undefined;
  /** The library as JavaScript, as it is published. */
  readonly dist: string;
  /** For temporary files; whoever started the process removes it. */
  readonly folder: string;
}

/** Whether this process measures the kqueue that is made of epoll. */
export function isBuiltIn(setting: Setting): boolean {
  return setting.kqueue === 'linux';
}

/** Where the C of this kqueue is: what dlopen(3) takes, "" for the process itself, and the names of its calls. */
export function nativeOf(sys: Sys = defaultSys()): { library: string; kqueue: string; kevent: string } {
  const { kqueue, kevent } = sys.abi.symbols;
  return { library: sys.name === sys.abi.name ? '' : sys.name, kqueue, kevent };
}
