import { create } from '@bufbuild/protobuf';
import { invalid } from '#common/errors.ts';
import { type Content, ContentSchema, type ReadRequest } from '#proto/files/v1/files_pb.ts';
import type { ReadOptions } from '../backend.ts';
import type { Call } from '../call.ts';
import { entryMessage, FAMILIES } from './messages.ts';

/** Its entry first, then its bytes, or those of a range of it. */
export async function* read(
  { source, family, deadline }: Call,
  { path, range, ifEtag }: ReadRequest,
): AsyncGenerator<Content> {
  const options: ReadOptions = {
    range: range && { offset: bytesOf(range.offset), length: bytesOf(range.length) },
    ifEtag: ifEtag || undefined,
  };
  const { entry, body } = await source.read(path, options, deadline);
  const pieces = body[Symbol.asyncIterator]();
  try {
    yield create(ContentSchema, { entry: entryMessage(entry), family: FAMILIES[family] });
    for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
      yield { $typeName: 'millrace.files.v1.Content', family: 0, bytes: next.value };
    }
  } finally {
    // Also where the entry was the last that anybody wanted.
    await pieces.return?.();
  }
}

function bytesOf(count: bigint): number {
  if (count > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid('The range is beyond what any file has.');
  return Number(count);
}
