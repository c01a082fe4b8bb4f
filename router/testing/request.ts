/** Requests and answers without a socket, for the tests of what is behind the door. */
import type { BodyStream, Headers, Responder } from '../http/reply.ts';
import type { Request } from '../http/request.ts';
import { Upload } from '../http/upload.ts';
import { ApiRequest } from '../parse/api-request.ts';
import { parseRoute } from '../parse/route.ts';

export interface Sent {
  readonly method?: string;
  /** Path and query, as on the wire. */
  readonly target: string;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The body is handed over as it arrives. */
  readonly streamed?: boolean;
}

let counter = 0;

export function requestOf({ method = 'GET', target, headers = {}, body = '', streamed = false }: Sent): Request {
  const question = target.indexOf('?');
  return {
    id: `r${counter++}`,
    method,
    path: question < 0 ? target : target.slice(0, question),
    query: question < 0 ? '' : target.slice(question + 1),
    header: (name) => headers[name],
    headers: () => headers,
    body: Buffer.from(streamed ? '' : body),
    upload: streamed ? uploadOf(body) : undefined,
    remoteAddress: () => '127.0.0.1',
    receivedAt: Date.now(),
  };
}

function uploadOf(body: string): Upload {
  const upload = new Upload({ pause: () => {}, resume: () => {} });
  upload.add(Buffer.from(body));
  upload.end();
  return upload;
}

/** @throws Error for a path that is not one of a service */
export function apiRequestOf(sent: Sent): ApiRequest {
  const http = requestOf(sent);
  const route = parseRoute(http.path);
  if (route.kind !== 'service') throw new Error(`${http.path} names no service`);
  return new ApiRequest(http, route.service, route.segments);
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** The same as it was sent. */
  readonly bytes: Buffer;
}

/** Keeps what it is sent. */
export class KeepingReply implements Responder {
  readonly aborted = false;
  readonly answer: Promise<Answer>;
  #resolve!: (answer: Answer) => void;

  constructor() {
    this.answer = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  onAborted(): void {}

  send(status: number, headers: Headers, body: Uint8Array | string): void {
    this.#answer(status, headers, Buffer.from(body as string));
  }

  stream(status: number, headers: Headers): BodyStream {
    const parts: Uint8Array[] = [];
    const done = (): void => this.#answer(status, headers, Buffer.concat(parts));
    return {
      write: async (chunk) => {
        parts.push(chunk);
      },
      end: done,
      fail: done,
    };
  }

  #answer(status: number, headers: Headers, bytes: Buffer): void {
    this.#resolve({ status, headers, body: bytes.toString(), bytes });
  }
}
