/** What a case is that is measured in rounds: figures, and sides that measure them in turn. */
import type { Needed } from '../deploy/testing/available.ts';
import type { Figure } from './cases.ts';
import type { BenchOptions } from './options.ts';
import type { RunScope } from './process.ts';
import type { ReportTable } from './report.ts';

export interface ContestCase {
  readonly name: string;
  /** Undefined: nothing beside our own programs. */
  readonly needs: Needed | undefined;
  readonly figures: readonly Figure[];
  /** Puts up all that the case needs, in a scope of its own. */
  readonly prepare: (scope: RunScope, options: ContestOptions) => Promise<Contest>;
}

export type ContestOptions = BenchOptions<ContestCase>;

export interface Contest {
  /** What stands beside or behind ours, with its version. */
  readonly server: string | undefined;
  /** Undefined: there is no process to profile. */
  readonly millrace: { stop(): Promise<void> } | undefined;
  /** In the order in which they are measured. */
  readonly sides: readonly ContestSide[];
  /** Measurements of each side that do not count. */
  readonly warmUps: number;
  /** Each round is cut into so many short ones, so that what the machine does otherwise hits all sides alike; 1. */
  readonly slices?: number;
  /** Where the sides do not alternate, or one measurement is made of rounds itself. */
  readonly rounds?: number;
  /** What has no place among the figures, when all is measured. */
  readonly table?: () => ReportTable;
}

export interface ContestSide {
  readonly key: 'A' | 'C';
  readonly label: string;
  /**
   * One measurement: the value of each figure, by its name.
   * @param seconds  how long, where a load is measured
   */
  readonly measure: (seconds: number) => Promise<Sample>;
}

export type Sample = Readonly<Record<string, number>>;
