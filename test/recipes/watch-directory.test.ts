import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Changes, type NameChange, watchDirectory } from '../../src/recipes/index.ts';
import { noProc, suiteWithoutUser as suite, testFolder } from '../front/helpers.ts';
import { descriptors } from '../helpers/descriptors.ts';

const folder = testFolder();

function newDirectory(): string {
  return mkdtempSync(join(folder, 'watch-'));
}

async function next(changes: Changes<NameChange>): Promise<string> {
  const { value } = await changes.next();
  return `${value?.type} ${value?.name}`;
}

describe('watchDirectory()', suite, () => {
  it('reports names that come, go and get another file', async () => {
    const directory = newDirectory();
    const [file, other] = [join(directory, 'file'), join(directory, 'other')];
    using changes = watchDirectory(directory);
    writeFileSync(file, '');
    assert.equal(await next(changes), 'created file');
    mkdirSync(other);
    assert.equal(await next(changes), 'created other');
    rmSync(other, { recursive: true });
    assert.equal(await next(changes), 'deleted other');
    renameSync(file, other);
    assert.equal(await next(changes), 'deleted file');
    assert.equal(await next(changes), 'created other');
    unlinkSync(other);
    writeFileSync(other, '');
    assert.equal(await next(changes), 'replaced other');
  });

  it('does not report the names that are there, nor writes', async () => {
    const directory = newDirectory();
    writeFileSync(join(directory, 'file'), '');
    using changes = watchDirectory(directory);
    appendFileSync(join(directory, 'file'), 'x');
    writeFileSync(join(directory, 'new'), '');
    assert.equal(await next(changes), 'created new');
  });

  it('reports each of 1000 names that come and go while nobody waits', async () => {
    const directory = newDirectory();
    using changes = watchDirectory(directory);
    const names = Array.from({ length: 1000 }, (_, i) => `${i}`).sort();
    for (const name of names) writeFileSync(join(directory, name), '');
    const created: string[] = [];
    for (const _ of names) created.push(await next(changes));
    assert.deepEqual(
      created.sort(),
      names.map((name) => `created ${name}`),
    );
    for (const name of names) unlinkSync(join(directory, name));
    const deleted: string[] = [];
    for (const _ of names) deleted.push(await next(changes));
    assert.deepEqual(
      deleted.sort(),
      names.map((name) => `deleted ${name}`),
    );
  });

  it('follows the name of the directory, 20 times', async () => {
    const directory = join(newDirectory(), 'one', 'two');
    using changes = watchDirectory(directory);
    for (let i = 0; i < 20; i++) {
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, 'file'), '');
      assert.equal(await next(changes), 'created file');
      if (i % 2 === 0) rmSync(join(directory, '..'), { recursive: true });
      else renameSync(directory, `${directory}.${i}`);
      assert.equal(await next(changes), 'deleted file');
    }
  });

  it('leaves no descriptor open', { skip: noProc }, async () => {
    const directory = newDirectory();
    const before = descriptors();
    const changes = watchDirectory(directory);
    writeFileSync(join(directory, 'file'), '');
    for await (const { type } of changes) {
      assert.equal(type, 'created');
      break;
    }
    assert.deepEqual(descriptors(), before);
  });
});
