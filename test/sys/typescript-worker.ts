import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * A worker that runs a TypeScript file. Node 20 does not run `--import` in workers, so the worker is told to load what
 * this thread's loader is; where there is none Node strips the types by itself.
 */
export function typescriptWorker(file: URL, options: WorkerOptions = {}): Worker {
  const loader = process.execArgv.find((_, index) => process.execArgv[index - 1] === '--import');
  const tsx = process.execArgv.some((argument) => argument.includes('tsx'));
  const load = tsx
    ? "import('tsx/esm/api').then(({ register }) => register())"
    : loader === undefined
      ? 'Promise.resolve()'
      : `import(${JSON.stringify(loader)})`;
  return new Worker(`${load}.then(() => import(${JSON.stringify(file.href)}))`, { ...options, eval: true });
}
