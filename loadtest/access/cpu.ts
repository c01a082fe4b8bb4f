/** How long processes have been on a processor. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

let ticksPerSecond: number | undefined;

/** Seconds that all these processes together have spent, in user and in kernel mode. */
export function cpuSeconds(pids: readonly number[]): number {
  ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  const ticks = pids.reduce((sum, pid) => sum + cpuTicks(readFileSync(`/proc/${pid}/stat`, 'utf8')), 0);
  return ticks / ticksPerSecond;
}

/**
 * User and system time of a line of /proc/<pid>/stat.
 * @param stat  the name of the program stands in parentheses and may hold blanks and parentheses itself
 */
export function cpuTicks(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // Fields 14 and 15 of proc(5); what stands behind the name begins with field 3.
  return Number(fields[11]) + Number(fields[12]);
}
