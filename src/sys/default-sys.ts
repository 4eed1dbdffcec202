import { namedLibrary, systemAbi } from './default-abi.ts';
import { koffiFailure } from './koffi.ts';
import { abis } from './layout.ts';
import { linuxSys } from './linux/sys.ts';
import { bindKqueue } from './native.ts';
import type { Sys } from './sys.ts';
import { traceFromEnvironment } from './trace.ts';

let chosen: Sys | undefined;

/**
 * Returns the kqueue of the running system, the same object on each call. On macOS and the BSDs it is libc's. On Linux it
 * is the built-in one, or the library that the environment variable KQUEUE_LIBRARY names.
 *
 * With KQUEUE_TRACE=1 in the environment, the result is traced (`traceSys()`).
 *
 * @throws Error there is no kqueue on this machine, with the reason
 */
export function defaultSys(): Sys {
  chosen ??= traceFromEnvironment(findSys());
  return chosen;
}

function findSys(): Sys {
  if (systemAbi === undefined) throw unavailable(`${process.platform} has no kqueue(2)`);
  const failure = koffiFailure();
  if (failure !== undefined) throw unavailable(failure);
  const library = namedLibrary();
  if (library !== undefined) return bindKqueue({ library, abi: abis.libkqueue });
  if (systemAbi === abis.linux) return linuxSys();
  return bindKqueue({ library: null, abi: systemAbi });
}

function unavailable(reason: string): Error {
  const advice = 'kqueue-ffi runs on macOS, FreeBSD, OpenBSD, NetBSD, DragonFly and Linux, where koffi runs.';
  return Object.assign(new Error(`No kqueue here: ${reason}. ${advice}`), {
    code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
  });
}

/** Returns the reason why there is no kqueue on this machine, or undefined if there is one. Loads koffi. */
export function unavailableReason(): string | undefined {
  try {
    defaultSys();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
