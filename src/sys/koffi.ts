import { createRequire } from 'node:module';

type Koffi = typeof import('koffi');

let loaded: Koffi | undefined;
let failure: Error | undefined;

/**
 * Loads koffi at the first use, because koffi throws where it has no binary for the machine. Importing this library must
 * succeed on every machine.
 */
export function koffi(): Koffi {
  if (loaded !== undefined) return loaded;
  failure ??= load();
  if (failure !== undefined) throw failure;
  return loaded as unknown as Koffi;
}

/** The reason why koffi cannot be loaded. Undefined if it can. */
export function koffiFailure(): string | undefined {
  if (loaded === undefined) failure ??= load();
  return failure?.message;
}

function load(): Error | undefined {
  try {
    // import.meta is empty where a bundler has converted this file to CommonJS.
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
  // The text goes on after the message.
  const reason = cause.message.replace(/\.$/, '');
  const disabled = (cause as NodeJS.ErrnoException).code === 'ERR_DLOPEN_DISABLED';
  return disabled ? `${reason} (with --permission, Node also needs --allow-addons)` : reason;
}
