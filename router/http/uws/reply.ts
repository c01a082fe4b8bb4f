/** How an answer is written to an uWebSockets.js response. */
import { ANSWER_BUFFERED_BYTES_MAX } from '#common/bounds.ts';
import { callerGone } from '#common/deadline.ts';
import { type BodyStream, type Headers, type Responder, safe } from '../reply.ts';
import { statusLine } from '../status.ts';
import type { HttpResponse } from './uws.ts';

/** One request's response. Told by the listener when its client goes; tells the listener when it is over. */
export class Reply implements Responder {
  /** The connection ends behind the answer. */
  close: boolean;
  aborted = false;
  readonly #res: HttpResponse;
  readonly #headOnly: boolean;
  readonly #closeAsked: boolean;
  readonly #over: () => void;
  #answered = false;
  #live = true;
  #listeners: (() => void)[] | undefined;
  /** Rejects the write that waits for the socket. */
  #giveUp: (() => void) | undefined;

  /** @param over  called once, when the answer is with the kernel or the client has gone */
  constructor(res: HttpResponse, method: string, close: boolean, over: () => void) {
    this.#res = res;
    this.#headOnly = method === 'HEAD';
    this.close = close;
    this.#closeAsked = close;
    this.#over = over;
    res.onAborted(() => this.#abort());
  }

  get answered(): boolean {
    return this.#answered;
  }

  onAborted(listener: () => void): void {
    if (this.aborted) listener();
    else if (this.#listeners) this.#listeners.push(listener);
    else this.#listeners = [listener];
  }

  remoteAddress(): string {
    return this.#live ? Buffer.from(this.#res.getRemoteAddressAsText()).toString('latin1') : '';
  }

  /**
   * For a body on its way: uWebSockets.js gives up without a word after ten seconds of less than 16 kB each, which a
   * device on a thin line may not reach. This winds its clock up again; ours ends the wait with an answer.
   */
  keepWaiting(): void {
    if (!this.#live) return;
    this.#res.pause();
    this.#res.resume();
  }

  /** Holds the client's body back. */
  pause(): void {
    if (this.#live) this.#res.pause();
  }

  resume(): void {
    if (this.#live) this.#res.resume();
  }

  send(status: number, headers: Headers, body: Uint8Array | string): void {
    this.#claim();
    this.#whenParsed(() => this.#send(status, headers, body));
  }

  stream(status: number, headers: Headers, contentLength?: number): BodyStream {
    this.#claim();
    if (this.#headOnly) {
      this.#cork(() => this.#sendHead(status, headers, contentLength));
      return NO_STREAM;
    }
    this.#cork(() => this.#writeHead(status, this.#withClose(headers)));
    return contentLength === undefined ? this.#chunked() : this.#sized(contentLength);
  }

  #send(status: number, headers: Headers, body: Uint8Array | string): void {
    this.#cork(() => {
      if (status === 204 || status === 304) return this.#sendHead(status, headers, undefined);
      const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
      if (this.#headOnly) return this.#sendHead(status, headers, length);
      if (length <= ANSWER_BUFFERED_BYTES_MAX) {
        this.#writeHead(status, headers);
        // Without this, uWebSockets.js keeps what the client said to itself.
        if (this.#closeAsked) this.#res.writeHeader('Connection', 'close');
        this.#res.end(body, this.close);
        return this.#finish();
      }
      const bytes = typeof body === 'string' ? Buffer.from(body) : body;
      this.#writeHead(status, this.#withClose(headers));
      this.#push(bytes, 0, length, () => {});
    });
  }

  /** One call, not one for each header: a status line that holds them is written as it is. */
  #writeHead(status: number, headers: Headers): void {
    let text = statusLine(status);
    for (const [name, value] of headers) text += `\r\n${name}: ${safe(value)}`;
    this.#res.writeStatus(text);
  }

  /**
   * For an answer in pieces, which cannot close its connection: the client does, or the idle timeout. On the other
   * hand its end is known to be with the kernel, so that a drain cannot cut it.
   */
  #withClose(headers: Headers): Headers {
    return this.close ? [...headers, ['Connection', 'close']] : headers;
  }

  /** An answer without a body: to HEAD, with the length that the body would have, or of a status that has none. */
  #sendHead(status: number, headers: Headers, contentLength: number | undefined): void {
    const length = contentLength === undefined ? [] : [['Content-Length', String(contentLength)] as const];
    if (!this.close) {
      this.#writeHead(status, [...headers, ...length]);
      this.#res.endWithoutBody();
      return this.#finish();
    }
    // There is no call that ends an answer without a body, names a length and closes. A status line that holds the
    // headers is written as it is, and leaves the response open until it is closed with its socket.
    const lines = [...headers, ...length, ['Connection', 'close'] as const];
    const text = lines.map(([name, value]) => `\r\n${name}: ${safe(value)}`).join('');
    this.#res.writeStatus(`${statusLine(status)}${text}\r\n`);
    this.#listeners = undefined; // the cut is the end of the answer, not of the client
    setImmediate(() => this.#cut());
  }

  /** Writes what the socket takes of `bytes`, which begin at `start` of the whole, and the rest when it wants more. */
  #push(bytes: Uint8Array, start: number, total: number, taken: () => void): void {
    const attempt = (from: number): boolean => {
      const [ok, done] = this.#res.tryEnd(bytes.subarray(from - start), total);
      if (done) this.#finish();
      if (ok || done) taken();
      return ok;
    };
    if (attempt(start) || !this.#live) return;
    this.#res.onWritable((offset) => attempt(offset));
  }

  #sized(contentLength: number): BodyStream {
    let offset = 0;
    return {
      write: (chunk) =>
        this.#taken(chunk, (taken) => {
          const start = offset;
          offset += chunk.length;
          if (offset > contentLength) this.#cut();
          else this.#push(chunk, start, contentLength, taken);
        }),
      end: () => {
        if (contentLength === 0) this.#whenParsed(() => this.#end());
        else if (offset < contentLength) this.#cut();
      },
      fail: () => this.#cut(),
    };
  }

  #chunked(): BodyStream {
    return {
      write: (chunk) =>
        this.#taken(chunk, (taken) => {
          if (this.#res.write(chunk)) return taken();
          this.#res.onWritable(() => {
            taken();
            return true;
          });
        }),
      end: () => this.#whenParsed(() => this.#end()),
      fail: () => this.#cut(),
    };
  }

  #taken(chunk: Uint8Array, write: (taken: () => void) => void): Promise<void> {
    if (this.#live && chunk.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#giveUp = () => reject(callerGone());
      if (this.#live) this.#whenParsed(() => this.#cork(() => write(resolve)));
      else this.#giveUp();
    });
  }

  #end(): void {
    this.#cork(() => {
      this.#res.end();
      this.#finish();
    });
  }

  /**
   * An answer that ends its connection waits until the packet that its request came in is parsed. Were it given
   * before, uWebSockets.js would route what stands behind the request; so it finds a request without an answer there,
   * and closes the connection itself.
   */
  #whenParsed(answer: () => void): void {
    if (this.close) setImmediate(answer);
    else answer();
  }

  #claim(): void {
    if (this.#answered) throw new Error('The request was answered before.');
    this.#answered = true;
  }

  #cork(write: () => void): void {
    if (this.#live) this.#res.cork(write);
  }

  #cut(): void {
    if (this.#live) this.#res.close();
  }

  #finish(): void {
    this.#live = false;
    this.#listeners = undefined;
    this.#over();
  }

  #abort(): void {
    const listeners = this.#listeners ?? [];
    this.aborted = true;
    this.#finish();
    this.#giveUp?.();
    for (const listener of listeners) listener();
  }
}

const NO_STREAM: BodyStream = { write: async () => {}, end: () => {}, fail: () => {} };
