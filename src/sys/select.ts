import { namedLibrary, systemAbi } from './default.ts';
import { koffiFailure } from './koffi.ts';
import { abis } from './layout.ts';
import { linuxSys } from './linux/sys.ts';
import { bindKqueue } from './native.ts';
import type { Sys } from './sys.ts';
import { traceAsAsked } from './trace.ts';

let chosen: Sys | undefined;

/**
 * The running system's kqueue: libc's on macOS and the BSDs; on Linux the one built in, or the library that the
 * environment variable KQUEUE_LIBRARY names.
 * @throws Error that says why where there is none
 */
export function defaultSys(): Sys {
  chosen ??= traceAsAsked(select());
  return chosen;
}

function select(): Sys {
  if (systemAbi === undefined) throw unavailable(`${process.platform} has no kqueue(2), and none is built in for it`);
  const failure = koffiFailure();
  if (failure !== undefined) throw unavailable(failure);
  const library = namedLibrary();
  if (library !== undefined) return bindKqueue({ library, abi: abis.libkqueue });
  if (systemAbi === abis.linux) return linuxSys();
  return bindKqueue({ library: null, abi: systemAbi });
}

function unavailable(reason: string): Error {
  const advice = 'It runs on macOS, FreeBSD, OpenBSD, NetBSD, DragonFly and Linux, wherever koffi does.';
  return Object.assign(new Error(`No kqueue here: ${reason}. ${advice}`), {
    code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
  });
}

/** Why there is no kqueue here; undefined where there is one. */
export function unavailableReason(): string | undefined {
  try {
    defaultSys();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
