/** How a run in a realm came to its end. */
import type { Failure, LogLine, Outcome } from '#proto/script/v1/script_pb.ts';
import type { Limits } from './caps.ts';
import { outputCap, thrown } from './failures.ts';
import { readLogs, unpackOutcome } from './packed.ts';

export type Ended =
  | { readonly outcome: Outcome; readonly reads: number; readonly logs: readonly LogLine[] }
  | { readonly failure: Failure; readonly logs: readonly LogLine[] }
  /** The quick lane is none for it. @param late  its time was over */
  | { readonly left: true; readonly late?: true }
  /** It looked at a member of the event that was left out: whatever it did then is void. */
  | { readonly lacking: true };

const NO_LOGS: readonly LogLine[] = [];

/** Reads what the prelude says at the end. */
export function readEnd(packed: unknown, limits: Limits, file: string): Ended {
  const end = unpackOutcome(packed);
  switch (end?.kind) {
    case 'outcome':
      if (end.bytes > limits.outputBytes) return { failure: outputCap(limits.outputBytes), logs: readLogs(end.logs) };
      return { outcome: end.outcome, reads: end.reads, logs: end.logs === '' ? NO_LOGS : readLogs(end.logs) };
    case 'thrown':
      return { failure: thrown(end.message, end.stack, end.members, file), logs: readLogs(end.logs) };
    case 'lacking':
      return { lacking: true };
    case 'left':
      return { left: true };
    case 'too large':
      return { failure: outputCap(limits.outputBytes), logs: NO_LOGS };
    case undefined:
      return { failure: thrown('The script left nothing that can be read.', '', '', file), logs: NO_LOGS };
  }
}

/** The message of V8 when an isolate came to the end of its memory. */
export const isMemoryError = (error: unknown): boolean => error instanceof Error && /memory limit/.test(error.message);
