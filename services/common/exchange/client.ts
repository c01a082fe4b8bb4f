/** The caller's end of the Exchange stream: what is asked in one turn leaves as one batch. */
import { create } from '@bufbuild/protobuf';
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import {
  type Batch,
  type BatchReply,
  BatchSchema,
  DataConnector,
  type Error as ErrorMessage,
  type Operation,
  OperationSchema,
  type Result,
  ResultSchema,
} from '#proto/data/v1/data_pb.ts';
import {
  BATCH_BYTES_MAX,
  BATCH_OPERATIONS_MAX,
  OPERATION_BYTES_MAX,
  STREAM_IN_FLIGHT_MAX,
  SWEEP_INTERVAL_MS,
} from '../bounds.ts';
import type { RecordPiece } from '../connector.ts';
import { type Deadline, sweepDeadlines } from '../deadline.ts';
import { MillraceError } from '../errors.ts';
import { Channel, type ChannelSettings } from '../grpc/channel.ts';
import { fromServiceError } from '../grpc/status.ts';
import { EXCHANGE_CODECS } from './codec.ts';
import { errorFromMessage, isStopping } from './errors.ts';
import { ImportCall } from './import-call.ts';
import { Slots } from './slots.ts';

export interface Answer {
  readonly result: Result;
  /** The JSON did not fit the stream: fetch it with `ExchangeClient.fetch`. */
  readonly ticket: string | undefined;
}

interface Pending {
  readonly deadline: Deadline;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: MillraceError) => void;
  /** Ends the listening to the deadline. */
  readonly forget: () => void;
}

/** One connector replica, as a router sees it. Reconnects by itself when it is used again. */
export class ExchangeClient {
  readonly #channel: Channel<typeof DataConnector>;
  readonly #peer: string;
  readonly #pending = new Slots<Pending>(STREAM_IN_FLIGHT_MAX);
  readonly #sweeper: NodeJS.Timeout;
  #stream: ClientDuplexStream<Batch, BatchReply> | undefined;
  #operations: Operation[] = [];
  #cancels: number[] = [];
  #scheduled = false;
  #blocked = false;
  #closed = false;

