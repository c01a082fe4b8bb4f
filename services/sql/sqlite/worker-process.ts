/**
 * One worker process as its source sees it: jobs go in, answers come out in the same order.
 *
 * A process and not a thread: a statement that SQLite is busy with can only be ended together with whatever runs it,
 * and terminating a thread waits for native code to return. The operating system ends a process at once; SQLite rolls
 * back what it had not committed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type Answer, CHANNEL, encodeFrame, FrameReader, type Job, STARTED, type WorkerSetup } from './protocol.ts';

/** How long a process may take to finish and close the database before it is ended. */
const END_MS = 2000;
/** All that a worker needs of the environment, which holds secrets of other parts. */
const VARIABLES = ['TZ', 'TMPDIR', 'TMP', 'TEMP', 'SQLITE_TMPDIR', 'SystemRoot'];

export interface WorkerEvents {
  /** It runs and takes jobs. */
  started(): void;
  answer(answer: Answer): void;
  /** It is gone and all its answers were seen. `error`: it could not start. */
  gone(error?: unknown): void;
}

export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #channel: Duplex;
  readonly #gone: Promise<void>;

  constructor(setup: WorkerSetup, events: WorkerEvents) {
    const [file, flags] = workerProgram();
    this.#child = spawn(process.execPath, [...flags, file], {
      // Where a loader given by name is looked for.
      cwd: dirname(file),
      env: Object.fromEntries(VARIABLES.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
      windowsHide: true,
    });
    // First of all: where there are no file handles left, there is no channel either.
    let failed: unknown;
    this.#child.once('error', (error) => {
      failed = error;
    });
    this.#channel = this.#child.stdio[CHANNEL] as Duplex;
    const reader = new FrameReader();
    this.#channel.on('data', (chunk: Buffer) => {
      for (const message of reader.push(chunk)) {
        if (message === STARTED) events.started();
        else events.answer(message as Answer);
      }
    });
    // A write to a process that has just ended: `close` tells of it.
    this.#channel.on('error', () => {});
    this.#gone = new Promise((resolve) => {
      this.#child.once('close', () => {
        resolve();
        events.gone(failed);
      });
    });
    this.#channel.write(encodeFrame(setup));
  }

  send(jobs: readonly Job[]): void {
    this.#channel.write(encodeFrame(jobs));
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Lets it finish what it was sent. */
  async end(): Promise<void> {
    const timer = setTimeout(() => this.kill(), END_MS);
    this.#channel.end();
    await this.#gone;
    clearTimeout(timer);
  }
}

/** In a bundle the worker lies beside it, built; in source it is TypeScript and needs a loader. */
function workerProgram(): [file: string, flags: string[]] {
  return import.meta.url.endsWith('.ts')
    ? [fileURLToPath(new URL('./worker.ts', import.meta.url)), ['--import', 'tsx']]
    : [fileURLToPath(new URL('./sqlite-worker.js', import.meta.url)), ['--enable-source-maps']];
}
