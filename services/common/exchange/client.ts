/** The caller's end of the Exchange stream: what is asked in one turn leaves as one batch. */
import { create } from '@bufbuild/protobuf';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import {
  type Batch,
  type BatchReply,
  BatchSchema,
  DataConnector,
  type Operation,
  OperationSchema,
  type Result,
} from '#proto/data/v1/data_pb.ts';
import { BATCH_OPERATIONS_MAX, STREAM_IN_FLIGHT_MAX, SWEEP_INTERVAL_MS } from '../bounds.ts';
import { type Deadline, sweepDeadlines } from '../deadline.ts';
import { MillraceError } from '../errors.ts';
import { Channel, type ChannelSettings } from '../grpc/channel.ts';
import { EXCHANGE_CODECS } from './codec.ts';
import { errorFromMessage } from './errors.ts';

export interface Answer {
  readonly result: Result;
  /** The JSON did not fit the stream: fetch it with `ExchangeClient.fetch`. */
  readonly ticket: string | undefined;
}

interface Pending {
  readonly deadline: Deadline;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: MillraceError) => void;
}

/** One connector replica, as a router sees it. Reconnects by itself when it is used again. */
export class ExchangeClient {
  readonly #channel: Channel<typeof DataConnector>;
  readonly #peer: string;
  readonly #pending = new Map<number, Pending>();
  readonly #sweeper: NodeJS.Timeout;
  #stream: ClientDuplexStream<Batch, BatchReply> | undefined;
  #operations: Operation[] = [];
  #cancels: number[] = [];
  #nextId = 1;
  #scheduled = false;
  #blocked = false;

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
   * @throws MillraceError overloaded when too many are in flight, unavailable when the connector is gone, deadline
   */
  send(operation: Operation, deadline: Deadline): Promise<Answer> {
    if (deadline.reason) return Promise.reject(deadline.reason);
    if (this.#pending.size >= STREAM_IN_FLIGHT_MAX) {
      return Promise.reject(new MillraceError('overloaded', `The ${this.#peer} service is busy.`));
    }
    const id = this.#nextId;
    this.#nextId = id >= 0x7fffffff ? 1 : id + 1;
    operation.id = id;
    operation.timeoutMs = Math.max(1, deadline.remainingMs());
    this.#operations.push(operation);
    this.#schedule();
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { deadline, resolve, reject });
      deadline.onAbort(() => this.#cancel(id, deadline));
    });
  }

  /** The bytes of a parked answer, as they come; leaving the loop early ends the call. */
  async *fetch(ticket: string): AsyncGenerator<Uint8Array> {
    const call = this.#channel.watch('export', create(OperationSchema, { form: { case: 'ticket', value: ticket } }));
    try {
      for await (const chunk of call) {
        if (chunk.error) throw errorFromMessage(chunk.error);
        if (chunk.json.length > 0) yield chunk.json;
      }
    } finally {
      call.cancel();
    }
  }

  /** Takes nothing new from the other side; what is in flight fails. */
  close(): void {
    clearInterval(this.#sweeper);
    this.#stream?.end();
    this.#stream = undefined;
    this.#channel.close();
    this.#fail(new MillraceError('unavailable', `The ${this.#peer} service is being left.`));
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
      const operations = this.#operations.splice(0, BATCH_OPERATIONS_MAX);
      const cancels = this.#cancels;
      this.#cancels = [];
      this.#blocked = !stream.write({ $typeName: BatchSchema.typeName, operations, cancels });
    }
  }

  #open(): ClientDuplexStream<Batch, BatchReply> {
    if (this.#stream) return this.#stream;
    const stream = this.#channel.duplex('exchange');
    this.#stream = stream;
    stream.on('data', (batch: BatchReply) => this.#receive(batch));
    stream.on('drain', () => {
      this.#blocked = false;
      this.#flush();
    });
    stream.on('error', (error) => this.#lost(stream, error));
    stream.on('end', () => this.#lost(stream, undefined));
    return stream;
  }

  #receive(batch: BatchReply): void {
    for (const { id, outcome } of batch.replies) {
      const pending = this.#pending.get(id);
      if (!pending) continue; // cancelled meanwhile
      this.#pending.delete(id);
      switch (outcome.case) {
        case 'result':
          pending.resolve({ result: outcome.value, ticket: undefined });
          break;
        case 'parked':
          if (outcome.value.result) pending.resolve({ result: outcome.value.result, ticket: outcome.value.ticket });
          break;
        case 'error':
          pending.reject(errorFromMessage(outcome.value));
          break;
        default:
          pending.reject(new MillraceError('internal', 'The answer is not known to this version.'));
      }
    }
  }

  #cancel(id: number, deadline: Deadline): void {
    const pending = this.#pending.get(id);
    if (!pending || !deadline.reason) return;
    this.#pending.delete(id);
    this.#cancels.push(id);
    this.#schedule();
    pending.reject(deadline.reason);
  }

  #lost(stream: ClientDuplexStream<Batch, BatchReply>, cause: unknown): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#blocked = false;
    this.#operations = [];
    this.#cancels = [];
    this.#fail(new MillraceError('unavailable', `The ${this.#peer} service cannot be reached.`, undefined, cause));
  }

  #fail(error: MillraceError): void {
    const all = [...this.#pending.values()];
    this.#pending.clear();
    for (const pending of all) pending.reject(error);
  }

  #sweep(): void {
    if (this.#pending.size === 0) return;
    const now = Date.now();
    for (const { deadline } of this.#pending.values()) if (deadline.at <= now) sweepDeadlines([deadline], now);
  }
}
