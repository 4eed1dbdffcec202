import { darwin, darwin64 } from './darwin.ts';
import { dragonfly } from './dragonfly.ts';
import { freebsd, freebsd11 } from './freebsd.ts';
import { libkqueue } from './libkqueue.ts';
import { linux } from './linux.ts';
import { netbsd } from './netbsd.ts';
import { openbsd } from './openbsd.ts';
import type { AbiData, AbiName } from './types.ts';

/** The tables of all systems. They do not depend on the running system. */
export const abiData: { readonly [Name in AbiName]: AbiData } = {
  darwin,
  darwin64,
  freebsd,
  freebsd11,
  openbsd,
  netbsd,
  dragonfly,
  linux,
  libkqueue,
};
