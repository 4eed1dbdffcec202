// Runs every *.test.ts under test/ with node:test. Node 20's runner takes no globs, so the files are found here.
//
//   npm test                      all of them
//   npm test -- layout wait       those whose path contains one of the words
//   npm test -- --test-only       options go to node

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const options = process.argv.slice(2).filter((argument) => argument.startsWith('-'));
const words = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));

const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => join('test', file))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();
if (files.length === 0) {
  console.error(`no test file matches ${words.join(' ')}`);
  process.exit(1);
}

// The tests get the loader that this script got. Two at a time: some of them measure time. One that hangs is a failure.
const runner = [...process.execArgv, '--test', '--test-concurrency=2', '--test-timeout=300000', ...options, ...files];
const { status, signal, error } = spawnSync(process.execPath, runner, { cwd: root, stdio: 'inherit' });
if (error !== undefined) throw error;
if (signal !== null) console.error(`the tests were ended by ${signal}`);
process.exitCode = status ?? 1;
