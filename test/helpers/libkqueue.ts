import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** Where the tests find a libkqueue and which version it is, or why there is none for them. */
type Libkqueue = { path: string; version?: string } | { skip: string };

/** The suite that has the packages: no released Debian does. */
const SUITE = 'experimental';

/** Debian's names for the machines that it and koffi both know. */
const MACHINES: Readonly<Record<string, { architecture: string; triplet: string } | undefined>> = {
  x64: { architecture: 'amd64', triplet: 'x86_64-linux-gnu' },
  arm64: { architecture: 'arm64', triplet: 'aarch64-linux-gnu' },
};

/** Of apt; with it and Debian's keys here, the archive is trusted for its signature and not for how it came. */
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;
/** For all downloads together. */
const TIME_LIMIT = 30 * SECOND;
/** How long a failure is remembered, so that a machine without network does not wait once per test file. */
const RETRY_AFTER = 5 * 60 * SECOND;

/**
 * A libkqueue for the tests: Debian's package, fetched into a cache folder and unpacked there, not installed. The archive
 * is asked at most once a day; several processes may do this at once. Never throws: what is missing is told in `skip`.
 */
export function libkqueue(): Promise<Libkqueue> {
  return fromDebian('libkqueue0t64', (triplet) => join('usr', 'lib', triplet, 'libkqueue.so.0'));
}

/** The <sys/event.h> of the same libkqueue, in the same way. */
export function libkqueueHeader(): Promise<Libkqueue> {
  return fromDebian('libkqueue-dev', () => join('usr', 'include', 'kqueue', 'sys', 'event.h'));
}

async function fromDebian(name: string, fileOf: (triplet: string) => string): Promise<Libkqueue> {
  try {
    const machine = MACHINES[process.arch];
    if (process.platform !== 'linux') return { skip: `libkqueue is for Linux, this is ${process.platform}` };
    if (machine === undefined) return { skip: `no libkqueue package is looked for on ${process.arch}` };
    const glibc = glibcVersion();
    if (glibc === undefined) return { skip: "Debian's libkqueue needs glibc, this system has another C library" };

    const folder = await cacheFolder();
    const note = join(folder, `${name}-${machine.architecture}.json`);
    const known = await recall(note);
    if (known?.fresh) return known.found;
    const found = await obtain(folder, name, fileOf(machine.triplet), machine.architecture, glibc).catch(
      (error: unknown): Libkqueue => ({ skip: reason(error) }),
    );
    // What was good yesterday is good enough where the archive cannot be asked today.
    if ('skip' in found && known !== undefined && 'path' in known.found) return known.found;
    await replaceFile(note, JSON.stringify(found));
    return found;
  } catch (error) {
    return { skip: reason(error) };
  }
}

/** The running glibc's version, such as `2.36`; undefined with musl and others. */
function glibcVersion(): string | undefined {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime;
}

/** A folder that only this user can write to: what lies in it will be loaded into the process. */
async function cacheFolder(): Promise<string> {
  const { uid } = userInfo();
  const candidates = [
    join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kqueue-ffi'),
    join(tmpdir(), `kqueue-ffi-${uid}`),
  ];
  for (const folder of candidates) {
    const made = await mkdir(folder, { recursive: true, mode: 0o700 })
      .then(() => stat(folder))
      .catch(() => undefined);
    if (made?.uid === uid && (made.mode & 0o022) === 0) return folder;
  }
  throw new Error(`no cache folder of one's own: tried ${candidates.join(' and ')}`);
}

/** The last outcome, if there was one and its file is still there. */
async function recall(note: string): Promise<{ found: Libkqueue; fresh: boolean } | undefined> {
  try {
    const found = JSON.parse(await readFile(note, 'utf8')) as Libkqueue;
    if ('path' in found && !existsSync(found.path)) return undefined;
    const age = Date.now() - (await stat(note)).mtimeMs;
    return { found, fresh: age < ('path' in found ? DAY : RETRY_AFTER) };
  } catch {
    return undefined;
  }
}

