// Preloaded into a child process: there, koffi is one of another world. STRANGE_KOFFI says in what.

const Module = require('node:module');

const load = Module._load;
Module._load = function (request, ...rest) {
  const loaded = load.call(this, request, ...rest);
  if (request !== 'koffi') return loaded;
  const strange = {
    '32-bit': { sizeof: (type) => (type === 'void *' ? 4 : loaded.sizeof(type)) },
    misaligned: { alignof: (type) => (typeof type === 'string' ? loaded.alignof(type) : 2 * loaded.alignof(type)) },
  };
  return { ...loaded, ...strange[process.env.STRANGE_KOFFI] };
};
