// The server that answers late: `GET /<milliseconds>/<text>` gets the text after that long.
//
// It listens on a free port of 127.0.0.1 and prints the number of the port. It exits when its standard input ends. That input
// is a pipe from the program that started the server, so the server never outlives that program.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const server = createServer((request, response) => {
  const [, delay, text] = /^\/(\d{1,9})\/(.*)$/.exec(request.url ?? '') ?? [];
  if (delay === undefined) response.writeHead(404).end();
  else setTimeout(() => response.end(text), Number(delay));
});

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  console.log(port);
});

process.stdin.resume();
process.stdin.on('close', () => process.exit());
