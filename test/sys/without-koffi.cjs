// Preloaded into a child process: there, koffi has no binary for the machine.

const Module = require('node:module');

const load = Module._load;
Module._load = function (request, ...rest) {
  if (request === 'koffi') throw new Error('Cannot find the native Koffi module; did you bundle it correctly?');
  return load.call(this, request, ...rest);
};
