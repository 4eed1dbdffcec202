import { abiData } from './abi/index.ts';
import type { AbiData, AbiName, Constants, CType, Quirks, StructData } from './abi/types.ts';
import { wrongType } from './check.ts';
import { koffi } from './koffi.ts';

/** One member of a C struct. */
export interface Field {
  /** Its name in the header, such as `ident`. */
  readonly name: string;
  /** Its C type in the header. */
  readonly type: CType;
  /** offsetof, in bytes. */
  readonly offset: number;
  /** sizeof, in bytes. */
  readonly size: number;
}

/** The layout of a C struct: its sizeof, its _Alignof, and the offsetof of each member. */
export interface Layout {
  /** sizeof, in bytes. */
  readonly size: number;
  /** _Alignof, in bytes. */
  readonly align: number;
  /** Its members, in the order of the header. */
  readonly fields: readonly Field[];
}

/** The binary interface of one system's kqueue(2): struct layouts, symbols and constants. */
export interface Abi {
  /** Its key in {@link abis}. */
  readonly name: AbiName;
  /** The system's usual name: `macOS` for `darwin`. */
  readonly title: string;
  /** The oldest release that this library supports. Undefined for a table that is a layout only. */
  readonly oldestRelease: string | undefined;
  /** For each constant that a supported or recent release lacks: the first release that has it. */
  readonly since: Readonly<Record<string, string>>;
  /**
   * `struct kevent`, or `struct kevent64_s` for `darwin64`. koffi computes it at the first access.
   * @throws Error koffi cannot be loaded, or computes another layout than the header's
   */
  readonly kevent: Layout;
  /**
   * `struct timespec`. koffi computes it at the first access.
   * @throws Error koffi cannot be loaded, or computes another layout than the header's
   */
  readonly timespec: Layout;
  /** The symbol that the C library exports for each call. */
  readonly symbols: { readonly kqueue: string; readonly kevent: string; readonly close: string };
  /** The C type of nchanges and nevents. */
  readonly counts: 'int' | 'size_t';
  /** Whether bindKqueue() accepts the table. False for `darwin64` and `freebsd11`, which are layouts only. */
  readonly bindable: boolean;
  /** Each `EV_*`, `EVFILT_*` and `NOTE_*` constant of `<sys/event.h>` by name. */
  readonly constants: Constants;
  /** The differences from other systems that this library handles. */
  readonly quirks: Quirks;
}

/** Computes the layout of a struct with koffi, and throws if its size or alignment differs from the header's. */
function measure(what: string, struct: StructData): Layout {
  const { alignof, offsetof, sizeof, struct: declare } = koffi();
  const members = Object.entries(struct.fields);
  const packed = members.map(([name, type]): [string, [number, string]] => [
    name,
    [Math.min(alignof(type), struct.pack ?? Number.POSITIVE_INFINITY), type],
  ]);
  // Anonymous, because koffi's type names are global to the process, and each may be declared only once.
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
    throw new Error(`${what}: koffi computes ${is}, but the header has ${must}`);
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

/**
 * The ABI of every system, on every machine. `darwin64` (kevent64(2) of macOS) and `freebsd11` are layouts only.
 *
 * @example
 * ```ts
 * for (const { name, offset, size } of abis.freebsd.kevent.fields) console.log(name, offset, size);
 * new KeventList(1, abis.netbsd).set(0, { ident: 5 }).hexdump(0);
 * ```
 */
export const abis: { readonly [Name in AbiName]: Abi } = Object.freeze(
  Object.fromEntries(Object.entries(abiData).map(([name, data]) => [name, describe(data)])) as {
    [Name in AbiName]: Abi;
  },
);

/** Whether `abi` is an object of {@link abis}. With a table made by hand the kernel could write past the end of a list. */
export function isAbi(abi: unknown): abi is Abi {
  return Object.values(abis).includes(abi as Abi);
}

/** Throws a TypeError unless {@link isAbi}. */
export function checkAbi(abi: Abi): void {
  if (!isAbi(abi)) throw wrongType('abi', 'one of abis', abi);
}
