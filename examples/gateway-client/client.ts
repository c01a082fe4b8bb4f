/**
 * A small typed client of Millrace's gRPC door, to copy into a program of yours. It needs two packages, @grpc/grpc-js
 * and @bufbuild/protobuf, and what `buf generate` makes of proto/millrace/gateway/v1/gateway.proto (here: proto/gen).
 *
 * Calls share one stream: all that your program asks within one turn of its event loop travels as one message, and
 * answers return in any order. That is what makes it faster than REST.
 */
import { create, type DescMethod, type DescService, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { type ChannelCredentials, Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import {
  type Batch,
  type BatchReply,
  BatchSchema,
  type Chunk,
  Gateway,
  type Request,
  RequestSchema,
  type Response,
} from '../../proto/gen/millrace/gateway/v1/gateway_pb.ts';

export interface MillraceOptions {
  /** host:port of a router's gateway. */
  readonly address: string;
  /** Sent with each call: an API key, a session token, or both. */
  readonly apiKey?: string;
  readonly sessionToken?: string;
  /** In the clear where none are given; `credentials.createSsl(...)` of @grpc/grpc-js for TLS and mTLS. */
  readonly credentials?: ChannelCredentials;
  /** Of each call, milliseconds. */
  readonly timeoutMs?: number;
}

export interface CallOptions {
  /** Options of the API such as `filter` and `fields`; they are percent-encoded here. */
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends the work at the other side as well. */
  readonly signal?: AbortSignal;
}

/** An answer of the API that says why a call failed. */
export class MillraceApiError extends Error {
  /** As of HTTP: 401, 403, 404, 429, ... */
  readonly status: number;
  readonly context: unknown;

  constructor(status: number, message: string, context: unknown) {
    super(message);
    this.name = 'MillraceApiError';
    this.status = status;
    this.context = context;
  }
}

interface Waiting {
  resolve(response: Response): void;
  reject(error: Error): void;
}

const TIMEOUT_MS = 30_000;
/** Larger messages than the 4 MB that gRPC takes by default. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;
/** Calls in one message. */
const BATCH_MAX = 256;

export class Millrace {
  readonly #options: MillraceOptions;
  readonly #client: Client;
  readonly #waiting = new Map<number, Waiting>();
  #stream: ClientDuplexStream<Batch, BatchReply> | undefined;
  #unsent: Request[] = [];
  #cancels: number[] = [];
  #scheduled = false;
  #blocked = false;
  #lastId = 0;

  constructor(options: MillraceOptions) {
    this.#options = options;
    this.#client = new Client(options.address, options.credentials ?? credentials.createInsecure(), {
      'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
      'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
    });
  }

  /** @param path  service and resource, such as `db/_table/airport/3876` */
  get<T>(path: string, options?: CallOptions): Promise<T> {
    return this.call<T>('GET', path, undefined, options);
  }

  post<T>(path: string, body: unknown, options?: CallOptions): Promise<T> {
    return this.call<T>('POST', path, body, options);
  }

  patch<T>(path: string, body: unknown, options?: CallOptions): Promise<T> {
    return this.call<T>('PATCH', path, body, options);
  }

  put<T>(path: string, body: unknown, options?: CallOptions): Promise<T> {
    return this.call<T>('PUT', path, body, options);
  }

  delete<T>(path: string, options?: CallOptions): Promise<T> {
    return this.call<T>('DELETE', path, undefined, options);
  }

  /** @throws MillraceApiError for an answer that is an error; Error of gRPC where no router answers */
  async call<T>(verb: string, path: string, body?: unknown, options: CallOptions = {}): Promise<T> {
    const response = await this.#send(this.#requestOf(verb, path, body, options), options.signal);
    const text = Buffer.from(response.body).toString('utf8');
    if (response.status >= 400) throw errorOf(response.status, text);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** The records of a whole table, as they come, however many there are. Leaving the loop early ends the query. */
  async *records<T>(path: string, options: CallOptions = {}): AsyncGenerator<T> {
    const headers = { ...options.headers, Accept: 'application/x-ndjson' };
    let rest = '';
    for await (const text of this.#pieces(this.#requestOf('GET', path, undefined, { ...options, headers }))) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line) as T;
    }
  }

  close(): void {
    this.#stream?.cancel();
    this.#client.close();
  }

  #requestOf(verb: string, path: string, body: unknown, { query = {}, headers = {} }: CallOptions): Request {
    const { apiKey, sessionToken, timeoutMs = TIMEOUT_MS } = this.#options;
    const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    return create(RequestSchema, {
      verb,
      path,
      query: pairs.join('&'),
      headers: {
        ...(apiKey !== undefined && { 'X-DreamFactory-API-Key': apiKey }),
        ...(sessionToken !== undefined && { 'X-DreamFactory-Session-Token': sessionToken }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: Buffer.from(JSON.stringify(body)) }),
      timeoutMs,
    });
  }

  #send(request: Request, signal: AbortSignal | undefined): Promise<Response> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      do this.#lastId = (this.#lastId + 1) % 0x7fffffff;
      while (this.#waiting.has(this.#lastId));
      const id = this.#lastId;
      request.id = id;
      const abort = (): void => {
        this.#waiting.delete(id);
        this.#cancels.push(id);
        this.#schedule();
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
      const forget = (): void => signal?.removeEventListener('abort', abort);
      this.#waiting.set(id, {
        resolve: (response) => {
          forget();
          resolve(response);
        },
        reject: (error) => {
          forget();
          reject(error);
        },
      });
      this.#unsent.push(request);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (!this.#blocked && this.#unsent.length + this.#cancels.length > 0) {
      const requests = this.#unsent.splice(0, BATCH_MAX);
      const cancels = this.#cancels.splice(0);
      this.#blocked = !this.#open().write(create(BatchSchema, { requests, cancels }));
    }
  }

  #open(): ClientDuplexStream<Batch, BatchReply> {
    if (this.#stream) return this.#stream;
    const { path, encode, decode } = wire<Batch, BatchReply>(Gateway, Gateway.method.exchange);
    const stream = this.#client.makeBidiStreamRequest(path, encode, decode);
    this.#stream = stream;
    stream.on('data', ({ responses }: BatchReply) => {
      for (const response of responses) {
        this.#waiting.get(response.id)?.resolve(response);
        this.#waiting.delete(response.id);
      }
    });
    stream.on('drain', () => {
      this.#blocked = false;
      this.#flush();
    });
    stream.on('error', (error) => this.#lost(stream, error));
    stream.on('end', () => this.#lost(stream, new Error('The router ended the stream.')));
    return stream;
  }

  /** Whoever waits hears why; the next call opens a new stream. */
  #lost(stream: ClientDuplexStream<Batch, BatchReply>, error: Error): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#blocked = false;
    this.#unsent = [];
    this.#cancels = [];
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }

  async *#pieces(request: Request): AsyncGenerator<string> {
    const { path, encode, decode } = wire<Request, Chunk>(Gateway, Gateway.method.stream);
    const call = this.#client.makeServerStreamRequest(path, encode, decode, request);
    const decoder = new TextDecoder();
    let failed: number | undefined;
    let text = '';
    try {
      for await (const { head, body } of call as AsyncIterable<Chunk>) {
        if (head && head.status >= 400) failed = head.status;
        const piece = decoder.decode(body, { stream: true });
        if (failed === undefined) yield piece;
        else text += piece;
      }
    } finally {
      call.cancel();
    }
    if (failed !== undefined) throw errorOf(failed, text);
  }
}

/** What @grpc/grpc-js wants to know of a method. */
function wire<Q extends Message, R extends Message>(service: DescService, method: DescMethod) {
  return {
    path: `/${service.typeName}/${method.name}`,
    encode: (message: Q) => Buffer.from(toBinary(method.input, message)),
    decode: (bytes: Buffer) => fromBinary(method.output, bytes) as R,
  };
}

/** Every error of the API has the same form. */
function errorOf(status: number, text: string): MillraceApiError {
  try {
    const { error } = JSON.parse(text) as { error: { message: string; context: unknown } };
    return new MillraceApiError(status, error.message, error.context);
  } catch {
    return new MillraceApiError(status, text, undefined);
  }
}
