import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg, release, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';

/** Where the numbers were measured. */
export interface Environment {
  readonly machine: string;
  readonly system: string;
  readonly node: string;
  readonly koffi: string;
  readonly version: string;
  readonly kqueues: readonly string[];
  /** Processes that wanted to run in the last minute, before the benchmark began. */
  readonly load: number;
}

export function environment(kqueues: readonly string[]): Environment {
  const processors = cpus();
  const { version } = JSON.parse(
    readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8'),
  ) as { version: string };
  return {
    machine: `${processors[0]?.model.trim()}, ${processors.length} processors, ${arch()}`,
    system: `${type()} ${release()}`,
    node: process.versions.node,
    koffi: koffi.version,
    version,
    kqueues,
    load: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

export function environmentLine(on: Environment): string {
  return [
    `${on.machine}; ${on.system}; Node ${on.node}, koffi ${on.koffi}, kqueue-ffi ${on.version}`,
    `kqueues: ${on.kqueues.join('; ')}; load before it began: ${on.load}`,
  ].join('\n');
}
