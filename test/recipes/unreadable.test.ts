// A name gets a file that cannot be read until its mode is set, as logrotate(8) creates it.

import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, chownSync, mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { followFile, watchDirectory, watchFile } from '../../src/recipes/index.ts';
import { noProc, suite, testFolder, turn } from '../front/helpers.ts';
import { descriptors } from '../helpers/descriptors.ts';

const folder = testFolder();
const NOBODY = 65_534;

/** A file of a user that is not root, who becomes the user of this process: root reads each file. */
function newFile(t: TestContext): string {
  const directory = mkdtempSync(join(folder, 'unreadable-'));
  if (process.geteuid?.() === 0) {
    chmodSync(folder, 0o755);
    chownSync(directory, NOBODY, NOBODY);
    process.seteuid?.(NOBODY);
    t.after(() => process.seteuid?.(0));
  }
  const file = join(directory, 'file');
  writeFileSync(file, 'first\n');
  return file;
}

/** Gives the name to a file that nobody may read, and returns after the recipes have looked at it. */
async function hide(file: string): Promise<void> {
  using names = watchDirectory(join(file, '..'));
  writeFileSync(`${file}.new`, '');
  chmodSync(`${file}.new`, 0);
  renameSync(`${file}.new`, file);
  await names.next();
  await turn();
}

describe('a file that cannot be read at first', suite, () => {
  it('followFile() goes on with it', async (t) => {
    const file = newFile(t);
    using lines = followFile(file);
    const line = lines.next();
    await hide(file);
    chmodSync(file, 0o644);
    appendFileSync(file, 'second\n');
    assert.deepEqual(await line, { done: false, value: 'second' });
  });

  it('watchFile() reports it when it can be read', async (t) => {
    const file = newFile(t);
    using changes = watchFile(file);
    const change = changes.next();
    await hide(file);
    chmodSync(file, 0o644);
    assert.deepEqual(await change, { done: false, value: { type: 'replaced', path: file } });
  });

  for (const recipe of [followFile, watchFile]) {
    it(`${recipe.name}() ends with EACCES if it stays so, and no descriptor is left`, { skip: noProc }, async (t) => {
      const file = newFile(t);
      const before = descriptors();
      const values = recipe(file);
      const value = values.next();
      await hide(file);
      await assert.rejects(Promise.resolve(value), { code: 'EACCES' });
      assert.deepEqual(descriptors(), before);
      assert.throws(() => recipe(file), { code: 'EACCES' });
    });
  }
});
