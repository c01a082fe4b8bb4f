/** The caller's end of one Import: pieces go out as they are taken, the answer may come before the last of them. */
import { create } from '@bufbuild/protobuf';
import type { ClientWritableStream, ServiceError } from '@grpc/grpc-js';
import { type Operation, type Piece, PieceSchema, type Reply, type Result } from '#proto/data/v1/data_pb.ts';
import type { RecordPiece } from '../connector.ts';
import { MillraceError } from '../errors.ts';
import { fromServiceError } from '../grpc/status.ts';
import { RaceAgainst } from '../race.ts';
import { errorFromMessage, errorToMessage } from './errors.ts';

type Answered = (error: ServiceError | null, reply?: Reply) => void;

export class ImportCall {
  readonly #call: ClientWritableStream<Piece>;
  readonly #reply: Promise<Reply>;
  #isOver = false;
  /** Ends the wait for the line to take more. */
  #wake = (): void => {};

  constructor(open: (answered: Answered) => ClientWritableStream<Piece>, peer: string) {
    let answered: Answered = () => {};
    this.#reply = new Promise((resolve, reject) => {
      answered = (error, reply) => {
        this.#isOver = true;
        this.#wake();
        if (reply) resolve(reply);
        else reject(fromServiceError(error as ServiceError, peer));
      };
    });
    this.#reply.catch(() => {}); // met when it is awaited
    this.#call = open((error, reply) => answered(error, reply));
    this.#call.on('error', () => {}); // told with the answer
  }

  /** @throws MillraceError */
  async send(operation: Operation, pieces: AsyncIterable<RecordPiece>): Promise<Result> {
    await this.#write(create(PieceSchema, { operation }));
    const iterator = pieces[Symbol.asyncIterator]();
    const answered = new RaceAgainst(this.#reply);
    try {
      while (!this.#isOver) {
        // Whoever sends slowly hears at once that it is of no use.
        const next = await answered.wait(iterator.next().catch(asError));
        if ('code' in next) {
          // What came before is written all the same, and told with the error.
          this.#call.end(create(PieceSchema, { error: errorToMessage(next) }));
          break;
        }
        if (!('done' in next)) break;
        if (next.done) {
          this.#call.end(create(PieceSchema, { last: true }));
          break;
        }
        const { records, lines } = next.value;
        await this.#write(create(PieceSchema, { records, lines: lines as number[] }));
      }
    } finally {
      void iterator.return?.();
    }
    const { outcome } = await this.#reply;
    if (outcome.case === 'result') return outcome.value;
    if (outcome.case === 'error') throw errorFromMessage(outcome.value);
    throw new MillraceError('internal', 'The answer is not known to this version.');
  }

  cancel(): void {
    if (!this.#isOver) this.#call.cancel();
  }

  /** Resolves when the line has taken it, and its bytes are not needed any longer. */
  async #write(piece: Piece): Promise<void> {
    if (this.#isOver) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#call.write(piece, () => resolve());
    });
  }
}

/** @throws whatever the caller did not do wrong */
function asError(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError && thrown.code !== 'cancelled') return thrown;
  throw thrown;
}
