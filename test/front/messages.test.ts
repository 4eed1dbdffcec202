// What a user reads after a common mistake: the first line of the compiler's error, and the message that is thrown.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Interest, Kqueue, proc, raw, read, timer, user, vnode } from '../../src/index.ts';
import { compile, compilerMissing } from '../helpers/compiler.ts';
import { LIMIT } from '../helpers/limit.ts';
import { closeAfter, suite } from './helpers.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const wrong = (value: unknown): never => value as never;

/** Each mistake, and the error of tsc. The error's later lines explain the copy of an interest. */
const mistakes: readonly (readonly [code: string, error: RegExp])[] = [
  ['kq.register(5)', /^Argument of type 'number' is not assignable to parameter of type 'Interest<unknown>'\.$/],
  [
    'kq.register({ ...read(5) })',
    /^Argument of .* parameter of type 'Interest<unknown>'\.\n.*: #madeByBuilder, toJSON$/,
  ],
  ["vnode('/', { on: ['exit'] })", /^Type '"exit"' is not assignable to type 'VnodeNote'\.$/],
  [
    'new Kqueue<string>().register(read(5, { token: 5 }))',
    /^Argument of type 'ReadInterest<number>' is not assignable to parameter of type 'Interest<string>'\.\n/,
  ],
  [
    'timer(1, {})',
    /^Argument of type '{}' is not assignable to parameter of type 'OneOfEveryAfterAt & TimerOptions<never>'\.$/,
  ],
  [
    'timer(1, { every: 5, after: 5 })',
    /^Argument of type .* parameter of type 'OneOfEveryAfterAt & TimerOptions<.*'\.\n/,
  ],
];

test('the compiler names the mistake', { timeout: LIMIT, skip: compilerMissing() }, (t) => {
  const cache = join(root, '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'messages-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = {
    extends: '../../tsconfig.json',
    compilerOptions: { typeRoots: ['../../node_modules/@types'], noUnusedLocals: false },
    include: ['*.ts'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const head = "import { Kqueue, read, timer, vnode } from 'kqueue-ffi';\nconst kq = new Kqueue();\n";
  for (const [i, [code]] of mistakes.entries()) writeFileSync(join(folder, `${i}.ts`), `${head}${code};\n`);
  const { output } = compile(folder);
  const errors = output.trim().split(/^\S*?(?=\d+\.ts\(\d+,\d+\): error TS\d+: )/m);
  for (const [i, [code, expected]] of mistakes.entries()) {
    const own = errors.filter((error) => error.startsWith(`${i}.ts(`));
    assert.equal(own.length, 1, `${code}: ${output}`);
    assert.match((own[0] as string).replace(/^.*? error TS\d+: /, '').trim(), expected, code);
  }
});

test('the comment of the option `on` explains each note, because editors show no comment for a string', () => {
  const source = readFileSync(join(root, 'src/interest.ts'), 'utf8');
  const builders: Readonly<Record<string, (on: never) => unknown>> = {
    Read: (on) => read(0, { on }),
    Vnode: (on) => vnode(0, { on }),
    Proc: (on) => proc(1, { on }),
  };
  for (const [name, build] of Object.entries(builders)) {
    let message = '';
    try {
      build(wrong(['no such note']));
    } catch (error) {
      message = String(error);
    }
    const notes = /\((\w+(?:, \w+)+)\)/.exec(message)?.[1]?.split(', ') ?? [];
    const declaration = source.split(`export interface ${name}Options<Token>`)[1]?.split(/^}/m)[0] ?? '';
    assert.deepEqual(
      [...declaration.matchAll(/^ {3}\* - `(\w+)`: /gm)].map(([, note]) => note),
      notes,
    );
    assert.ok(notes.length > 1);
  }
});

describe('the message of an error', suite, () => {
  const made = 'made by read\\(\\), timer\\(\\), \\.\\.\\.';
  const cases: readonly (readonly [call: string, call: (kq: Kqueue) => unknown, message: RegExp])[] = [
    ['a timer without an ident', () => timer(wrong({ every: 250 }), wrong(undefined)), /^ident: .*, got an object$/],
    [
      'an empty note',
      () => vnode('/', { on: wrong(['']) }),
      /^on: expected notes of vnode\(\) \(delete, .*\), got ""$/,
    ],
    ['no note', () => proc(1, { on: [] }), /^on: expected at least one note, got an empty array$/],
    ['an empty path', () => vnode('', { on: ['write'] }), /^path: expected a path that is not empty .*, got ""$/],
    [
      'no target',
      () => vnode(wrong(undefined), { on: ['write'] }),
      /^target: expected a path \(a string, a Uint8Array or a file: URL\) or a file descriptor, got undefined$/,
    ],
    ['no number', () => timer(1, { at: Number.NaN }), /^at: expected a valid Date or a finite number .*, got NaN$/],
    ['no period', () => timer(1, { every: 0 }), /^every: expected a finite number .*, greater than 0, got 0$/],
    [
      'a constant that the system does not have',
      () => raw({ ident: 1, filter: wrong(undefined) }),
      /^filter: expected a number, got undefined \(an EVFILT_\* that this system does not have is undefined\)$/,
    ],
    [
      'a copy of an interest',
      (kq) => kq.register(wrong({ ...read(0) })),
      RegExp(`^interest: expected an interest ${made}, got an object \\(copies are not accepted\\)$`),
    ],
    ['a descriptor', (kq) => kq.register(wrong(5)), RegExp(`^interest: expected an interest ${made}, got 5$`)],
    [
      'a list',
      (kq) => kq.register(wrong([read(0)])),
      RegExp(`^interest: expected an interest ${made}, got an array \\(pass each one as an argument of its own\\)$`),
    ],
    [
      'what cannot be unregistered',
      (kq) => kq.unregister(wrong({ ...read(0) })),
      RegExp(`^what: expected a registration or an interest ${made}, got an object \\(copies are not accepted\\)$`),
    ],
    [
      'an interest that is not registered',
      (kq) => kq.unregister(user(7)),
      /^ENOENT: not registered, kevent { USER ident=7, DELETE }$/,
    ],
    [
      'a path that is not registered',
      (kq) => kq.unregister(vnode('/', { on: ['write'] })),
      /^ENOENT: not registered, kevent '\/'$/,
    ],
    [
      'a file that does not exist',
      (kq) => kq.register(vnode('/no/such', { on: ['write'] }) as Interest),
      /^ENOENT: no such file or directory, open '\/no\/such'$/,
    ],
  ];
  for (const [name, call, message] of cases) {
    test(name, () => {
      const kq = closeAfter(new Kqueue());
      assert.throws(() => call(kq), { message });
    });
  }
});
