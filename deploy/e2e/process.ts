/** The product or one of its tiers as a process of its own, by the command that npm runs: started and ended here. */
import { type ChildProcess, spawn } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { BOOTSTRAP, ensureBuilt, ROOT } from './build.ts';

export type Program = 'all-in-one' | 'system' | 'sql' | 'nosql' | 'storage' | 'scripting' | 'router';

/** Words of bootstrap.mjs. */
const WORDS: Readonly<Record<Program, string>> = {
  'all-in-one': 'start',
  system: 'start:system',
  sql: 'start:sql',
  nosql: 'start:nosql',
  storage: 'start:storage',
  scripting: 'start:scripting',
  router: 'start:router',
};

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Running {
  readonly pid: number;
  /** What it has printed so far, both streams. */
  output(): string;
  readonly exited: Promise<Exit>;
  /** Sends the signal and waits for the end; SIGKILL for one that does not listen. Safe to call twice. */
  stop(signal?: NodeJS.Signals): Promise<Exit>;
  /** For single signals, and what it tells whoever started it. */
  readonly child: ChildProcess;
}

const STOP_TIMEOUT_MS = 20_000;
const POLL_MS = 10;

/** Of the caller's environment only what a program needs to run: no setting of the machine may decide a test. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'LANG'].flatMap((name) =>
  process.env[name] === undefined ? [] : [[name, process.env[name]] as const],
);

/** Ends by itself when this process dies: the channel between them closes, which counts as a signal to stop. */
export function startProgram(
  program: Program,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Running {
  ensureBuilt();
  const child = spawn(process.execPath, [BOOTSTRAP, WORDS[program], ...args], {
    cwd: ROOT,
    env: { ...Object.fromEntries(INHERITED), ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  if (child.pid === undefined) throw new Error(`${program} could not be started.`);
  let output = '';
  for (const stream of [child.stdout, child.stderr] as Readable[]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  let isGone = false;
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => {
      isGone = true;
      resolve({ code, signal });
    });
  });
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> => {
    if (isGone) return exited;
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    return exited.finally(() => clearTimeout(late));
  };
  return { pid: child.pid, child, output: () => output, exited, stop };
}

/** A port that nobody has at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

/**
 * Tries until it gives something.
 * @throws Error with the last failure when the time is up
 */
export async function until<T>(
  what: string,
  attempt: () => Promise<T | undefined | false>,
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let failure: unknown;
  while (performance.now() < deadline) {
    try {
      const result = await attempt();
      if (result !== undefined && result !== false) return result;
    } catch (error) {
      failure = error;
    }
    await sleep(POLL_MS);
  }
  throw new Error(`Not within ${timeoutMs} ms: ${what}.`, { cause: failure });
}
