/** What a tier must offer to be reached through `millrace.data.v1`: the exchange server calls this. */
import type { Operation, Result, Shape } from '#proto/data/v1/data_pb.ts';
import type { Deadline } from './deadline.ts';

/** Records of an import: good until the next piece is asked for. */
export interface RecordPiece {
  /** JSON objects, each on a line of its own. */
  readonly records: Uint8Array;
  /** Where each of them begins in what the caller sent, counted from 1. */
  readonly lines: readonly number[];
}

export interface Connector {
  /**
   * Does one operation. Called for every operation of a batch in the same turn, so an implementation that gathers
   * what arrives together (coalescing, group commit) sees all of them.
   *
   * @param shape   decoded from the operation and cached: equal bytes give the identical object
   * @throws MillraceError, never anything else that a client could learn from
   */
  execute(operation: Operation, shape: Shape, deadline: Deadline): Promise<Result>;

  /**
   * The answer to a Read of everything, as it is found: records as JSON, each with a line end behind it. Leaving the
   * loop early ends the query. Connectors without it answer such a Read as any other.
   */
  stream?(operation: Operation, shape: Shape, deadline: Deadline): AsyncIterable<Uint8Array>;

  /**
   * A Create whose records come in pieces, each written before much more is taken. Leaving the loop over them early
   * ends the call. Answer: `{"count"}`.
   */
  import?(operation: Operation, shape: Shape, pieces: AsyncIterable<RecordPiece>, deadline: Deadline): Promise<Result>;
}
