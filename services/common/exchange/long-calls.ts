/** Calls of their own: answers of any size, lists without an end, records that come in pieces. */
import { create } from '@bufbuild/protobuf';
import type { ServerReadableStream, ServerWritableStream } from '@grpc/grpc-js';
import {
  type Chunk,
  ChunkSchema,
  type Operation,
  type Piece,
  type Reply,
  type Result,
} from '#proto/data/v1/data_pb.ts';
import { EXPORT_CHUNK_BYTES, OPERATION_TIMEOUT_MS } from '../bounds.ts';
import type { Connector, RecordPiece } from '../connector.ts';
import { callerGone, Deadline } from '../deadline.ts';
import { invalid, MillraceError } from '../errors.ts';
import { timedDeadline } from '../in-time.ts';
import { errorFromMessage, errorToMessage } from './errors.ts';
import type { ParkedAnswers } from './parked.ts';
import type { ShapeCache } from './shapes.ts';

export function deadlineOf(operation: Operation): Deadline {
  return Deadline.after(operation.timeoutMs || OPERATION_TIMEOUT_MS);
}

/** For a call of its own, which no sweep looks after. */
export function timed(operation: Operation): { deadline: Deadline; done: () => void } {
  return timedDeadline(operation.timeoutMs || OPERATION_TIMEOUT_MS);
}

export function isOfEverything(shapes: ShapeCache, operation: Operation): boolean {
  try {
    const { action } = shapes.of(operation);
    return action.case === 'read' && action.value.everything;
  } catch {
    return false; // what is wrong with it is said when it is executed
  }
}

/** As fast as the other side takes it; when that goes away the query ends. */
export async function exportStream(
  call: ServerWritableStream<Operation, Chunk>,
  connector: Connector,
  shapes: ShapeCache,
): Promise<void> {
  const operation = call.request;
  const { deadline, done } = timed(operation);
  call.on('cancelled', () => deadline.abort(callerGone()));
  try {
    const pieces = connector.stream?.(operation, shapes.of(operation), deadline) ?? [];
    for await (const json of pieces) {
      if (call.cancelled) break;
      if (!call.write(create(ChunkSchema, { json }))) await drained(call);
    }
  } catch (error) {
    call.write(create(ChunkSchema, { error: errorToMessage(MillraceError.from(error)) }));
  } finally {
    done();
  }
  call.end();
}

/** As fast as the connector takes them. */
export async function importPieces(
  call: ServerReadableStream<Piece, Reply>,
  connector: Connector,
  shapes: ShapeCache,
): Promise<Result> {
  const pieces = call[Symbol.asyncIterator]() as AsyncIterableIterator<Piece>;
  const { value: first } = (await pieces.next()) as { value: Piece | undefined };
  if (!connector.import) throw new MillraceError('unsupported', 'Records of this service do not come as a stream.');
  if (!first?.operation)
    throw invalid('The first piece of an import must bring the operation.', { field: 'operation' });
  const { deadline, done } = timed(first.operation);
  call.on('cancelled', () => deadline.abort(callerGone()));
  // A wait for the next piece ends with the deadline, too.
  deadline.onAbort(() => call.destroy(deadline.reason));
  async function* all(): AsyncGenerator<RecordPiece> {
    for (let piece = first; piece; piece = (await pieces.next()).value as Piece | undefined) {
      if (piece.error) throw errorFromMessage(piece.error);
      if (piece.records.length > 0) yield piece;
      if (piece.last) return;
    }
    throw callerGone();
  }
  try {
    return await connector.import(first.operation, shapes.of(first.operation), all(), deadline);
  } catch (error) {
    throw deadline.reason ?? error;
  } finally {
    done();
  }
}

export async function exportAnswer(
  call: ServerWritableStream<Operation, Chunk>,
  execute: (operation: Operation, deadline: Deadline) => Promise<Result>,
  parked: ParkedAnswers,
): Promise<void> {
  const operation = call.request;
  const { deadline, done } = timed(operation);
  call.on('cancelled', () => deadline.abort(callerGone()));
  try {
    const result = await resultOf(operation, deadline, execute, parked);
    const { json } = result;
    call.write(create(ChunkSchema, { result: { ...result, json: new Uint8Array() } }));
    for (let at = 0; at < json.length && !call.cancelled; at += EXPORT_CHUNK_BYTES) {
      const taken = call.write(create(ChunkSchema, { json: json.subarray(at, at + EXPORT_CHUNK_BYTES) }));
      if (!taken) await drained(call);
    }
  } catch (error) {
    call.write(create(ChunkSchema, { error: errorToMessage(MillraceError.from(error)) }));
  } finally {
    done();
  }
  call.end();
}

async function resultOf(
  operation: Operation,
  deadline: Deadline,
  execute: (operation: Operation, deadline: Deadline) => Promise<Result>,
  parked: ParkedAnswers,
): Promise<Result> {
  if (operation.form.case !== 'ticket') return execute(operation, deadline);
  const result = parked.take(operation.form.value);
  if (!result) throw new MillraceError('not_found', 'The answer is no longer there.');
  return result;
}

function drained(call: ServerWritableStream<Operation, Chunk>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off('drain', done);
      call.off('cancelled', done);
      resolve();
    };
    call.on('drain', done);
    call.on('cancelled', done);
  });
}
