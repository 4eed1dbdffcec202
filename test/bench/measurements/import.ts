// What importing costs, each in a process of its own.

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { Contender, Race } from '../race.ts';
import type { Setting } from '../setting.ts';

/** A program that prints the milliseconds of one statement. */
function timed(name: string, statement: string): Contender {
  const program = `import { createRequire } from 'node:module'; const start = performance.now(); ${statement}; console.log(performance.now() - start);`;
  return {
    name,
    run() {
      const ran = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' });
      if (ran.status !== 0) throw new Error(ran.stderr);
      return Number(ran.stdout) * 1e6;
    },
  };
}

export function importRaces({ kqueue, dist }: Setting): readonly Race[] {
  const url = (path: string): string => JSON.stringify(pathToFileURL(path).href);
  const koffi = createRequire(import.meta.url).resolve('koffi');
  const [highLevel, sys] = [url(`${dist}/index.js`), url(`${dist}/sys/index.js`)];
  return [
    {
      id: 'import/entries',
      what: 'import in a new process',
      unit: 'ns',
      times: 1,
      rounds: 9,
      prepare() {
        // It is the same whichever kqueue would be used.
        if (kqueue === 'libkqueue') return [];
        return [
          timed('koffi, import', `await import(${url(koffi)})`),
          timed('koffi, as the library loads it', `createRequire(${url(koffi)})(${JSON.stringify(koffi)})`),
          timed('an empty module', `await import('data:text/javascript,')`),
          timed('high-level API', `await import(${highLevel})`),
          timed('system-call API', `await import(${sys})`),
          timed('high-level API, and a new Kqueue', `const { Kqueue } = await import(${highLevel}); new Kqueue()`),
        ];
      },
    },
  ];
}
