// The kqueue built in for Linux, for tests that know what it is made of.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { abis, errnoName, type Kevent, KeventList, Timespec } from '../../src/sys/index.ts';
import { linuxSys } from '../../src/sys/linux/sys.ts';
import type { Sys } from '../../src/sys/sys.ts';

/** Why its tests are not run; false on Linux. */
export const noLinux: string | false = process.platform !== 'linux' && 'of the kqueue built in for Linux';

/** A function of libc, looked for at its first call: other systems, which read these files too, do not have each of them. */
export function ofLibc<Arguments extends unknown[]>(prototype: string): (...args: Arguments) => number {
  let bound: ((...args: Arguments) => number) | undefined;
  return (...args) => {
    bound ??= koffi.load(null).func(prototype) as unknown as (...args: Arguments) => number;
    return bound(...args);
  };
}

/** A constant of its ABI without the prefix, and several of them: `ADD|CLEAR`. */
export function constant(prefix: 'EVFILT' | 'EV' | 'NOTE', names: string): number {
  return names.split('|').reduce((bits, name) => {
    const value = abis.linux.constants[`${prefix}_${name}`];
    assert(value !== undefined, `${prefix}_${name}`);
    return bits | value;
  }, 0);
}

/** Names of the notes in one event of VNODE, sorted. */
export function notes(event: Kevent | undefined): string[] {
  const names = [
    'DELETE',
    'WRITE',
    'EXTEND',
    'ATTRIB',
    'LINK',
    'RENAME',
    'REVOKE',
    'TRUNCATE',
    'OPEN',
    'CLOSE',
    'CLOSE_WRITE',
    'READ',
  ];
  return names.filter((name) => ((event?.fflags ?? 0) & constant('NOTE', name)) !== 0).sort();
}

/** The notes of VNODE that do not have to be asked for one by one. */
export const ALL = 'DELETE|WRITE|EXTEND|ATTRIB|LINK|RENAME|REVOKE|TRUNCATE';

/** A change, its constants by name. */
interface Wanted {
  readonly ident: number | bigint;
  readonly filter: string;
  /** `ADD` if absent. */
  readonly flags?: string;
  readonly fflags?: string;
  readonly data?: number | bigint;
  readonly udata?: number | bigint;
}

let shared: Sys | undefined;

/** One queue. */
export class Queue {
  readonly sys: Sys;
  readonly fd: number;
  readonly #list: KeventList = new KeventList(64, abis.linux);

  constructor() {
    shared ??= linuxSys();
    this.sys = shared;
    this.fd = this.sys.kqueue();
    assert.notEqual(this.fd, -1, errnoName(this.sys.errno()));
  }

  /** Makes one change: the errno's name, or `ok`. */
  change({ ident, filter, flags = 'ADD', fflags = '', data = 0, udata = 0 }: Wanted): string {
    this.#list.set(0, {
      ident,
      filter: constant('EVFILT', filter),
      flags: constant('EV', flags),
      fflags: fflags === '' ? 0 : constant('NOTE', fflags),
      data,
      udata,
    });
    return this.sys.kevent(this.fd, this.#list, 1, null, 0, null) === -1 ? errnoName(this.sys.errno()) : 'ok';
  }

  /** What is there within so many milliseconds. */
  fetch(ms = 0): Kevent[] {
    const n = this.sys.kevent(this.fd, null, 0, this.#list, this.#list.length, Timespec.fromMillis(ms));
    assert.notEqual(n, -1, errnoName(this.sys.errno()));
    return [...this.#list].slice(0, n);
  }

  close(): void {
    this.sys.close(this.fd);
  }
}

/** Runs `body` with a queue and an empty folder, and closes what it opened through `open`. */
export function withQueue(
  body: (queue: Queue, folder: string, open: (path: string, flags?: number | string) => number) => void,
): void {
  const queue = new Queue();
  const folder = fs.mkdtempSync(join(tmpdir(), 'kqueue-'));
  const opened: number[] = [];
  const open = (path: string, flags: number | string = 'r'): number => {
    const fd = fs.openSync(path, flags);
    opened.push(fd);
    return fd;
  };
  try {
    body(queue, folder, open);
  } finally {
    queue.close();
    for (const fd of opened) {
      try {
        fs.closeSync(fd);
      } catch {
        // The test closed it.
      }
    }
    fs.rmSync(folder, { recursive: true });
  }
}
