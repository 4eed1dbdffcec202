// What the compiler must know of the high-level API, and what it must refuse: checked by `npm run typecheck`, run by nobody.

import {
  type ExitStatus,
  type Interest,
  Kqueue,
  KqueueError,
  type KqueueErrorDetails,
  type KqueueEvent,
  proc,
  type ReadEvent,
  type Registration,
  type RegistrationOf,
  type Registrations,
  raw,
  read,
  type SignalName,
  signal,
  timer,
  type UserRegistration,
  user,
  type VnodeNote,
  vnode,
  Waker,
  write,
} from '../../src/index.ts';
import { abi, bindKqueue, KeventList } from '../../src/sys/index.ts';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** That a value's type is this one, and not just some type that takes it. */
declare function is<Expected>(): <Actual>(value: Actual, same: Same<Expected, Actual>) => void;

interface Connection {
  readonly name: string;
}
declare const connection: Connection;
declare const fd: number;

export async function tokens(): Promise<void> {
  const kq = new Kqueue<Connection>();
  kq.register(read(fd, { token: connection }), write(fd), timer(1, { every: 250 }));
  // @ts-expect-error a token of another type
  kq.register(read(fd, { token: 'text' }));
  // @ts-expect-error one of several
  kq.register(read(fd, { token: connection }), user(1, { token: 5 }));

  for (const event of kq.poll()) is<Connection | undefined>()(event.token, true);
  for (const event of await kq.wait()) is<Connection | undefined>()(event.token, true);
  for await (const event of kq) {
    is<KqueueEvent<Connection>>()(event, true);
    is<Connection | undefined>()(event.token, true);
    is<Connection | undefined>()(event.registration?.interest.token, true);
  }

  // Without a type argument a token may be anything, and is unknown.
  const any = new Kqueue();
  any.register(read(fd, { token: connection }), user(1, { token: 5 }), user(2));
  for (const event of any.poll()) is<unknown>()(event.token, true);
}

type Handler = (event: KqueueEvent<Handler>) => void;
type Role = { readonly role: 'listener'; backlog: number } | { readonly role: 'client'; queue: string[] };

/** A token that is written in place is one of the queue's, in all the ways that register() can be called. */
export function tokensInPlace(handlers: Kqueue<Handler>, roles: Kqueue<Role>): void {
  handlers.register(read(fd, { token: (event) => is<KqueueEvent<Handler>>()(event, true) }));
  handlers.register(read(fd, { token: ({ filter }) => filter }), user(1, { token: (event) => event.data }));

  roles.register(read(fd, { token: { role: 'client', queue: ['hello'] } }));
  roles.register(
    read(fd, { token: { role: 'client', queue: [] } }),
    user(1, { token: { role: 'listener', backlog: 5 } }),
  );
  // @ts-expect-error no such token
  roles.register(read(fd, { token: { role: 'server', backlog: 5 } }));
}

export function narrowing(event: KqueueEvent<Connection>): unknown {
  switch (event.filter) {
    case 'read':
      is<ReadEvent<Connection>>()(event, true);
      // @ts-expect-error of a timer
      event.expirations;
      return [event.fd, event.bytes, event.eof, event.has('eof')];
    case 'write':
      // @ts-expect-error write has no notes
      event.has('eof');
      return [event.fd, event.bytes];
    case 'vnode':
      is<VnodeNote[]>()(event.notes, true);
      // @ts-expect-error of proc
      event.has('exit');
      return [event.path, event.has('rename')];
    case 'proc':
      is<ExitStatus | undefined>()(event.exitStatus, true);
      // @ts-expect-error of vnode
      event.has('write');
      return [event.pid, event.exited, event.parent];
    case 'signal':
      is<SignalName | number>()(event.signal, true);
      return event.count;
    case 'timer':
      // @ts-expect-error of read
      event.bytes;
      return event.expirations;
    case 'user':
      // The registration of a user() can be triggered.
      event.registration?.trigger(1);
      return event.bits;
    case 'raw':
      return [event.evfilt, event.udata, event.ident64, event.data64];
    default: {
      const none: never = event;
      return none;
    }
  }
}

/** The names are Node's own: each can go where the other is expected. */
export function signalNames(ours: SignalName, nodes: NodeJS.Signals): void {
  is<NodeJS.Signals>()(ours, true);
  signal(nodes);
}

export function notNarrowed(event: KqueueEvent): void {
  // @ts-expect-error not every event has a descriptor
  event.fd;
  // @ts-expect-error nor can be triggered
  event.registration?.trigger();
  is<KqueueError | undefined>()(event.error, true);
  // @ts-expect-error an event is what it is
  event.data = 5;
}

export function exitStatus(status: ExitStatus): number | string {
  if (status.signal !== undefined) {
    is<undefined>()(status.code, true);
    return status.signal;
  }
  return status.code;
}

