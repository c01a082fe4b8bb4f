/** Calls of the API that a router makes itself, for somebody whom it knows: decided like any others. */
import { randomUUID } from 'node:crypto';
import type { Principal } from '../authenticate/principal.ts';
import { type Recorded, RecordedReply } from './recorded-reply.ts';
import type { Headers, Responder } from './reply.ts';
import type { Request } from './request.ts';

/** The pipeline. */
export type Handle = (http: Request, reply: Responder, caller: Principal) => void;

export interface InnerCall {
  readonly method: string;
  /** From the root, encoded. */
  readonly path: string;
  readonly query?: string;
  readonly body?: Uint8Array;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** One of the call that it is made for; else its own. */
  readonly requestId?: string;
}

const NOTHING = new Uint8Array();

export function innerRequest({
  method,
  path,
  query = '',
  body = NOTHING,
  headers = {},
  requestId,
}: InnerCall): Request {
  return {
    ...{ id: requestId ?? randomUUID(), method, path, query, body, upload: undefined },
    header: (name) => headers[name],
    headers: () => headers,
    remoteAddress: () => '',
    receivedAt: Date.now(),
  };
}

/** Resolves when the pipeline has answered. @param bytesMax  of an answer that comes in pieces */
export function answerOf(
  http: Request,
  principal: Principal,
  handle: Handle,
  bytesMax: number,
  tooLarge: string,
): Promise<Recorded> {
  return new Promise((resolve) => {
    class Reply extends RecordedReply {
      override send(status: number, headers: Headers, body: Uint8Array | string): void {
        super.send(status, headers, body);
        resolve(this.answer);
      }

      override stream(status: number, headers: Headers) {
        const stream = super.stream(status, headers);
        const over = (end: () => void) => () => {
          end();
          resolve(this.answer);
        };
        return { write: stream.write, end: over(() => stream.end()), fail: over(() => stream.fail()) };
      }
    }
    handle(http, new Reply(bytesMax, tooLarge), principal);
  });
}
