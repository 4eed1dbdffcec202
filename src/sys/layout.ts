import { abiData } from './abi/index.ts';
import type { AbiData, AbiName, CType, Quirks, StructData } from './abi/types.ts';
import { wrongType } from './check.ts';
import { koffi } from './koffi.ts';

/** One member of a C struct. */
export interface Field {
  /** The name that the header gives it: `ident`. */
  readonly name: string;
  /** The C type that the header declares. */
  readonly type: CType;
  /** offsetof, in bytes. */
  readonly offset: number;
  /** sizeof, in bytes. */
  readonly size: number;
}

/** A C struct, measured: what sizeof, _Alignof and offsetof say of it. */
export interface Layout {
  /** sizeof, in bytes. */
  readonly size: number;
  /** _Alignof, in bytes. */
  readonly align: number;
  /** Its members, in the order of the header. */
  readonly fields: readonly Field[];
}

/** One system's kqueue(2) as its headers have it: layouts, the names of the calls, constants. */
export interface Abi {
  /** Its name among {@link abis}. */
  readonly name: AbiName;
  /** What people call the system: `macOS` for `darwin`. */
  readonly title: string;
  /** The oldest release that this library supports; undefined for a layout to look at. */
  readonly oldestRelease: string | undefined;
  /** The release that brought a constant, where a release without it is in use. */
  readonly since: Readonly<Record<string, string>>;
  /** `struct kevent` (`struct kevent64_s` for `darwin64`). Computed by koffi at the first look; throws without koffi. */
  readonly kevent: Layout;
  /** `struct timespec`. Computed by koffi at the first look; throws without koffi. */
  readonly timespec: Layout;
  /** The names under which the C library exports the calls. */
  readonly symbols: { readonly kqueue: string; readonly kevent: string; readonly close: string };
  /** The C type of nchanges and nevents. */
  readonly counts: 'int' | 'size_t';
  /** Whether bindKqueue() takes it. `darwin64` and `freebsd11` are layouts to look at. */
  readonly bindable: boolean;
  /** Every constant of `<sys/event.h>` by name. */
  readonly constants: Readonly<Record<string, number>>;
  /** What this system does differently from the others. */
  readonly quirks: Quirks;
}

/** Lets koffi lay the struct out as a C compiler would, and refuses a result that is not the header's. */
function measure(what: string, struct: StructData): Layout {
  const { alignof, offsetof, sizeof, struct: declare } = koffi();
  const members = Object.entries(struct.fields);
  const packed = members.map(([name, type]): [string, [number, string]] => [
    name,
    [Math.min(alignof(type), struct.pack ?? Number.POSITIVE_INFINITY), type],
  ]);
  // Anonymous, because koffi's type names are global to the process and may be given once.
  const type = declare(Object.fromEntries(packed));
  const layout: Layout = {
    size: sizeof(type),
    align: alignof(type),
    fields: members.map(([name, member]) => ({
      name,
      type: member,
      offset: offsetof(type, name),
      size: sizeof(member),
    })),
  };
  if (layout.size !== struct.size || layout.align !== struct.align) {
    const [is, must] = [`size ${layout.size}, align ${layout.align}`, `size ${struct.size}, align ${struct.align}`];
    throw new Error(`${what}: koffi lays it out with ${is}, its header says ${must}`);
  }
  return Object.freeze({ ...layout, fields: Object.freeze(layout.fields.map((field) => Object.freeze(field))) });
}

function describe(data: AbiData): Abi {
  let kevent: Layout | undefined;
  let timespec: Layout | undefined;
  return Object.freeze({
    name: data.name,
    title: data.title,
    oldestRelease: data.oldestRelease,
    since: Object.freeze(data.since),
    get kevent(): Layout {
      kevent ??= measure(`${data.name}: struct kevent`, data.kevent);
      return kevent;
    },
    get timespec(): Layout {
      timespec ??= measure(`${data.name}: struct timespec`, data.timespec);
      return timespec;
    },
    symbols: Object.freeze(data.symbols),
    counts: data.counts,
    bindable: data.bindable,
    constants: Object.freeze(data.constants),
    quirks: Object.freeze(data.quirks),
  });
}

/** The ABI of every system, on every machine: a Mac can print FreeBSD's layout. */
export const abis: { readonly [Name in AbiName]: Abi } = Object.freeze(
  Object.fromEntries(Object.entries(abiData).map(([name, data]) => [name, describe(data)])) as {
    [Name in AbiName]: Abi;
  },
);

/** Whether `abi` is one of {@link abis} itself: a table made by hand would let the kernel write past a list. */
export function isAbi(abi: unknown): abi is Abi {
  return Object.values(abis).includes(abi as Abi);
}

/** Throws a TypeError unless {@link isAbi}. */
export function checkAbi(abi: Abi): void {
  if (!isAbi(abi)) throw wrongType('abi', 'one of abis', abi);
}
