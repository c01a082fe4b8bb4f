/**
 * One client connection: reads requests one after the other, and the next only when the last one has its answer. So
 * pipelined requests are answered in order, whatever their handlers do.
 */
import type { Socket } from 'node:net';
import { HEAD_BYTES_MAX, PIPELINED_BYTES_MAX } from '#common/bounds.ts';
import { callerGone } from '#common/deadline.ts';
import { Body, type BodyBudget } from '../body.ts';
import { FAILED, type Handler, type ListenerOptions, NO_CHUNKED, SLOW, type Timeouts } from '../door.ts';
import type { Head } from '../framing.ts';
import { type Refusal, refusalBody, refusalHeaders } from '../refusal.ts';
import { ReceivedRequest } from '../request.ts';
import { type Flow, tooSlow, Upload } from '../upload.ts';
import { ChunkedDecoder, type Sink } from './chunked.ts';
import { Exchange, type Owner } from './exchange.ts';
import { parseHead } from './parse.ts';

const EMPTY = Buffer.alloc(0);
const HEAD_END = Buffer.from('\r\n\r\n');
const CR = 0x0d;
const LF = 0x0a;

const HEAD_TOO_LARGE: Refusal = { status: 431, message: 'The request line and headers are too long.' };

/** What all connections of a listener share. */
export interface Shared {
  readonly options: ListenerOptions;
  readonly handler: Handler;
  readonly budget: BodyBudget;
  readonly timeouts: Timeouts;
  draining: boolean;
}

export class Connection implements Owner {
  readonly #shared: Shared;
  readonly #socket: Socket;
  #state: 'head' | 'body' | 'answer' | 'ended' = 'head';
  #input: Buffer = EMPTY;
  #reading = false;
  /** When patience ends, on the clock of `Date.now()`. */
  #deadline: number;
  /** How much was written when the client was last seen to take something. */
  #written = 0;
  #request: ReceivedRequest | undefined;
  #exchange: Exchange | undefined;
  #body: Body | undefined;
  #upload: Upload | undefined;
  /** Of an exchange whose body is taken as it arrives: does the connection end behind it, once all of that is here? */
  #closes = false;
  /** Bytes of a body of known length still to come. */
  #left = 0;
  #chunks: ChunkedDecoder | undefined;

