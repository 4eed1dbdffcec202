// Importing works everywhere and loads nothing: koffi comes in with the first call.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { constants, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { abiOf } from '../../src/sys/default-abi.ts';
import { abis, close, kqueue, unavailableReason } from '../../src/sys/index.ts';
import { loaders } from '../helpers/loaders.ts';
import { noUser } from '../helpers/user.ts';
import { typescriptWorker } from './typescript-worker.ts';

const sources = fileURLToPath(new URL('../../src', import.meta.url));
const front = new URL('../../src/index.ts', import.meta.url).href;
const door = new URL('../../src/sys/index.ts', import.meta.url).href;
const check = new URL('../../src/sys/check.ts', import.meta.url).href;

interface Surroundings {
  /** A CommonJS file to load before all else. */
  preload?: string;
  /** What the process takes for its platform, from after koffi is loaded. */
  platform?: string;
  env?: Record<string, string>;
  /** Options of Node's own. */
  options?: string[];
}

/** Runs a module in a process of its own, with the door as `door`; it prints one JSON value. */
function run(body: string, { preload, platform, env = {}, options = [] }: Surroundings = {}): unknown {
  const disguise = `
    await import(${JSON.stringify(check)}); // the loader has looked at the platform then
    (await import('node:module')).createRequire(${JSON.stringify(door)})('koffi');
    Object.defineProperty(process, 'platform', { value: ${JSON.stringify(platform)} });`;
  const program = `
    ${platform === undefined ? '' : disguise}
    const door = await import(${JSON.stringify(door)});
    const thrown = (call) => {
      try { return 'no error: ' + call(); } catch (error) { return error.message; }
    };
    // Not the report's list of shared objects: it is empty on NetBSD and DragonFly.
    const { cache } = (await import('node:module')).createRequire(${JSON.stringify(door)});
    const loaded = () => Object.keys(cache).some((file) => file.includes('node_modules/koffi/'));
    ${body}`;
  const args = preload === undefined ? [] : ['--require', fileURLToPath(new URL(preload, import.meta.url))];
  const ran = spawnSync(process.execPath, [...options, ...args, ...loaders, '--input-type=module', '--eval', program], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    encoding: 'utf8',
    env: { ...process.env, KQUEUE_LIBRARY: '', ...env },
  });
  assert.equal(ran.status, 0, ran.stderr);
  return JSON.parse(ran.stdout);
}

