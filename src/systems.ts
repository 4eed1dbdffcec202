import { type Abi, abis } from './sys/layout.ts';

const titles: Readonly<Record<string, string>> = {
  darwin: 'macOS',
  freebsd: 'FreeBSD',
  openbsd: 'OpenBSD',
  netbsd: 'NetBSD',
  dragonfly: 'DragonFly',
  linux: 'Linux',
  libkqueue: 'libkqueue',
};

/** What the headers of both kqueues for Linux have a number for, and neither kqueue does anything with. */
const onPaper: ReadonlySet<string> = new Set([
  'EVFILT_AIO',
  'EVFILT_FS',
  'EVFILT_LIO',
  'EVFILT_NETDEV',
  'NOTE_FORK',
  'NOTE_EXEC',
  'NOTE_TRACK',
]);

/** The number of a constant of `<sys/event.h>` with which a system's kqueue does something; undefined where there is none. */
export function working({ name, constants }: Abi, constant: string): number | undefined {
  return (name === 'linux' || name === 'libkqueue') && onPaper.has(constant) ? undefined : constants[constant];
}

/** The systems that have such a constant, for the errors that systems without it give. */
export function systemsWith(constant: string): string {
  const having = Object.values(abis).flatMap((abi) => {
    const title = titles[abi.name];
    return title !== undefined && working(abi, constant) !== undefined ? [title] : [];
  });
  return having.length === 0 ? 'no system has it' : `${having.join(', ')} ${having.length === 1 ? 'has' : 'have'} it`;
}
