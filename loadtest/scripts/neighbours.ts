/** Calls of others, at a steady pace, for as long as it takes: when each began and how long it took. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RunScope } from '../process.ts';
import type { HttpTarget } from '../sides/side.ts';

const PROGRAM = fileURLToPath(new URL('neighbours-main.ts', import.meta.url));

/** Times are milliseconds; the moment is one of `now`. */
export interface NeighbourCall {
  readonly at: number;
  readonly ms: number;
  readonly isGood: boolean;
}

/** What the program of the neighbours is started with. */
export interface NeighboursTask {
  readonly host: string;
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly perSecond: number;
  /** One connection each; {} stands for the id of a record. */
  readonly paths: readonly string[];
  readonly rows: number;
}

/** Of each call these numbers one after the other: `at`, `ms`, and 1 where it is good. */
const FIGURES_PER_CALL = 3;

/**
 * Its answer to each message: what it has seen since the one before, one array for each path. Numbers, because a hundred
 * thousand objects that stay are work for the collector of garbage, which holds up on a small machine what is measured.
 */
export type NeighboursReport = readonly Float64Array[];

/**
 * They are a program of their own, in a session of its own, as callers are on machines of their own: what this process
 * does beside them, collecting its garbage for instance, is nothing that they should wait for.
 */
export class Neighbours {
  readonly #program: ChildProcess;
  readonly #gone: Promise<unknown>;
  readonly #reports: NeighboursReport[] = [];

  constructor(scope: RunScope, target: HttpTarget, task: Omit<NeighboursTask, 'host' | 'port' | 'headers'>) {
    const { hostname: host, port } = new URL(target.origin);
    const whole: NeighboursTask = { ...task, host, port: Number(port), headers: target.headers };
    this.#program = fork(PROGRAM, [JSON.stringify(whole)], {
      execArgv: ['--import', 'tsx'],
      serialization: 'advanced',
      detached: true,
    });
    this.#gone = once(this.#program, 'exit');
    scope.teardown.add(() => this.#stop());
  }

  /** Fetches what they have seen so far. @throws Error where the program has ended */
  async look(): Promise<void> {
    const ended = this.#gone.then(() => Promise.reject(new Error('The neighbours have ended.')));
    const answered = once(this.#program, 'message');
    this.#program.send('look');
    const [report] = (await Promise.race([answered, ended])) as [NeighboursReport];
    this.#reports.push(report);
  }

  /** Of the calls with this path, those that were due between these moments, as far as they have been looked at. */
  between(path: number, from: number, to: number): NeighbourCall[] {
    const calls: NeighbourCall[] = [];
    for (const { [path]: figures = new Float64Array() } of this.#reports) {
      for (let index = 0; index < figures.length; index += FIGURES_PER_CALL) {
        const at = figures[index] ?? 0;
        if (at < from || at >= to) continue;
        calls.push({ at, ms: figures[index + 1] ?? 0, isGood: figures[index + 2] === 1 });
      }
    }
    return calls;
  }

  async #stop(): Promise<void> {
    // It ends with the line to its parent, whatever becomes of that.
    if (this.#program.connected) this.#program.disconnect();
    await this.#gone;
  }
}
