/** Starts, watches and ends the processes of a run, each by its own id, whatever way the run ends. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const STOP_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 30_000;
const POLL_MS = 20;
const LOG_TAIL_CHARACTERS = 2000;
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;
/**
 * Below those that Linux gives to connections that go out: one of these could be taken before the server that it was
 * found for has started.
 */
const [PORTS_FROM, PORTS_TO] = [20_000, 32_768];

/** What has to be undone at the end, last things first. */
export class Teardown {
  readonly #steps: (() => Promise<void>)[] = [];

  add(step: () => Promise<void>): void {
    this.#steps.push(step);
  }

  /** Runs every step, also when one of them fails, and returns the failures. */
  async run(): Promise<unknown[]> {
    const failures: unknown[] = [];
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step();
      } catch (failure) {
        failures.push(failure);
      }
    }
    return failures;
  }
}

/** Shared by everything that a run starts. */
export interface RunScope {
  readonly teardown: Teardown;
  /** Ends the tools that run for a while (wrk, pgbench) when the run is interrupted. */
  readonly signal: AbortSignal;
  /** A folder that vanishes with the run. */
  readonly folder: string;
}

/** Runs work whose servers, and whose folder, vanish with its end, whatever way it ends. */
export async function inScope<T>(
  folder: string,
  signal: AbortSignal,
  work: (scope: RunScope) => Promise<T>,
): Promise<T> {
  await mkdir(folder, { recursive: true });
  const teardown = new Teardown();
  teardown.add(() => rm(folder, { recursive: true, force: true }));
  try {
    return await work({ teardown, signal, folder });
  } finally {
    for (const failure of await teardown.run()) process.stderr.write(`Cleaning up failed: ${String(failure)}\n`);
  }
}

export interface Running {
  readonly name: string;
  readonly pid: number;
  /** Undefined while it runs. */
  exit(): string | undefined;
  /** SIGTERM, and SIGKILL for one that does not listen. */
  stop(): Promise<void>;
  logTail(): string;
}

/** Starts a server whose output goes to `<folder>/<name>.log`; it is stopped by the scope's teardown at the latest. */
export function startServer(
  scope: RunScope,
  name: string,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Running {
  scope.signal.throwIfAborted();
  const logFile = `${scope.folder}/${name}.log`;
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', log, log] });
  closeSync(log);
  child.once('error', () => {}); // a command that is missing shows by its missing id
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${name} could not be started: ${command}`);
  let exit: string | undefined;
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      exit = signal ?? `code ${code}`;
      resolve();
    });
  });
  const running: Running = {
    name,
    pid,
    exit: () => exit,
    stop: () => stopChild(child, exited, () => exit !== undefined),
    logTail: () => readFileSync(logFile, 'utf8').slice(-LOG_TAIL_CHARACTERS),
  };
  scope.teardown.add(running.stop);
  return running;
}

async function stopChild(child: ChildProcess, exited: Promise<void>, isGone: () => boolean): Promise<void> {
  if (isGone()) return;
  child.kill('SIGTERM');
  const timeout = new AbortController();
  const late = sleep(STOP_TIMEOUT_MS, 'late', { signal: timeout.signal }).catch(() => 'gone');
  const outcome = await Promise.race([exited.then(() => 'gone'), late]);
  timeout.abort();
  if (outcome === 'gone') return;
  child.kill('SIGKILL');
  await exited;
}

/**
 * Waits until the check holds.
 * @throws Error with the end of the log where the server ends first or the time is up
 */
export async function waitUntilReady(
  servers: readonly Running[],
  what: string,
  isReady: () => Promise<boolean>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isReady())) {
    signal.throwIfAborted();
    const dead = servers.find((server) => server.exit() !== undefined);
    if (dead) throw new Error(`${dead.name} ended before ${what}:\n${showLogs([dead])}`);
    if (performance.now() > deadline) {
      throw new Error(`No success within ${timeoutMs / 1000} s in waiting for ${what}:\n${showLogs(servers)}`);
    }
    await sleep(POLL_MS);
  }
}

/** The end of each log, and of each server that is gone, how it ended. */
export function showLogs(servers: readonly Running[]): string {
  return servers.map((server) => `--- ${server.name}, ${server.exit() ?? 'running'}\n${server.logTail()}`).join('\n');
}

/** Bounds a request by time and by the run's own end. */
export const requestSignal = (scope: RunScope): AbortSignal =>
  AbortSignal.any([scope.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);

/** True where the address answers 200. */
export async function answersOk(url: string, headers: Readonly<Record<string, string>> = {}): Promise<boolean> {
  try {
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(2000) });
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}

const execute = promisify(execFile);

/** Runs a tool to its end and returns what it printed. @throws Error with its complaint where it fails or is late */
export async function runTool(
  scope: RunScope,
  command: string,
  args: readonly string[],
  timeoutMs: number,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout } = await execute(command, args, {
    env: { ...process.env, ...env },
    signal: scope.signal,
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  return stdout;
}

let nextPort = PORTS_FROM + Math.floor(Math.random() * (PORTS_TO - PORTS_FROM));

/** A port that nobody listens on, and that nobody gets who does not name it. @throws Error where there is none */
export async function freePort(): Promise<number> {
  for (let tries = PORTS_FROM; tries < PORTS_TO; tries++) {
    const port = nextPort;
    nextPort = port + 1 < PORTS_TO ? port + 1 : PORTS_FROM;
    if (await isFree(port)) return port;
  }
  throw new Error('No free port was found.');
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
