/** The caller's end of a stream of batches: what is asked in one turn leaves together, answers come in any order. */
import type { ClientDuplexStream } from '@grpc/grpc-js';
import {
  BATCH_BYTES_MAX,
  BATCH_OPERATIONS_MAX,
  BATCH_OPERATIONS_READY,
  STREAM_IN_FLIGHT_MAX,
  SWEEP_INTERVAL_MS,
} from '../bounds.ts';
import { type Deadline, sweepDeadlines } from '../deadline.ts';
import { MillraceError } from '../errors.ts';
import { Slots } from './slots.ts';

/** What fits the field, some 24 days. */
const TIMEOUT_MS_MAX = 0x7fffffff;

/** What travels: its id and its time are filled in when it is sent. */
export interface Numbered {
  id: number;
  timeoutMs: number;
}

/** One kind of stream: how its batches are made and read, and what an answer means to whoever waits for it. */
export interface Line<Q extends Numbered, R extends { readonly id: number }, A, B, BR> {
  /** Name of the tier at the other end, for messages. */
  readonly peer: string;
  open(): ClientDuplexStream<B, BR>;
  batchOf(calls: Q[], cancels: number[]): B;
  answersOf(batch: BR): readonly R[];
  /** Of the part that grows. */
  bytesOf(call: Q): number;
  settle(answer: R, resolve: (value: A) => void, reject: (error: MillraceError) => void): void;
}

interface Pending<A> {
  readonly deadline: Deadline;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: MillraceError) => void;
  /** Ends the listening to the deadline. */
  readonly forget: () => void;
}

/** Reconnects by itself when it is used again. */
export class BatchedCalls<Q extends Numbered, R extends { readonly id: number }, A, B, BR> {
  readonly #line: Line<Q, R, A, B, BR>;
  readonly #pending = new Slots<Pending<A>>(STREAM_IN_FLIGHT_MAX);
  readonly #sweeper: NodeJS.Timeout;
  #stream: ClientDuplexStream<B, BR> | undefined;
  #calls: Q[] = [];
  #cancels: number[] = [];
  #scheduled = false;
  #blocked = false;
  #closed = false;

  constructor(line: Line<Q, R, A, B, BR>) {
    this.#line = line;
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS);
    this.#sweeper.unref();
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  /**
   * @throws MillraceError overloaded when too many are in flight, unavailable when the other side is gone (with a cause
   *   when the line was lost), deadline, and whatever the answer means
   */
  send(call: Q, deadline: Deadline): Promise<A> {
    if (deadline.reason) return Promise.reject(deadline.reason);
    if (this.#closed) return Promise.reject(this.#left());
    if (this.#pending.full) {
      return Promise.reject(new MillraceError('overloaded', `The ${this.#line.peer} service is busy.`));
    }
    return new Promise((resolve, reject) => {
      const forget = deadline.onAbort(() => this.#cancel(call.id, deadline));
      call.id = this.#pending.add({ deadline, resolve, reject, forget });
      call.timeoutMs = Math.min(TIMEOUT_MS_MAX, Math.max(1, deadline.remainingMs()));
      this.#calls.push(call);
      if (this.#calls.length >= BATCH_OPERATIONS_READY) this.#flush();
      else this.#schedule();
    });
  }

  /** Takes nothing new; what is in flight fails. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#sweeper);
    this.#stream?.end();
    this.#reset(this.#left());
  }

  unreachable(cause: unknown): MillraceError {
    return new MillraceError('unavailable', `The ${this.#line.peer} service cannot be reached.`, undefined, cause);
  }

  #left(): MillraceError {
    return new MillraceError('unavailable', `The ${this.#line.peer} service is being left.`);
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
    while (!this.#blocked && (this.#calls.length > 0 || this.#cancels.length > 0)) {
      const stream = this.#open();
      const calls = this.#nextCalls();
      const cancels = this.#cancels;
      this.#cancels = [];
      this.#blocked = !stream.write(this.#line.batchOf(calls, cancels));
    }
  }

  /** What fits one batch; one alone may be larger. */
  #nextCalls(): Q[] {
    let bytes = 0;
    let count = 0;
    for (const call of this.#calls) {
      bytes += this.#line.bytesOf(call);
      if (count > 0 && (count === BATCH_OPERATIONS_MAX || bytes > BATCH_BYTES_MAX)) break;
      count += 1;
    }
    return this.#calls.splice(0, count);
  }

  #open(): ClientDuplexStream<B, BR> {
    if (this.#stream) return this.#stream;
    const stream = this.#line.open();
    this.#stream = stream;
    stream.on('data', (batch: BR) => this.#receive(batch));
    stream.on('drain', () => {
      if (this.#stream !== stream) return;
      this.#blocked = false;
      this.#flush();
    });
    stream.on('error', (error) => this.#lost(stream, error));
    stream.on('end', () => this.#lost(stream, new Error('The other side ended the stream.')));
    return stream;
  }

  #receive(batch: BR): void {
    for (const answer of this.#line.answersOf(batch)) {
      const pending = this.#pending.take(answer.id);
      if (!pending) continue; // cancelled meanwhile
      pending.forget();
      this.#line.settle(answer, pending.resolve, pending.reject);
    }
  }

  #cancel(id: number, deadline: Deadline): void {
    const pending = this.#pending.take(id);
    if (!pending || !deadline.reason) return;
    const unsent = this.#calls.findIndex((call) => call.id === id);
    if (unsent >= 0) this.#calls.splice(unsent, 1);
    else {
      this.#cancels.push(id);
      this.#schedule();
    }
    pending.reject(deadline.reason);
  }

  #lost(stream: ClientDuplexStream<B, BR>, cause: unknown): void {
    if (this.#stream === stream) this.#reset(this.unreachable(cause));
  }

  /** As if nothing had ever been sent; whoever waits hears the error. */
  #reset(error: MillraceError): void {
    this.#stream = undefined;
    this.#blocked = false;
    this.#calls = [];
    this.#cancels = [];
    for (const { reject, forget } of this.#pending.takeAll()) {
      forget();
      reject(error);
    }
  }

  #sweep(): void {
    const now = Date.now();
    for (const { deadline } of this.#pending) if (deadline.at <= now) sweepDeadlines([deadline], now);
  }
}
