import assert from 'node:assert/strict';
import { abis, bindKqueue, defaultSys, type Sys } from '../../src/sys/index.ts';
import { libkqueue } from '../helpers/libkqueue.ts';
import { noUser } from '../helpers/user.ts';

/** One kqueue that the tests of the system-call API run on. */
interface AtHand {
  /** For the names of the tests: `linux`, `freebsd`, `libkqueue`. */
  readonly name: string;
  /** Why there is none; printed by the test runner. False where there is one. */
  readonly skip: string | false;
  /** Fails where there is none. */
  readonly sys: Sys;
}

function present(name: string, sys: Sys): AtHand {
  return { name, skip: false, sys };
}

function absent(name: string, skip: string): AtHand {
  return {
    name,
    skip,
    get sys(): Sys {
      return assert.fail(skip);
    },
  };
}

/** Every kqueue at hand: the one that the library takes by itself, and libkqueue. */
export async function kqueues(): Promise<readonly AtHand[]> {
  // Their tests register user events.
  const own = noUser === false ? present(defaultSys().abi.name, defaultSys()) : absent('default', noUser);
  if (own.skip === false && own.sys.abi === abis.libkqueue) return [own];

  const found = await libkqueue();
  if ('skip' in found) return [own, absent('libkqueue', found.skip)];
  return [own, present('libkqueue', bindKqueue({ library: found.path, abi: abis.libkqueue }))];
}
