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
  gate('a negative timeout waits forever', ['a timeout of negative seconds is EINVAL']),
  gate('the timeout is not checked, and expires immediately', ['a timeout of negative nanoseconds is EINVAL'], '< 2.4'),
  gate('the timeout is not checked, and the call waits two seconds', [
    'a timeout of 2,000,000,000 nanoseconds is EINVAL',
  ]),
  gate('it is ENOENT, and only after a thread of the library has noticed that the queue was closed', [
    'kevent(2) on a closed queue is EBADF',
  ]),
  gate('it is ENOENT', [
    'kevent(2) on the descriptor -1 is EBADF',
    'kevent(2) on a descriptor that is not a queue is EBADF',
  ]),

  // Error records and receipts.
  gate('the call also fetches and waits (before 2.5 the records have no EV_ERROR and are not counted)', [
    'one list can hold the changes and then their error records',
    'a failed change becomes a record with the errno, and the later changes are applied',
    'each failed change has a record, in the order of the changes',
    'a call with an error record does not fetch or wait',
    'EV_RECEIPT: a call with receipts neither fetches nor waits',
  ]),
  gate(
    'the call also fetches',
    ['EV_RECEIPT: changes with a receipt and changes without one are all applied'],
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
  gate('records have no EV_ERROR and are not counted', ['an error record has the fflags of its change'], '< 2.5'),
  gate('a call returns 512 records at most', [
    'a thousand failed changes have a thousand records',
    'EV_RECEIPT: a thousand changes have a thousand receipts',
  ]),
  gate(
    'a failed registration is EFAULT, whatever the cause',
    [
      ...UDATA.map((udata) => `a udata of ${udata} comes back unchanged`),
      'READ: adding a closed descriptor is EBADF',
      'WRITE: adding a closed descriptor is EBADF',
      'VNODE: adding a closed descriptor is EBADF',
      'a descriptor number that no process has is EBADF',
      'VNODE on a pipe is EINVAL',
      'VNODE on a socket is EINVAL',
      'without an eventlist a failed change is -1 with its errno: earlier changes stay applied, later ones are not',
      'EV_RECEIPT: a change that fails has its errno in the record',
      'PROC: a process that does not exist is ESRCH',
      'PROC: a process that was waited for is ESRCH',
    ],
    '< 2.7.1',
  ),
  gate('only the low 32 bits of a descriptor are used', [
    'a descriptor number beyond a C int is EBADF, and is not truncated to 32 bits',
  ]),
  gate('the flags of a change come back unchanged', ['EV_ERROR and EV_EOF in a change are ignored']),

  // Adding again, disabling.
  gate('READ and WRITE cannot be added again without EV_CLEAR (before 2.5 not at all): -1, with no errno', [
    'adding a knote again does not make a second knote',
    'adding a knote again replaces its udata',
    'adding a disabled knote again does not enable it; EV_ADD|EV_ENABLE does',
    'adding a knote again with EV_ONESHOT does not make it a one-shot',
    'adding a knote again without EV_CLEAR leaves it EV_CLEAR',
    'a changelist of 10,000 is applied completely',
    'WRITE: adding it again replaces udata, and does not make a second knote',
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
    'EV_DISABLE in the first EV_ADD has no effect',
    [
      'EV_ADD|EV_DISABLE registers a silent knote; EV_ENABLE reports the condition',
      'READ on a pipe: EV_ENABLE reports an end that came while the knote was disabled',
      ...['a pipe', ...SOCKETS].map((what) => `WRITE on ${what}: silent while it is disabled`),
    ],
    '>= 2.4',
  ),

  // READ and WRITE.
  gate(
    'a descriptor cannot have both READ and WRITE: EFAULT',
    [
      'ident and filter identify a knote, not ident alone',
      'EV_ERROR and EV_EOF are not set in an event without an error or an end',
      'READ with EV_ONESHOT does not affect the WRITE knote of its socket',
      'deleting a WRITE knote does not affect the READ knote of its socket',
      'WRITE and READ of one socket are both reported in one fetch',
      'closing a descriptor deletes its READ and WRITE knotes',
    ],
    '< 2.4',
  ),
  gate('READ and WRITE of one descriptor are both EV_CLEAR or both not', [
    'READ with EV_CLEAR and WRITE without, on one socket, do not affect each other',
    'WRITE with EV_CLEAR and READ without, on one socket, do not affect each other',
  ]),
  gate('an eventfd cannot be watched: EFAULT', ['READ on an eventfd: reported while its counter is not zero'], '< 2.4'),
  gate('data is 1 for any number of pending connections', [
    'READ on a listening socket: data is the number of pending connections',
    'READ on a listening socket with EV_CLEAR: reported once for each connection',
  ]),
  gate('each error is EV_EOF', ['READ on a UDP socket: a pending error is reported without EV_EOF'], '>= 2.4'),
  gate('a file that was read to its end is not checked again', [
    'READ on a regular file: growth is reported when the offset is at the end',
    'READ on a regular file: an empty file is silent until it grows',
    'READ on a regular file with EV_CLEAR: reported once, and again when it grows',
    'READ on a regular file: an unlinked file still has its bytes, and still grows',
    'VNODE and READ on one file are separate knotes',
  ]),
  gate(
    'a regular file is still registered after its one-shot was delivered',
    ['READ on a regular file: a one-shot is reported once'],
    '>= 2.5',
  ),
  gate(
    'nothing is reported',
    ['READ on a regular file: data is negative when the file ends before the offset'],
    '>= 2.7.1',
  ),
  gate('data is the number of unsent bytes, not the free space', [
    ...SOCKETS.flatMap((what) => [
      `WRITE on ${what}: data is the free space; level-triggered`,
      `WRITE on ${what}: silent while it is full, reported after it is emptied`,
      `WRITE on ${what} with EV_CLEAR: reported once, and again after a full one is emptied`,
    ]),
    'WRITE on a UDP socket: there is space',
    'WRITE on a UNIX datagram socket: there is space',
  ]),
  gate(
    'data is 0',
    [
      'WRITE on a pipe: data is the free space; level-triggered',
      'WRITE on a pipe: silent while it is full, reported after it is emptied',
      'WRITE on a pipe with EV_CLEAR: reported once, and again after a full one is emptied',
      'WRITE on a pipe: less space than PIPE_BUF counts as none',
    ],
    '< 2.7.1',
  ),
  gate(
    'the closed reader is fflags 5 (EIO), without EV_EOF',
    [
      'WRITE on a pipe: EV_EOF when the other side closes',
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
      'TIMER: adding it again restarts it with the new period',
      'TIMER: adding it again discards expirations that were not fetched',
    ],
    '< 2.6.4',
  ),
  gate('EV_ENABLE restarts the timer', ['TIMER: a disabled timer continues to count']),
  gate(
    'microseconds are treated as nanoseconds',
    ['TIMER: NOTE_USECONDS', 'TIMER: a period in microseconds fires again and again'],
    '< 2.6.4',
  ),
  gate('they are treated as milliseconds', ['TIMER: two units at once are EINVAL']),
  gate(
    'a time of day is treated as a time since boot',
    [
      'TIMER at a time of day: fires at that time, not before',
      'TIMER at a time of day that has passed: fires immediately',
      'TIMER at a time of day in seconds',
      'TIMER at a time of day in microseconds',
    ],
    '< 2.7.1',
  ),

  // USER.
  gate('delivery resets the trigger', [
    'USER with EV_DISPATCH: disabled by delivery; EV_ENABLE reports that it is still triggered',
  ]),
  gate('the trigger of a disabled knote is lost', [
    'USER: EV_ENABLE reports a trigger that came while it was disabled',
  ]),
  gate(
    'the data of a trigger is lost',
    DATA.map((data) => `USER: data ${data} comes back with the event`),
  ),

  // VNODE.
  gate(
    'the knote is deleted when any process closes the file',
    [
      'VNODE: a change through another name is reported',
      'VNODE with EV_CLEAR: an event does not repeat the notes of an earlier one',
      'VNODE: two descriptors of one file have separate knotes',
      'VNODE: two queues both report a change',
    ],
    '< 2.7.1',
  ),
  gate('each change is a separate event', ['VNODE: several changes before a fetch are one event'], '< 2.7.1'),
  gate(
    'VNODE cannot be added again: -1, with no errno',
    [
      'VNODE: added again with fewer notes, it no longer reports the others',
      'VNODE: added again with more notes, it reports those too',
    ],
    '< 2.7.1',
  ),
  gate('VNODE is always EV_CLEAR', ['VNODE without EV_CLEAR: reported again and again, and the notes accumulate']),
  gate('changes while a knote is disabled are lost', [
    'VNODE with EV_DISPATCH: disabled by delivery; EV_ENABLE reports later changes',
    'VNODE: EV_ENABLE reports changes that came while it was disabled',
  ]),
  gate(
    'changes of the names in a directory are not reported',
    [
      'VNODE on a directory: a new name is NOTE_WRITE',
      'VNODE on a directory: a removed name is NOTE_WRITE',
      'VNODE on a directory: a renamed entry is NOTE_WRITE',
      'VNODE on a directory: an entry moved in or out is NOTE_WRITE',
      'VNODE on a directory: a directory created or removed in it is NOTE_WRITE and NOTE_LINK',
      'VNODE on a directory: its renaming is NOTE_RENAME',
    ],
    '< 2.7.1',
  ),
  gate('changes of the files in a directory are reported as changes of the directory', [
    'VNODE on a directory: a change of a file in it is not reported',
  ]),
  gate('the removal of a directory is not reported', ['VNODE on a directory: its removal is NOTE_DELETE']),

  // PROC and SIGNAL.
  { on: 'libkqueue', version: '< 2.5.1', needs: ['PROC'], reason: 'there is no EVFILT_PROC: ENOSYS', source },
  gate('only the exits of children are reported', ['PROC: the exit of a process that is not a child is reported']),
  gate(
    'the exit is reported again and again',
    ['PROC: adding a process again replaces udata, and does not make a second knote'],
    '< 2.7.1',
  ),
  gate(
    'the library blocks and reads the signal in one thread, but the kernel may deliver it to another thread of Node',
    [
      'SIGNAL: silent without a signal; one signal is one event',
      'SIGNAL: data counts the signals since the last fetch',
      'SIGNAL: EV_CLEAR is set without a request',
      'SIGNAL: a handler of the signal still runs',
      'SIGNAL: an ignored signal is counted',
      'SIGNAL: different signals have different knotes',
      'SIGNAL: two queues both count',
      'SIGNAL with EV_ONESHOT: one event, then gone',
      'SIGNAL with EV_DISPATCH: disabled by delivery until EV_ENABLE',
      'SIGNAL: EV_ENABLE reports signals that came while it was disabled',
      'SIGNAL: adding it again keeps the count and replaces udata',
    ],
  ),

  // Queues in queues: the descriptor is the writing end of a pipe.
  gate('the descriptor of a queue is an end of a pipe, and is watched as a pipe', [
    'a queue with events is readable in another; without events it is not',
    'a queue that has events already is reported by registration',
    'an event that was fetched from the inner queue is no longer reported by the outer',
    'a queue is watched by a queue that another queue watches',
    'a queue watched by two queues is readable in both',
    "an inner queue's timer ends the wait of the outer",
    'a queue watched with EV_ONESHOT is reported once',
    'a queue watched with EV_CLEAR is reported again when it gets another event',
    'a queue watched with EV_CLEAR is reported again when it gets a second user event',
    'a queue watched with EV_CLEAR is reported again when a second timer expires',
    'a queue watched with EV_CLEAR is reported again when it gets a second signal',
    'a closed inner queue is silent in the outer',
    'WRITE on a queue is EINVAL',
    'a queue cannot watch itself: EINVAL',
    'two queues cannot watch each other: EINVAL or ELOOP',
  ]),

  // Closing.
  gate('the knotes of a closed descriptor stay, because the library does not notice the close', [
    'a closed descriptor is silent although a duplicate is open and has bytes to read',
    'a closed descriptor is silent although a duplicate is open and its writer closes',
    'a duplicate made after registration has no knote, and can be registered',
    'a new file on a closed number starts without a knote',
    'a new file on a closed number can be registered, and its events are reported',
    'a new file on a closed number has no knote while a duplicate of the old file is open and readable',
    'a new file on the number of a ready file that is still open as a duplicate is reported once',
    'a new file on a closed number is not reported for events of a duplicate of the old file',
    'a file that dup2(2) brings back to its number has no knote',
    'a regular file opened again on its number has no knote',
    'a regular file opened again on its number has only the knote that was added since',
    'a file whose changes were reported, opened again on its number, has no knote',
    'a regular file opened again on its number has no knote in a queue, after another queue has registered it',
    'a number used again after its disabled descriptor was closed has no knote',
    'a new file on the number of a disabled file that is still open as a duplicate is reported',
    'a number used again does not inherit EV_CLEAR or EV_ONESHOT',
    'a socket on the number of a file, and a file on the number of a socket',
    'a number used a hundred times has no old knote any time',
    'closing a descriptor does not affect the knotes of others',
    'closing a descriptor deletes its knotes in two queues',
    'VNODE: a change of the file is not reported for a closed descriptor',
  ]),
  gate(
    'the knote of a closed descriptor can still be deleted',
    ['a closed descriptor is silent, and its knote is gone'],
    '>= 2.4',
  ),
  gate(
    'the knote of a closed descriptor can still be deleted',
    ['dup2(2) over a registered descriptor deletes its knote'],
    '>= 2.7.1',
  ),
];
