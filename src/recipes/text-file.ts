import { Buffer } from 'node:buffer';
import { closeSync, fstatSync, read as readCallback, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { promisify } from 'node:util';
import { type Listener, leave } from './dispatcher.ts';
import type { WatchedFile } from './named.ts';

/** Bytes of one read. Node's event loop turns between two reads. */
const CHUNK = 64 * 1024;
/** How many of the last bytes are read again, to find out that the file was cut short and has grown since. */
const TAIL = 256;

const read = promisify(readCallback);

/** The lines of an open file that grows. */
export class TextFile {
  readonly watched: WatchedFile;
  readonly #buffer: Buffer = Buffer.allocUnsafe(TAIL + CHUNK);
  #decoder = new StringDecoder('utf8');
  /** How many bytes were read, and the last of them. */
  #offset = 0;
  #tail: Buffer = Buffer.alloc(0);
  /** The begin of a line whose end is not written yet. */
  #partial = '';
  #reads: Promise<unknown> = Promise.resolve();

  constructor(watched: WatchedFile) {
    this.watched = watched;
  }

  get size(): number {
    return fstatSync(this.watched.fd).size;
  }

  /** Goes to the end. */
  skip(): void {
    const size = this.size;
    const tail = Buffer.alloc(Math.min(TAIL, size));
    const n = readSync(this.watched.fd, tail, 0, tail.length, size - tail.length);
    this.#tail = tail.subarray(0, n);
    this.#offset = size - tail.length + n;
  }

  /** More lines, possibly none; undefined at the end of the file. */
  async read(): Promise<string[] | undefined> {
    const length = this.#tail.length;
    const reading = read(this.watched.fd, this.#buffer, 0, length + CHUNK, this.#offset - length);
    this.#reads = reading.catch(() => {});
    const { bytesRead } = await reading;
    const tail = this.#buffer.subarray(0, Math.min(length, bytesRead));
    if (!tail.equals(this.#tail)) {
      this.#offset = 0;
      this.#tail = Buffer.alloc(0);
      return this.rest();
    }
    if (bytesRead === length) return undefined;
    this.#offset += bytesRead - length;
    this.#tail = Buffer.from(this.#buffer.subarray(Math.max(0, bytesRead - TAIL), bytesRead));
    const [first = '', ...more] = this.#decoder.write(this.#buffer.subarray(length, bytesRead)).split('\n');
    const lines = [this.#partial + first, ...more];
    this.#partial = lines.pop() ?? '';
    return lines;
  }

  /** What has no newline at its end, as a line. */
  rest(): string[] {
    const text = this.#partial + this.#decoder.end();
    this.#partial = '';
    return text === '' ? [] : [text];
  }

  /** A read that is under way ends first: the number could be another file's by then. */
  close(listener: Listener): void {
    leave(this.watched.interest, listener);
    this.#reads.then(() => closeSync(this.watched.fd));
  }
}
