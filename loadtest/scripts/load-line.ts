/** Runs that are sent over a script line as fast as they are answered. */
import { performance } from 'node:perf_hooks';
import { Deadline } from '#common/deadline.ts';
import type { ScriptLine } from '#common/scripts/line.ts';
import type { Run, RunReply } from '#proto/script/v1/script_pb.ts';
import { percentile } from '../statistics.ts';

const TIMEOUT_MS = 30_000;

export interface LineLoad {
  readonly runs: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * @param outstanding  runs on their way at any moment
 * @param check  throws at an answer that is none
 */
export async function loadLine(
  line: ScriptLine,
  runOf: () => Run,
  outstanding: number,
  forMs: number,
  check: (reply: RunReply) => void = () => {},
): Promise<LineLoad> {
  const took: number[] = [];
  const startedAt = performance.now();
  const asker = async (): Promise<void> => {
    for (let sentAt = startedAt; sentAt - startedAt < forMs; ) {
      check(await line.send(runOf(), Deadline.after(TIMEOUT_MS)));
      const now = performance.now();
      took.push(now - sentAt);
      sentAt = now;
    }
  };
  await Promise.all(Array.from({ length: outstanding }, asker));
  const elapsedMs = performance.now() - startedAt;
  return {
    runs: took.length,
    perSecond: (took.length / elapsedMs) * 1000,
    p50Ms: percentile(took, 0.5),
    p99Ms: percentile(took, 0.99),
  };
}
