// A process that measures one kqueue in one race: run.ts tells it through IPC which, and when to run a round.

import { measurements } from './measurements/index.ts';
import { type Contender, calibrate, type Race } from './race.ts';
import type { Setting } from './setting.ts';

/** What a process is told. */
export type Command =
  | { readonly name: 'races' }
  | { readonly name: 'prepare'; readonly race: number; readonly ms: number }
  | { readonly name: 'round' };

/** What it answers: to `races`, to `prepare`, and to `round`. */
export interface RaceInfo {
  readonly id: string;
  readonly what: string;
  readonly unit: Race['unit'];
  readonly rounds: number | undefined;
  readonly note: string | undefined;
}
export interface ContenderInfo {
  readonly name: string;
  readonly at: number | undefined;
}
export type Answer =
  | { readonly races: readonly RaceInfo[] }
  | { readonly contenders: readonly ContenderInfo[] }
  | { readonly samples: readonly number[] }
  | { readonly failed: string };

const setting = JSON.parse(process.argv[2] ?? '') as Setting;
const load = measurements[setting.measurement];
if (load === undefined) throw new Error(`no measurement ${setting.measurement}`);
const races = await (await load())(setting);

let contenders: readonly { readonly contender: Contender; readonly times: number }[] = [];

async function obey(command: Command): Promise<Answer> {
  switch (command.name) {
    case 'races':
      return { races: races.map(({ id, what, unit, rounds, note }) => ({ id, what, unit, rounds, note })) };
    case 'prepare': {
      const race = races[command.race];
      if (race === undefined) throw new Error(`no race ${command.race}`);
      const { times } = race;
      const ready: { contender: Contender; times: number }[] = [];
      for (const contender of await race.prepare()) {
        ready.push({ contender, times: times ?? (await calibrate(contender, command.ms)) });
      }
      contenders = ready;
      return { contenders: contenders.map(({ contender: { name, at } }) => ({ name, at })) };
    }
    case 'round': {
      const samples: number[] = [];
      for (const { contender, times } of contenders) samples.push((await contender.run(times)) / times);
      return { samples };
    }
  }
}

process.on('message', (command: Command) => {
  obey(command).then(
    (answer) => process.send?.(answer),
    (error: unknown) =>
      process.send?.({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
