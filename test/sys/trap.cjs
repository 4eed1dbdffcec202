// Preloaded into a child process: notes in globalThis.touched what the library's own code reads of the environment and calls
// of fs. The loader of TypeScript does both at the same time, so the stack says who it was.

const fs = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');

Error.stackTraceLimit = 100;
const touched = [];
globalThis.touched = touched;
const note = (what) => {
  if (/\/src\/(sys\/)?(linux\/)?[\w-]+\.ts/.test(new Error().stack)) touched.push(what);
};

process.env = new Proxy(process.env, {
  get(env, name) {
    note(`env ${String(name)}`);
    return env[name];
  },
});
for (const [name, call] of Object.entries(fs)) {
  // Classes are not calls.
  if (typeof call !== 'function' || /^[A-Z_]/.test(name)) continue;
  fs[name] = (...given) => {
    note(`fs ${name}`);
    return call.apply(fs, given);
  };
  Object.assign(fs[name], call);
}
syncBuiltinESMExports();
