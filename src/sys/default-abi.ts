import { constants } from 'node:fs';
import { type Abi, abis } from './layout.ts';
import { environment } from './runtime.ts';

/** O_DIRECTORY of DragonFly's <fcntl.h>. FreeBSD's is 0x20000. */
const DRAGONFLY_O_DIRECTORY = 0x0800_0000;

/**
 * The ABI of a platform, as `process.platform` names it. Undefined if the platform has no kqueue(2).
 *
 * `process.platform` is `freebsd` on DragonFly. Node's constants of open(2) are those of the system that Node was compiled
 * for, so they distinguish the two systems. os.type() does not serve, because the environment variable UNAME_s changes it.
 * With the wrong ABI, whose record is too small, the kernel writes past the end of a list.
 */
export function abiOf(platform: string, directoryFlag: number): Abi | undefined {
  const byPlatform: Readonly<Record<string, Abi>> = {
    darwin: abis.darwin,
    freebsd: directoryFlag === DRAGONFLY_O_DIRECTORY ? abis.dragonfly : abis.freebsd,
    openbsd: abis.openbsd,
    netbsd: abis.netbsd,
    dragonfly: abis.dragonfly,
    linux: abis.linux,
  };
  return Object.hasOwn(byPlatform, platform) ? byPlatform[platform] : undefined;
}

/** The running system's ABI. Undefined if it has no kqueue(2) and this library has none for it. */
export const systemAbi: Abi | undefined = abiOf(process.platform, constants.O_DIRECTORY);

/**
 * The running system's ABI: its record layout, constants and symbols. `linux` on a system without kqueue(2), so that
 * a program can write and print records on every machine.
 *
 * KQUEUE_LIBRARY does not change it. The ABI of the kqueue in use is `defaultSys().abi`.
 */
export const abi: Abi = systemAbi ?? abis.linux;

let named: string | null | undefined;

/**
 * The library that the environment variable KQUEUE_LIBRARY names in place of the built-in kqueue. Only on Linux. Read at
 * the first use, because in Deno the read needs a permission.
 */
export function namedLibrary(): string | undefined {
  named ??= (process.platform === 'linux' && environment('KQUEUE_LIBRARY')) || null;
  return named ?? undefined;
}

/** The ABI of the default kqueue, without loading koffi. */
export function defaultAbi(): Abi {
  return namedLibrary() === undefined ? abi : abis.libkqueue;
}
