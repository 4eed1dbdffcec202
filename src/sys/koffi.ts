import { createRequire } from 'node:module';

type Koffi = typeof import('koffi');

let loaded: Koffi | undefined;
let failure: Error | undefined;

/**
 * koffi, loaded at the first use: it throws where it has no binary for the machine, and importing this library must work
 * everywhere.
 */
export function koffi(): Koffi {
  if (loaded !== undefined) return loaded;
  failure ??= load();
  if (failure !== undefined) throw failure;
  return loaded as unknown as Koffi;
}

/** Why koffi cannot be used here; undefined where it can. */
export function koffiFailure(): string | undefined {
  if (loaded === undefined) failure ??= load();
  return failure?.message;
}

function load(): Error | undefined {
  try {
    // A bundler that makes CommonJS of this leaves import.meta empty.
    const module = createRequire(import.meta.url ?? __filename)('koffi') as Koffi;
    if (module.sizeof('void *') !== 8) return new Error('kqueue-ffi needs a 64-bit process');
    loaded = module;
    return undefined;
  } catch (cause) {
    return new Error(`koffi cannot be loaded on ${process.platform}-${process.arch}: ${reasonOf(cause)}`, { cause });
  }
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // The sentences of others end with a full stop, and this one goes on.
  const reason = cause.message.replace(/\.$/, '');
  const disabled = (cause as NodeJS.ErrnoException).code === 'ERR_DLOPEN_DISABLED';
  return disabled ? `${reason} (with --permission, Node also needs --allow-addons)` : reason;
}
