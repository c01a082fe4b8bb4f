/** The connector's end of millrace.data.v1: batches come in, each operation runs and fails alone, replies go back. */
import { create } from '@bufbuild/protobuf';
import type {
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
} from '@grpc/grpc-js';
import {
  type Batch,
  type BatchReply,
  BatchReplySchema,
  type Chunk,
  DataConnector,
  type Operation,
  type Piece,
  type Reply,
  type Result,
  type Shape,
} from '#proto/data/v1/data_pb.ts';
import { STREAM_ANSWER_BYTES_MAX } from '../bounds.ts';
import type { Connector } from '../connector.ts';
import { callerGone, type Deadline } from '../deadline.ts';
import { MillraceError } from '../errors.ts';
import type { ServedService } from '../grpc/service.ts';
import { toServiceError } from '../grpc/status.ts';
import type { Logger } from '../observe/log.ts';
import { BatchedAnswers, type Desk } from './answers.ts';
import { EXCHANGE_CODECS } from './codec.ts';
import { errorToMessage, stopping } from './errors.ts';
import { deadlineOf, exportAnswer, exportStream, importPieces, isOfEverything, timed } from './long-calls.ts';
import { ParkedAnswers } from './parked.ts';
import { ShapeCache } from './shapes.ts';

export interface DataConnectorService extends ServedService {
  /** Ends the streams when what is in flight has been answered: they would hold a graceful stop for ever. */
  drain(): void;
}

/** What a tier adds to its gRPC server to be a data connector. */
export function dataConnector(connector: Connector, log: Logger): DataConnectorService {
  const streams = new Set<{ end(): void }>();
  const shapes = new ShapeCache();
  const parked = new ParkedAnswers();
  let draining = false;

  const execute = async (operation: Operation, deadline: Deadline): Promise<Result> => {
    const startedAt = log.isLevelEnabled('debug') ? performance.now() : 0;
    let shape: Shape | undefined;
    try {
      shape = shapes.of(operation);
      const result = await connector.execute(operation, shape, deadline);
      if (startedAt > 0) log.debug(facts(operation, shape, startedAt), 'operation done');
      return result;
    } catch (thrown) {
      const error = MillraceError.from(thrown);
      // What a client is told nothing about is told here, once, under the request's id.
      if (error.code === 'internal') {
        log.error({ ...facts(operation, shape, startedAt), err: error.cause ?? error }, 'operation failed');
      } else if (startedAt > 0) {
        log.debug({ ...facts(operation, shape, startedAt), code: error.code }, 'operation refused');
      }
      throw error;
    }
  };

  return {
    desc: DataConnector,
    codecs: EXCHANGE_CODECS,
    drain: () => {
      draining = true;
      for (const stream of streams) stream.end();
    },
    implementation: {
      exchange: (call: ServerDuplexStream<Batch, BatchReply>): void => {
        // A stream that comes now would hold the stop as well: its other side should go elsewhere.
        if (draining) return void call.emit('error', toServiceError(stopping()));
        const stream = new BatchedAnswers(call, deskOf(call, execute, parked));
        streams.add(stream);
        call.on('close', () => streams.delete(stream));
      },
      execute: (call: ServerUnaryCall<Operation, Reply>, callback: sendUnaryData<Reply>): void => {
        const { deadline, done } = timed(call.request);
        call.on('cancelled', () => deadline.abort(callerGone()));
        execute(call.request, deadline)
          .then(
            (result) => callback(null, resultReply(call.request.id, result)),
            (error: unknown) => callback(null, errorReply(call.request.id, error)),
          )
          .finally(done);
      },
      export: (call: ServerWritableStream<Operation, Chunk>): void => {
        const { form } = call.request;
        const isEndless = connector.stream && form.case !== 'ticket' && isOfEverything(shapes, call.request);
        void (isEndless ? exportStream(call, connector, shapes) : exportAnswer(call, execute, parked));
      },
      import: (call: ServerReadableStream<Piece, Reply>, callback: sendUnaryData<Reply>): void => {
        importPieces(call, connector, shapes).then(
          (result) => callback(null, resultReply(0, result)),
          (error: unknown) => callback(null, errorReply(0, error)),
        );
      },
    },
  };
}

/** Which operation a log line speaks of: never its values. */
function facts(operation: Operation, shape: Shape | undefined, startedAt: number): Record<string, unknown> {
  const took = startedAt > 0 ? { tookMs: Math.round((performance.now() - startedAt) * 100) / 100 } : {};
  return { requestId: operation.requestId, service: shape?.service, action: shape?.action.case, ...took };
}

function resultReply(id: number, result: Result): Reply {
  return { $typeName: 'millrace.data.v1.Reply', id, outcome: { case: 'result', value: result } };
}

function errorReply(id: number, thrown: unknown): Reply {
  const error = errorToMessage(MillraceError.from(thrown));
  return { $typeName: 'millrace.data.v1.Reply', id, outcome: { case: 'error', value: error } };
}

/** Of the part that grows. */
function bytesOf({ outcome }: Reply): number {
  return outcome.case === 'result' ? outcome.value.json.length : 0;
}

function deskOf(
  call: ServerDuplexStream<Batch, BatchReply>,
  execute: (operation: Operation, deadline: Deadline) => Promise<Result>,
  parked: ParkedAnswers,
): Desk<Operation, Reply, Batch, BatchReply> {
  return {
    callsOf: ({ operations }) => operations,
    cancelsOf: ({ cancels }) => cancels,
    deadlineOf,
    begin: (operation, deadline, answer) => {
      const { id } = operation;
      execute(operation, deadline).then(
        (result) => {
          // Who has stopped waiting needs no answer: a large one would be parked for nobody.
          if (deadline.reason) return answer(errorReply(id, deadline.reason));
          answer(call.cancelled ? resultReply(id, result) : sized(id, result, parked));
        },
        (error: unknown) => answer(errorReply(id, error)),
      );
    },
    refusal: ({ id }, error) => errorReply(id, error),
    stopping,
    batchOf: (replies) => create(BatchReplySchema, { replies }),
    bytesOf,
  };
}

function sized(id: number, result: Result, parked: ParkedAnswers): Reply {
  if (result.json.length <= STREAM_ANSWER_BYTES_MAX) return resultReply(id, result);
  const ticket = parked.park(result);
  const head: Result = { ...result, json: new Uint8Array() };
  return {
    $typeName: 'millrace.data.v1.Reply',
    id,
    outcome: {
      case: 'parked',
      value: { $typeName: 'millrace.data.v1.Parked', ticket, bytes: result.json.length, result: head },
    },
  };
}
