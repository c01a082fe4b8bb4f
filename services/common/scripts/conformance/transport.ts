/** What the conformance suite and the measurement need of a transport: lines, and workers here or in processes of their own. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import type { ScriptHandler, ScriptLine } from '../line.ts';
import { NatsLine } from '../nats-line.ts';
import { NatsLink } from '../nats-link.ts';
import { NatsResponder } from '../nats-responder.ts';
import { type NatsSettings, settingsOf } from '../nats-settings.ts';
import { StreamLine } from '../stream-line.ts';
import { listenForRuns } from '../stream-server.ts';

export interface Worker {
  /** A stop in good order: resolves when nothing is left, and it is gone. */
  drain(): Promise<void>;
  /** Gone at once. */
  close(): Promise<void>;
}

export interface WorkerProcess {
  readonly pid: number;
  /** As kill -9. */
  kill(): Promise<void>;
}

export interface Transport {
  line(): Promise<ScriptLine>;
  /** In this process. */
  worker(handler: ScriptHandler): Promise<Worker>;
  /** In a process of its own, with the handler of worker.ts. */
  process(): Promise<WorkerProcess>;
  /** Ends all that it has made. */
  close(): Promise<void>;
}

const SILENT = pino({ level: 'silent' });
const PROGRAM = new URL('worker.ts', import.meta.url);

export const natsSettings = (url: string): NatsSettings => settingsOf([new URL(url)]);

/** The whole of a worker with its own connection. */
export async function natsWorker(url: string, handler: ScriptHandler): Promise<Worker> {
  const link = new NatsLink(natsSettings(url), SILENT);
  const responder = new NatsResponder(link, 'quick', handler);
  await link.ready();
  await link.connection?.flush();
  const close = async (): Promise<void> => {
    responder.close();
    await link.close();
  };
  return { drain: () => responder.drain().then(close), close };
}

export async function streamWorker(address: string, handler: ScriptHandler): Promise<Worker> {
  const listening = await listenForRuns(address.slice('unix:'.length), undefined, handler);
  return {
    drain: async () => {
      await listening.drain(AbortSignal.timeout(20_000));
      await listening.close();
    },
    close: () => listening.close(),
  };
}

export function natsTransport(url: string): Transport {
  const kept = new Kept();
  return {
    line: async () => {
      const link = new NatsLink(natsSettings(url), SILENT);
      const line = new NatsLine(link, 'quick');
      kept.add(async () => {
        line.close();
        await link.close();
      });
      await link.ready();
      return line;
    },
    worker: async (handler) => kept.worker(await natsWorker(url, handler)),
    process: () => kept.process(['nats', url]),
    close: () => kept.close(),
  };
}

/** Each worker takes the next of a few addresses, which lines know beforehand. */
export function streamTransport(): Transport {
  const kept = new Kept();
  const folder = mkdtempSync(join(tmpdir(), 'millrace-scripts-'));
  kept.add(async () => rmSync(folder, { recursive: true, force: true }));
  const addresses = Array.from({ length: 3 }, (_, i) => `unix:${join(folder, `${i}`)}`);
  let used = 0;
  const next = (): string => addresses[used++] ?? '';
  return {
    line: async () => {
      const line = new StreamLine(addresses.map((address) => ({ address, token: undefined })));
      kept.add(async () => line.close());
      return line;
    },
    worker: async (handler) => kept.worker(await streamWorker(next(), handler)),
    process: () => kept.process(['stream', next()]),
    close: () => kept.close(),
  };
}

/** What must end, the last first. */
class Kept {
  readonly #ends: (() => Promise<void>)[] = [];

  add(end: () => Promise<void>): void {
    this.#ends.push(end);
  }

  worker(worker: Worker): Worker {
    this.add(() => worker.close());
    return worker;
  }

  async process(args: readonly string[]): Promise<WorkerProcess> {
    const child = fork(PROGRAM, args, {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const kill = (): Promise<void> => killed(child);
    this.add(kill);
    await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error('The worker ended before it was ready.'))),
    ]);
    return { pid: child.pid ?? 0, kill };
  }

  async close(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end();
  }
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
