// EVFILT_SIGNAL of the built-in kqueue and the process: listeners, dispositions, and signals during a wait.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout, setImmediate as turn } from 'node:timers/promises';
import { loaders } from '../helpers/loaders.ts';
import { noLinux, Queue } from './built-in.ts';
import { alone } from './own-process.ts';

const file = new URL('signal-listeners.test.ts', import.meta.url);
const skip = noLinux;

alone(file, 'a dozen queues for one signal are one listener, which goes with the last', { skip }, async () => {
  const queues = Array.from({ length: 12 }, () => new Queue());
  const ident = constants.signals.SIGWINCH;
  for (const queue of queues) assert.equal(queue.change({ ident, filter: 'SIGNAL' }), 'ok');
  assert.equal(process.listenerCount('SIGWINCH'), 1);
  process.kill(process.pid, 'SIGWINCH');
  const deadline = Date.now() + 60_000;
  for (const queue of queues) {
    let events = queue.fetch();
    while (events.length === 0 && Date.now() < deadline) {
      await turn();
      events = queue.fetch();
    }
    assert.deepEqual(
      events.map(({ data }) => data),
      [1],
    );
    queue.close();
  }
  assert.equal(process.listenerCount('SIGWINCH'), 0);
  return undefined;
});

alone(file, 'a signal whose listeners were all removed is told again to who is registered next', { skip }, async () => {
  const [before, after] = [new Queue(), new Queue()];
  const ident = constants.signals.SIGWINCH;
  assert.equal(before.change({ ident, filter: 'SIGNAL' }), 'ok');
  process.removeAllListeners('SIGWINCH');
  assert.equal(after.change({ ident, filter: 'SIGNAL' }), 'ok');
  assert.equal(process.listenerCount('SIGWINCH'), 1);
  process.kill(process.pid, 'SIGWINCH');
  const deadline = Date.now() + 60_000;
  let events = after.fetch();
  while (events.length === 0 && Date.now() < deadline) {
    await turn();
    events = after.fetch();
  }
  assert.equal(events.length, 1);
  for (const queue of [before, after]) queue.close();
  assert.equal(process.listenerCount('SIGWINCH'), 0);
  return undefined;
});

/** The signals that this process ignores, from /proc. */
const ignored = (signal: keyof typeof constants.signals): boolean => {
  const [, mask = '0'] = /^SigIgn:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
  return ((BigInt(`0x${mask}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
};

alone(
  file,
  'a signal that was ignored, as Node ignores SIGPIPE, is counted, and ignored again afterwards',
  { skip },
  async () => {
    assert(ignored('SIGPIPE'));
    const queue = new Queue();
    const ident = constants.signals.SIGPIPE;
    assert.equal(queue.change({ ident, filter: 'SIGNAL' }), 'ok');
    assert(!ignored('SIGPIPE'));
    process.kill(process.pid, 'SIGPIPE');
    const deadline = Date.now() + 60_000;
    let data: unknown;
    while (data === undefined && Date.now() < deadline) {
      await setTimeout(1);
      data = queue.fetch()[0]?.data;
    }
    assert.equal(data, 1);
    assert.equal(queue.change({ ident, filter: 'SIGNAL', flags: 'DELETE' }), 'ok');
    assert(ignored('SIGPIPE'));
    process.kill(process.pid, 'SIGPIPE');

    // Two queues that count it: the last of them, whichever that is.
    const others = [new Queue(), new Queue()];
    for (const one of others) assert.equal(one.change({ ident, filter: 'SIGNAL' }), 'ok');
    for (const one of others) one.close();
    assert(ignored('SIGPIPE'));

    // Somebody else listens by now: it is theirs.
    assert.equal(queue.change({ ident, filter: 'SIGNAL' }), 'ok');
    const heard = new Promise((resolve) => process.on('SIGPIPE', resolve));
    queue.close();
    assert(!ignored('SIGPIPE'));
    process.kill(process.pid, 'SIGPIPE');
    await heard;
    return undefined;
  },
);

alone(file, 'a signal that nobody ignored has its default action again afterwards', { skip }, () => {
  const program = `
    import { Queue } from ${JSON.stringify(new URL('built-in.ts', import.meta.url).href)};
    const queue = new Queue();
    if (queue.change({ ident: 1, filter: 'SIGNAL' }) !== 'ok') process.exit(1);
    queue.close();
    process.kill(process.pid, 'SIGHUP');
    setTimeout(() => {}, 60_000);`;
  const ran = spawnSync(process.execPath, [...loaders, '--input-type=module', '--eval', program], {
    encoding: 'utf8',
  });
  assert.equal(ran.signal, 'SIGHUP', ran.stderr);
  return undefined;
});

/** Sends this process a signal again and again, from outside: a thread that waits in a system call can send none. */
function nag(signal: string): () => void {
  const child = spawn('/bin/sh', ['-c', `while kill -${signal} ${process.pid} 2>/dev/null; do sleep 0.05; done`]);
  return () => void child.kill('SIGKILL');
}

alone(file, 'a signal during the wait: EINTR, and the changes are applied', { skip }, () => {
  process.on('SIGUSR2', () => {});
  const queue = new Queue();
  const stop = nag('USR2');
  assert.throws(() => queue.fetch(60_000), /EINTR/);
  stop();
  return undefined;
});

alone(
  file,
  'a signal that a knote waits for ends the wait with 0, and is counted when the loop has turned',
  { skip },
  async () => {
    const queue = new Queue();
    assert.equal(queue.change({ ident: constants.signals.SIGUSR2, filter: 'SIGNAL' }), 'ok');
    const stop = nag('USR2');
    assert.deepEqual(queue.fetch(60_000), []);
    stop();
    const deadline = Date.now() + 60_000;
    let events = queue.fetch();
    while (events.length === 0 && Date.now() < deadline) {
      await setTimeout(1);
      events = queue.fetch();
    }
    assert.equal(events[0]?.ident, constants.signals.SIGUSR2);
    return undefined;
  },
);
