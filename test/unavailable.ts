// On a system without kqueue both entry points can be imported, say that there is none, and say why. It fails elsewhere.
//
//   npx tsx test/unavailable.ts

import assert from 'node:assert/strict';
import { Kqueue, read } from '../src/index.ts';
import { abis, KeventList, kqueue, unavailableReason } from '../src/sys/index.ts';

const reason = unavailableReason();
console.log(reason);
assert.equal(Kqueue.available, false);
assert.match(reason ?? '', new RegExp(`^No kqueue here: .*\\b${process.platform}\\b`));
for (const call of [() => new Kqueue(), () => kqueue()]) assert.throws(call, { message: reason });

// What is only data works all the same.
assert.equal(read(5).ident, 5);
const list = new KeventList(1, abis.freebsd).set(0, { ident: 5, filter: -1, flags: 1 });
assert.equal(String(list), 'kevent { READ fd=5, ADD }');
