// Starts and stops delay-server.ts in a process of its own. The examples share this file.
//
// A server in the same process would never answer, because a blocking kevent(2) stops the event loop of its process.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export interface DelayServer {
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
  /** Resolves when the process has ended. */
  stop(): Promise<void>;
}

const { values } = parseArgs({ options: { 'unit-ms': { type: 'string', default: '1000' } } });

/** The milliseconds of the book's second. `--unit-ms 50` makes an example quicker. */
export const unit: number = Number(values['unit-ms']);
if (!Number.isInteger(unit) || unit < 0)
  throw new RangeError(`--unit-ms: expected milliseconds, got ${values['unit-ms']}`);

/** Resolves when the server listens. */
export async function startDelayServer(): Promise<DelayServer> {
  const program = fileURLToPath(new URL('delay-server.ts', import.meta.url));
  // execArgv has the options by which this process runs TypeScript.
  const child = spawn(process.execPath, [...process.execArgv, program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const started = once(createInterface(child.stdout), 'line');
  const [line] = await Promise.race([started, exited.then(() => ['no port: it has ended'])]);

  const port = Number(line);
  if (!(port > 0)) throw new Error(`the delay server printed ${line}`);
  return {
    port,
    async stop(): Promise<void> {
      child.stdin.end();
      await exited;
    },
  };
}
