import { constants as fs, openSync } from 'node:fs';
import { constants as os } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import {
  type Interest,
  Kqueue,
  type KqueueEvent,
  proc,
  read,
  type SignalName,
  signal,
  timer,
  type UserRegistration,
  user,
  vnode,
} from '../index.ts';
import { unavailableReason } from '../sys/index.ts';
import { checked, duration, integer, parse, UsageError } from './arguments.ts';
import { fit, paint, print, printable, StatusLine } from './terminal.ts';

/** The notes that every system has. */
const NOTES = ['delete', 'write', 'extend', 'attrib', 'link', 'rename'] as const;

/** The columns of the filter in a line, after the time. */
const FILTER_START = 14;
const FILTER_END = 20;

/** Between two fetches of an event that repeats, in milliseconds. */
const PAUSE = 100;

export const help = `kqueue-ffi watch: prints events until Ctrl-C.

Usage: kqueue-ffi watch WHAT... [OPTIONS]

What to watch. Each can be given several times.
  --pid N          the exit of a process
  --file PATH      changes of the file or directory that has this name now.
                   Always with EV_CLEAR. Without it a note repeats forever
  --read FD|PATH   data to read: an open descriptor such as 0, or a terminal,
                   FIFO or device. Nothing reads the data, so without --clear
                   the event repeats, and is printed every 100 ms
  --timer TIME     a periodic timer: 500ms, 5s, 1m, 1h
  --signal NAME    a signal to this process: HUP, USR1
  --user N         an event of the program. It is triggered once, at the start

How to report
  --clear          EV_CLEAR: only changes, not a state for as long as it lasts
  --oneshot        EV_ONESHOT: the first event only
  --dispatch       EV_DISPATCH: disabled after the first event
  --count N        ends after N events
  --json           one JSON object for each event, with all fields

Watch ends with exit status 0 after --count events, or when nothing is left to
report. Ctrl-C ends it as it ends tail -f: by SIGINT, which a shell shows as
status 130. With --signal INT, Ctrl-C is an event.`;

