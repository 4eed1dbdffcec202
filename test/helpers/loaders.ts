const WITH_VALUE = /^(--import|--require|-r|--loader)$/;
const ALONE =
  /^(--import=|--require=|--loader=|--enable-source-maps$|--experimental-strip-types$|--experimental-transform-types$)/;

/**
 * The options that let this process run TypeScript, for a process that it starts. Not all of `execArgv`: Node 26's test
 * runner gives every option there is, and with `--report-signal` each SIGUSR2 writes a file.
 */
export const loaders: readonly string[] = process.execArgv.filter(
  (argument, index, all) => ALONE.test(argument) || WITH_VALUE.test(argument) || WITH_VALUE.test(all[index - 1] ?? ''),
);

/** Whether this is a bundle that bundles.ts made: then no process needs a loader. */
export const isBundle: boolean = import.meta.filename.endsWith('.js');

/** Whether tsx works here, and with it esbuild. */
export const withTsx: boolean = isBundle || loaders.some((argument) => argument.includes('tsx'));

/** The option by which a program in this repository finds the package, by its name, in its sources. */
export const fromSource = '--conditions=kqueue-ffi-source';
