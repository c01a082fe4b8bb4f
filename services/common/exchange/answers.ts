/** The answering end of a stream of batches: calls come in, each fails alone, answers leave together as they are there. */
import type { ServerDuplexStream } from '@grpc/grpc-js';
import {
  ANSWER_TIMEOUT_MS,
  BATCH_BYTES_MAX,
  BATCH_OPERATIONS_READY,
  STREAM_IN_FLIGHT_MAX,
  SWEEP_INTERVAL_MS,
} from '../bounds.ts';
import { callerGone, type Deadline, sweepDeadlines } from '../deadline.ts';
import { invalid, MillraceError } from '../errors.ts';
import { toServiceError } from '../grpc/status.ts';

/** One kind of stream: how its batches are read and made, and who answers. */
export interface Desk<Q extends { readonly id: number }, R extends { readonly id: number }, B, BR> {
  callsOf(batch: B): readonly Q[];
  cancelsOf(batch: B): readonly number[];
  deadlineOf(call: Q): Deadline;
  /** Answers once, now or later; also when the deadline is aborted. */
  begin(call: Q, deadline: Deadline, answer: (answer: R) => void): void;
  /** Of a call that is not begun. */
  refusal(call: Q, error: MillraceError): R;
  /** What a call hears that comes when the stream ends. */
  stopping(): MillraceError;
  batchOf(answers: R[]): BR;
  /** Of the part that grows. */
  bytesOf(answer: R): number;
}

/** One caller's stream. Answers gather while the turn lasts or the line is busy, and leave together. */
export class BatchedAnswers<Q extends { readonly id: number }, R extends { readonly id: number }, B, BR> {
  readonly #call: ServerDuplexStream<B, BR>;
  readonly #desk: Desk<Q, R, B, BR>;
  readonly #inFlight = new Map<number, Deadline>();
  readonly #sweeper: NodeJS.Timeout;
  #answers: R[] = [];
  #bytes = 0;
  #flushing = false;
  /** Since when the other side has taken nothing; undefined: it takes what comes. */
  #blockedSince: number | undefined;
  #ending = false;

  constructor(call: ServerDuplexStream<B, BR>, desk: Desk<Q, R, B, BR>) {
    this.#call = call;
    this.#desk = desk;
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS);
    call.on('data', (batch: B) => this.#receive(batch));
    call.on('drain', () => {
      this.#blockedSince = undefined;
      this.#flush();
      if (this.#blockedSince === undefined) call.resume();
    });
    call.on('end', () => this.end());
    call.on('cancelled', () => this.#abandon());
    call.on('error', () => this.#abandon());
  }

  /** Answers what is in flight, begins nothing more: the other side hears it at once, and sends the rest elsewhere. */
  end(): void {
    this.#ending = true;
    this.#endIfIdle();
  }

  #receive(batch: B): void {
    for (const id of this.#desk.cancelsOf(batch)) this.#inFlight.get(id)?.abort(callerGone());
    for (const call of this.#desk.callsOf(batch)) {
      const fault = this.#fault(call);
      if (fault) this.#send(this.#desk.refusal(call, fault));
      else this.#begin(call);
    }
    // Whoever only asks and takes no answers is not listened to: they would fill the memory.
    if (this.#blockedSince !== undefined && this.#answers.length > STREAM_IN_FLIGHT_MAX) this.#call.pause();
  }

  #fault({ id }: Q): MillraceError | undefined {
    if (this.#ending) return this.#desk.stopping();
    if (this.#inFlight.has(id)) return invalid('Another call with this id is still in flight.', { field: 'id' });
    if (this.#inFlight.size < STREAM_IN_FLIGHT_MAX) return undefined;
    return new MillraceError('overloaded', 'Too many calls are in flight on this stream.');
  }

  #begin(call: Q): void {
    const deadline = this.#desk.deadlineOf(call);
    this.#inFlight.set(call.id, deadline);
    this.#desk.begin(call, deadline, (answer) => {
      this.#inFlight.delete(answer.id);
      this.#send(answer);
    });
  }

  #send(answer: R): void {
    if (this.#call.cancelled || this.#call.writableEnded) return;
    this.#answers.push(answer);
    this.#bytes += this.#desk.bytesOf(answer);
    if (this.#bytes > BATCH_BYTES_MAX || this.#answers.length >= BATCH_OPERATIONS_READY) this.#flush();
    else if (!this.#flushing) {
      this.#flushing = true;
      setImmediate(() => {
        this.#flushing = false;
        this.#flush();
      });
    }
  }

  #flush(): void {
    while (this.#answers.length > 0 && this.#blockedSince === undefined && !this.#call.cancelled) {
      if (!this.#call.write(this.#desk.batchOf(this.#nextAnswers()))) this.#blockedSince = Date.now();
    }
    this.#endIfIdle();
  }

  /** What fits one batch: much may have gathered while the line was busy. One alone may be larger. */
  #nextAnswers(): R[] {
    let bytes = 0;
    let count = 0;
    for (const answer of this.#answers) {
      const more = this.#desk.bytesOf(answer);
      if (count > 0 && bytes + more > BATCH_BYTES_MAX) break;
      bytes += more;
      count += 1;
    }
    this.#bytes -= bytes;
    return this.#answers.splice(0, count);
  }

  #endIfIdle(): void {
    if (!this.#ending || this.#inFlight.size > 0 || this.#answers.length > 0) return;
    clearInterval(this.#sweeper);
    this.#call.end();
  }

  #sweep(): void {
    const now = Date.now();
    sweepDeadlines(this.#inFlight.values(), now);
    if (this.#blockedSince === undefined || now - this.#blockedSince < ANSWER_TIMEOUT_MS) return;
    this.#call.emit('error', toServiceError(new MillraceError('deadline', 'The answers are not taken.')));
  }

  #abandon(): void {
    clearInterval(this.#sweeper);
    for (const deadline of this.#inFlight.values()) deadline.abort(callerGone());
    this.#answers = [];
  }
}