const options = {
  pid: { type: 'string', multiple: true, default: [] as string[] },
  file: { type: 'string', multiple: true, default: [] as string[] },
  read: { type: 'string', multiple: true, default: [] as string[] },
  timer: { type: 'string', multiple: true, default: [] as string[] },
  signal: { type: 'string', multiple: true, default: [] as string[] },
  user: { type: 'string', multiple: true, default: [] as string[] },
  clear: { type: 'boolean', default: false },
  oneshot: { type: 'boolean', default: false },
  dispatch: { type: 'boolean', default: false },
  count: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export async function run(args: string[]): Promise<number> {
  const { values } = parse({ args, options });
  const { clear, oneshot, dispatch, json } = values;
  const how = { clear, oneshot, dispatch };
  const count = values.count === undefined ? Number.POSITIVE_INFINITY : integer('--count', values.count, 1);
  const signals = values.signal.map((name) => name.toUpperCase().replace(/^(SIG)?/, 'SIG') as SignalName);
  const periods = values.timer.map((text) => duration('--timer', text));
  const users = values.user.map((text) => integer('--user', text, 0));
  // The token is how the output names what is watched.
  const interests: Interest<string>[] = [
    ...values.pid.map((text) => {
      const pid = integer('--pid', text, 1);
      return checked('--pid', () => proc(pid, { ...how, token: `pid ${pid}` }));
    }),
    ...values.file.map((path) => checked('--file', () => vnode(path, { ...how, on: NOTES, clear: true, token: path }))),
    ...periods.map((every, index) =>
      checked('--timer', () => timer(index + 1, { ...how, every, token: String(values.timer[index]) })),
    ),
    ...signals.map((name) => checked('--signal', () => signal(name, { ...how, token: name }))),
    ...users.map((ident) => checked('--user', () => user(ident, { ...how, token: String(ident) }))),
  ];
  if (interests.length + values.read.length === 0) {
    throw new UsageError('expected at least one of --pid, --file, --read, --timer, --signal, --user');
  }
  const reason = unavailableReason();
  if (reason !== undefined) {
    console.error(`kqueue-ffi watch: ${reason}`);
    return 1;
  }
  for (const what of values.read) {
    // A terminal must not become the controlling terminal, and a FIFO without a writer must not block.
    const fd = /^\d+$/.test(what) ? Number(what) : openSync(what, fs.O_RDONLY | fs.O_NONBLOCK | fs.O_NOCTTY);
    interests.push(checked('--read', () => read(fd, { ...how, token: /^\d+$/.test(what) ? `fd ${fd}` : what })));
  }

  const status = new StatusLine();
  const interrupt = new AbortController();
  const stop = (name: NodeJS.Signals): void => interrupt.abort(name);
  const ending = (['SIGINT', 'SIGTERM'] as const).filter((name) => !signals.includes(name));
  for (const name of ending) process.once(name, stop);
  // The end of the process closes the queue. libkqueue crashes a process that ends soon after close().
  const kq = new Kqueue<string>();
  try {
    const registrations = checked('WHAT', () => kq.register(...interests));
    for (const one of registrations) if (one.interest.filter === 'user') (one as UserRegistration<string>).trigger();
    let printed = 0;
    while (registrations.some(({ active }) => active)) {
      status.show(`${interests.length} watched, ${printed} ${printed === 1 ? 'event' : 'events'}, Ctrl-C ends`);
      const events = await kq.wait({ signal: interrupt.signal, max: Math.min(count - printed, 1024) });
      const time = new Date();
      status.clear();
      for (const event of events) print(json ? jsonLine(event, time) : line(event, time));
      printed += events.length;
      if (printed >= count) break;
      if (events.some(repeats)) await setTimeout(PAUSE, undefined, { signal: interrupt.signal });
    }
    return 0;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    status.clear();
    // By the signal itself, so that a shell that runs this in a loop ends the loop.
    const name: NodeJS.Signals = interrupt.signal.reason;
    process.kill(process.pid, name);
    return 128 + os.signals[name];
  } finally {
    for (const name of ending) process.off(name, stop);
    status.clear();
  }
}

/** Whether the next fetch returns the event again: it is level-triggered, and nothing here changes the state. */
function repeats({ filter, registration }: KqueueEvent<string>): boolean {
  const { clear = false, oneshot = false, dispatch = false } = registration?.interest ?? {};
  return (filter === 'read' || filter === 'user') && !clear && !oneshot && !dispatch;
}

/** `12:34:56.789  VNODE   notes.txt             WRITE|EXTEND` */
function line(event: KqueueEvent<string>, time: Date): string {
  const clock = `${time.toTimeString().slice(0, 8)}.${String(time.getMilliseconds()).padStart(3, '0')}`;
  const what = printable(event.token ?? '').padEnd(20);
  const text = fit(`${clock}  ${event.filter.toUpperCase().padEnd(6)}  ${what}  ${detail(event)}`.trimEnd());
  // The cut comes first, because the codes of a colour take no column, and half a code would hide text.
  const filter = text.slice(FILTER_START, FILTER_END);
  return filter === '' ? text : text.slice(0, FILTER_START) + paint('bold', filter) + text.slice(FILTER_END);
}

function detail(event: KqueueEvent): string {
  switch (event.filter) {
    case 'read': {
      const end = event.eof ? `, EOF${event.error === undefined ? '' : ` ${event.error.code}`}` : '';
      return `${event.bytes} ${event.bytes === 1 ? 'byte' : 'bytes'}${end}`;
    }
    case 'vnode':
      return event.notes.join('|').toUpperCase();
    case 'proc': {
      const { code, signal } = event.exitStatus ?? {};
      const end = signal === undefined ? (code === undefined ? 'status unknown' : `code ${code}`) : `signal ${signal}`;
      return event.exited ? `EXIT, ${end}` : event.notes.join('|').toUpperCase();
    }
    case 'signal':
      return event.count === 1 ? '' : `${event.count} times`;
    case 'timer':
      return event.expirations === 1 ? '' : `${event.expirations} expirations`;
    default:
      return '';
  }
}

function jsonLine(event: KqueueEvent<string>, time: Date): string {
  const notes = event.filter === 'vnode' || event.filter === 'proc' ? { notes: event.notes } : {};
  const status = event.filter === 'proc' ? { exitStatus: event.exitStatus } : {};
  const { token, ...record } = event.toJSON();
  return JSON.stringify({ time: time.toISOString(), what: token, ...record, ...notes, ...status });
}
