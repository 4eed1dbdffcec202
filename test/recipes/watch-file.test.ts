import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type Interest, Kqueue } from '../../src/index.ts';
import { type Changes, type FileChange, watchFile } from '../../src/recipes/index.ts';
import { DEADLINE, noProc, suiteWithoutUser as suite, testFolder, until } from '../front/helpers.ts';
import { descriptors } from '../helpers/descriptors.ts';
import { seeded } from '../helpers/random.ts';
import { saves } from './saves.ts';

const TIMES = 20;
const folder = testFolder();

/** A file in a directory of its own. */
function newFile(text = 'first'): string {
  const directory = join(mkdtempSync(join(folder, 'watch-')), 'directory');
  mkdirSync(directory);
  writeFileSync(join(directory, 'file'), text);
  return join(directory, 'file');
}

/** Reads a file each time that a change is reported, and at no other time, as a program does that reloads it. */
class Reader {
  text: string | undefined;
  readonly types: string[] = [];
  readonly #changes: Changes<FileChange>;
  readonly end: Promise<void>;

  constructor(file: string) {
    this.#changes = watchFile(file);
    this.end = this.#read(file);
  }

  async #read(file: string): Promise<void> {
    for await (const { type } of this.#changes) {
      this.types.push(type);
      try {
        this.text = readFileSync(file, 'utf8');
      } catch {
        this.text = undefined;
      }
    }
  }

  async sees(text: string | undefined): Promise<void> {
    await until(`the file is ${text}`, () => this.text === text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#changes.close();
    await this.end;
  }
}

async function next(changes: Changes<FileChange>): Promise<Omit<FileChange, 'path'>> {
  const { value } = await changes.next();
  assert.ok(value !== undefined);
  const { path: _, ...change } = value;
  return change;
}

