// The tests as JavaScript. A process that compiles TypeScript takes four times the processor time of one that runs a bundle,
// and the tests start hundreds of processes.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { BuildOptions } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** How a test names a program or a module for another process or thread. */
const PROGRAM = /\bnew URL\(\s*'([^']+\.ts)',\s*import\.meta\.url,?\s*\)/g;

/** The absolute paths of all TypeScript files in a folder of this repository. */
export function typescriptFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(root, folder, file))
    .sort();
}

/** The files that the tests name with `new URL('name', import.meta.url)`. */
export function programs(): string[] {
  const named = typescriptFiles('test').flatMap((file) => {
    const matches = readFileSync(file, 'utf8').matchAll(PROGRAM);
    return [...matches].map(([, path = '']) => join(dirname(file), path));
  });
  return [...new Set(named)];
}

/**
 * Bundles each of the files into the folder, which must be in this repository. Returns the paths of the bundles.
 *
 * `import.meta.url` stays the URL of the source file, so a test finds its files. `new URL('name', import.meta.url)` is the
 * URL of the bundle of that file where that is one of the programs, which are bundled, too. One process may load several
 * programs, so these share their modules. The files do not, because esbuild then changes the order in which modules run.
 */
export async function bundle(
  files: readonly string[],
  folder: string,
  programs: readonly string[] = [],
): Promise<string[]> {
  const bundled = (file: string): string => join(folder, relative(root, file).replace(/\.ts$/, '.js'));
  const { build } = await import('esbuild');
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const options: BuildOptions = {
    absWorkingDir: root,
    outbase: root,
    outdir: folder,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    external: Object.keys({ ...dependencies, ...devDependencies }),
    // The package itself is found in its sources: see "exports" in package.json.
    conditions: ['kqueue-ffi-source'],
    // package.json says that no module has side effects. That is true of src/ alone.
    ignoreAnnotations: true,
    keepNames: true,
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'warning',
    plugins: [
      {
        name: 'source URLs',
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, ({ path }) => {
            if (!/^(test|examples)\b/.test(relative(root, path))) return undefined;
            const contents = readFileSync(path, 'utf8')
              .replaceAll(PROGRAM, (expression, name: string) => {
                const file = join(dirname(path), name);
                return programs.includes(file) ? `new URL('${pathToFileURL(bundled(file)).href}')` : expression;
              })
              .replaceAll(/\bimport\.meta\.url\b/g, `'${pathToFileURL(path).href}'`);
            return { contents, loader: 'ts' };
          });
        },
      },
    ],
  };
  const others = programs.filter((file) => !files.includes(file));
  await build({ ...options, entryPoints: [...files] });
  await build({ ...options, entryPoints: others, splitting: true });
  return files.map(bundled);
}
