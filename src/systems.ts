import { abis } from './sys/layout.ts';

const titles: Readonly<Record<string, string>> = {
  darwin: 'macOS',
  freebsd: 'FreeBSD',
  openbsd: 'OpenBSD',
  netbsd: 'NetBSD',
  dragonfly: 'DragonFly',
  linux: 'Linux',
  libkqueue: 'libkqueue',
};

/** The systems that have a constant of `<sys/event.h>`, for the errors that systems without it give. */
export function systemsWith(constant: string): string {
  const having = Object.values(abis).flatMap(({ name, constants }) => {
    const title = titles[name];
    return title !== undefined && constants[constant] !== undefined ? [title] : [];
  });
  return having.length === 0 ? 'no system has it' : `${having.join(', ')} ${having.length === 1 ? 'has' : 'have'} it`;
}
