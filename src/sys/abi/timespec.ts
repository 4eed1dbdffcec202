import type { StructData } from './types.ts';

/** `struct timespec` of <time.h>: the same on every 64-bit system, whose time_t is 64 bits wide. */
export const timespec: StructData = {
  size: 16,
  align: 8,
  fields: { tv_sec: 'int64_t', tv_nsec: 'long' },
};