async function obtain(
  folder: string,
  name: string,
  file: string,
  architecture: string,
  glibc: string,
): Promise<{ path: string; version: string }> {
  const archive = new Archive();
  const entry = stanza(await archive.packages(architecture), name);
  const needs = /\blibc6 \(>= ([\d.]+)\)/.exec(entry.get('Depends') ?? '')?.[1];
  if (needs !== undefined && compareVersions(glibc, needs) < 0) {
    throw new Error(`${name} needs glibc ${needs}, this is ${glibc}`);
  }

  const version = field(entry, 'Version');
  const home = join(folder, `${name}_${version}_${architecture}`);
  if (!existsSync(join(home, file))) {
    const deb = await archive.fetch(field(entry, 'Filename'));
    checkSum(deb, field(entry, 'SHA256'), name);
    const unpacked = await mkdtemp(`${home}.`);
    try {
      run('tar', ['-x', '-J', '-C', unpacked], arMember(deb, 'data.tar.xz'));
      // A folder is renamed over another only while that one is empty: whoever comes second keeps what is there.
      await rename(unpacked, home).catch((error: unknown) => {
        if (!existsSync(join(home, file))) throw error;
      });
    } finally {
      await rm(unpacked, { recursive: true, force: true });
    }
  }
  if (!existsSync(join(home, file))) throw new Error(`${name} has no ${file}`);
  return { path: join(home, file), version };
}

/** Debian's archive, believed because of its signature (as apt does) or, without gpgv and keys, because of https. */
class Archive {
  readonly #signed = existsSync(KEYRING) && runs('gpgv', '--version');
  readonly #deadline = AbortSignal.timeout(TIME_LIMIT);

  async fetch(path: string): Promise<Buffer> {
    // Proxies: NODE_USE_ENV_PROXY=1 makes fetch heed http_proxy and https_proxy, from Node 24 on.
    const url = `${this.#signed ? 'http' : 'https'}://deb.debian.org/debian/${path}`;
    const response = await fetch(url, { signal: this.#deadline });
    if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
    return Buffer.from(await response.arrayBuffer());
  }

  /** The suite's index: a stanza of `Name: value` lines for each package. */
  async packages(architecture: string): Promise<string> {
    const path = `main/binary-${architecture}/Packages.xz`;
    const index = await this.fetch(`dists/${SUITE}/${path}`);
    if (this.#signed) {
      const release = await this.fetch(`dists/${SUITE}/InRelease`);
      // gpgv hands back what was signed, and fails where the signature is not one of Debian's keys.
      const text = run('gpgv', ['--keyring', KEYRING, '--output', '-', '-'], release).toString('utf8');
      const line = text.split('\n').find((entry) => /^ [0-9a-f]{64} /.test(entry) && entry.endsWith(` ${path}`));
      if (line === undefined) throw new Error(`${SUITE}/InRelease has no SHA256 of ${path}`);
      checkSum(index, line.slice(1, 65), path);
    }
    return run('xz', ['--decompress', '--stdout'], index).toString('utf8');
  }
}

function run(program: string, args: readonly string[], input: Buffer): Buffer {
  return execFileSync(program, args, { input, stdio: 'pipe', maxBuffer: 2 ** 28, timeout: TIME_LIMIT });
}

function runs(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** One package's stanza of the index. */
function stanza(index: string, name: string): Map<string, string> {
  const text = index.split('\n\n').find((entry) => entry.startsWith(`Package: ${name}\n`));
  if (text === undefined) throw new Error(`Debian's ${SUITE} suite has no ${name} any more`);
  return new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const [, key, value] = /^([\w-]+): (.*)$/.exec(line) ?? [];
      return key === undefined || value === undefined ? [] : [[key, value]];
    }),
  );
}

function field(entry: Map<string, string>, key: string): string {
  const value = entry.get(key);
  if (value === undefined) throw new Error(`${entry.get('Package')}: its entry in the index has no ${key}`);
  return value;
}

function checkSum(bytes: Buffer, sha256: string, what: string): void {
  const is = createHash('sha256').update(bytes).digest('hex');
  if (is !== sha256) throw new Error(`${what}: its SHA256 is ${is}, the index says ${sha256}`);
}

/**
 * One file of an ar(5) archive, which a .deb is: a line `!<arch>`, then for each file a header of 60 bytes (its name in
 * the first 16, its length in decimal at 48) and the file, padded to an even length.
 */
function arMember(archive: Buffer, name: string): Buffer {
  for (let at = '!<arch>\n'.length; at + 60 <= archive.length; ) {
    const header = archive.toString('latin1', at, at + 60);
    const length = Number.parseInt(header.slice(48, 58), 10);
    if (!(length >= 0)) break;
    if (header.slice(0, 16).replace(/\/? *$/, '') === name) return archive.subarray(at + 60, at + 60 + length);
    at += 60 + length + (length % 2);
  }
  throw new Error(`no ${name} in the package`);
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** Writes a whole file or nothing, whoever else writes it. */
async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}.${performance.now()}`;
  await writeFile(draft, text);
  await rename(draft, path);
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  const first = `${error.message}${cause}`.split('\n')[0] ?? '';
  return `libkqueue could not be had: ${first}`;
}
