import type { SharedGate } from './case.ts';

// Measured on 2.3.1, 2.5.1, 2.6.4, 2.7.0 and the source after 2.7.0, which `2.7.1` stands for. A bound is the first of these
// versions that does otherwise.

const source = 'run on 2.3.1 to 2.7.0 and later source';

function gate(reason: string, cases: readonly string[], version?: string): SharedGate {
  return { on: 'libkqueue', ...(version === undefined ? {} : { version }), reason, source, cases };
}

const UDATA = [0n, 1n, 2n ** 31n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n];
const DATA = [42n, -1n, 2n ** 53n + 1n, -(2n ** 62n)];
const SOCKETS = ['a UNIX socket', 'a TCP socket'];

export const libkqueueGates: readonly SharedGate[] = [
  // The call.
  gate('a negative timeout waits for ever', ['a timeout of negative seconds is EINVAL']),
  gate('a timeout is not checked: it is over at once', ['a timeout of negative nanoseconds is EINVAL'], '< 2.4'),
  gate('a timeout is not checked: it waits for two seconds', [
    'a timeout of two thousand million nanoseconds is EINVAL',
  ]),
  gate('ENOENT, and not before a thread of its own has noticed that the queue was closed', [
    'kevent(2) on a closed queue is EBADF',
  ]),
  gate('a descriptor that is no queue is ENOENT', [
    'kevent(2) on the descriptor -1 is EBADF',
    'kevent(2) on a descriptor that is not a queue is EBADF',
  ]),

  // Error records and receipts.
  gate('records do not keep a call from fetching and waiting (and before 2.5 have no EV_ERROR and are not counted)', [
    'one list can hold the changes and then their error records',
    'a failed change becomes a record with the errno, and the changes behind it are applied',
    'each failed change has a record, in the order of the changes',
    'an error record keeps the call from fetching and from waiting',
    'EV_RECEIPT: a call with receipts neither fetches nor waits',
  ]),
  gate(
    'a receipt does not keep a call from fetching',
    ['EV_RECEIPT: a change with a receipt among those without, and both are applied'],
    '>= 2.5',
  ),
  gate(
    'receipts have no EV_ERROR and are not counted',
    [
      'EV_RECEIPT: one record for each change, in order, its data 0',
      'EV_RECEIPT: deletion, disabling and enabling have receipts too',
      ...['READ', 'WRITE', 'VNODE', 'TIMER', 'USER', 'SIGNAL', 'PROC'].map(
        (filter) => `EV_RECEIPT: ${filter} has a receipt for being added and one for being deleted`,
      ),
    ],
    '< 2.5.1',
  ),
  gate('records have no EV_ERROR and are not counted', ['an error record has the notes of its change'], '< 2.5'),
  gate('a call returns 512 records at most', [
    'a thousand failed changes have a thousand records',
    'EV_RECEIPT: a thousand changes have a thousand receipts',
  ]),
  gate(
    'what cannot be registered is EFAULT, whatever the cause',
    [
      ...UDATA.map((udata) => `a udata of ${udata} comes back as it is`),
      'READ: adding a closed descriptor is EBADF',
      'WRITE: adding a closed descriptor is EBADF',
      'VNODE: adding a closed descriptor is EBADF',
      'a descriptor number that no process has is EBADF',
      'VNODE on a pipe is EINVAL',
      'VNODE on a socket is EINVAL',
      'without an event list a failed change is -1 with its errno; what came before it stays, what comes after is not applied',
      'EV_RECEIPT: a change that fails has its errno in the record',
      'PROC: a process that there is not is ESRCH',
      'PROC: a process that was waited for is ESRCH',
    ],
    '< 2.7.1',
  ),
  gate('only the low 32 bits of a descriptor are looked at', [
    'a descriptor number beyond a C int is EBADF, and is not cut to 32 bits',
  ]),
  gate('flags of a change come back as they were given', ['EV_ERROR and EV_EOF in a change mean nothing']),

  // Adding again, disabling.
  gate('READ and WRITE cannot be added again without EV_CLEAR (before 2.5 not at all): -1, with no errno', [
    'adding a knote again makes no second one',
    'adding a knote again replaces its udata',
    'adding a disabled knote again does not enable it; EV_ADD|EV_ENABLE does',
    'adding a knote again with EV_ONESHOT does not make it a one-shot',
    'adding a knote again without EV_CLEAR leaves it EV_CLEAR',
    'a changelist of 10,000 is applied to its end',
    'WRITE: adding it again replaces udata, and makes no second knote',
  ]),
  gate(
    'READ and WRITE cannot be added again: -1, with no errno',
    [
      'adding a knote again replaces the udata of an event that is already pending',
      'adding a level-triggered knote again with EV_CLEAR leaves it level-triggered',
    ],
    '< 2.5.1',
  ),
  gate('disabling twice is ENOENT', ['disabling twice and enabling twice are no errors'], '< 2.4'),
  gate(
    'EV_DISABLE in the first EV_ADD disables nothing',
    [
      'EV_ADD|EV_DISABLE registers and stays silent; EV_ENABLE shows what is there',
      'READ on a pipe: its end, while the knote is disabled, is shown by EV_ENABLE',
      ...['a pipe', ...SOCKETS].map((what) => `WRITE on ${what}: disabled is silent, enabled is not`),
    ],
    '>= 2.4',
  ),

  // READ and WRITE.
  gate(
    'a descriptor cannot have both READ and WRITE: EFAULT',
    [
      'knotes are told apart by ident and filter, not by ident alone',
      'the flags of an event have neither EV_ERROR nor EV_EOF where nothing is wrong',
      'READ with EV_ONESHOT leaves the WRITE knote of its socket',
      'WRITE deleted leaves the READ knote of its socket',
      'WRITE and READ of one socket are both reported in one fetch',
      'READ and WRITE knotes both go with their descriptor',
    ],
    '< 2.4',
  ),
  gate('READ and WRITE of one descriptor are both EV_CLEAR or both not', [
    'READ with EV_CLEAR and WRITE without, on one socket, do not disturb each other',
    'WRITE with EV_CLEAR and READ without, on one socket, do not disturb each other',
  ]),
  gate('an eventfd cannot be watched: EFAULT', ['READ on an eventfd: reported while its counter is not zero'], '< 2.4'),
  gate('data is 1, however many connections wait', [
    'READ on a listening socket: data is the number of connections that wait',
    'READ on a listening socket with EV_CLEAR: reported once for each connection',
  ]),
  gate('any error is EV_EOF', ['READ on a UDP socket: an error that waits is reported, and is no end'], '>= 2.4'),
  gate('a file that was read to its end is not looked at again', [
    'READ on a regular file: growth is reported to whoever is at its end',
    'READ on a regular file: an empty file is silent until it grows',
    'READ on a regular file with EV_CLEAR: reported once, and again when it grows',
    'READ on a regular file: an unlinked file still has its bytes, and still grows',
    'VNODE and READ on one file are told apart',
  ]),
  gate(
    'a regular file is still registered after its one-shot was delivered',
    ['READ on a regular file: a one-shot is reported once'],
    '>= 2.5',
  ),
  gate(
    'nothing is reported',
    ['READ on a regular file: a file cut off before the offset has less than nothing to read'],
    '>= 2.7.1',
  ),
  gate('data is not the space that is left but the bytes that wait to be sent', [
    ...SOCKETS.flatMap((what) => [
      `WRITE on ${what}: data is the space that is left; level-triggered`,
      `WRITE on ${what}: silent while it is full, reported when it was emptied`,
      `WRITE on ${what} with EV_CLEAR: reported once, and again when a full one was emptied`,
    ]),
    'WRITE on a UDP socket: there is space',
    'WRITE on a UNIX datagram socket: there is space',
  ]),
  gate(
    'data is 0',
    [
      'WRITE on a pipe: data is the space that is left; level-triggered',
      'WRITE on a pipe: silent while it is full, reported when it was emptied',
      'WRITE on a pipe with EV_CLEAR: reported once, and again when a full one was emptied',
      'WRITE on a pipe: less space than PIPE_BUF is none',
    ],
    '< 2.7.1',
  ),
  gate(
    'that the reader is gone is fflags 5 (EIO), without EV_EOF',
    [
      'WRITE on a pipe: the other side closed is EV_EOF',
      'WRITE on a pipe whose reader is gone: refused with EPIPE or EBADF, or EV_EOF',
    ],
    '< 2.5.1',
  ),
  gate('it is EV_EOF', [
    'READ on a socket that is not connected is silent',
    'WRITE on a socket that is not connected is silent',
  ]),
  gate(
    'EV_EOF never comes',
    SOCKETS.map((what) => `WRITE on ${what}: shut down for writing is EV_EOF`),
  ),
  gate('a regular file cannot be watched: EFAULT', ['WRITE on a regular file: there is always space'], '< 2.6.4'),

  // TIMER.
  gate(
    'adding a timer again changes nothing',
    [
      'TIMER: adding it again starts it over with the new period',
      'TIMER: adding it again drops what had run out and was not fetched',
    ],
    '< 2.6.4',
  ),
  gate('EV_ENABLE starts the timer over', ['TIMER: a disabled timer goes on counting']),
  gate(
    'microseconds are taken for nanoseconds',
    ['TIMER: NOTE_USECONDS', 'TIMER: a period in microseconds fires again and again'],
    '< 2.6.4',
  ),
  gate('they are taken for milliseconds', ['TIMER: two units at once are EINVAL']),
  gate(
    'a time of day is taken for a time since the machine was started',
    [
      'TIMER at a time of day: fires once it has come, not before',
      'TIMER at a time of day that has passed: fires at once',
      'TIMER at a time of day in seconds',
      'TIMER at a time of day in microseconds',
    ],
    '< 2.7.1',
  ),

  // USER.
  gate('delivery takes the trigger back', [
    'USER with EV_DISPATCH: disabled by delivery; EV_ENABLE shows that it is still triggered',
  ]),
  gate('the trigger of a disabled knote is lost', ['USER: a trigger while it is disabled is shown by EV_ENABLE']),
  gate(
    'the data of a trigger is lost',
    DATA.map((data) => `USER: a data of ${data} comes with the event`),
  ),

  // VNODE.
  gate(
    'the knote goes when anybody closes the file',
    [
      'VNODE: what is done through another name is told',
      'VNODE with EV_CLEAR: what was told is not told again with the next',
      'VNODE: two descriptors of one file have knotes of their own',
      'VNODE: two queues are both told',
    ],
    '< 2.7.1',
  ),
  gate('each change is an event of its own', ['VNODE: several changes before a fetch are one event'], '< 2.7.1'),
  gate(
    'VNODE cannot be added again: -1, with no errno',
    [
      'VNODE: added again with fewer notes, the others are told no more',
      'VNODE: added again with more notes, those are told too',
    ],
    '< 2.7.1',
  ),
  gate('VNODE is always EV_CLEAR', ['VNODE without EV_CLEAR: told again and again, and notes add up']),
  gate('what happens while a knote is disabled is lost', [
    'VNODE with EV_DISPATCH: disabled by delivery; EV_ENABLE shows what came since',
    'VNODE: what happens while it is disabled is shown by EV_ENABLE',
  ]),
  gate(
    'what happens to the names in a directory is not told',
    [
      'VNODE on a directory: a name that comes is NOTE_WRITE',
      'VNODE on a directory: a name that goes is NOTE_WRITE',
      'VNODE on a directory: a name that changes is NOTE_WRITE',
      'VNODE on a directory: a name moved in, and one moved out, are NOTE_WRITE',
      'VNODE on a directory: a directory made or removed in it is NOTE_WRITE and NOTE_LINK',
      'VNODE on a directory: renamed is NOTE_RENAME',
    ],
    '< 2.7.1',
  ),
  gate('what happens to the files in a directory is told as if it were the directory', [
    'VNODE on a directory: what happens to a file in it is not told',
  ]),
  gate('that a directory is removed is not told', ['VNODE on a directory: removed is NOTE_DELETE']),

  // PROC and SIGNAL.
  { on: 'libkqueue', version: '< 2.5.1', needs: ['PROC'], reason: 'there is no EVFILT_PROC: ENOSYS', source },
  gate('only children are told of', ['PROC: the end of a process that is no child is told']),
  gate(
    'the end is told again and again',
    ['PROC: adding a process again replaces udata, and makes no second knote'],
    '< 2.7.1',
  ),
  gate('a signal is blocked in one thread and read there, but may be delivered to any other, and Node has several', [
    'SIGNAL: silent without one; one is one event',
    'SIGNAL: data counts the signals since the last fetch',
    'SIGNAL: EV_CLEAR is set without being asked for',
    'SIGNAL: whoever handles the signal still gets it',
    'SIGNAL: a signal that is ignored is counted too',
    'SIGNAL: different signals are different knotes',
    'SIGNAL: two queues both count',
    'SIGNAL with EV_ONESHOT: one event, then gone',
    'SIGNAL with EV_DISPATCH: disabled by delivery until EV_ENABLE',
    'SIGNAL: counted while it is disabled, shown by EV_ENABLE',
    'SIGNAL: adding it again keeps the count and replaces udata',
  ]),

  // Queues in queues: the descriptor is the writing end of a pipe.
  gate('the descriptor of a queue is that of a pipe, and is watched as one', [
    'a queue with events is readable in another; without events it is not',
    'a queue that has events already is reported by registration',
    'an event that was fetched from the inner queue is gone from the outer',
    'a queue in a queue in a queue',
    'a queue in two queues is readable in both',
    "an inner queue's timer ends the wait of the outer",
    'a queue watched with EV_ONESHOT is reported once',
    'a queue watched with EV_CLEAR is reported again when it gets another event',
    'a queue watched with EV_CLEAR is reported again when it gets a second user event',
    'a queue watched with EV_CLEAR is reported again when it gets a second signal',
    'a closed inner queue is silent in the outer',
    'WRITE on a queue is EINVAL',
    'a queue cannot watch itself: EINVAL',
    'two queues cannot watch each other: EINVAL or ELOOP',
  ]),

  // Closing.
  gate('the knotes of a closed descriptor stay: nobody tells the library', [
    'a closed number is silent though a duplicate of it lives and has bytes to read',
    'a closed number is silent though a duplicate lives and its writer goes',
    'a duplicate made after registration has no knote, and can have one',
    'a new file on a closed number starts without a knote',
    'a new file on a closed number can be registered, and is what is reported',
    'a new file on a closed number starts clean while a duplicate of the old one lives and is readable',
    'a new file on the number of one that was ready, and is still open as a duplicate, is reported once',
    'a new file on a closed number is not reported for what happens to the duplicate of the old one',
    'a file that comes back to its number by way of a duplicate has no knote',
    'a regular file opened again on its number has no knote',
    'a regular file opened again on its number has the knote that it was given since, and no other',
    'a file whose changes were told, opened again on its number, has no knote',
    'a regular file opened again on its number has no knote in a queue, after another queue has registered it',
    'a descriptor closed after it was disabled, and its number used again, starts clean',
    'a new file on the number of one that was disabled, and is still open as a duplicate, is told of',
    'a number used again takes another mode: EV_CLEAR is not inherited, nor is a one-shot',
    'a socket on the number of a file, and a file on the number of a socket',
    'a number used a hundred times over is clean each time',
    'the knotes of a closed descriptor leave those of others alone',
    'a descriptor in two queues goes from both',
    'VNODE: a closed descriptor is told nothing, though the file changes',
  ]),
  gate(
    'the knote of a closed descriptor can still be deleted',
    ['a closed descriptor is silent, and its knote is gone'],
    '>= 2.4',
  ),
  gate(
    'the knote of a closed descriptor can still be deleted',
    ['dup2(2) over a registered descriptor takes its knote away'],
    '>= 2.7.1',
  ),
];
