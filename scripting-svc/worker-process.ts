/** Workers, and what keeps them, as processes: how they are started, and how they are ended. */
import { type ChildProcess, fork } from 'node:child_process';
import type { Environment } from '#common/config/env.ts';
import type { Confine } from './processors.ts';
import { HELD, HELD_FD, type WorkerPlace } from './worker-place.ts';

export interface WorkerProgram {
  readonly program: string;
  readonly execArgv: readonly string[];
  readonly env: Environment;
}

const RESTART_DELAY_MS = 100;
/** Of those that have never been ready, and of those that have. */
const RESTART_DELAY_MS_MAX = 5_000;
const READY_DELAY_MS_MAX = 500;

/**
 * How long to wait before the next one, where so many have failed in a row: the first one costs no time, and who can start
 * is not waited for long.
 */
export function restartDelayMs(failures: number, wasReady: boolean): number {
  if (failures === 0) return 0;
  return Math.min(wasReady ? READY_DELAY_MS_MAX : RESTART_DELAY_MS_MAX, RESTART_DELAY_MS * 2 ** failures);
}

/** @param more  descriptors, from 4 on */
export function forkProgram({ program, execArgv, env }: WorkerProgram, more: readonly 'pipe'[] = []): ChildProcess {
  return fork(program, [], {
    env: env as NodeJS.ProcessEnv,
    execArgv: [...execArgv],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...more],
    // Ctrl-C reaches the one who started it all, who ends the others in order.
    detached: true,
  });
}

export interface ConfinedProgram extends WorkerProgram {
  /** Keeps one to some of the processors, or no longer. */
  readonly confine: Confine;
}

/** Those whose scripts may run for long, at any time; others are confined only while one of their scripts does. */
const patient = new WeakSet<ChildProcess>();

/** Before a worker takes its place: where it may run there. */
export function confineFor({ lane }: WorkerPlace, child: ChildProcess, confine: Confine): void {
  if (lane === 'patient') patient.add(child);
  if (child.pid !== undefined) confine(child.pid, lane === 'patient');
}

/** @param place  undefined: it stands by until it is given one */
export function forkWorker({ confine, ...program }: ConfinedProgram, place?: WorkerPlace): ChildProcess {
  const env = { ...program.env, MILLRACE_SCRIPT_PLACE: place && JSON.stringify(place) };
  const child = forkProgram({ ...program, env }, ['pipe']);
  const { pid } = child;
  if (pid === undefined) return child;
  if (place) confineFor(place, child, confine);
  // Of one that dies its exit tells.
  child.stdio[HELD_FD]?.on('error', () => {});
  child.stdio[HELD_FD]?.on('data', (said: Buffer) =>
    confine(pid, patient.has(child) || said.toString().endsWith(HELD)),
  );
  return child;
}

/** Resolves when it has ended. @param signal  undefined: it has been told. @param deadline  then it is killed */
export function endWorker(
  child: ChildProcess,
  signal: NodeJS.Signals | undefined,
  deadline?: AbortSignal,
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const kill = (): void => void child.kill('SIGKILL');
    if (deadline?.aborted) kill();
    deadline?.addEventListener('abort', kill, { once: true });
    child.once('exit', () => {
      deadline?.removeEventListener('abort', kill);
      resolve();
    });
    if (signal) child.kill(signal);
  });
}
