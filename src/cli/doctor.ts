import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { release, type } from 'node:os';
import { dirname, join } from 'node:path';
import { Kqueue } from '../index.ts';
import { defaultSys, type Sys } from '../sys/index.ts';
import { parse } from './arguments.ts';
import { type Probe, probeAll } from './probe.ts';
import { paint, print, wrap } from './terminal.ts';

export const help = `kqueue-ffi doctor: which kqueue this is, and what works.

Usage: kqueue-ffi [doctor] [--json]

  --json   the same as one JSON object

It registers one knote of each filter and waits for its event.
  works          the event came
  registered     the kernel accepted the knote. No event was tried
  no event       the kernel accepted the knote, and the event did not come
  refused        with the errno of kevent(2)
  not probed     the filter needs something that this program cannot make

Exit status: 1 if no kqueue works here.`;

interface Report {
  readonly version: string;
  readonly system: string;
  /** The runtime and its version: `Node.js 20.19.0`. */
  readonly runtime: string;
  /** The installed version, whether it can be loaded or not; undefined if it is not installed. */
  readonly koffi: string | undefined;
  readonly kqueue: {
    readonly from: 'libc' | 'built in' | 'library' | 'none';
    readonly path?: string;
    /** Why it is this one, or why there is none. */
    readonly reason: string;
  };
  readonly wait?: Waiting;
  readonly filters: readonly Probe[];
  readonly limits: Readonly<Record<string, number | 'unlimited' | 'unknown'>>;
}

interface Waiting {
  readonly by: 'event loop' | 'intervals';
  readonly reason: string;
}

export async function run(args: string[]): Promise<number> {
  const { values } = parse({ args, options: { json: { type: 'boolean', default: false } } });
  const report = await examine();
  if (values.json) print(JSON.stringify(report, null, 2));
  else printReport(report);
  return report.kqueue.from === 'none' ? 1 : 0;
}

async function examine(): Promise<Report> {
  const { resolve } = createRequire(import.meta.url);
  const { bun, deno, node } = process.versions;
  const about = {
    version: versionOf(resolve('kqueue-ffi/package.json')) ?? '',
    system: `${type()} ${release()} ${process.arch}`,
    runtime: bun !== undefined ? `Bun ${bun}` : deno !== undefined ? `Deno ${deno}` : `Node.js ${node}`,
    koffi: koffiVersion(resolve),
    limits: limits(),
  };
  let kq: Kqueue;
  try {
    kq = new Kqueue();
  } catch (error) {
    return { ...about, kqueue: { from: 'none', reason: (error as Error).message }, filters: [] };
  }
  const sys = defaultSys();
  // The end of the process closes the queue. libkqueue closes it in a thread of its own, and crashes a process that ends
  // meanwhile.
  return { ...about, kqueue: source(sys), wait: waiting(sys), filters: await probeAll(sys, kq) };
}

function source({ binding }: Sys): Report['kqueue'] {
  if (binding === undefined) return { from: 'built in', reason: 'Linux has no kqueue(2)' };
  if (binding.library === null) return { from: 'libc', reason: 'the system has kqueue(2)' };
  return { from: 'library', path: binding.library, reason: 'KQUEUE_LIBRARY names it' };
}

/** How wait() waits on the main thread for a queue that watches no other queue. docs/waiting.md lists the cases. */
function waiting(sys: Sys): Waiting {
  const { bun, deno } = process.versions;
  const intervals = (reason: string): Waiting => ({ by: 'intervals', reason });
  if (!sys.pollable) return intervals('poll(2) does not understand the descriptor of this library');
  if (bun !== undefined) return intervals('Bun has no uv_poll');
  if (deno !== undefined) return intervals('Deno has no uv_poll');
  return { by: 'event loop', reason: 'the event loop watches the descriptor of the queue' };
}

/** Of koffi's own package.json, which `require()` does not give. */
function koffiVersion(resolve: NodeJS.RequireResolve): string | undefined {
  try {
    return versionOf(join(dirname(resolve('koffi')), 'package.json'));
  } catch {
    // It is not installed.
    return undefined;
  }
}

function versionOf(path: string): string | undefined {
  return JSON.parse(readFileSync(path, 'utf8')).version;
}

function limits(): Report['limits'] {
  const limits: Record<string, number | 'unlimited' | 'unknown'> = { 'open files': openFiles() };
  for (const name of ['max_user_watches', 'max_user_instances', 'max_queued_events']) {
    try {
      limits[`fs.inotify.${name}`] = Number(readFileSync(`/proc/sys/fs/inotify/${name}`, 'utf8'));
    } catch {
      // Not Linux, /proc is not mounted, or the kernel was built without inotify.
    }
  }
  return limits;
}

/** The soft limit of this process. Node raises it to the hard limit at its start. */
function openFiles(): number | 'unlimited' | 'unknown' {
  const { report } = process;
  // Not every runtime has reports.
  if (typeof report?.getReport !== 'function') return 'unknown';
  // Without this, the report looks up a name for each network address.
  Object.assign(report, { excludeNetwork: true });
  const { userLimits } = report.getReport() as { userLimits?: { open_files?: { soft?: number | 'unlimited' } } };
  return userLimits?.open_files?.soft ?? 'unknown';
}

const LABEL = 12;

function printReport({ version, system, runtime, koffi, kqueue, wait, filters, limits }: Report): void {
  const title = (text: string): void => print(paint('bold', text));
  const row = (label: string, text: string, width = LABEL): void =>
    print(`  ${label.padEnd(width)}${wrap(text, width + 2)}`);
  const kinds = {
    libc: `of the C library: ${kqueue.reason}`,
    'built in': `built in: ${kqueue.reason}`,
    library: `${kqueue.path}: ${kqueue.reason}`,
    none: kqueue.reason,
  };
  title(`kqueue-ffi ${version}`);
  row('kqueue', kinds[kqueue.from]);
  row('system', system);
  row('runtime', runtime);
  row('koffi', koffi ?? 'not installed');
  if (wait !== undefined) {
    const how = wait.by === 'intervals' ? 'looks at the queue every 1 to 16 ms' : 'uses no thread and no timer';
    row('wait()', `${how}: ${wait.reason}`);
  }
  if (filters.length > 0) title('Filters');
  for (const { filter, result, detail } of filters) print(`  ${filter.padEnd(LABEL)}${outcome(result, detail)}`);
  title('Limits');
  for (const [name, value] of Object.entries(limits)) row(name, String(value), 32);
}

function outcome(result: Probe['result'], detail: string | undefined): string {
  switch (result) {
    case 'works':
      return paint('green', 'works');
    case 'registered':
      return paint('green', 'registered');
    case 'silent':
      return paint('red', 'no event');
    case 'refused':
      return paint('red', `refused with ${detail}`);
    case 'not on this system':
      return paint('dim', wrap(`not on this system (${detail} only)`, LABEL + 2));
    default:
      return paint('dim', `not probed: ${detail}`);
  }
}
