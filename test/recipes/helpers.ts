import { type ChildProcess, spawn } from 'node:child_process';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loaders } from '../helpers/loaders.ts';

const children = new Set<ChildProcess>();
after(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** Starts a program, which is killed when the tests of the file end. */
export function start(command: string, ...args: string[]): ChildProcess & { pid: number } {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child as unknown as ChildProcess & { pid: number };
}

/** A process that runs until it is killed. */
export function sleeper(): ChildProcess & { pid: number } {
  return start('sleep', '1000');
}

/** Starts a scenario of child.ts in a process of its own. */
export function startScenario(scenario: string, ...args: string[]): ChildProcess & { pid: number } {
  return start(process.execPath, ...loaders, fileURLToPath(new URL('child.ts', import.meta.url)), scenario, ...args);
}

/** Keeps the event loop from turning for so many milliseconds. */
export function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
