import { closeSync, openSync, readSync } from 'node:fs';
import { type Abi, abis } from './layout.ts';

/** The library that KQUEUE_LIBRARY names, instead of the kqueue built in: Linux only. */
export const library: string | undefined = (process.platform === 'linux' && process.env['KQUEUE_LIBRARY']) || undefined;

/**
 * Node takes DragonFly for a FreeBSD. Its own ELF file does not: it names the system's dynamic linker. An environment
 * variable, as UNAME_s is one for os.type(), must not decide this: with a record too small the kernel writes past a list.
 */
function isDragonfly(): boolean {
  const head = Buffer.alloc(4096);
  const file = openSync(process.execPath, 'r');
  try {
    readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  return head.includes('/usr/libexec/ld-elf.so.2\0');
}

/** Which ABI belongs to a platform, as Node spells the platform. */
const byPlatform: Readonly<Record<string, Abi>> = {
  darwin: abis.darwin,
  freebsd: process.platform === 'freebsd' && isDragonfly() ? abis.dragonfly : abis.freebsd,
  openbsd: abis.openbsd,
  netbsd: abis.netbsd,
  dragonfly: abis.dragonfly,
  linux: library === undefined ? abis.linux : abis.libkqueue,
};

/** The running system's ABI; undefined where it has no kqueue and none is built in. */
export const systemAbi: Abi | undefined = byPlatform[process.platform];

/** {@link systemAbi}, or `linux` in its place, so that a record can be laid out and looked at anywhere. */
export const defaultAbi: Abi = systemAbi ?? abis.linux;
