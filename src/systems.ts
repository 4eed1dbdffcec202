import { errnoName } from './sys/errno.ts';
import type { Kevent } from './sys/kevent.ts';
import { type Abi, abis } from './sys/layout.ts';
import { filterName, noteNames } from './sys/names.ts';

/** The number of a constant of `<sys/event.h>`; undefined where the system does not support it. */
export function supported({ quirks, constants }: Abi, constant: string): number | undefined {
  return quirks.unsupported.includes(constant) ? undefined : constants[constant];
}

/** The RangeError for what a system does not support. It names the systems that do: those with any of the constants. */
export function notSupported(argument: string, feature: string, abi: Abi, ...constants: string[]): RangeError {
  const having = Object.values(abis).filter(
    (one) => one.bindable && constants.some((constant) => supported(one, constant) !== undefined),
  );
  const systems = having.length === 0 ? 'no system has it' : `only ${having.map(({ title }) => title).join(', ')}`;
  const error = new RangeError(
    `${argument}: ${feature} is not supported on ${abi.title} (${constants.join(', ')}: ${systems})`,
  );
  return Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
}

/** The releases that brought the filter and the notes of a change, because an older kernel says no more than EINVAL. */
export function neededReleases(abi: Abi, { filter, fflags }: Kevent): string {
  const notes = noteNames(abi, filter, fflags).split('|');
  const constants = [`EVFILT_${filterName(abi, filter)}`, ...notes.map((note) => `NOTE_${note}`)];
  const since = constants.flatMap((constant) => {
    const release = abi.since[constant];
    return release === undefined ? [] : [`${constant} needs ${abi.title} ${release}`];
  });
  return since.length === 0 ? '' : ` (${since.join(', ')})`;
}

/** The limit that a change ran into, where its errno tells. */
export function reachedLimit({ quirks }: Abi, errno: number): string {
  const limit = quirks.limits[errnoName(errno)];
  return limit === undefined ? '' : ` (the limit: ${limit})`;
}
