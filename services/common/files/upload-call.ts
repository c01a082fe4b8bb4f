/** The caller's end of one upload: pieces go out as they are taken, the answer may come before the last of them. */
import type { Socket } from 'node:net';
import { create } from '@bufbuild/protobuf';
import type { ClientWritableStream, ServiceError } from '@grpc/grpc-js';
import { type Upload, type UploadHead, UploadSchema } from '#proto/files/v1/files_pb.ts';
import { fromServiceError } from '../grpc/status.ts';
import { RaceAgainst } from '../race.ts';
import { written } from './content-line.ts';
import { PieceWriter } from './streams.ts';

const wasWritten = (line: Socket, piece: Uint8Array): Promise<boolean> =>
  written(line, piece).then(
    () => true,
    () => false,
  );

type Answered<R> = (error: ServiceError | null, reply?: R) => void;

export class UploadCall<R> {
  readonly #call: ClientWritableStream<Upload>;
  readonly #writer: PieceWriter<Upload>;
  readonly #reply: Promise<R>;
  #isOver = false;

  constructor(open: (answered: Answered<R>) => ClientWritableStream<Upload>, peer: string) {
    let answered: Answered<R> = () => {};
    this.#reply = new Promise((resolve, reject) => {
      answered = (error, reply) => {
        this.#isOver = true;
        this.#writer.over();
        if (reply) resolve(reply);
        else reject(fromServiceError(error as ServiceError, peer));
      };
    });
    this.#reply.catch(() => {}); // met when it is awaited
    this.#call = open((error, reply) => answered(error, reply));
    this.#call.on('error', () => {}); // told with the answer
    this.#writer = new PieceWriter(this.#call);
  }

  /**
   * @param keeps  what was sent before the body threw is wanted: it shall arrive
   * @param line  takes the bytes, where the head has its ticket
   * @throws MillraceError of the line, or whatever the body throws: then, without `keeps`, nothing is left at the other
   *   side
   */
  async send(head: UploadHead, body: AsyncIterable<Uint8Array>, keeps: boolean, line?: Socket): Promise<R> {
    const iterator = body[Symbol.asyncIterator]();
    const answered = new RaceAgainst(this.#reply.then(() => undefined));
    try {
      await this.#writer.write(create(UploadSchema, { head }));
      while (!this.#isOver) {
        // Whoever sends slowly hears at once that it is of no use.
        const next = await answered.wait(iterator.next());
        if (!next) break;
        if (next.done) {
          line?.end();
          this.#call.end(create(UploadSchema, { done: true }));
          break;
        }
        if (line) {
          // Where it breaks, the answer says why.
          if (!(await answered.wait(wasWritten(line, next.value)))) break;
        } else await this.#writer.write({ $typeName: 'millrace.files.v1.Upload', bytes: next.value, done: false });
      }
    } catch (error) {
      if (keeps && !this.#isOver) {
        line?.end();
        this.#call.end(); // without a word that it is done
        await this.#reply.catch(() => {});
      }
      this.cancel();
      throw error;
    } finally {
      void iterator.return?.()?.catch(() => {});
    }
    return this.#reply.finally(() => line?.destroy());
  }

  cancel(): void {
    if (!this.#isOver) this.#call.cancel();
  }
}