  constructor(settings: ChannelSettings) {
    this.#channel = new Channel(DataConnector, { ...settings, codecs: EXCHANGE_CODECS });
    this.#peer = settings.peer;
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS);
    this.#sweeper.unref();
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  /**
   * Sends one operation; its id and timeout are filled in here.
   * @throws MillraceError overloaded when too many are in flight, limited when it is too large to travel, unavailable
   *   when the connector is gone (with a cause when the line was lost), deadline
   */
  send(operation: Operation, deadline: Deadline): Promise<Answer> {
    if (deadline.reason) return Promise.reject(deadline.reason);
    if (this.#closed) return Promise.reject(this.#left());
    if (this.#pending.full) {
      return Promise.reject(new MillraceError('overloaded', `The ${this.#peer} service is busy.`));
    }
    if (operation.records.length > OPERATION_BYTES_MAX) {
      return Promise.reject(new MillraceError('limited', 'The records of one request are too large.'));
    }
    return new Promise((resolve, reject) => {
      const forget = deadline.onAbort(() => this.#cancel(operation.id, deadline));
      operation.id = this.#pending.add({ deadline, resolve, reject, forget });
      operation.timeoutMs = Math.max(1, deadline.remainingMs());
      this.#operations.push(operation);
      this.#schedule();
    });
  }

  /** The bytes of a parked answer, as they come; leaving the loop early ends the call. */
  fetch(ticket: string): AsyncGenerator<Uint8Array> {
    return this.#export(create(OperationSchema, { form: { case: 'ticket', value: ticket } }));
  }

  /** The answer to a Read of everything, as it comes, over a call of its own; leaving the loop early ends the query. */
  stream(operation: Operation, deadline: Deadline): AsyncGenerator<Uint8Array> {
    operation.timeoutMs = Math.max(1, deadline.remainingMs());
    return this.#export(operation, deadline);
  }

  /**
   * A Create whose records come in pieces, over a call of its own, as fast as the connector takes them.
   * @throws MillraceError whatever the connector says, also before it has seen all pieces
   */
  async import(operation: Operation, pieces: AsyncIterable<RecordPiece>, deadline: Deadline): Promise<Result> {
    operation.timeoutMs = Math.max(1, deadline.remainingMs());
    const call = new ImportCall((answered) => this.#channel.upload('import', answered), this.#peer);
    const forget = deadline.onAbort(() => call.cancel());
    try {
      return await call.send(operation, pieces);
    } catch (error) {
      throw deadline.reason ?? error;
    } finally {
      forget();
      call.cancel();
    }
  }

  async *#export(operation: Operation, deadline?: Deadline): AsyncGenerator<Uint8Array> {
    const call = this.#channel.watch('export', operation);
    const forget = deadline?.onAbort(() => call.cancel());
    try {
      for await (const chunk of call) {
        if (chunk.error) throw errorFromMessage(chunk.error);
        if (chunk.json.length > 0) yield chunk.json;
      }
    } catch (error) {
      if (deadline?.reason) throw deadline.reason;
      throw error instanceof MillraceError ? error : fromServiceError(error as ServiceError, this.#peer);
    } finally {
      forget?.();
      call.cancel();
    }
  }

  /** Takes nothing new from the other side; what is in flight fails. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#sweeper);
    this.#stream?.end();
    this.#channel.close();
    this.#reset(this.#left());
  }

  #left(): MillraceError {
    return new MillraceError('unavailable', `The ${this.#peer} service is being left.`);
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
    while (!this.#blocked && (this.#operations.length > 0 || this.#cancels.length > 0)) {
      const stream = this.#open();
      const operations = this.#nextOperations();
      const cancels = this.#cancels;
      this.#cancels = [];
      this.#blocked = !stream.write({ $typeName: BatchSchema.typeName, operations, cancels });
    }
  }

  /** What fits one batch; one alone may be larger. */
  #nextOperations(): Operation[] {
    let bytes = 0;
    let count = 0;
    for (const { records } of this.#operations) {
      bytes += records.length;
      if (count > 0 && (count === BATCH_OPERATIONS_MAX || bytes > BATCH_BYTES_MAX)) break;
      count += 1;
    }
    return this.#operations.splice(0, count);
  }

  #open(): ClientDuplexStream<Batch, BatchReply> {
    if (this.#stream) return this.#stream;
    const stream = this.#channel.duplex('exchange');
    this.#stream = stream;
    stream.on('data', (batch: BatchReply) => this.#receive(batch));
    stream.on('drain', () => {
      if (this.#stream !== stream) return;
      this.#blocked = false;
      this.#flush();
    });
    stream.on('error', (error) => this.#lost(stream, error));
    stream.on('end', () => this.#lost(stream, new Error('The other side ended the stream.')));
    return stream;
  }

  #receive(batch: BatchReply): void {
    for (const { id, outcome } of batch.replies) {
      const pending = this.#pending.take(id);
      if (!pending) continue; // cancelled meanwhile
      pending.forget();
      switch (outcome.case) {
        case 'result':
          pending.resolve({ result: outcome.value, ticket: undefined });
          break;
        case 'parked':
          pending.resolve({ result: outcome.value.result ?? create(ResultSchema), ticket: outcome.value.ticket });
          break;
        case 'error':
          pending.reject(this.#failure(outcome.value));
          break;
        default:
          pending.reject(new MillraceError('internal', 'The answer is not known to this version.'));
      }
    }
  }

  /** A connector that is stopping is as good as gone. */
  #failure(message: ErrorMessage): MillraceError {
    const error = errorFromMessage(message);
    return isStopping(error) ? this.#unreachable(error) : error;
  }

  #cancel(id: number, deadline: Deadline): void {
    const pending = this.#pending.take(id);
    if (!pending || !deadline.reason) return;
    const unsent = this.#operations.findIndex((operation) => operation.id === id);
    if (unsent >= 0) this.#operations.splice(unsent, 1);
    else {
      this.#cancels.push(id);
      this.#schedule();
    }
    pending.reject(deadline.reason);
  }

  #lost(stream: ClientDuplexStream<Batch, BatchReply>, cause: unknown): void {
    if (this.#stream !== stream) return;
    this.#reset(this.#unreachable(cause));
  }

  #unreachable(cause: unknown): MillraceError {
    return new MillraceError('unavailable', `The ${this.#peer} service cannot be reached.`, undefined, cause);
  }

  /** As if nothing had ever been sent; whoever waits hears the error. */
  #reset(error: MillraceError): void {
    this.#stream = undefined;
    this.#blocked = false;
    this.#operations = [];
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
