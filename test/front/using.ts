// What `using` does with a queue and a registration, for close.test.ts. In a file of its own: not every Node that runs the
// tests can read this syntax.

import assert from 'node:assert/strict';
import { Kqueue, type Registration, user } from '../../src/index.ts';

export async function tryUsing(): Promise<void> {
  let outer: Kqueue | undefined;
  {
    using kq = new Kqueue();
    let ended: Registration | undefined;
    {
      using registration = kq.register(user(1))[0];
      assert.equal(registration.active, true);
      ended = registration;
    }
    assert.equal(ended.active, false);
    assert.equal(kq.closed, false);
    // Closed before its registration is disposed of.
    using late = kq.register(user(2))[0];
    assert.equal(late.active, true);
    kq.close();
    outer = kq;
  }
  assert.equal(outer.closed, true);
  {
    await using kq = new Kqueue();
    outer = kq;
    assert.equal(kq.closed, false);
  }
  assert.equal(outer.closed, true);
}
