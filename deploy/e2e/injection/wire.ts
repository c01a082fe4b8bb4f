/** Sends many requests over a few connections that stay open, and says what came back and how long it took. */
import { Agent, request } from 'node:http';
import type { Call } from './calls.ts';

export interface Reply {
  readonly status: number;
  readonly text: string;
  readonly ms: number;
}

export const CONNECTIONS = 32;
const PREFIX = '/api/v2/';
const TIMEOUT_MS = 30_000;

export class Wire {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS + 8, timeout: TIMEOUT_MS });
  readonly #origin: URL;
  readonly #headers: Readonly<Record<string, string>>;

  /** @param headers  sent with each request; those of a call win */
  constructor(origin: string, headers: Readonly<Record<string, string>>) {
    this.#origin = new URL(origin);
    this.#headers = headers;
  }

  send({ method, path, headers, body }: Call): Promise<Reply> {
    const startedMs = performance.now();
    const { hostname, port } = this.#origin;
    const options = {
      ...{ method, hostname, port, path: PREFIX + path, agent: this.#agent },
      headers: { ...this.#headers, ...(body && { 'Content-Length': String(body.length) }), ...headers },
    };
    return new Promise((resolve, reject) => {
      const call = request(options, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.once('error', reject);
        response.once('end', () => {
          const text = Buffer.concat(parts).toString('utf8');
          resolve({ status: response.statusCode ?? 0, text, ms: performance.now() - startedMs });
        });
      });
      call.once('error', reject);
      call.once('timeout', () => call.destroy(new Error('There was no answer in time.')));
      call.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Does all the work, so much of it at a time. */
export async function inParallel<T>(jobs: readonly T[], width: number, work: (job: T) => Promise<void>): Promise<void> {
  const left = jobs.values();
  const worker = async (): Promise<void> => {
    for (const job of left) await work(job);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
