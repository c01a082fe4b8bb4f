/** One connector replica, as a router calls it: over the Exchange stream, or a call of its own for what is large. */
import { create } from '@bufbuild/protobuf';
import type { ServiceError } from '@grpc/grpc-js';
import {
  type Batch,
  type BatchReply,
  BatchSchema,
  DataConnector,
  type Error as ErrorMessage,
  type Operation,
  OperationSchema,
  type Reply,
  type Result,
  ResultSchema,
} from '#proto/data/v1/data_pb.ts';
import { OPERATION_BYTES_MAX } from '../bounds.ts';
import type { RecordPiece } from '../connector.ts';
import type { Deadline } from '../deadline.ts';
import { MillraceError } from '../errors.ts';
import { Channel, type ChannelSettings } from '../grpc/channel.ts';
import { fromServiceError } from '../grpc/status.ts';
import { BatchedCalls } from './calls.ts';
import { EXCHANGE_CODECS } from './codec.ts';
import { errorFromMessage, isStopping } from './errors.ts';
import { ImportCall } from './import-call.ts';

export interface Answer {
  readonly result: Result;
  /** The JSON did not fit the stream: fetch it with `ExchangeClient.fetch`. */
  readonly ticket: string | undefined;
}

/** Reconnects by itself when it is used again. */
export class ExchangeClient {
  readonly #channel: Channel<typeof DataConnector>;
  readonly #peer: string;
  readonly #calls: BatchedCalls<Operation, Reply, Answer, Batch, BatchReply>;

  constructor(settings: ChannelSettings) {
    this.#channel = new Channel(DataConnector, { ...settings, codecs: EXCHANGE_CODECS });
    this.#peer = settings.peer;
    this.#calls = new BatchedCalls({
      peer: settings.peer,
      open: () => this.#channel.duplex('exchange'),
      batchOf: (operations, cancels) => ({ $typeName: BatchSchema.typeName, operations, cancels }),
      answersOf: ({ replies }) => replies,
      bytesOf: ({ records }) => records.length,
      settle: (reply, resolve, reject) => this.#settle(reply, resolve, reject),
    });
  }

  get inFlight(): number {
    return this.#calls.inFlight;
  }

  /**
   * Sends one operation; its id and timeout are filled in here.
   * @throws MillraceError overloaded when too many are in flight, limited when it is too large to travel, unavailable
   *   when the connector is gone (with a cause when the line was lost), deadline
   */
  send(operation: Operation, deadline: Deadline): Promise<Answer> {
    if (operation.records.length > OPERATION_BYTES_MAX) {
      return Promise.reject(new MillraceError('limited', 'The records of one request are too large.'));
    }
    return this.#calls.send(operation, deadline);
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
    this.#calls.close();
    this.#channel.close();
  }

  #settle({ outcome }: Reply, resolve: (answer: Answer) => void, reject: (error: MillraceError) => void): void {
    switch (outcome.case) {
      case 'result':
        return resolve({ result: outcome.value, ticket: undefined });
      case 'parked':
        return resolve({ result: outcome.value.result ?? create(ResultSchema), ticket: outcome.value.ticket });
      case 'error':
        return reject(this.#failure(outcome.value));
      default:
        return reject(new MillraceError('internal', 'The answer is not known to this version.'));
    }
  }

  /** A connector that is stopping is as good as gone. */
  #failure(message: ErrorMessage): MillraceError {
    const error = errorFromMessage(message);
    return isStopping(error) ? this.#calls.unreachable(error) : error;
  }
}
