/** What a case of the database benchmark is: figures, and sides that measure them in turn. */
import type { TestServer } from '../../deploy/testing/available.ts';
import type { Figure } from '../cases.ts';
import type { BenchOptions } from '../options.ts';
import type { RunScope } from '../process.ts';
import type { MillraceTarget } from '../sides/millrace.ts';

export interface DatabaseCase {
  readonly name: string;
  readonly needs: TestServer;
  readonly figures: readonly Figure[];
  /** Puts up all that the case needs, in a scope of its own. */
  readonly prepare: (scope: RunScope, options: CaseOptions) => Promise<Contest>;
}

export type CaseOptions = BenchOptions<DatabaseCase>;

export interface Contest {
  /** With its version. */
  readonly database: string;
  readonly millrace: MillraceTarget;
  /** In the order in which they are measured. */
  readonly sides: readonly ContestSide[];
  /** Measurements of each side that do not count. */
  readonly warmUps: number;
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
