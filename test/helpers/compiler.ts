import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { abi } from '../../src/sys/index.ts';

/** Why there is no TypeScript compiler, or false. The compiler is a native program, and not every system has one. */
export function compilerMissing(): string | false {
  // Node says there that its platform is FreeBSD, so npm installs FreeBSD's compiler.
  if (abi.name === 'dragonfly') return 'no TypeScript compiler for DragonFly';
  try {
    import.meta.resolve(`@typescript/typescript-${process.platform}-${process.arch}/package.json`);
    return false;
  } catch {
    return `no TypeScript compiler for ${process.platform}-${process.arch}`;
  }
}

/** Compiles the project in a folder with tsc. */
export function compile(folder: string): { readonly status: number | null; readonly output: string } {
  const tsc = join(dirname(fileURLToPath(import.meta.resolve('typescript/package.json'))), 'bin', 'tsc');
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}
