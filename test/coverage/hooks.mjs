import { readFile } from 'node:fs/promises';

const root = new URL('../../', import.meta.url).href;

/** A hook of node:module. */
export async function load(url, context, nextLoad) {
  if (!url.startsWith(root) || !url.endsWith('.ts')) return nextLoad(url, context);
  const path = url.slice(root.length).replace(/ts$/, 'js');
  const source = await readFile(new URL(`coverage/js/${path}`, root), 'utf8');
  return { format: 'module', source, shortCircuit: true };
}
