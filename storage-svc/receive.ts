/** The receiving end of an upload: its head, and the bytes behind it as they are asked for. */
import type { ServerReadableStream } from '@grpc/grpc-js';
import { callerGone } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import { readLittleAhead } from '#common/files/streams.ts';
import type { Upload, UploadHead } from '#proto/files/v1/files_pb.ts';

/**
 * @param bytesOf  those that come by the line
 * @throws MillraceError of the work; the body throws `cancelled` where the stream ends before it said that it is done
 */
export async function receive<R>(
  grpcCall: ServerReadableStream<Upload, R>,
  work: (head: UploadHead, body: AsyncIterable<Uint8Array>) => Promise<R>,
  bytesOf: (ticket: string) => AsyncIterable<Uint8Array>,
): Promise<R> {
  const messages = readLittleAhead(grpcCall)[Symbol.asyncIterator]() as AsyncIterableIterator<Upload>;
  const first = (await messages.next()).value as Upload | undefined;
  if (!first?.head) throw invalid('The first message of an upload must bring its head.', { field: 'head' });
  const { head } = first;
  async function* body(): AsyncGenerator<Uint8Array> {
    if (head.lineTicket !== '') yield* bytesOf(head.lineTicket);
    for (let message = first; message; message = (await messages.next()).value as Upload | undefined) {
      if (message.bytes.length > 0) yield message.bytes;
      if (message.done) return;
    }
    throw callerGone();
  }
  return work(head, body());
}