export function registrations(): void {
  const kq = new Kqueue<Connection>();
  const [one, two, three] = kq.register(read(fd, { token: connection }), user(1, { token: connection }), user(2));
  is<Registration<Connection>>()(one, true);
  is<UserRegistration<Connection>>()(two, true);
  two.trigger(5);
  three.trigger();
  // @ts-expect-error only user() can be triggered
  one.trigger();
  // @ts-expect-error there are as many as interests
  kq.register(read(fd))[1];

  for (const each of kq.register(...[user(1), user(2)])) each.trigger();
  const mixed: Interest<Connection>[] = [read(fd), user(1)];
  for (const each of kq.register(...mixed)) each.enable();

  kq.unregister(one, user(1), vnode('/', { on: ['write'] }));
  // @ts-expect-error neither interest nor registration
  kq.unregister(fd);
  // @ts-expect-error a registration tells, and is not told
  one.active = false;
  // @ts-expect-error nor is an interest
  read(fd).ident = 5;
  // @ts-expect-error a copy of an interest is none: only builders make them
  kq.register({ ...read(fd), clear: true });
  const { filter, ident, clear, oneshot, dispatch, disabled, token } = user(1);
  // @ts-expect-error nor are the same fields
  kq.unregister({ filter, ident, clear, oneshot, dispatch, disabled, token });
}

/** What a program of its own types around register() may expect. */
export function wrapped<T, const I extends readonly Interest<T>[], One extends Interest<T>>(
  kq: Kqueue<T>,
  several: I,
  one: One,
  token: T,
): [Registrations<I>, RegistrationOf<One>, UserRegistration<T>, Registration<T>[]] {
  const [first] = kq.register(one);
  const [second] = kq.register(user(1, { token }));
  return [kq.register(...several), first, second, kq.register(...several)];
}

export class Subclass<T> extends Kqueue<T> {
  watch(one: Interest<T>): Registration<T> {
    return this.register(one)[0];
  }
}

export function builders(): void {
  // @ts-expect-error a descriptor is a number
  read('0');
  // @ts-expect-error vnode() must be told what for
  vnode('/');
  // @ts-expect-error no such note
  vnode('/', { on: ['exit'] });
  // @ts-expect-error no such note
  proc(1, { on: ['write'] });
  // @ts-expect-error a timer has a time
  timer(1);
  // @ts-expect-error one, that is
  timer(1, { every: 1, after: 1 });
  timer(1, { at: new Date() });
  timer(2n ** 63n, { after: 0.5 });
  signal('SIGHUP');
  signal(1);
  // @ts-expect-error a signal's name begins with SIG
  signal('HUP');
  // @ts-expect-error no system has such a signal
  signal('SIGTREM');
  raw({ ident: 1, filter: -1, udata: 2n ** 63n });
  // @ts-expect-error six fields
  raw({ ident: 1 });
  // @ts-expect-error no such option
  user(1, { once: true });
  // Absent, or undefined.
  user(1, { clear: undefined, oneshot: undefined });
}

/** What may be left out may be undefined, also with exactOptionalPropertyTypes. */
export function leftOut(maybe: number | undefined, name: string | undefined, details: KqueueErrorDetails): void {
  read(0, { lowat: maybe });
  raw({ ident: 1, filter: -1, flags: maybe, udata: maybe });
  new KeventList(1).set(0, { ident: 1, flags: maybe });
  bindKqueue({ library: null, abi, symbols: undefined });
  bindKqueue({ library: null, abi, symbols: { kevent: name } });
  new KqueueError(2, 'open', { ...details, path: name });
}

export async function waiting(kq: Kqueue): Promise<void> {
  kq.poll({ timeout: 5, max: 1 });
  // @ts-expect-error poll() blocks: nobody could abort it
  kq.poll({ signal: AbortSignal.abort() });
  await kq.wait({ timeout: undefined, signal: new AbortController().signal });
  // @ts-expect-error an AbortSignal
  await kq.wait({ signal: 'SIGINT' });
  // @ts-expect-error its descriptor is the queue's own business
  kq.fd = 5;
  const same: Kqueue = kq.ref().unref();
  same.close();
}

export function wakers(kq: Kqueue): void {
  new Waker(kq.waker()).wake();
  new Waker(structuredClone(kq.waker(5))).wake();
  // @ts-expect-error what kq.waker() gave
  new Waker(5);
}

export function errors(error: unknown): void {
  if (!(error instanceof KqueueError)) return;
  is<string>()(error.code, true);
  is<Interest | undefined>()(error.interest, true);
  // @ts-expect-error it may be about no change
  error.change.ident;
}

// A queue of one type of token is not one of another.
declare const ofConnections: Kqueue<Connection>;
// @ts-expect-error its events have other tokens
export const ofNumbers: Kqueue<number> = ofConnections;
