/** One answer on a connection: written as one piece where it is small, else as fast as the client takes it. */
import type { Socket } from 'node:net';
import { ANSWER_BUFFERED_BYTES_MAX } from '#common/bounds.ts';
import { callerGone } from '#common/deadline.ts';
import { type BodyStream, type Headers, type Responder, safe } from '../reply.ts';
import { statusLine } from '../status.ts';

const NO_STREAM: BodyStream = { write: async () => {}, end: () => {}, fail: () => {} };

let dateLine = '';
let dateUntil = 0;

/** The Date header, made anew once a second. */
function date(): string {
  const now = Date.now();
  if (now >= dateUntil) {
    dateUntil = now - (now % 1000) + 1000;
    dateLine = `Date: ${new Date(now).toUTCString()}\r\n`;
  }
  return dateLine;
}

/** Whose connection it is. */
export interface Owner {
  /** Called once, when the answer is with the kernel, or nearly, or the client has gone. */
  answered(exchange: Exchange): void;
}

export class Exchange implements Responder {
  /** The connection ends behind the answer. */
  close: boolean;
  aborted = false;
  readonly #socket: Socket;
  readonly #owner: Owner;
  readonly #headOnly: boolean;
  /** HTTP/1.1; older clients know no chunks, and want to be told that a connection stays. */
  readonly #current: boolean;
  #answered = false;
  #live = true;
  #listeners: (() => void)[] | undefined;
  /** Rejects the write that waits for the socket. */
  #giveUp: (() => void) | undefined;

  constructor(socket: Socket, owner: Owner, method: string, current: boolean, close: boolean) {
    this.#socket = socket;
    this.#owner = owner;
    this.#headOnly = method === 'HEAD';
    this.#current = current;
    this.close = close;
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
    return this.#live ? (this.#socket.remoteAddress ?? '') : '';
  }

  send(status: number, headers: Headers, body: Uint8Array | string): void {
    this.#claim();
    if (!this.#live) return;
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    const bodiless = status === 204 || status === 304;
    const head = this.#head(status, headers, bodiless ? undefined : length);
    if (bodiless || this.#headOnly || length === 0) this.#socket.write(head, 'latin1');
    else if (length > ANSWER_BUFFERED_BYTES_MAX) return this.#sendLarge(head, body);
    else if (typeof body !== 'string') this.#socket.write(joined(head, body));
    else if (length === body.length) this.#socket.write(head + body, 'latin1');
    else this.#socket.write(joined(head, Buffer.from(body)));
    this.#finishWhenTaken();
  }

  stream(status: number, headers: Headers, contentLength?: number): BodyStream {
    this.#claim();
    const chunked = contentLength === undefined && this.#current;
    // An older client knows the end of what has no length by the end of its connection.
    if (contentLength === undefined && !chunked) this.close = true;
    if (chunked) headers = [...headers, ['Transfer-Encoding', 'chunked']];
    if (this.#live) this.#together(() => this.#socket.write(this.#head(status, headers, contentLength), 'latin1'));
    if (this.#headOnly) {
      this.#finishWhenTaken();
      return NO_STREAM;
    }
    return chunked ? this.#chunked() : this.#plain(contentLength);
  }

  /** The client has gone. */
  abort(): void {
    if (!this.#live) return;
    const listeners = this.#listeners ?? [];
    this.aborted = true;
    this.#finish();
    this.#giveUp?.();
    for (const listener of listeners) listener();
  }

  #head(status: number, headers: Headers, contentLength: number | undefined): string {
    let head = `HTTP/1.1 ${statusLine(status)}\r\n`;
    for (const [name, value] of headers) head += `${name}: ${safe(value)}\r\n`;
    if (contentLength !== undefined) head += `Content-Length: ${contentLength}\r\n`;
    if (this.close) head += 'Connection: close\r\n';
    else if (!this.#current) head += 'Connection: keep-alive\r\n';
    return `${head}${date()}\r\n`;
  }

  /** In pieces, so that the sweep of the connection sees whether the client takes any. */
  #sendLarge(head: string, body: Uint8Array | string): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    let at = 0;
    const push = (): void => {
      while (this.#live && at < bytes.length) {
        const piece = bytes.subarray(at, at + ANSWER_BUFFERED_BYTES_MAX);
        at += piece.length;
        if (!this.#socket.write(piece) && at < bytes.length) {
          this.#socket.once('drain', push);
          return;
        }
      }
      this.#finishWhenTaken();
    };
    this.#together(() => this.#socket.write(head, 'latin1'));
    push();
  }

  #plain(contentLength: number | undefined): BodyStream {
    let left = contentLength ?? Number.POSITIVE_INFINITY;
    return {
      write: (chunk, isShared = false) => {
        left -= chunk.length;
        if (left < 0) this.#cut();
        return isShared ? this.#written(chunk) : this.#taken(() => this.#socket.write(chunk));
      },
      end: () => (contentLength !== undefined && left > 0 ? this.#cut() : this.#finishWhenTaken()),
      fail: () => this.#cut(),
    };
  }

  #chunked(): BodyStream {
    return {
      write: (chunk, isShared = false) =>
        this.#taken(() => {
          if (chunk.length === 0) return true; // an empty chunk would be the end
          this.#socket.cork();
          this.#socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
          this.#socket.write(isShared ? Buffer.from(chunk) : chunk);
          const wantsMore = this.#socket.write('\r\n', 'latin1');
          this.#socket.uncork();
          return wantsMore;
        }),
      end: () => {
        if (!this.#live) return;
        this.#socket.write('0\r\n\r\n', 'latin1');
        this.#finishWhenTaken();
      },
      fail: () => this.#cut(),
    };
  }

  /** With the kernel, all of it. */
  #written(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!this.#live) return reject(callerGone());
      this.#giveUp = () => reject(callerGone());
      this.#socket.write(chunk, (error) => (error ? reject(callerGone()) : resolve()));
    });
  }

  #taken(write: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!this.#live) return reject(callerGone());
      if (write()) return resolve();
      this.#giveUp = () => reject(callerGone());
      this.#socket.once('drain', resolve);
    });
  }

  /** What is written here goes out with what follows in this turn of the loop. */
  #together(write: () => void): void {
    this.#socket.cork();
    write();
    process.nextTick(() => this.#socket.uncork());
  }

  #claim(): void {
    if (this.#answered) throw new Error('The request was answered before.');
    this.#answered = true;
  }

  /** Resets the connection: to a client that waits for its end, a plain one would look like the end of the answer. */
  #cut(): void {
    if (!this.#live) return;
    this.#socket.resetAndDestroy();
    this.abort();
  }

  /** The next request is read when the client took this answer: one that only asks fills no memory. */
  #finishWhenTaken(): void {
    if (!this.#live) return;
    if (this.#socket.writableNeedDrain) this.#socket.once('drain', () => this.#finish());
    else this.#finish();
  }

  #finish(): void {
    if (!this.#live) return;
    this.#live = false;
    this.#listeners = undefined;
    this.#owner.answered(this);
  }
}

function joined(head: string, body: Uint8Array): Buffer {
  const whole = Buffer.allocUnsafe(head.length + body.length);
  whole.write(head, 'latin1');
  whole.set(body, head.length);
  return whole;
}
