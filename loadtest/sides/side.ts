/** One of the contestants of a case. */
import type { LoadCase } from '../cases.ts';
import type { Running } from '../process.ts';

export interface Side {
  readonly key: 'A' | 'B' | 'C';
  readonly label: string;
  /** Requests per second that were answered well. @throws Error where any was not */
  measure(load: LoadCase, seconds: number): Promise<number>;
}

/** A side that is reached by HTTP. */
export interface HttpTarget {
  readonly key: 'B' | 'C';
  readonly label: string;
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  pathOf(load: LoadCase): string;
  /** Its processes, whose logs explain a failure. */
  readonly servers: readonly Running[];
}
