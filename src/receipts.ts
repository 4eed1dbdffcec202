import { constants as os } from 'node:os';
import { KqueueError } from './error.ts';
import type { Interest } from './interest.ts';
import type { Knote } from './registration.ts';
import type { Kevent } from './sys/kevent.ts';
import { EV_SET, KeventList } from './sys/kevent-list.ts';
import type { Abi } from './sys/layout.ts';
import { describeRecord, filterName, noteNames } from './sys/names.ts';
import type { Sys } from './sys/sys.ts';
import { Timespec } from './sys/timespec.ts';

const { EINTR, EINVAL } = os.errno;
const NOW = new Timespec(0, 0);
/** Lists for more changes than this are not kept. */
const MANY = 1024;

/** One change for kevent(2), and what became of it: errno 0 if it was applied. */
export interface Step extends Kevent {
  readonly interest: Interest;
  errno: number;
  answered: boolean;
}

/** A change of a knote: its whole record, as several kernels overwrite fflags, data and udata with whatever comes. */
export function stepOf(knote: Knote, flags: number, fflags: number = knote.fflags): Step {
  const { interest, ident, udata } = knote;
  const { filter, data } = knote.change;
  return { ident, filter, flags, fflags, data, udata, interest, errno: 0, answered: false };
}

/** The failure of a change. */
export function errorOf(sys: Sys, step: Step): KqueueError {
  const { ident, filter, flags, fflags, data, udata, interest } = step;
  const change = { ident, filter, flags, fflags, data, udata };
  const about = describeRecord(sys.abi, { ...change, udata: 0 }) + (step.errno === EINVAL ? newer(sys.abi, step) : '');
  return new KqueueError(step.errno, 'kevent', { about, change, interest });
}

/** Names the release that brought the filter and the notes of a change, because an older kernel says no more than EINVAL. */
function newer(abi: Abi, { filter, fflags }: Kevent): string {
  const notes = noteNames(abi, filter, fflags).split('|');
  const constants = [`EVFILT_${filterName(abi, filter)}`, ...notes.map((note) => `NOTE_${note}`)];
  const since = constants.flatMap((constant) => {
    const release = abi.since[constant];
    return release === undefined ? [] : [`${constant} needs ${abi.title} ${release}`];
  });
  return since.length === 0 ? '' : ` (${since.join(', ')})`;
}

/** Applies changes, each in the way that shows whether it failed, with lists that are kept from call to call. */
export class Changer {
  readonly #sys: Sys;
  #changes: KeventList;
  #receipts: KeventList;

  constructor(sys: Sys) {
    this.#sys = sys;
    this.#changes = new KeventList(1, sys.abi);
    this.#receipts = this.#changes;
  }

  /** One change in one call; sets its errno. */
  applyOne(kq: number, step: Step): void {
    this.#write(this.#changes, 0, step, 0);
    // Without an event list a failure is what the call returns.
    if (this.#sys.kevent(kq, this.#changes, 1, null, 0, null) === -1) step.errno = this.#sys.errno();
  }

  /**
   * Any number of changes, in one call (libkqueue: in one each), with EV_RECEIPT; sets the errno of each. Receipts keep a
   * kernel from fetching. Should a kqueue fetch all the same, `fetched` is handed its records.
   * @throws KqueueError if the call fails as a whole, as it does on a closed queue
   */
  apply(kq: number, steps: readonly Step[], fetched: (list: KeventList, index: number) => void): void {
    const count = steps.length;
    if (count === 0) return;
    const sys = this.#sys;
    if (!sys.abi.quirks.receipts) {
      for (const step of steps) this.applyOne(kq, step);
      return;
    }
    const { EV_ERROR = 0, EV_RECEIPT = 0 } = sys.abi.constants;
    const [changes, receipts] = this.#room(count);
    for (const [i, step] of steps.entries()) this.#write(changes, i, step, EV_RECEIPT);
    const n = sys.kevent(kq, changes, count, receipts, count, NOW);
    // EINTR comes from waiting only: all changes were applied.
    if (n === -1 && sys.errno() !== EINTR) throw new KqueueError(sys.errno(), 'kevent');
    /** All before it are answered: receipts come in the order of the changes, mostly. What counts is whose they are. */
    let first = 0;
    for (let i = 0; i < n; i++) {
      if ((receipts.flags(i) & EV_ERROR) === 0) {
        fetched(receipts, i);
        continue;
      }
      const filter = receipts.filter(i);
      const ident = identOf(receipts, i);
      // Of several with one name the first that is not answered yet: a deletion comes before its addition.
      const answers = (one: Step): boolean => !one.answered && one.ident === ident && one.filter === filter;
      let at = first;
      while (at < count && !answers(steps[at] as Step)) at++;
      const step = steps[at];
      if (step === undefined) continue;
      step.answered = true;
      step.errno = receipts.data(i);
      while (steps[first]?.answered) first++;
    }
  }

  #write(list: KeventList, index: number, step: Step, more: number): void {
    const { ident, filter, flags, fflags, data, udata } = step;
    EV_SET(list, index, ident, filter, flags | more, fflags, data, udata);
  }

  #room(count: number): [KeventList, KeventList] {
    if (this.#receipts !== this.#changes && this.#changes.length >= count) return [this.#changes, this.#receipts];
    const lists: [KeventList, KeventList] = [
      new KeventList(count, this.#sys.abi),
      new KeventList(count, this.#sys.abi),
    ];
    if (count <= MANY) [this.#changes, this.#receipts] = lists;
    return lists;
  }
}

/** A record's ident as a knote has it: a bigint only where a number does not hold it. */
export function identOf(list: KeventList, index: number): number | bigint {
  const ident = list.ident(index);
  return Number.isSafeInteger(ident) ? ident : list.ident64(index);
}
