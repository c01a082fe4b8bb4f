/** One log line for each answer: who reads it finds the request by its id, in this tier and in the others. */
import type { Logger } from '#common/observe/log.ts';
import type { BodyStream, Headers, Responder } from './reply.ts';
import type { Request } from './request.ts';

export class LoggedReply implements Responder {
  readonly #reply: Responder;
  readonly #request: Request;
  readonly #log: Logger;

  constructor(reply: Responder, request: Request, log: Logger) {
    this.#reply = reply;
    this.#request = request;
    this.#log = log;
  }

  get aborted(): boolean {
    return this.#reply.aborted;
  }

  onAborted(listener: () => void): void {
    this.#reply.onAborted(listener);
  }

  send(status: number, headers: Headers, body: Uint8Array | string): void {
    this.#say(status, body.length);
    this.#reply.send(status, headers, body);
  }

  stream(status: number, headers: Headers, contentLength?: number): BodyStream {
    this.#say(status, contentLength);
    return this.#reply.stream(status, headers, contentLength);
  }

  /** The path without its query: keys and tokens may stand there. */
  #say(status: number, bytes: number | undefined): void {
    const { id, method, path, receivedAt } = this.#request;
    this.#log.info({ requestId: id, method, path, status, bytes, tookMs: Date.now() - receivedAt }, 'answered');
  }
}
