// The list of the code that is not covered is kept up to date: without this test, only `npm run coverage` finds an entry whose code was changed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { left, lineOf } from './left.ts';

test('each entry of left.ts names one line of its file', () => {
  for (const entry of left) assert.doesNotThrow(() => lineOf(entry));
});
