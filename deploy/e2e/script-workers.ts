/** The script workers of a running product, as the system tells of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { until } from './process.ts';

export const LANES = ['quick', 'patient'] as const;
export type Lane = (typeof LANES)[number];

interface Process {
  readonly pid: number;
  readonly lane: Lane | undefined;
}

/** All below a process, as the system tells: those that it has started, and those that these have. */
export function below(pid: number): Process[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const parent = /^PPid:\s+(\d+)/m.exec(told(name, 'status'))?.[1];
      return parent === undefined ? [] : [{ pid: Number(name), parent: Number(parent) }];
    });
  const found = (of: number): Process[] =>
    parents
      .filter(({ parent }) => parent === of)
      .flatMap((one) => [{ pid: one.pid, lane: laneOf(one.pid) }, ...found(one.pid)]);
  return found(pid);
}

function laneOf(pid: number): Lane | undefined {
  return /^millrace-script-(quick|patient)\b/.exec(told(String(pid), 'cmdline'))?.[1] as Lane | undefined;
}

const isSpare = (pid: number): boolean => /^millrace-script-spare\b/.test(told(String(pid), 'cmdline'));

export const untilSpare = (pid: number): Promise<boolean> =>
  until('a spare one stands ready', async () => below(pid).some((one) => isSpare(one.pid)), 10_000);

/** Nothing of a process that has gone meanwhile. */
export function told(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

export const workersOf = (pid: number, lane: Lane): number[] =>
  below(pid).flatMap((one) => (one.lane === lane ? [one.pid] : []));

/** A zombie is no longer running; whoever has to reap it is not ours to wait for. */
export const isRunning = (pid: number): boolean => /^State:\s+[^ZX\s]/m.test(told(String(pid), 'status'));

export const untilGone = (pids: readonly number[], timeoutMs: number): Promise<boolean> =>
  until('they have ended', async () => !pids.some(isRunning), timeoutMs);
