/** Servers that say that they are ready before they are, and make processes that go on when they are ended. */
import { execFileSync } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

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
