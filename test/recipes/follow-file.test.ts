import assert from 'node:assert/strict';
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { type Changes, followFile } from '../../src/recipes/index.ts';
import { DEADLINE, noProc, suiteWithoutUser as suite, testFolder, until } from '../front/helpers.ts';
import { descriptors } from '../helpers/descriptors.ts';
import { startScenario } from './helpers.ts';
import { type Rotation, rotations } from './rotations.ts';

const folder = testFolder();

function newFile(text?: string): string {
  const file = join(mkdtempSync(join(folder, 'follow-')), 'log');
  if (text !== undefined) writeFileSync(file, text);
  return file;
}

async function take(lines: Changes<string>, count: number): Promise<string[]> {
  const taken: string[] = [];
  while (taken.length < count) taken.push((await lines.next()).value ?? assert.fail('it has ended'));
  return taken;
}

describe('followFile()', { ...suite, timeout: 10 * DEADLINE }, () => {
  for (const rotation of Object.keys(rotations) as Rotation[]) {
    it(`loses no line and doubles none, 10,000 a second, over 20 rotations: ${rotation}`, async () => {
      const file = newFile('');
      using lines = followFile(file);
      const writer = startScenario('write lines', file, rotation);
      // The writer names the line that it wrote last before a rotation that takes away what nobody has read.
      let count = 0;
      createInterface(writer.stdout as NodeJS.ReadableStream).on('line', async (line) => {
        const [, number] = line.split(' ');
        await until(`line ${number} was read`, () => count >= Number(number));
        writer.stdin?.write('go on\n');
      });
      // Not until the writer says that it has ended: that may come after its last line was read.
      while (count < 20_000) {
        const { value } = await lines.next();
        assert.equal(value, `${count} äöü€🙂`);
        count++;
      }
    });
  }

  it('gives the lines that are added, from the call on, or from the start', async () => {
    const file = newFile('one\ntwo\n');
    using added = followFile(file);
    using all = followFile(file, { from: 'start' });
    appendFileSync(file, 'three\n');
    assert.deepEqual(await take(added, 1), ['three']);
    assert.deepEqual(await take(all, 3), ['one', 'two', 'three']);
  });

  it('a file that does not exist yet', async () => {
    const file = newFile();
    using lines = followFile(file);
    writeFileSync(file, 'one\n\nthree\n');
    assert.deepEqual(await take(lines, 3), ['one', '', 'three']);
  });

  it('a line is given when its newline comes, and characters that were written in pieces are whole', async () => {
    const file = newFile('');
    using lines = followFile(file);
    const bytes = Buffer.from('ä€🙂\nnext\n');
    const first = lines.next();
    const fd = openSync(file, 'a');
    for (const byte of bytes) {
      writeSync(fd, Buffer.of(byte));
      await new Promise((done) => setImmediate(done));
    }
    closeSync(fd);
    assert.equal((await first).value, 'ä€🙂');
    assert.deepEqual(await take(lines, 1), ['next']);
  });

  it('the old file is read until the new one has bytes', async () => {
    const file = newFile('');
    using lines = followFile(file);
    const old = openSync(file, 'a');
    writeSync(old, 'one\n');
    renameSync(file, `${file}.1`);
    writeFileSync(file, '');
    assert.deepEqual(await take(lines, 1), ['one']);
    writeSync(old, 'two\n');
    assert.deepEqual(await take(lines, 1), ['two']);
    writeSync(old, 'three, without a newline');
    appendFileSync(file, 'four\n');
    assert.deepEqual(await take(lines, 2), ['three, without a newline', 'four']);
    closeSync(old);
  });

  it('files that are replaced while the consumer is slow are read, too', { skip: noProc }, async () => {
    const file = newFile('');
    using lines = followFile(file);
    const isOpen = (): number => descriptors().filter((target) => target.startsWith(`${file}`)).length;
    for (let i = 0; i < 4; i++) {
      appendFileSync(file, `${i}\n`);
      renameSync(file, `${file}.${i}`);
      writeFileSync(file, '');
      await until(`${i + 2} files are open`, () => isOpen() === i + 2);
    }
    assert.deepEqual(await take(lines, 4), ['0', '1', '2', '3']);
  });

  it('a file that was cut short and has grown since is read from its start', async () => {
    const file = newFile('');
    using lines = followFile(file);
    appendFileSync(file, 'first\nhalf');
    assert.deepEqual(await take(lines, 1), ['first']);
    truncateSync(file);
    appendFileSync(file, 'a line that is longer than the old file\n');
    assert.deepEqual(await take(lines, 2), ['half', 'a line that is longer than the old file']);
    writeFileSync(file, 'short\n');
    assert.deepEqual(await take(lines, 1), ['short']);
    copyFileSync(file, `${file}.1`);
    truncateSync(file);
    appendFileSync(file, '1\n2\n');
    assert.deepEqual(await take(lines, 2), ['1', '2']);
  });

  it('gives the event loop a turn between two reads', async () => {
    const file = newFile('x\n'.repeat(500_000));
    using lines = followFile(file, { from: 'start' });
    let turns = 0;
    const interval = setInterval(() => turns++);
    await take(lines, 500_000);
    clearInterval(interval);
    assert.ok(turns > 0);
  });

  it('break, close() and an abort end it, and no descriptor is left', { skip: noProc }, async () => {
    const file = newFile('one\ntwo\n');
    const before = descriptors();
    for await (const line of followFile(file, { from: 'start' })) {
      assert.equal(line, 'one');
      break;
    }
    const controller = new AbortController();
    const aborted = followFile(file, { signal: controller.signal });
    const closed = followFile(file);
    const waits = [aborted.next(), closed.next()];
    // While a read may be under way.
    controller.abort('enough');
    closed.close();
    await assert.rejects(waits[0] as Promise<unknown>, (reason) => reason === 'enough');
    assert.deepEqual(await waits[1], { done: true, value: undefined });
    await until('the files are closed', () => descriptors().length === before.length);
  });

  it('ends with an error that is not swallowed', {
    skip: process.platform === 'netbsd' && 'its read(2) may read a directory (sys/ufs/ufs/ufs_readwrite.c)',
  }, async () => {
    const file = newFile('one\n');
    using lines = followFile(file);
    const next = lines.next();
    unlinkSync(file);
    mkdirSync(file);
    await assert.rejects(next, { code: 'EISDIR' });
    assert.equal((await lines.next()).done, true);
  });

  it('invalid arguments are an error that names them', () => {
    assert.throws(() => followFile(''), { name: 'TypeError', message: /path/ });
    assert.throws(() => followFile('x', { from: 'middle' as never }), { name: 'TypeError', message: /from/ });
  });
});
