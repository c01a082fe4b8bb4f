/** One keep-alive connection to an HTTP side, which takes no answer but a good one. */
import { Agent, type IncomingMessage, request } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type RunScope, showLogs } from '../process.ts';
import type { HttpTarget } from '../sides/side.ts';

/** A server that says nothing for so long has hung. */
const SILENCE_MS = 120_000;
const COMPLAINT_CHARACTERS = 500;

type Headers = Readonly<Record<string, string>>;

export interface Body {
  readonly stream: Readable;
  readonly bytes: number;
}

export class HttpConnection {
  readonly #scope: RunScope;
  readonly #target: HttpTarget;
  readonly #address: { readonly host: string; readonly port: string };
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1, timeout: SILENCE_MS });

  /** Closed by the scope's teardown. */
  constructor(scope: RunScope, target: HttpTarget) {
    this.#scope = scope;
    this.#target = target;
    const { hostname, port } = new URL(target.origin);
    this.#address = { host: hostname, port };
    scope.teardown.add(async () => this.#agent.destroy());
  }

  async get(path: string): Promise<string> {
    return textOf(await this.#send('GET', path, {}));
  }

  /** Reads an answer of any length to its end. */
  async drain(path: string, headers: Headers, take: (piece: Buffer) => void): Promise<void> {
    const answer = await this.#send('GET', path, headers);
    await new Promise<void>((resolve, reject) => {
      answer.on('data', take).once('end', resolve).once('error', reject);
    });
  }

  async post(path: string, headers: Headers, { stream, bytes }: Body): Promise<string> {
    return textOf(await this.#send('POST', path, { ...headers, 'Content-Length': String(bytes) }, stream));
  }

  /** @throws Error that shows the logs, for an answer that is no success */
  async #send(method: string, path: string, headers: Headers, body?: Readable): Promise<IncomingMessage> {
    try {
      const answer = await this.#answer(method, path, headers, body);
      const status = answer.statusCode ?? 0;
      if (status < 300) return answer;
      throw new Error(`status ${status}: ${(await textOf(answer)).slice(0, COMPLAINT_CHARACTERS)}`);
    } catch (failure) {
      const complaint = failure instanceof Error ? failure.message : failure;
      throw new Error(`${method} ${path}: ${complaint}\n${showLogs(this.#target.servers)}`, { cause: failure });
    }
  }

  #answer(method: string, path: string, headers: Headers, body?: Readable): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = request({
        ...this.#address,
        method,
        path,
        headers: { ...this.#target.headers, ...headers },
        agent: this.#agent,
        signal: this.#scope.signal,
      });
      sent.once('response', resolve).once('error', reject);
      sent.once('timeout', () => sent.destroy(new Error(`no byte for ${SILENCE_MS / 1000} s`)));
      if (body) pipeline(body, sent).catch(reject);
      else sent.end();
    });
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of answer) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}
