import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * A worker that runs a TypeScript file. Node 20 does not run `--import` in workers, so where tsx is this thread's loader
 * the worker is told to load it; elsewhere Node strips the types by itself.
 */
export function typescriptWorker(file: URL, options: WorkerOptions = {}): Worker {
  const tsx = process.execArgv.some((argument) => argument.includes('tsx'));
  const load = tsx ? "import('tsx/esm/api').then(({ register }) => register())" : 'Promise.resolve()';
  return new Worker(`${load}.then(() => import(${JSON.stringify(file.href)}))`, { ...options, eval: true });
}
