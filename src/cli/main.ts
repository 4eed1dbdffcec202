#!/usr/bin/env node
import { createRequire } from 'node:module';
import { UsageError } from './arguments.ts';
import { print, printable } from './terminal.ts';

interface Command {
  readonly help: string;
  /** Returns the exit status. */
  run(args: string[]): Promise<number> | number;
}

/** Each command is loaded only when it runs. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  doctor: () => import('./doctor.ts'),
  abi: () => import('./abi.ts'),
  watch: () => import('./watch.ts'),
  wait: () => import('./wait.ts'),
};

const help = `kqueue-ffi: kqueue(2) from the command line.

Usage: kqueue-ffi [COMMAND] [OPTIONS]

  doctor   which kqueue this is, which filters work, the limits (the default)
  abi      struct kevent and the constants, for one system or for two
  watch    prints events of processes, files, descriptors, timers and signals
  wait     waits for the exit of a process, and exits with its status

  -h, --help      this text; after a command, the help of that command
  -v, --version   the version of this package

Exit status: 2 for wrong arguments, 1 for any other error.`;

function version(): string {
  // By the package's own name: the bundled file is at another place than this file.
  return createRequire(import.meta.url)('kqueue-ffi/package.json').version;
}

async function main(args: string[]): Promise<number> {
  const [first = 'doctor'] = args;
  if (first === '-h' || first === '--help') {
    print(help);
    return 0;
  }
  if (first === '-v' || first === '--version') {
    print(version());
    return 0;
  }
  const [name, rest] = first.startsWith('-') ? ['doctor', args] : [first, args.slice(1)];
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined) {
    return fail('kqueue-ffi', `expected a command (${Object.keys(commands).join(', ')}), got ${name} (see --help)`, 2);
  }
  const command = await load();
  if (rest.includes('-h') || rest.includes('--help')) {
    print(command.help);
    return 0;
  }
  try {
    return await command.run(rest);
  } catch (error) {
    if (error instanceof UsageError) return fail(`kqueue-ffi ${name}`, `${error.message} (see --help)`, 2);
    for (const one of error instanceof AggregateError ? error.errors : [error]) {
      // Without a code it is not an error of the system, but a mistake in this program: its stack is needed.
      if (!(one instanceof Error && 'code' in one)) throw error;
      fail(`kqueue-ffi ${name}`, one.message, 1);
    }
    return 1;
  }
}

function fail(who: string, message: string, status: number): number {
  process.stderr.write(`${printable(`${who}: ${message}`)}\n`);
  return status;
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader has gone, as in `kqueue-ffi watch | head`.
  process.exit(error.code === 'EPIPE' ? 0 : fail('kqueue-ffi', error.message, 1));
});
// An error that cannot be printed must not change the exit status.
process.stderr.on('error', () => {});

main(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
