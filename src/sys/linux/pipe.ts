import { createOwn } from '../descriptor.ts';
import { koffi } from '../koffi.ts';
import { libc, scratch, scratchAddress } from './syscalls.ts';

const O_CLOEXEC_NONBLOCK = 0o2004000;
const BYTES = 4096;
const bytes = new Uint8Array(new ArrayBuffer(BYTES));
let address = 0;

/** pipe2(2): [the end to read, the end to write]; null and errno() when it fails. */
export function createPipe(): readonly [reader: number, writer: number] | null {
  let writer = -1;
  // One in the other: after pipe2() no function is entered until both are tracked, see createTracked().
  const reader = createOwn(() => {
    writer = createOwn(() => (libc.pipe2(scratchAddress, O_CLOEXEC_NONBLOCK) === -1 ? -1 : (scratch[1] as number)));
    return writer === -1 ? -1 : (scratch[0] as number);
  });
  return reader === -1 ? null : [reader, writer];
}

/** Takes everything that is in the pipe. */
export function drain(reader: number): void {
  address ||= Number(koffi().address(bytes.buffer));
  while (libc.read(reader, address, BYTES) === BYTES);
}
