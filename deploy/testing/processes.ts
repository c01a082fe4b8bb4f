/** Servers that make a process for each connection: those go on when the server is ended. */
import { execFileSync } from 'node:child_process';

/** Ids of the processes that this one has made, and of those that they have made. */
export function descendantsOf(pid: number): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const parents = new Map(lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]));
  const isBelow = (each: number | undefined): boolean => {
    const parent = each === undefined ? undefined : parents.get(each);
    return parent === pid || (parent !== undefined && parent > 1 && isBelow(parent));
  };
  return [...parents.keys()].filter(isBelow);
}

/** At once; one that is gone already is fine. */
export function endAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {}
  }
}