/** Runs a program as one CommonJS file, without a loader: what it printed. undefined where there is no bundler. */
async function runBundled(t: TestContext, body: string, options: string[] = []): Promise<string | undefined> {
  // DragonFly has no esbuild.
  const esbuild = await import('esbuild').catch(() => undefined);
  if (esbuild === undefined) {
    t.skip('esbuild is not installed');
    return undefined;
  }
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'kqueue-'));
  try {
    const outfile = join(folder, 'program.cjs');
    const contents = `
      import { Kqueue, KqueueError, proc, read } from ${JSON.stringify(join(sources, 'index.ts'))};
      import { close, kqueue } from ${JSON.stringify(join(sources, 'sys/index.ts'))};
      ${body}`;
    const stdin = { contents, resolveDir: folder };
    esbuild.buildSync({ stdin, outfile, bundle: true, format: 'cjs', platform: 'node', logLevel: 'error' });
    const env = { ...process.env, NODE_PATH: fileURLToPath(new URL('../../node_modules', import.meta.url)) };
    const ran = spawnSync(process.execPath, [...options, outfile], { encoding: 'utf8', env });
    assert.equal(ran.status, 0, ran.stderr);
    return ran.stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('importing the system-call API', () => {
  test('does not load koffi; the first use does', { skip: unavailableReason() ?? false }, () => {
    const found = run(`
      const before = loaded();
      const constants = [door.EVFILT_READ, door.abi.constants.EVFILT_READ, door.errnoName(1)];
      const between = loaded();
      door.close(door.kqueue());
      console.log(JSON.stringify([before, between, loaded()]));
    `);
    assert.deepEqual(found, [false, false, true]);
  });

  test('works where koffi has no binary: available() is false, and every call says why', () => {
    const found = run(
      `
      const list = () => new door.KeventList(1);
      console.log(JSON.stringify({
        available: door.available(),
        reason: door.unavailableReason(),
        add: door.EV_ADD,
        errors: [
          thrown(() => door.kqueue()),
          thrown(() => door.kevent(0, null, 0, null, 0, null)),
          thrown(() => door.close(-1)),
          thrown(() => door.errno()),
          thrown(() => door.defaultSys()),
          thrown(() => new door.KeventList(1)),
          thrown(() => door.abi.kevent),
          thrown(() => door.bindKqueue({ library: null, abi: door.abis.freebsd })),
        ],
      }));
    `,
      { preload: 'without-koffi.cjs' },
    ) as { available: boolean; reason: string; add: number; errors: string[] };
    assert.equal(found.available, false);
    assert.match(found.reason, /koffi/);
    assert.equal(found.add, 1);
    for (const error of found.errors) assert.match(error, /koffi cannot be loaded on \w+-\w+.*native Koffi module/);
  });

  test('works on a system without kqueue: available() is false, and every call says why', () => {
    const found = run(
      `console.log(JSON.stringify({
        available: door.available(),
        reason: door.unavailableReason(),
        errors: [
          thrown(() => door.kqueue()),
          thrown(() => door.kevent(0, null, 0, null, 0, null)),
          thrown(() => door.close(-1)),
          thrown(() => door.defaultSys()),
        ],
        layouts: Object.values(door.abis).map((abi) => abi.kevent.size),
        printed: String(new door.KeventList(1, door.abis.freebsd).set(0, { ident: 5, filter: -1, flags: 1 })),
      }));`,
      { platform: 'win32' },
    ) as { available: boolean; reason: string; errors: string[]; layouts: number[]; printed: string };
    assert.equal(found.available, false);
    assert.match(found.reason, /win32/);
    for (const error of found.errors) assert.match(error, /win32/);
    // What is only data works all the same.
    assert.deepEqual([...new Set(found.layouts)].sort(), [32, 40, 48, 64]);
    assert.equal(found.printed, 'kevent { READ fd=5, ADD }');
  });

  test('in a 32-bit process, and where koffi lays structs out otherwise, nothing is called', () => {
    const body = `
      console.log(JSON.stringify([
        thrown(() => door.kqueue()),
        thrown(() => door.kqueue()),
        thrown(() => door.abis.freebsd.kevent),
        thrown(() => new door.KeventList(1)),
      ]));`;
    const preload = 'strange-koffi.cjs';
    const small = run(body, { preload, env: { STRANGE_KOFFI: '32-bit' } }) as string[];
    for (const error of small) assert.match(error, /needs a 64-bit process/);
    const [, , ...misaligned] = run(body, { preload, env: { STRANGE_KOFFI: 'misaligned' } }) as string[];
    for (const error of misaligned) assert.match(error, /struct kevent: koffi computes .*, but the header has/);
  });

  test('on each system the constants are those of the system', () => {
    for (const platform of ['darwin', 'freebsd', 'openbsd', 'netbsd', 'dragonfly'] as const) {
      const found = run(
        `console.log(JSON.stringify([
          door.abi.name, door.EVFILT_USER === door.abis[door.abi.name].constants.EVFILT_USER, thrown(() => door.kqueue()),
        ]));`,
        { platform },
      ) as [string, boolean, string];
      // On DragonFly Node's constants of open(2) say that a FreeBSD is a DragonFly.
      assert.deepEqual(found.slice(0, 2), [abiOf(platform, constants.O_DIRECTORY)?.name, true]);
      // And this machine's C library has none of it.
      if (process.platform === 'linux') assert.match(found[2], /the process itself: .*kqueue/);
    }
  });

  test('DragonFly, which Node takes for a FreeBSD, is known by its O_DIRECTORY', () => {
    assert.equal(abiOf('freebsd', 0x20000), abis.freebsd);
    assert.equal(abiOf('freebsd', 0x8000000), abis.dragonfly);
    assert.equal(abiOf('linux', constants.O_DIRECTORY), abis.linux);
    for (const platform of ['win32', 'sunos', 'constructor']) assert.equal(abiOf(platform, 0), undefined);
  });

  test('touches no file and no environment variable; the first use reads KQUEUE_LIBRARY', {
    skip: unavailableReason() ?? false,
  }, () => {
    const found = run(
      `
      await import(${JSON.stringify(front)});
      const before = [...touched];
      door.available();
      console.log(JSON.stringify([before, touched]));
    `,
      { preload: 'trap.cjs' },
    ) as [string[], string[]];
    assert.deepEqual(found[0], []);
    if (process.platform === 'linux') assert.ok(found[1].includes('env KQUEUE_LIBRARY'), String(found[1]));
  });

  test('where Node may not load addons, the reason says which option is missing', () => {
    const found = run('console.log(JSON.stringify(door.unavailableReason()));', { options: ['--no-addons'] });
    assert.match(
      String(found),
      /^No kqueue here: koffi cannot be loaded on \w+-\w+: Cannot load native addon because loading addons is disabled \(with --permission, Node also needs --allow-addons\)\. kqueue-ffi runs on/,
    );
  });

  test('KQUEUE_LIBRARY that names no library: available() is false, and the reason names it', {
    skip: process.platform !== 'linux' && 'the variable is for Linux',
  }, () => {
    const found = run(
      `const [own, list] = [new door.KeventList(1, door.abi), new door.KeventList(1)];
      console.log(JSON.stringify([
        own.abi.name, list.abi.name, door.available(), door.unavailableReason(), thrown(() => door.kqueue()),
      ]));`,
      { env: { KQUEUE_LIBRARY: '/nowhere/libkqueue.so.0' } },
    ) as [string, string, boolean, string, string];
    // A list is the library's unless told otherwise, even before the library is loaded.
    assert.deepEqual(found.slice(0, 3), ['linux', 'libkqueue', false]);
    for (const text of found.slice(3)) assert.match(String(text), /\/nowhere\/libkqueue\.so\.0/);
  });

  test('works from a CommonJS file that a bundler made of it', { skip: unavailableReason() ?? false }, async (t) => {
    const stdout = await runBundled(t, 'console.log(close(kqueue()), new KqueueError(2, "open"));');
    // What is printed of an error has the class's name, which a bundler may change.
    if (stdout !== undefined) assert.match(stdout, /^0 KqueueError: ENOENT/);
  });

  test('works with --permission and --allow-addons, where nothing but the program may be read', {
    skip: noUser,
  }, async (t) => {
    const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';
    // Node looks at the real paths, and on macOS the temporary folder is a symbolic link.
    const folders = [fileURLToPath(new URL('../../node_modules', import.meta.url)), realpathSync(tmpdir())];
    const options = [flag, '--allow-addons', ...folders.map((folder) => `--allow-fs-read=${folder}/*`)];
    const stdout = await runBundled(
      t,
      `const [outer, inner] = [new Kqueue(), new Kqueue()];
      outer.register(read(inner.fd), proc(process.pid));
      inner.waker(5).wake();
      const [event] = outer.poll({ timeout: 20_000 });
      console.log(event.ident === inner.fd, String(inner.poll({ timeout: 0 })));`,
      options,
    );
    if (stdout !== undefined) assert.match(stdout, /^true kevent \{ USER ident=5/);
  });

  test('is possible from several workers and the main thread at once', {
    skip: unavailableReason() ?? false,
  }, async () => {
    const program = new URL('worker.ts', import.meta.url);
    const workers = [1, 2, 3].map(() => typescriptWorker(program, { workerData: 'exit' }));
    const ends = workers.map((worker) => once(worker, 'exit'));
    assert.equal(close(kqueue()), 0);
    assert.deepEqual((await Promise.all(ends)).flat(), [0, 0, 0]);
  });
});
