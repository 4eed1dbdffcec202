/** The six fields of one `struct kevent`; numbers are exact while they are safe integers, bigints beyond. */
export interface Kevent {
  /** `uintptr_t`: a descriptor, process, signal or timer number: what the filter takes it for. */
  readonly ident: number | bigint;
  /** `int16_t` (`uint32_t` on NetBSD): EVFILT_*. */
  readonly filter: number;
  /** `uint16_t` (`uint32_t` on NetBSD): EV_*. */
  readonly flags: number;
  /** `uint32_t`: NOTE_*. Written, the negative number that `|` makes of bit 31 is taken for the same 32 bits. */
  readonly fflags: number;
  /** `int64_t` or `intptr_t`: bytes, milliseconds, an errno: what the filter takes it for. */
  readonly data: number | bigint;
  /** `void *`: passed through untouched. */
  readonly udata: number | bigint;
}