describe('watchFile()', { ...suite, timeout: 10 * DEADLINE }, () => {
  for (const [name, save] of Object.entries(saves)) {
    it(`sees the last of each of ${TIMES} saves: ${name}`, async () => {
      const file = newFile();
      await using reader = new Reader(file);
      for (let i = 0; i < TIMES; i++) {
        save(file, `${name} ${i}`);
        await reader.sees(`${name} ${i}`);
      }
    });
  }

  it('throws the error of the system call, and leaves nothing open', async () => {
    const file = newFile();
    const before = noProc ? [] : descriptors();
    unlinkSync(file);
    symlinkSync(file, file);
    assert.throws(() => watchFile(file), { code: 'ELOOP' });
    if (!noProc) assert.deepEqual(descriptors(), before);
  });

  it('leaves nothing open if the directory or the file cannot be registered', { skip: noProc }, (t) => {
    const file = newFile();
    const before = descriptors();
    const { register } = Kqueue.prototype;
    let good = 0;
    const limited = t.mock.method(Kqueue.prototype, 'register', function (this: Kqueue, ...interests: Interest[]) {
      if (good-- === 0) throw new Error('no room');
      return register.apply(this, interests);
    });
    for (const calls of [1, 2]) {
      good = calls - 1;
      limited.mock.resetCalls();
      assert.throws(() => watchFile(file), /no room/);
      assert.equal(limited.mock.callCount(), calls);
      assert.deepEqual(descriptors(), before);
    }
  });

  it('next() rejects with the error of the system call if the file cannot be opened any more', async () => {
    const file = newFile();
    const before = noProc ? [] : descriptors();
    const changes = watchFile(file);
    symlinkSync(file, `${file}.new`);
    renameSync(`${file}.new`, file);
    await assert.rejects(changes.next(), { code: 'ELOOP' });
    assert.deepEqual(await changes.next(), { done: true, value: undefined });
    if (!noProc) assert.deepEqual(descriptors(), before);
  });

  it('sees the last save of bursts in any order', async () => {
    const file = newFile();
    const choose = seeded(1);
    await using reader = new Reader(file);
    const all = Object.values(saves);
    for (let i = 0; i < TIMES; i++) {
      for (let j = 0; j <= i % 4; j++) all[choose(all.length)]?.(file, `save ${i}.${j}`);
      await reader.sees(readFileSync(file, 'utf8'));
    }
  });

  it('sees that a file is deleted and made again, 20 times', async () => {
    const file = newFile();
    await using reader = new Reader(file);
    reader.text = 'first';
    for (let i = 0; i < TIMES; i++) {
      unlinkSync(file);
      await reader.sees(undefined);
      writeFileSync(file, `again ${i}`);
      await reader.sees(`again ${i}`);
    }
  });

  it('says what has happened', async () => {
    const file = newFile();
    using changes = watchFile(pathToFileURL(file));
    const written = { type: 'changed', content: true };

    appendFileSync(file, 'more');
    assert.deepEqual(await next(changes), { ...written, attributes: false });
    chmodSync(file, 0o600);
    assert.deepEqual(await next(changes), { type: 'changed', content: false, attributes: true });
    appendFileSync(file, 'more');
    chmodSync(file, 0o644);
    assert.deepEqual(await next(changes), { ...written, attributes: true }, 'one change says both');

    saves['mv tmp file']?.(file, 'other');
    assert.deepEqual(await next(changes), { type: 'replaced' });
    appendFileSync(file, 'more');
    assert.deepEqual(await next(changes), { ...written, attributes: false }, 'the new file is watched');

    unlinkSync(file);
    assert.deepEqual(await next(changes), { type: 'deleted' });
    writeFileSync(file, 'back');
    assert.equal((await next(changes)).type, 'created');
    unlinkSync(file);
    writeFileSync(file, 'back');
    assert.equal((await next(changes)).type, 'replaced', 'a slow consumer is told once');
  });

  it('a name that does not exist yet, nor its directory', async () => {
    const file = join(folder, 'not', 'yet', 'there');
    await using reader = new Reader(file);
    for (let i = 0; i < TIMES; i++) {
      mkdirSync(join(folder, 'not', 'yet'), { recursive: true });
      writeFileSync(file, `text ${i}`);
      await reader.sees(`text ${i}`);
      rmSync(join(folder, 'not'), { recursive: true });
      await reader.sees(undefined);
    }
  });

  it('a symbolic link whose target changes, and one that gets another target', async () => {
    const file = newFile();
    const link = `${file}.link`;
    symlinkSync('file', link);
    await using reader = new Reader(link);
    writeFileSync(file, 'second');
    await reader.sees('second');
    writeFileSync(`${file}.other`, 'third');
    symlinkSync('file.other', `${link}.new`);
    renameSync(`${link}.new`, link);
    await reader.sees('third');
  });

  it('what happens to other files in the directory is not a change', async () => {
    const file = newFile();
    using changes = watchFile(file);
    let reported = 0;
    const reading = changes.next().then(() => reported++);
    for (let i = 0; i < TIMES; i++) writeFileSync(`${file}.other`, 'x');
    using probe = watchFile(`${file}.probe`);
    writeFileSync(`${file}.probe`, 'x');
    await probe.next();
    assert.equal(reported, 0);
    changes.close();
    await reading;
  });

  it('two iterations of one file', async () => {
    const file = newFile();
    await using one = new Reader(file);
    await using other = new Reader(file);
    writeFileSync(file, 'second');
    await Promise.all([one.sees('second'), other.sees('second')]);
  });

  it('break, close() and an abort end it, and no descriptor is left', { skip: noProc }, async () => {
    const file = newFile();
    const before = descriptors();
    const controller = new AbortController();
    const aborted = watchFile(file, { signal: controller.signal });
    const closed = watchFile(file);
    const waits = [aborted.next(), closed.next()];
    const stopped = watchFile(file);
    writeFileSync(file, 'second');
    await Promise.all(waits);
    for await (const { type } of stopped) {
      assert.equal(type, 'changed');
      break;
    }
    controller.abort('enough');
    closed.close();
    await assert.rejects(aborted.next(), (reason) => reason === 'enough');
    assert.equal((await closed.next()).done, true);
    assert.deepEqual(descriptors(), before);
  });

  it('a name that gets what cannot be opened ends it with that error, and no descriptor is left', {
    skip: noProc,
  }, async () => {
    const before = descriptors();
    const file = newFile();
    const changes = watchFile(file);
    const change = changes.next();
    symlinkSync('file', `${file}.new`);
    renameSync(`${file}.new`, file);
    await assert.rejects(change, { code: 'ELOOP' });
    assert.deepEqual(await changes.next(), { done: true, value: undefined });
    assert.deepEqual(descriptors(), before);
  });

  it('invalid arguments are an error that names them', () => {
    assert.throws(() => watchFile(''), { name: 'TypeError', message: /path/ });
    assert.throws(() => watchFile(1 as never), { name: 'TypeError', message: /path/ });
    assert.throws(() => watchFile('x', { sginal: 1 } as never), { name: 'TypeError', message: /sginal/ });
  });
});

