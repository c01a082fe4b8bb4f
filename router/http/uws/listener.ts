/** The REST door on uWebSockets.js. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { BODY_TIMEOUT_MS } from '#common/bounds.ts';
import type { Component } from '#common/component.ts';
import { callerGone } from '#common/deadline.ts';
import { Body, BodyBudget } from '../body.ts';
import { FAILED, type Handler, type ListenerOptions, NO_CHUNKED, portUnavailable, SLOW } from '../door.ts';
import { Head } from '../framing.ts';
import { type Refusal, refusalBody, refusalHeaders } from '../refusal.ts';
import { ReceivedRequest, type Request } from '../request.ts';
import { tooSlow, Upload } from '../upload.ts';
import { Reply } from './reply.ts';
import * as uws from './uws.ts';

/** A listener whose backlog is full says nothing. */
const KNOCK_TIMEOUT_MS = 1000;

/** A request whose body is still on its way. */
interface Incoming {
  /** Of the body, or of its last piece where it is taken as it arrives. */
  startedAt: number;
  readonly reply: Reply;
  readonly upload?: Upload;
}

class Listener implements Component {
  readonly name = 'http';
  readonly port: number;
  readonly #app = uws.App();
  readonly #options: ListenerOptions;
  readonly #handler: Handler;
  readonly #budget: BodyBudget;
  readonly #bodyTimeoutMs: number;
  readonly #incoming = new Set<Incoming>();
  readonly #sweeper: NodeJS.Timeout;
  readonly #socket: uws.us_listen_socket;
  #inFlight = 0;
  #draining = false;
  #closed = false;
  #idle: (() => void) | undefined;

