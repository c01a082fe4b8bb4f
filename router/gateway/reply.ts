/** Answers of the pipeline as messages of the gateway: gathered into one, or passed on as they come. */
import { create } from '@bufbuild/protobuf';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { ANSWER_TIMEOUT_MS, EXPORT_CHUNK_BYTES, OPERATION_BYTES_MAX } from '#common/bounds.ts';
import { callerGone, type Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { toServiceError } from '#common/grpc/status.ts';
import {
  type Chunk,
  ChunkSchema,
  type Request as Message,
  type Response,
  ResponseSchema,
} from '#proto/gateway/v1/gateway_pb.ts';
import { errorReply } from '../encode/error.ts';
import type { BodyBudget } from '../http/body.ts';
import { type Refusal, refusalBody, refusalHeaders } from '../http/refusal.ts';
import { type BodyStream, type Headers, type Responder, safe } from '../http/reply.ts';

const LARGE: Refusal = { status: 413, message: 'The answer is too large for one message: call Stream for it.' };
const FULL: Refusal = { status: 503, message: 'The server holds as many answers as it can.', retryAfterSeconds: 1 };
const CUT: Refusal = { status: 503, message: 'The answer broke off before it was whole.', retryAfterSeconds: 1 };

const NOTHING = new Uint8Array();

function responseOf(id: number, status: number, headers: Headers, body: Uint8Array | string): Response {
  return {
    $typeName: ResponseSchema.typeName,
    id,
    status,
    headers: headers.map(([name, value]) => ({ $typeName: 'millrace.gateway.v1.Header', name, value: safe(value) })),
    body: typeof body === 'string' ? Buffer.from(body) : body,
  };
}

const refusal = (id: number, why: Refusal): Response =>
  responseOf(id, why.status, refusalHeaders(why), refusalBody(why));

export function errorResponse(id: number, verb: string, error: MillraceError): Response {
  const { status, json, retryAfterSeconds } = errorReply(error, verb);
  const retry = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return responseOf(id, status, refusalHeaders({ status, message: error.message, ...retry }), json);
}

/** Fewer bytes came than were announced; to HEAD none do. */
const isCut = ({ verb }: Message, contentLength: number | undefined, bytes: number): boolean =>
  verb !== 'HEAD' && contentLength !== undefined && bytes < contentLength;

/** An answer that is one message. Where the deadline comes first, that is the answer. */
export class GatheredReply implements Responder {
  readonly #message: Message;
  readonly #deadline: Deadline;
  readonly #budget: BodyBudget;
  readonly #answer: (response: Response) => void;
  #claimed = false;
  #answered = false;

  /**
   * @param budget  of what is gathered from answers that come in pieces
   * @param answer  called once
   */
  constructor(message: Message, deadline: Deadline, budget: BodyBudget, answer: (response: Response) => void) {
    this.#message = message;
    this.#deadline = deadline;
    this.#budget = budget;
    this.#answer = answer;
    deadline.onAbort(() => this.#fail(deadline.reason ?? callerGone()));
  }

  get aborted(): boolean {
    return this.#deadline.reason !== undefined;
  }

  onAborted(listener: () => void): void {
    this.#deadline.onAbort(listener);
  }

  send(status: number, headers: Headers, body: Uint8Array | string): void {
    this.#claim();
    const { id } = this.#message;
    this.#done(body.length > OPERATION_BYTES_MAX ? refusal(id, LARGE) : responseOf(id, status, headers, body));
  }

  stream(status: number, headers: Headers, contentLength?: number): BodyStream {
    this.#claim();
    const { id } = this.#message;
    const parts: Uint8Array[] = [];
    let bytes = 0;
    const end = (why?: Refusal): void => {
      this.#budget.give(bytes);
      const body = why ? NOTHING : Buffer.concat(parts);
      parts.length = 0;
      bytes = 0;
      this.#done(why ? refusal(id, why) : responseOf(id, status, headers, body));
    };
    return {
      write: async (chunk) => {
        const isTooMuch = bytes + chunk.length > OPERATION_BYTES_MAX;
        if (!this.#answered && !this.aborted && (isTooMuch || !this.#budget.take(chunk.length))) {
          end(isTooMuch ? LARGE : FULL);
        }
        // Whoever writes ends its work by this.
        if (this.#answered || this.aborted) throw callerGone();
        bytes += chunk.length;
        parts.push(chunk);
      },
      end: () => end(isCut(this.#message, contentLength, bytes) ? CUT : undefined),
      fail: () => end(CUT),
    };
  }

  #claim(): void {
    if (this.#claimed) throw new Error('The request was answered before.');
    this.#claimed = true;
  }

  #fail(error: MillraceError): void {
    this.#done(errorResponse(this.#message.id, this.#message.verb || 'GET', error));
  }

  #done(response: Response): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#answer(response);
  }
}

/** An answer that is a head and pieces, as fast as the other side takes them. */
export class StreamedReply implements Responder {
  readonly #call: ServerWritableStream<Message, Chunk>;
  readonly #deadline: Deadline;
  readonly #over: () => void;
  #claimed = false;
  #finished = false;

  /** @param over  called once, when nothing more is sent */
  constructor(call: ServerWritableStream<Message, Chunk>, deadline: Deadline, over: () => void) {
    this.#call = call;
    this.#deadline = deadline;
    this.#over = over;
    deadline.onAbort(() => this.#cut(deadline.reason ?? callerGone()));
  }

  get aborted(): boolean {
    return this.#deadline.reason !== undefined;
  }

  onAborted(listener: () => void): void {
    this.#deadline.onAbort(listener);
  }

  send(status: number, headers: Headers, body: Uint8Array | string): void {
    if (this.aborted) return;
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const out = this.stream(status, headers);
    const sendAll = async (): Promise<void> => {
      for (let at = 0; at < bytes.length; at += EXPORT_CHUNK_BYTES) {
        await out.write(bytes.subarray(at, at + EXPORT_CHUNK_BYTES));
      }
      out.end();
    };
    sendAll().catch(() => out.fail());
  }

  stream(status: number, headers: Headers, contentLength?: number): BodyStream {
    if (!this.aborted) {
      if (this.#claimed) throw new Error('The request was answered before.');
      this.#claimed = true;
      this.#call.write(create(ChunkSchema, { head: responseOf(0, status, headers, NOTHING) }));
    }
    let bytes = 0;
    return {
      write: async (chunk) => {
        if (this.aborted) throw callerGone();
        bytes += chunk.length;
        if (!this.#call.write({ $typeName: ChunkSchema.typeName, body: chunk })) await this.#taken();
      },
      end: () => {
        if (isCut(this.#call.request, contentLength, bytes)) return this.#broken();
        this.#finish(() => this.#call.end());
      },
      fail: () => this.#broken(),
    };
  }

  /** The head is out already: only the status of the call tells that this was not all. */
  #broken(): void {
    this.#deadline.abort(new MillraceError('unavailable', CUT.message));
  }

  /** Before the head an end of the time is an answer like any other; later only the status can tell. */
  #cut(reason: MillraceError): void {
    this.#finish(() => {
      if (this.#call.cancelled) return;
      if (this.#claimed) return void this.#call.emit('error', toServiceError(reason));
      const { verb } = this.#call.request;
      this.#claimed = true;
      this.#call.write(create(ChunkSchema, { head: errorResponse(0, verb || 'GET', reason) }));
      this.#call.end();
    });
  }

  #finish(last: () => void): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#over();
    last();
  }

  #taken(): Promise<void> {
    return new Promise((resolve, reject) => {
      const slow = (): void => this.#deadline.abort(new MillraceError('deadline', 'The answer is not taken.'));
      const timer = setTimeout(slow, ANSWER_TIMEOUT_MS);
      const forget = this.#deadline.onAbort(() => {
        clearTimeout(timer);
        this.#call.off('drain', go);
        reject(callerGone());
      });
      const go = (): void => {
        clearTimeout(timer);
        forget();
        resolve();
      };
      this.#call.once('drain', go);
    });
  }
}