/** How real programs save. `text` has no characters that a shell or an editor gives a meaning. */
const programs: Readonly<Record<string, (file: string, text: string) => string[]>> = {
  vim: (file, text) => ['vim', ...vim('nobackup nowritebackup', file, text)],
  'vim, backup': (file, text) => ['vim', ...vim('backup backupcopy=no', file, text)],
  'vim, backupcopy=yes': (file, text) => ['vim', ...vim('backup backupcopy=yes', file, text)],
  'vim, writebackup': (file, text) => ['vim', ...vim('nobackup writebackup backupcopy=auto', file, text)],
  emacs: (file, text) => ['emacs', '-Q', '--batch', file, '--eval', emacs('', text)],
  'emacs, file-precious-flag': (file, text) => [
    'emacs',
    ...['-Q', '--batch', file, '--eval', emacs('(setq file-precious-flag t)', text)],
  ],
  ...(process.platform === 'linux' ? { 'sed -i': (file, text) => ['sed', '-i', `s/.*/${text}/`, file] } : {}),
  // Other systems need a suffix, and take the next argument for it.
  'sed -i.old': (file, text) => ['sed', '-i.old', `s/.*/${text}/`, file],
  'gio save -b': (file, text) => ['sh', '-c', 'printf "$2\\n" | exec gio save -b "$1"', 'sh', file, text],
  cp: (file, text) => ['sh', '-c', 'echo "$2" > "$1.source"; cp "$1.source" "$1"', 'sh', file, text],
  mv: (file, text) => ['sh', '-c', 'echo "$2" > "$1.source"; mv "$1.source" "$1"', 'sh', file, text],
};

function vim(options: string, file: string, text: string): string[] {
  return ['-u', 'NONE', '-N', '-es', '-c', `set backupskip= ${options}`, '-c', `%s/.*/${text}/`, '-c', 'wq', file];
}

function emacs(settings: string, text: string): string {
  return `(progn ${settings} (setq backup-enable-predicate (lambda (x) t)) (erase-buffer) (insert "${text}\n") (save-buffer))`;
}

function missing(program: string): string | false {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return false;
  } catch {
    return `${program} is not installed`;
  }
}

describe('watchFile() and real programs', { ...suite, timeout: 10 * DEADLINE }, () => {
  // The settings of the user do not count, and vim writes its ~/.viminfo elsewhere.
  const home = { ...process.env, HOME: folder };
  const run = promisify(execFile);

  for (const [name, command] of Object.entries(programs)) {
    const program = name.split(/[ ,]/)[0] as string;
    it(`sees each of ${TIMES} saves: ${name}`, { skip: missing(program) }, async () => {
      const file = newFile('first\n');
      await using reader = new Reader(file);
      for (let i = 0; i < TIMES; i++) {
        const [executable = '', ...args] = command(file, `save${i}`);
        await run(executable, args, { env: home });
        await reader.sees(`save${i}\n`);
      }
    });
  }

  it(`sees each of ${TIMES} checkouts of git`, { skip: missing('git') }, async () => {
    const file = newFile();
    const env = { ...home, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
    const git = (...args: string[]): Promise<unknown> =>
      run('git', ['-C', join(file, '..'), '-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { env });
    await git('init', '-q');
    for (const text of ['one', 'two']) {
      writeFileSync(file, text);
      await git('add', 'file');
      await git('commit', '-qm', text);
      await git('branch', text);
    }
    await using reader = new Reader(file);
    for (let i = 0; i < TIMES; i++) {
      const branch = i % 2 === 0 ? 'one' : 'two';
      await git('checkout', '-q', branch);
      await reader.sees(branch);
    }
  });
});
