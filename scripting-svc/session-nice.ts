/**
 * How much of the processor a worker gets beside other programs. Linux with autogroup lets sessions compete rather than
 * threads, and each session has a priority of its own (sched(7)); elsewhere nothing of this has an effect.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const fileOf = (leader: number | 'self'): string => `/proc/${leader}/autogroup`;

/** Whether there is such a thing here. */
export const hasSessionNice = (): boolean => process.platform === 'linux' && existsSync(fileOf('self'));

/** Whether this process has a session of its own, so that nobody else is meant by its priority. */
export function leadsSession(): boolean {
  if (process.platform !== 'linux') return false;
  const stat = readFileSync('/proc/self/stat', 'latin1');
  // proc(5): behind the name, which may hold anything, come state, parent, group and session.
  const [, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(session) === process.pid;
}

/**
 * @param leader  of the session. @param nice  0: as any other program; 19: last
 * @returns false: not now, as the kernel takes ten changes a second from all who are not its administrator
 */
export function setSessionNice(leader: number | 'self', nice: number): boolean {
  try {
    writeFileSync(fileOf(leader), String(nice));
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EAGAIN';
  }
}
