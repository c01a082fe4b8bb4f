/** The workers of a scripting tier as the system sees them: which there are, and what each is for. */
import { readFileSync } from 'node:fs';
import type { MillraceTarget } from '../sides/millrace.ts';

export type LaneName = 'quick' | 'patient';

export interface WorkerSeen {
  readonly pid: number;
  readonly lane: LaneName;
}

/** Those that run at this moment, with those that are about to leave. */
export function workersOf(millrace: MillraceTarget): WorkerSeen[] {
  return millrace.pids(['scripting']).flatMap((pid) => {
    const lane = laneOf(pid);
    return lane ? [{ pid, lane }] : [];
  });
}

function laneOf(pid: number): LaneName | undefined {
  try {
    const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return /^millrace-script-(quick|patient)\b/.exec(title)?.[1] as LaneName | undefined;
  } catch {
    return undefined; // it has ended meanwhile
  }
}
