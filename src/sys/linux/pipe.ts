import { createOwn } from '../descriptor.ts';
import { koffi } from '../koffi.ts';
import { libc, scratch, scratchAddress } from './syscalls.ts';

const O_CLOEXEC_NONBLOCK = 0o2004000;
const BYTES = 4096;
const bytes = new Uint8Array(new ArrayBuffer(BYTES));
let address = 0;

/** pipe2(2). Returns the reading end and the writing end, or null and sets errno(). */
export function createPipe(): readonly [reader: number, writer: number] | null {
  let writer = -1;
  // Nested, so that no function is entered between pipe2() and the tracking of both ends (`createTracked()`).
  const reader = createOwn(() => {
    writer = createOwn(() => (libc.pipe2(scratchAddress, O_CLOEXEC_NONBLOCK) === -1 ? -1 : (scratch[1] as number)));
    return writer === -1 ? -1 : (scratch[0] as number);
  });
  return reader === -1 ? null : [reader, writer];
}

/** Reads and discards all bytes of the pipe. */
export function drain(reader: number): void {
  address ||= Number(koffi().address(bytes.buffer));
  while (libc.read(reader, address, BYTES) === BYTES);
}