  /** @throws MillraceError `unavailable` for a port that cannot be had */
  constructor(options: ListenerOptions, handler: Handler) {
    this.#options = options;
    this.#handler = handler;
    this.#budget = new BodyBudget(options.bufferedBytesMax);
    this.#bodyTimeoutMs = options.timeouts?.bodyMs ?? BODY_TIMEOUT_MS;
    this.#app.any('/*', (res, req) => this.#accept(res, req));
    this.#socket = this.#bind();
    this.port = uws.us_socket_local_port(this.#socket);
    this.#sweeper = setInterval(() => this.#sweep(), Math.min(1000, this.#bodyTimeoutMs / 4)).unref();
  }

  async drain(deadline: AbortSignal): Promise<void> {
    this.#stopListening();
    if (this.#inFlight > 0 && !deadline.aborted) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
        deadline.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    await this.close();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#stopListening();
    this.#closed = true;
    clearInterval(this.#sweeper);
    this.#app.close();
  }

  #bind(): uws.us_listen_socket {
    const { host, port } = this.#options;
    let socket: uws.us_listen_socket | false = false;
    this.#app.listen(host, port, (token) => {
      socket = token;
    });
    if (socket) return socket;
    throw portUnavailable(this.#options);
  }

  #stopListening(): void {
    if (this.#draining) return;
    this.#draining = true;
    uws.us_listen_socket_close(this.#socket);
  }

  #accept(res: uws.HttpResponse, req: uws.HttpRequest): void {
    const head = new Head();
    req.forEach((name, value) => {
      head.add(name, value);
    });
    const method = req.getCaseSensitiveMethod();
    const path = req.getUrl();
    const query = req.getQuery() ?? '';
    const body = head.hasBody ? new Body(this.#budget, this.#options.bodyBytesMax) : undefined;
    this.#inFlight++;
    const reply = new Reply(res, method, head.close, () => this.#over(body));
    if (this.#draining) reply.close = true;
    const refusal = head.check(method, path, query) ?? this.#checkFraming(head);
    if (refusal) return this.#refuse(reply, refusal);
    const request = new ReceivedRequest(method, path, query, head, reply);
    if (!body) return this.#handle(request, reply);
    if (this.#options.streams?.(request, head.contentLength)) return this.#receiveUpload(res, request, reply);
    const tooLarge = body.announce(head.contentLength);
    if (tooLarge) this.#refuse(reply, tooLarge);
    else this.#receive(res, request, reply, body);
  }

  #checkFraming(head: Head): Refusal | undefined {
    return head.chunked && this.#options.refuseChunked ? NO_CHUNKED : undefined;
  }

  /** Answered before its end, it takes its connection with it: what still comes is of no use to anybody. */
  #receiveUpload(res: uws.HttpResponse, request: ReceivedRequest, reply: Reply): void {
    const { close } = reply;
    const upload = new Upload({ pause: () => reply.pause(), resume: () => reply.resume() });
    const incoming: Incoming = { startedAt: request.receivedAt, reply, upload };
    this.#incoming.add(incoming);
    request.upload = upload;
    reply.close = true;
    reply.onAborted(() => {
      this.#incoming.delete(incoming);
      upload.fail(callerGone());
    });
    res.onData((chunk, last) => {
      incoming.startedAt = Date.now();
      if (chunk.byteLength > 0) upload.add(new Uint8Array(chunk));
      if (!last) return;
      this.#incoming.delete(incoming);
      if (!reply.answered) reply.close = close || this.#draining;
      upload.end();
    });
    this.#handle(request, reply);
  }

  #receive(res: uws.HttpResponse, request: ReceivedRequest, reply: Reply, body: Body): void {
    const incoming: Incoming = { startedAt: request.receivedAt, reply };
    this.#incoming.add(incoming);
    reply.onAborted(() => this.#incoming.delete(incoming));
    res.onData((chunk, last) => {
      if (reply.answered) return;
      const refusal = chunk.byteLength > 0 ? body.add(new Uint8Array(chunk)) : undefined;
      if (refusal || last) this.#incoming.delete(incoming);
      if (refusal) this.#refuse(reply, refusal);
      else if (last) {
        request.body = body.bytes();
        this.#handle(request, reply);
      }
    });
  }

  #handle(request: Request, reply: Reply): void {
    try {
      this.#handler(request, reply);
    } catch (error) {
      this.#options.onError?.(error);
      if (!reply.answered) this.#refuse(reply, FAILED);
    }
  }

  #refuse(reply: Reply, refusal: Refusal): void {
    reply.close = true;
    reply.send(refusal.status, refusalHeaders(refusal), refusalBody(refusal));
  }

  #sweep(): void {
    const now = Date.now();
    for (const incoming of this.#incoming) {
      const { reply, upload } = incoming;
      if (upload?.paused) incoming.startedAt = now;
      else if (now - incoming.startedAt < this.#bodyTimeoutMs) reply.keepWaiting();
      else {
        this.#incoming.delete(incoming);
        if (upload) upload.fail(tooSlow());
        else this.#refuse(reply, SLOW);
      }
    }
  }

  #over(body: Body | undefined): void {
    body?.release();
    if (--this.#inFlight === 0) this.#idle?.();
  }
}

/**
 * Does somebody listen there? uWebSockets.js would share the port with another process, and its exclusive mode is no
 * way out: there, connections that the last run closed keep the port busy for a minute. So knock first.
 */
function taken({ host, port }: ListenerOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const knock = connect({ host, port, timeout: KNOCK_TIMEOUT_MS });
    const answer = (somebody: boolean): void => {
      knock.destroy();
      resolve(somebody);
    };
    knock.once('connect', () => answer(true));
    knock.once('timeout', () => answer(true));
    knock.once('error', () => answer(false));
  });
}

/** uWebSockets.js lets others share the port only where it did not choose it. */
async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** @throws MillraceError `unavailable` naming MILLRACE_HTTP_PORT for a port that cannot be had */
export async function listen(options: ListenerOptions, handler: Handler): Promise<Component & { port: number }> {
  if (options.shared) {
    const port = options.port === 0 ? await freePort(options.host) : options.port;
    return new Listener({ ...options, port }, handler);
  }
  if (options.port !== 0 && (await taken(options))) throw portUnavailable(options);
  return new Listener(options, handler);
}
