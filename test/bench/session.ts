import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Answer, Command, ContenderInfo, RaceInfo } from './child.ts';
import type { Setting } from './setting.ts';

/** Longer than anything that is asked takes, in milliseconds: whoever has not answered by then waits for what never comes. */
const DEADLINE = 60_000;

/** A process that measures, seen from the one that tells it what to do. */
export class Session {
  readonly kqueue: string;
  readonly #child: ChildProcess;

  constructor(program: string, setting: Setting, env: NodeJS.ProcessEnv) {
    this.kqueue = setting.kqueue;
    this.#child = fork(program, [JSON.stringify(setting)], { env, execArgv: ['--expose-gc'], serialization: 'json' });
  }

  async #ask(command: Command): Promise<Answer> {
    const controller = new AbortController();
    const { signal } = controller;
    let deadline: NodeJS.Timeout | undefined;
    try {
      this.#child.send(command);
      const ended = once(this.#child, 'exit', { signal }).then(([code, by]): Answer => {
        return { failed: `the process that measures ended: ${code ?? by}` };
      });
      const answered = once(this.#child, 'message', { signal }).then(([answer]) => answer as Answer);
      const late = new Promise<Answer>((resolve) => {
        deadline = setTimeout(() => resolve({ failed: `no answer to ${command.name}` }), DEADLINE);
      });
      // Those that lose are aborted below.
      ended.catch(() => {});
      answered.catch(() => {});
      const answer = await Promise.race([answered, ended, late]);
      if ('failed' in answer) throw new Error(`${this.kqueue}: ${answer.failed}`);
      return answer;
    } finally {
      controller.abort();
      clearTimeout(deadline);
    }
  }

  async races(): Promise<readonly RaceInfo[]> {
    const answer = await this.#ask({ name: 'races' });
    return 'races' in answer ? answer.races : [];
  }

  /** Its contenders in the race. */
  async prepare(race: number, ms: number): Promise<readonly ContenderInfo[]> {
    const answer = await this.#ask({ name: 'prepare', race, ms });
    return 'contenders' in answer ? answer.contenders : [];
  }

  /** What each contender took, for one time. */
  async round(): Promise<readonly number[]> {
    const answer = await this.#ask({ name: 'round' });
    return 'samples' in answer ? answer.samples : [];
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}
