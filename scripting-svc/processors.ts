/**
 * Which processors a worker may run on. A thread that is woken on a processor on which a script runs waits for the end of
 * its slice, milliseconds, whatever their priorities (Linux since 6.6); on one that scripts keep off it does not.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Logger } from '#common/observe/log.ts';

/**
 * @param task  its folder below /proc: this process, another one, a thread
 * @returns what it may use, by number; none where the system does not say
 */
export function allowedProcessors(task = 'self'): number[] {
  if (process.platform !== 'linux') return [];
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(`/proc/${task}/status`, 'latin1'))?.[1];
  return processorsOf(list ?? '');
}

/** @param list  as proc(5) writes it: numbers and ranges, `0-2,5` */
export function processorsOf(list: string): number[] {
  return list
    .split(',')
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}

/** Keeps a process to some of the processors, or lets it have all again. */
export type Confine = (pid: number, isConfined: boolean) => void;

/**
 * @param left  how many of its processors it leaves to others; one remains in any case
 * @returns keeps another process, with all threads that it has and will have, to the rest, or lets it have all again
 */
export function confinement(left: number, log: Logger): Confine {
  const all = allowedProcessors();
  const kept = all.slice(0, Math.max(1, all.length - left));
  if (kept.length === all.length) return () => {};
  // One after the other: what was said last about a process is what counts.
  let last = Promise.resolve();
  return (pid, isConfined) => {
    const list = (isConfined ? kept : all).join(',');
    last = last.then(() => taskset(['--all-tasks', '--cpu-list', '--pid', list, String(pid)], log));
  };
}

const taskset = (args: readonly string[], log: Logger): Promise<void> =>
  new Promise((done) => {
    execFile('taskset', args, (error) => {
      // One that has ended meanwhile needs nothing; where there is no such program scripts run as others do.
      if (error) log.info({ err: error }, 'a script worker may run on any processor');
      done();
    });
  });
