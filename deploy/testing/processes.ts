/** Servers that say that they are ready before they are, and make processes that go on when they are ended. */
import { execFileSync } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Guard } from './guarded.ts';

const ANSWER_TIMEOUT_MS = 10_000;
const PAUSE_MS = 20;

/** Resolves when a server takes connections. @throws Error when it does not in time */
export async function answering(host: string, port: number): Promise<void> {
  for (const end = Date.now() + ANSWER_TIMEOUT_MS; ; await sleep(PAUSE_MS)) {
    const error = await new Promise<Error | undefined>((resolve) => {
      const socket = connect(port, host, () => {
        socket.destroy();
        resolve(undefined);
      });
      socket.once('error', resolve);
    });
    if (!error) return;
    if (Date.now() > end) throw error;
  }
}

/** Ends a server and all that it has made, at once. They are stopped first: what runs makes more of its kind meanwhile. */
export async function endTree({ pid, isRunning, kill }: Guard): Promise<void> {
  if (!isRunning()) return;
  const stopped = new Set<number>();
  for (let found = [pid]; found.length > 0; found = descendantsOf(pid).filter((each) => !stopped.has(each))) {
    for (const each of found) {
      stopped.add(each);
      signal(each, 'SIGSTOP');
    }
  }
  stopped.delete(pid);
  for (const each of stopped) signal(each, 'SIGKILL');
  await kill();
}

function descendantsOf(pid: number): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const parents = new Map(lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]));
  const isBelow = (each: number | undefined): boolean => {
    const parent = each === undefined ? undefined : parents.get(each);
    return parent === pid || (parent !== undefined && parent > 1 && isBelow(parent));
  };
  return [...parents.keys()].filter(isBelow);
}

/** One that is gone already is fine. */
function signal(pid: number, name: 'SIGSTOP' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch {}
}
