import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What the benchmark runs: everything is made anew in a temporary folder. */
export interface Built {
  readonly folder: string;
  /** The program of a process that measures. */
  readonly child: string;
  /** The library as it is published: for what importing costs. */
  readonly dist: string;
  readonly loop: string | undefined;
  readonly addon: string | undefined;
  /** Why there are no baselines in C. */
  readonly withoutC: string | undefined;
}

/**
 * The library and the benchmark as JavaScript, bundled as `npm run build` does it for publishing; the library in files of its
 * own, as it has entries of its own. The published library itself, for what importing costs. And the baselines in C.
 */
export function build(): Built {
  run('npm', ['run', 'build']);
  const folder = mkdtempSync(join(tmpdir(), 'kqueue-ffi-bench-'));
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const entries = ['test/bench/child.ts', 'src/index.ts', 'src/sys/index.ts'].map((path) => join(root, path));
  const options = ['--bundle', '--splitting', '--format=esm', '--platform=node', '--target=node20.19'];
  try {
    run(join(root, 'node_modules/.bin/esbuild'), [
      ...entries,
      ...options,
      '--packages=external',
      `--outbase=${root}`,
      `--outdir=${folder}`,
    ]);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  const dist = join(root, 'dist');
  const child = join(folder, 'test/bench/child.js');
  const [loop, addon] = [join(folder, 'loop.so'), join(folder, 'addon.node')];
  const withoutC = compile('loop.c', loop) ?? compile('addon.c', addon);
  return withoutC === undefined
    ? { folder, child, dist, loop, addon, withoutC }
    : { folder, child, dist, loop: undefined, addon: undefined, withoutC };
}

function run(program: string, args: readonly string[]): void {
  const { status, error, stdout, stderr } = spawnSync(program, args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')}: ${error?.message ?? stdout}${stderr}`);
}

/** Why it was not compiled; undefined if it was. */
function compile(source: string, target: string): string | undefined {
  const path = fileURLToPath(new URL(`baselines/${source}`, import.meta.url));
  // The addon's calls are those of the process that loads it.
  const late = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : [];
  const made = spawnSync('cc', ['-O2', '-shared', '-fPIC', '-o', target, path, ...late], { encoding: 'utf8' });
  if (made.error !== undefined) return `no C compiler: ${made.error.message}`;
  return made.status === 0 ? undefined : `cc cannot compile ${source}: ${made.stderr}`;
}
