import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { abi, abis } from '../../src/sys/index.ts';
import { libkqueueHeader } from '../helpers/libkqueue.ts';

type AbiName = keyof typeof abis;
type Measured = { size: number; align: number; fields: Record<string, { offset: number; size: number }> };

/** Every struct as its own header spells it, with the types that the header has. */
const structs: Record<AbiName, { before?: string; members: string; after?: string }> = {
  darwin: {
    before: '#pragma pack(4)',
    members: 'uintptr_t ident; int16_t filter; uint16_t flags; uint32_t fflags; intptr_t data; void *udata;',
    after: '#pragma pack()',
  },
  darwin64: {
    members:
      'uint64_t ident; int16_t filter; uint16_t flags; uint32_t fflags; int64_t data; uint64_t udata; uint64_t ext[2];',
  },
  freebsd: {
    members:
      'uintptr_t ident; short filter; unsigned short flags; unsigned int fflags; int64_t data; void *udata; uint64_t ext[4];',
  },
  freebsd11: {
    members: 'uintptr_t ident; short filter; unsigned short flags; unsigned int fflags; intptr_t data; void *udata;',
  },
  openbsd: {
    members: 'uintptr_t ident; short filter; unsigned short flags; unsigned int fflags; int64_t data; void *udata;',
  },
  netbsd: {
    members: 'uintptr_t ident; uint32_t filter; uint32_t flags; uint32_t fflags; int64_t data; void *udata;',
  },
  dragonfly: {
    members: 'uintptr_t ident; short filter; unsigned short flags; unsigned int fflags; intptr_t data; void *udata;',
  },
  linux: {
    members: 'uintptr_t ident; short filter; unsigned short flags; unsigned int fflags; intptr_t data; void *udata;',
  },
  libkqueue: {
    members: 'uintptr_t ident; short filter; unsigned short flags; unsigned int fflags; intptr_t data; void *udata;',
  },
};

const names = Object.keys(abis) as AbiName[];

