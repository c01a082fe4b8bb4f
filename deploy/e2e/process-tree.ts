/** Processes as Linux tells of them. */
import { readdirSync, readFileSync } from 'node:fs';

/** A file below `/proc/{pid}`; empty where the process has gone meanwhile. */
export function told(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** All below a process: those that it has started, and those that these have. */
export function descendantsOf(pid: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const parent = /^PPid:\s+(\d+)/m.exec(told(Number(name), 'status'))?.[1];
      return parent === undefined ? [] : [{ pid: Number(name), parent: Number(parent) }];
    });
  const found = (of: number): number[] =>
    parents.filter(({ parent }) => parent === of).flatMap((one) => [one.pid, ...found(one.pid)]);
  return found(pid);
}
