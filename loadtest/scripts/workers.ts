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
  const pids = millrace.pids(['scripting']);
  for (const pid of known.keys()) if (!pids.includes(pid)) known.delete(pid);
  return pids.flatMap((pid) => {
    const lane = laneOf(pid);
    return lane ? [{ pid, lane }] : [];
  });
}

/**
 * A worker that has a lane keeps it; the number of one that has ended may be another's later on. Each look at the title of a
 * process waits for its memory: whoever looks at one that takes a gigabyte is held up himself.
 */
const known = new Map<number, LaneName>();

function laneOf(pid: number): LaneName | undefined {
  const lane = known.get(pid) ?? laneNow(pid);
  if (lane) known.set(pid, lane);
  return lane;
}

function laneNow(pid: number): LaneName | undefined {
  try {
    const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return /^millrace-script-(quick|patient)\b/.exec(title)?.[1] as LaneName | undefined;
  } catch {
    return undefined; // it has ended meanwhile
  }
}
