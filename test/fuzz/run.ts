// Random calls on the kqueue built in for Linux.
//
//   npm run fuzz -- [--seconds N] [--seed N] [--steps N]
//   npm run fuzz -- --interrupt [--seconds N] [--seed N] [--steps N]     stops JavaScript within calls instead

import { parseArgs } from 'node:util';
import { Progress } from '../helpers/progress.ts';
import { Fuzz } from './fuzz.ts';
import { fuzzInterruptions } from './interrupt.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    steps: { type: 'string', default: '20000' },
    interrupt: { type: 'boolean', default: false },
  },
});
const start = performance.now();
const end = start + Number(values.seconds) * 1000;
const most = Number(values.steps);
if (values.interrupt) {
  await fuzzInterruptions(values.seed === undefined ? undefined : Number(values.seed), most, end);
  process.exit();
}
const progress = new Progress();
let [rounds, steps, events] = [0, 0, 0];
do {
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  const fuzz = new Fuzz(seed);
  // Before it starts: it may be the last thing that this process says.
  progress.clear();
  process.stdout.write(`seed ${seed}\n`);
  const what = `seed ${seed}`;
  try {
    fuzz.run((step) => {
      const now = performance.now();
      progress.show(what, values.seed === undefined ? (now - start) / (end - start) : step / most);
      return step < most && (values.seed !== undefined || now < end);
    });
  } catch (error) {
    progress.clear();
    console.error(
      `${(error as Error).message}\n\nto see it again: npm run fuzz -- --seed ${seed} --steps ${fuzz.steps}`,
    );
    process.exit(1);
  }
  rounds++;
  steps += fuzz.steps;
  events += fuzz.events;
} while (values.seed === undefined && performance.now() < end);
progress.clear();
console.log(`${rounds} rounds, ${steps} steps, ${events} events: nothing found`);
