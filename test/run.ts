// Runs every *.test.ts under test/ with node:test. Node 20's runner takes no globs, so the files are found here.
//
//   npm test                      all of them
//   npm test -- layout wait       those whose path contains one of the words
//   npm test -- --test-only       options go to node

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle, programs, typescriptFiles } from './helpers/bundles.ts';
import { LIMIT } from './helpers/limit.ts';
import { withTsx } from './helpers/loaders.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const options = process.argv.slice(2).filter((argument) => argument.startsWith('-'));
const words = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));

const files = typescriptFiles('test')
  .filter((file) => file.endsWith('.test.ts'))
  .filter((file) => words.length === 0 || words.some((word) => relative(root, file).includes(word)));
if (files.length === 0) {
  console.error(`no test file matches ${words.join(' ')}`);
  process.exit(1);
}

// tsx compiles in each process, so the tests are compiled once instead. Another loader is the one that the tests get.
const cache = join(root, '.cache');
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(join(cache, 'tests-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const compiled = withTsx ? await bundle(files, folder, programs()) : files;
const loader = withTsx ? ['--enable-source-maps'] : process.execArgv;

// Two at a time: some of them measure time. Node 20 applies the timeout to a whole file, later versions also to each test.
const limits = ['--test-concurrency=2', `--test-timeout=${3 * LIMIT}`];
const runner = [...loader, '--test', ...limits, ...options, ...compiled];
const { status, signal, error } = spawnSync(process.execPath, runner, { cwd: root, stdio: 'inherit' });
if (error !== undefined) throw error;
if (signal !== null) console.error(`the tests were ended by ${signal}`);
process.exitCode = status ?? 1;
