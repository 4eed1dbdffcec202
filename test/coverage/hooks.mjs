import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';

const root = new URL('../../', import.meta.url).href;

/** A hook of node:module. */
export async function load(url, context, nextLoad) {
  if (!url.startsWith(root) || !url.endsWith('.ts')) return nextLoad(url, context);
  const path = url.slice(root.length).replace(/ts$/, 'js');
  const built = new URL(`coverage/js/${path}`, root);
  // A test may have written a program of its own.
  const source = existsSync(built) ? readFileSync(built, 'utf8') : compile(fileURLToPath(url));
  return { format: 'module', source, shortCircuit: true };
}

function compile(file) {
  return transformSync(readFileSync(file, 'utf8'), { loader: 'ts', format: 'esm', target: 'node20.19' }).code;
}