/** Compiles a C program, runs it, and parses what it prints as JSON. */
function runC(compiler: string, source: string, options: readonly string[] = []): unknown {
  const folder = mkdtempSync(join(tmpdir(), 'kqueue-ffi-'));
  try {
    const file = join(folder, 'layout.c');
    const program = join(folder, 'layout');
    writeFileSync(file, source);
    const compiled = spawnSync(compiler, ['-std=gnu11', ...options, '-o', program, file], { encoding: 'utf8' });
    assert.equal(compiled.status, 0, `${compiler} refuses the program:\n${compiled.stderr}`);
    const ran = spawnSync(program, { encoding: 'utf8' });
    assert.equal(ran.status, 0, ran.stderr);
    return JSON.parse(ran.stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const compiler = ['cc', 'gcc', 'clang'].find((name) => spawnSync(name, ['--version']).status === 0);
const noCompiler = compiler === undefined ? 'no C compiler (cc, gcc or clang) on this machine' : false;

/** C that prints a struct's layout as JSON. */
function printLayout(struct: string, fields: readonly { readonly name: string }[]): string {
  const lines = fields.map(
    ({ name }, i) =>
      `printf("${i === 0 ? '' : ','}\\"${name}\\":{\\"offset\\":%zu,\\"size\\":%zu}", ` +
      `offsetof(${struct}, ${name}), sizeof(((${struct} *)0)->${name}));`,
  );
  return `printf("{\\"size\\":%zu,\\"align\\":%zu,\\"fields\\":{", sizeof(${struct}), _Alignof(${struct}));
  ${lines.join('\n  ')}
  printf("}}");`;
}

function measured(layout: (typeof abis)[AbiName]['kevent']): Measured {
  const fields = layout.fields.map(({ name, offset, size }) => [name, { offset, size }]);
  return { size: layout.size, align: layout.align, fields: Object.fromEntries(fields) };
}

test("every ABI's structs are laid out as a C compiler lays them out", { skip: noCompiler }, () => {
  const declared = names.map((name) => {
    const { before = '', members, after = '' } = structs[name];
    return `${before}\nstruct ${name}_kevent { ${members} };\n${after}`;
  });
  const printed = names.map(
    (name) => `printf("%s\\"${name}\\":", separator); separator = ",";
  ${printLayout(`struct ${name}_kevent`, abis[name].kevent.fields)}`,
  );
  const result = runC(
    compiler ?? '',
    `#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
${declared.join('\n')}
int main(void) {
  const char *separator = "";
  printf("{\\"kevent\\":{");
  ${printed.join('\n  ')}
  printf("},\\"timespec\\":");
  ${printLayout('struct timespec', [{ name: 'tv_sec' }, { name: 'tv_nsec' }])}
  printf("}");
  return 0;
}
`,
  ) as { kevent: Record<AbiName, Measured>; timespec: Measured };
  for (const name of names) {
    assert.deepEqual(measured(abis[name].kevent), result.kevent[name], `${name}: struct kevent`);
    assert.deepEqual(measured(abis[name].timespec), result.timespec, `${name}: struct timespec`);
  }
});

/** Compares a <sys/event.h> with an ABI: the layout, and every constant that both have. Returns what the header has alone. */
function compareHeader(name: AbiName, options: readonly string[] = []): string[] {
  const { kevent, constants } = abis[name];
  const struct = name === 'darwin64' ? 'struct kevent64_s' : 'struct kevent';
  const include = '#include <sys/types.h>\n#include <sys/event.h>\n';
  const defined = spawnSync(compiler ?? '', [...options, '-E', '-dM', '-'], { input: include, encoding: 'utf8' });
  assert.equal(defined.status, 0, defined.stderr);
  const macros = [...defined.stdout.matchAll(/^#define ((?:EVFILT|EV|NOTE)_\w+) /gm)].map(
    ([, macro]) => macro as string,
  );
  const both = macros.filter((macro) => macro in constants);
  assert.ok(both.includes('EVFILT_READ') && both.includes('EV_ADD'), 'the header was read');
  const printed = both.map((constant) => {
    const value = constant.startsWith('EVFILT_') ? constant : `(unsigned int)(${constant})`;
    return `  printf(",\\"${constant}\\":%lld", (long long)(${value}));`;
  });
  const result = runC(
    compiler ?? '',
    `${include}#include <sys/time.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
int main(void) {
  printf("{\\"kevent\\":");
  ${printLayout(struct, kevent.fields)}
  printf(",\\"constants\\":{\\"\\":0");
${printed.join('\n')}
  printf("}}");
  return 0;
}
`,
    options,
  ) as { kevent: Measured; constants: Record<string, number> };
  // From NetBSD 11 on the header declares the record of __kevent100, which has `ext` after the fields of __kevent50.
  const expected = measured(kevent);
  assert.deepEqual(result.kevent, name === 'netbsd' ? { ...expected, size: result.kevent.size } : expected, name);
  const { '': _, ...found } = result.constants;
  assert.deepEqual(Object.fromEntries(both.map((macro) => [macro, constants[macro]])), found, name);
  return macros.filter((macro) => !(macro in constants));
}

const system = names.find((name) => name === abi?.name);
const noHeader =
  noCompiler ||
  // On macOS only the compiler knows where its headers are.
  (system === undefined ||
  process.platform === 'linux' ||
  (process.platform !== 'darwin' && !existsSync('/usr/include/sys/event.h'))
    ? 'this system has no <sys/event.h>'
    : false);

test("this system's <sys/event.h> agrees with its ABI: layout and constants", { skip: noHeader }, (t) => {
  for (const name of system === 'darwin' ? (['darwin', 'darwin64'] as const) : [system ?? 'linux']) {
    // A later release may have more.
    t.diagnostic(`${name}: the header alone has ${compareHeader(name).join(', ') || 'nothing'}`);
  }
});

const header = noCompiler === false ? await libkqueueHeader() : { skip: noCompiler };

test("libkqueue's <sys/event.h> agrees with its ABI and the built-in kqueue's: layout and constants", {
  skip: 'skip' in header ? header.skip : false,
}, () => {
  if ('skip' in header) return;
  const options = ['-I', dirname(dirname(header.path))];
  // Network devices: no kernel's filter, and none that this version of libkqueue has.
  const unused = ['EVFILT_NETDEV', 'NOTE_LINKUP', 'NOTE_LINKDOWN', 'NOTE_LINKINV', 'EVFILT_SYSCOUNT'];
  for (const name of ['libkqueue', 'linux'] as const) {
    assert.deepEqual(
      compareHeader(name, options).filter((macro) => !unused.includes(macro)),
      [],
      name,
    );
  }
});

test('the numbers that differ from system to system are those of each system', () => {
  const table: [constant: string, numbers: Partial<Record<AbiName, number>>][] = [
    ['EVFILT_READ', { darwin: -1, freebsd: -1, openbsd: -1, netbsd: 0, dragonfly: -1, linux: -1, libkqueue: -1 }],
    ['EVFILT_USER', { darwin: -10, freebsd: -11, openbsd: -10, netbsd: 8, dragonfly: -9, linux: -11, libkqueue: -11 }],
    ['EVFILT_EXCEPT', { darwin: -15, openbsd: -9, dragonfly: -8 }],
    ['EVFILT_PROCDESC', { freebsd: -8 }],
    ['EVFILT_JAIL', { freebsd: -14 }],
    ['EVFILT_JAILDESC', { freebsd: -15 }],
    ['NOTE_JAIL_REMOVE', { freebsd: 0x10000000 }],
    ['NOTE_MSECONDS', { freebsd: 2, openbsd: 0, netbsd: 0 }],
    ['NOTE_USECONDS', { darwin: 2, freebsd: 4, openbsd: 2, netbsd: 2, linux: 2, libkqueue: 2 }],
    ['NOTE_NSECONDS', { darwin: 4, freebsd: 8, openbsd: 3, netbsd: 3, linux: 4, libkqueue: 4 }],
    ['NOTE_ABSOLUTE', { darwin: 8, linux: 8, libkqueue: 8 }],
    ['NOTE_ABSTIME', { freebsd: 16, openbsd: 16, netbsd: 16 }],
    ['NOTE_EXITSTATUS', { darwin: 0x4000000 }],
    ['NOTE_OPEN', { freebsd: 0x80, netbsd: 0x80, linux: 0x800 }],
    ['NOTE_TRUNCATE', { openbsd: 0x80, linux: 0x80 }],
    ['KQUEUE_CLOEXEC', { freebsd: 1 }],
    ['KEVENT_FLAG_IMMEDIATE', { darwin: 1 }],
    ['EV_SYSFLAGS', { darwin: 0xf000, freebsd: 0xf000, openbsd: 0xf800, netbsd: 0xf000, dragonfly: 0xf800 }],
  ];
  const twins: Partial<Record<AbiName, AbiName>> = { darwin64: 'darwin', freebsd11: 'freebsd' };
  for (const [constant, numbers] of table) {
    for (const name of names) {
      if (constant === 'EV_SYSFLAGS' && (name === 'linux' || name === 'libkqueue')) continue;
      assert.equal(abis[name].constants[constant], numbers[twins[name] ?? name], `${name}: ${constant}`);
    }
  }
});

test('what is the same everywhere is the same in every ABI', () => {
  const common = {
    ...{ EV_ADD: 1, EV_DELETE: 2, EV_ENABLE: 4, EV_DISABLE: 8, EV_ONESHOT: 16, EV_CLEAR: 32, EV_RECEIPT: 64 },
    ...{ EV_DISPATCH: 128, EV_ERROR: 0x4000, EV_EOF: 0x8000, NOTE_TRIGGER: 0x1000000, NOTE_FFCOPY: 0xc0000000 },
    ...{ NOTE_DELETE: 1, NOTE_WRITE: 2, NOTE_RENAME: 32, NOTE_EXIT: 0x80000000 },
  };
  for (const name of names) {
    for (const [constant, value] of Object.entries(common)) {
      assert.equal(abis[name].constants[constant], value, `${name}: ${constant}`);
    }
  }
});

test('every constant fits the field that it goes into, and no two filters share a number', () => {
  for (const name of names) {
    const { kevent, constants } = abis[name];
    const signed = kevent.fields.find((field) => field.name === 'filter')?.type === 'int16_t';
    const filters = new Map<number, string>();
    for (const [constant, value] of Object.entries(constants)) {
      const [low, high] = constant.startsWith('EVFILT_')
        ? signed
          ? [-(2 ** 15), -1]
          : [0, 2 ** 32 - 1]
        : constant.startsWith('EV_')
          ? [0, 2 ** 16 - 1]
          : [0, 2 ** 32 - 1];
      assert.ok(Number.isInteger(value) && value >= low && value <= high, `${name}: ${constant} is ${value}`);
      if (!constant.startsWith('EVFILT_')) continue;
      assert.equal(filters.get(value), undefined, `${name}: ${constant} and ${filters.get(value)}`);
      filters.set(value, constant);
    }
    assert.ok(filters.size >= 8, `${name}: ${filters.size} filters`);
  }
});

test('the table of a system that can be bound says which release is the oldest, and README repeats it', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  for (const { name, title, bindable, oldestRelease, since, constants } of Object.values(abis)) {
    assert.equal(oldestRelease !== undefined, bindable, name);
    if (bindable) assert.match(readme, new RegExp(`^\\| [^|]*${title}[^|]* \\| ${oldestRelease} \\| `, 'm'), name);
    for (const constant of Object.keys(since)) assert.ok(constant in constants, `${name}: ${constant}`);
  }
});