  constructor(shared: Shared, socket: Socket) {
    this.#shared = shared;
    this.#socket = socket;
    this.#deadline = Date.now() + shared.timeouts.headMs;
    socket.on('error', () => {}); // a reset: 'close' follows
    socket.on('end', () => this.#exchange?.abort());
    socket.on('close', () => this.#exchange?.abort());
  }

  get idle(): boolean {
    return this.#state === 'head' && this.#input.length === 0;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** @param data  what came; whoever calls may write over it when this returns */
  receive(data: Buffer): void {
    if (this.#state === 'ended') return;
    if (this.idle) this.#deadline = Date.now() + this.#shared.timeouts.headMs;
    const first = this.#input.length === 0;
    this.#input = first ? data : Buffer.concat([this.#input, data]);
    if (this.#state === 'answer' && this.#input.length > PIPELINED_BYTES_MAX) this.#socket.pause();
    this.#read();
    if (first && this.#input.length > 0) this.#input = Buffer.from(this.#input);
  }

  /** Called every now and then: ends what takes too long. */
  sweep(now: number): void {
    if (this.#socket.writableNeedDrain) this.#watchClient(now);
    else if (this.#state === 'answer' || this.#upload?.paused) this.#deadline = Number.POSITIVE_INFINITY;
    if (now < this.#deadline) return;
    if (this.#state === 'body' && this.#upload) this.#upload.fail(tooSlow());
    else if (this.#state === 'body' || (this.#state === 'head' && !this.idle)) this.#refuse(SLOW);
    else this.destroy();
  }

  /** The answer is out. */
  answered(exchange: Exchange): void {
    this.#body?.release();
    this.#body = undefined;
    this.#upload = undefined;
    this.#chunks = undefined;
    this.#exchange = undefined;
    this.#request = undefined;
    if (exchange.close || exchange.aborted || this.#shared.draining) return this.#end();
    const { headMs, idleMs } = this.#shared.timeouts;
    this.#state = 'head';
    this.#deadline = Date.now() + (this.#input.length > 0 ? headMs : idleMs);
    if (this.#socket.isPaused()) this.#socket.resume();
    this.#read();
  }

  /** An answer waits for the client to take it; each piece that it takes winds up the clock again. */
  #watchClient(now: number): void {
    const { bytesWritten } = this.#socket;
    if (bytesWritten === this.#written) return;
    this.#written = bytesWritten;
    this.#deadline = now + this.#shared.timeouts.writeMs;
  }

  /** Takes requests off the input for as long as that gets anywhere. */
  #read(): void {
    if (this.#reading) return; // an answer given at once: the loop below goes on
    this.#reading = true;
    while (this.#input.length > 0 && (this.#state === 'head' ? this.#readHead() : this.#readBody()));
    this.#reading = false;
  }

  #readHead(): boolean {
    const input = this.#input;
    // One empty line before a request is forgiven (RFC 9112 §2.2).
    const start = input[0] === CR && input[1] === LF ? 2 : 0;
    const end = input.indexOf(HEAD_END, start);
    if ((end < 0 ? input.length : end) - start > HEAD_BYTES_MAX) this.#refuse(HEAD_TOO_LARGE);
    else if (end >= 0) {
      this.#input = end + 4 === input.length ? EMPTY : input.subarray(end + 4);
      this.#take(input.toString('latin1', start, end));
    }
    return end >= 0;
  }

  #take(text: string): void {
    const parsed = parseHead(text);
    if ('status' in parsed) return this.#refuse(parsed);
    const { method, path, query, head } = parsed;
    const close = head.close || this.#shared.draining;
    this.#exchange = new Exchange(this.#socket, this, method, head.persistent, close);
    this.#request = new ReceivedRequest(method, path, query, head, this.#exchange);
    if (head.hasBody) this.#expectBody(head);
    else this.#handle(this.#request, this.#exchange);
  }

  #expectBody(head: Head): void {
    const { budget, options, timeouts } = this.#shared;
    if (head.chunked && options.refuseChunked) return this.#refuse(NO_CHUNKED);
    const request = this.#request as ReceivedRequest;
    const isStreamed = options.streams?.(request, head.contentLength) === true;
    const body = isStreamed ? new Upload(this.#flow()) : new Body(budget, options.bodyBytesMax);
    const refusal = body instanceof Body ? body.announce(head.contentLength) : undefined;
    if (refusal) return this.#refuse(refusal);
    this.#state = 'body';
    this.#deadline = Date.now() + timeouts.bodyMs;
    this.#left = head.contentLength ?? 0;
    if (head.chunked) this.#chunks = new ChunkedDecoder(body);
    if (body instanceof Body) this.#body = body;
    else this.#handleUpload(request, body);
    if (!head.expectsContinue || this.#input.length > 0 || this.#state !== 'body') return;
    this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
  }

  #flow(): Flow {
    const socket = this.#socket;
    return {
      pause: () => socket.pause(),
      resume: () => {
        this.#deadline = Date.now() + this.#shared.timeouts.bodyMs;
        socket.resume();
      },
    };
  }

  /** Answered before its end, it takes its connection with it: what still comes is of no use to anybody. */
  #handleUpload(request: ReceivedRequest, upload: Upload): void {
    const exchange = this.#exchange as Exchange;
    this.#upload = upload;
    request.upload = upload;
    this.#closes = exchange.close;
    exchange.close = true;
    exchange.onAborted(() => upload.fail(callerGone()));
    this.#call(request, exchange);
  }

  #readBody(): boolean {
    const body = this.#body ?? this.#upload;
    if (this.#state !== 'body' || !body || !this.#request || !this.#exchange) return false;
    const taken = this.#chunks ? this.#chunks.read(this.#input) : this.#readSized(body);
    if (typeof taken !== 'number') {
      this.#refuse(taken);
      return false;
    }
    this.#input = taken === this.#input.length ? EMPTY : this.#input.subarray(taken);
    if (this.#upload && !this.#upload.paused) this.#deadline = Date.now() + this.#shared.timeouts.bodyMs;
    if (this.#chunks ? this.#chunks.done : this.#left === 0) this.#bodyIsHere(this.#request, this.#exchange);
    return taken > 0;
  }

  #bodyIsHere(request: ReceivedRequest, exchange: Exchange): void {
    if (this.#upload) {
      this.#state = 'answer';
      exchange.close = this.#closes || this.#shared.draining;
      this.#upload.end();
    } else if (this.#body) {
      request.body = this.#body.bytes();
      this.#handle(request, exchange);
    }
  }

  #readSized(body: Sink): number | Refusal {
    const data = this.#left < this.#input.length ? this.#input.subarray(0, this.#left) : this.#input;
    this.#left -= data.length;
    return body.add(data) ?? data.length;
  }

  #handle(request: ReceivedRequest, exchange: Exchange): void {
    this.#state = 'answer';
    this.#call(request, exchange);
  }

  #call(request: ReceivedRequest, exchange: Exchange): void {
    try {
      this.#shared.handler(request, exchange);
    } catch (error) {
      this.#shared.options.onError?.(error);
      if (!exchange.answered) this.#refuse(FAILED);
    }
  }

  /** Answers where nobody has, and lets nothing that follows be read. */
  #refuse(refusal: Refusal): void {
    this.#state = 'answer';
    this.#exchange ??= new Exchange(this.#socket, this, '', true, true);
    this.#exchange.close = true;
    this.#exchange.send(refusal.status, refusalHeaders(refusal), refusalBody(refusal));
  }

  /**
   * What still comes is read and forgotten for a moment: closing a socket with unread bytes resets it, and the client
   * might lose the answer.
   */
  #end(): void {
    const { writeMs, lingerMs } = this.#shared.timeouts;
    this.#state = 'ended';
    this.#input = EMPTY;
    this.#deadline = Date.now() + writeMs;
    this.#socket.end(() => {
      this.#deadline = Date.now() + lingerMs;
    });
    this.#socket.resume();
  }
}
