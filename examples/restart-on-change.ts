// Restarts a server when its configuration file changes, and when its database process ends:
//   restart-on-change.ts CONFIG DATABASE_PID COMMAND ARGUMENT...

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { exited, watchFile } from 'kqueue-ffi/recipes';

const [config = '', pid = '', command = '', ...args] = process.argv.slice(2);
// Before the server reads the file, so that no change is missed.
const changes = watchFile(config);
const start = () => spawn(command, args, { stdio: 'inherit' });
let server = Promise.resolve(start());

function restart(): void {
  server = server.then(async (old) => {
    if (old.kill()) await once(old, 'exit');
    return start();
  });
}

exited(Number(pid)).then(restart);
for await (const { type } of changes) if (type !== 'deleted') restart();
