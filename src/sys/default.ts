import { constants } from 'node:fs';
import { type Abi, abis } from './layout.ts';

/** O_DIRECTORY of DragonFly's <fcntl.h>. FreeBSD's is 0x20000. */
const DRAGONFLY_O_DIRECTORY = 0x0800_0000;

/**
 * The ABI of a platform, as Node spells the platform. Node takes DragonFly for a FreeBSD, but the constants of open(2) are
 * those of the system that Node was compiled for. An environment variable, as UNAME_s is one for os.type(), must not decide
 * this: with a record that is too small, the kernel writes past a list.
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

/** The running system's ABI; undefined where it has no kqueue and none is built in. */
export const systemAbi: Abi | undefined = abiOf(process.platform, constants.O_DIRECTORY);

/**
 * The running system's ABI, or `linux` where it has no kqueue, so that a record can be laid out and looked at anywhere. A
 * library that KQUEUE_LIBRARY names has another one: `defaultSys().abi`.
 */
export const abi: Abi = systemAbi ?? abis.linux;

let named: string | null | undefined;

/**
 * The library that KQUEUE_LIBRARY names, instead of the built-in kqueue: Linux only. Read at the first use, because Deno
 * asks for a permission.
 */
export function namedLibrary(): string | undefined {
  named ??= (process.platform === 'linux' && fromEnvironment()) || null;
  return named ?? undefined;
}

function fromEnvironment(): string | undefined {
  try {
    return process.env['KQUEUE_LIBRARY'];
  } catch {
    // Deno without --allow-env=KQUEUE_LIBRARY: then the variable does not count.
    return undefined;
  }
}

/** The ABI of the kqueue that is used unless another is given. */
export function defaultAbi(): Abi {
  return namedLibrary() === undefined ? abi : abis.libkqueue;
}
