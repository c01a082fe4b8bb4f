/**
 * A stand-in for Dropbox: the documented endpoints that we use, their arguments, errors and rules (names in any case are
 * the same, folders above a file are made, an upload is there when it is finished), in memory.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Hosts } from '../api.ts';
import { type Failure, FakeFiles, fail } from './files.ts';

/** What is answered in place of the next request whose path ends like this. */
export interface Trouble {
  readonly path: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Cut before it is answered, or, of a download, in its middle. */
  readonly cut?: 'before' | 'after' | 'middle';
}

const TOKEN_SECONDS = 14_400;

export class FakeDropbox {
  readonly appKey = 'key';
  readonly appSecret = 'secret';
  readonly refreshToken = 'refresh';
  readonly files = new FakeFiles();
  /** Of each request that came. */
  readonly paths: string[] = [];
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));
  readonly #tokens = new Set<string>();
  readonly #troubles: Trouble[] = [];
  #issued = 0;

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  get hosts(): Hosts {
    const address = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return { api: address, content: address };
  }

  issueToken(): string {
    const token = `token-${++this.#issued}`;
    this.#tokens.add(token);
    return token;
  }

  expireTokens(): void {
    this.#tokens.clear();
  }

  trouble(trouble: Trouble): void {
    this.#troubles.push(trouble);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    this.paths.push(path);
    const pieces: Buffer[] = [];
    try {
      for await (const piece of request) pieces.push(piece as Buffer);
    } catch {
      return; // the caller has gone
    }
    const index = this.#troubles.findIndex((each) => path.endsWith(each.path));
    const [trouble] = index >= 0 ? this.#troubles.splice(index, 1) : [];
    if (trouble?.cut === 'before') return void request.socket.destroy();
    if (trouble?.status !== undefined) return void response.writeHead(trouble.status, trouble.headers).end();
    try {
      const body = Buffer.concat(pieces);
      if (path === '/oauth2/token') return this.#refresh(body, response);
      this.#authorize(request);
      const route = path.replace('/2/files/', '');
      if (route === 'download') return this.#download(request, response, trouble?.cut === 'middle');
      const isContent = request.headers['content-type'] === 'application/octet-stream';
      const argument = JSON.parse(isContent ? String(request.headers['dropbox-api-arg']) : body.toString());
      const answer = this.files.call(route, argument, isContent ? body : undefined);
      if (trouble?.cut === 'after') return void request.socket.destroy();
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    } catch (error) {
      const { status = 500, summary = String(error), detail } = error as Partial<Failure>;
      const text = status === 400 ? summary : JSON.stringify({ error_summary: `${summary}/..`, error: detail });
      response.writeHead(status, { 'content-type': 'application/json' }).end(text);
    }
  }

  #refresh(body: Buffer, response: ServerResponse): void {
    const form = new URLSearchParams(body.toString());
    const isGood =
      form.get('grant_type') === 'refresh_token' &&
      form.get('refresh_token') === this.refreshToken &&
      form.get('client_id') === this.appKey &&
      form.get('client_secret') === this.appSecret;
    const answer = isGood
      ? { access_token: this.issueToken(), expires_in: TOKEN_SECONDS, token_type: 'bearer' }
      : { error: 'invalid_grant' };
    response.writeHead(isGood ? 200 : 400, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  #authorize({ headers }: IncomingMessage): void {
    const token = String(headers.authorization).replace('Bearer ', '');
    if (!this.#tokens.has(token)) fail('expired_access_token', 401);
  }

  #download(request: IncomingMessage, response: ServerResponse, isCut: boolean): void {
    const { path } = JSON.parse(String(request.headers['dropbox-api-arg'])) as { path: string };
    const { bytes, metadata } = this.files.content(path);
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const from = Number(first ?? 0);
    const to = Math.min(Number(last ?? bytes.length - 1) + 1, bytes.length);
    const headers = {
      'dropbox-api-result': JSON.stringify({ rev: metadata.rev }),
      'content-length': String(to - from),
      ...(first !== undefined && { 'content-range': `bytes ${from}-${to - 1}/${bytes.length}` }),
    };
    response.writeHead(first === undefined ? 200 : 206, headers);
    if (!isCut) return void response.end(bytes.subarray(from, to));
    response.write(bytes.subarray(from, from + Math.floor((to - from) / 2)), () => request.socket.destroy());
  }
}
