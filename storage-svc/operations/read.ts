import { create } from '@bufbuild/protobuf';
import { FILE_LINE_FROM_BYTES } from '#common/bounds.ts';
import { invalid } from '#common/errors.ts';
import type { ContentLine } from '#common/files/content-line.ts';
import { type Content, ContentSchema, type ReadRequest } from '#proto/files/v1/files_pb.ts';
import type { ReadOptions } from '../backend.ts';
import type { Call } from '../call.ts';
import { entryMessage, FAMILIES } from './messages.ts';

/** Its entry first, then its bytes, or those of a range of it; many of them by the line, where the caller knows how. */
export async function* read(
  { source, family, deadline }: Call,
  { path, range, ifEtag, byLine }: ReadRequest,
  line: ContentLine | undefined,
): AsyncGenerator<Content> {
  const options: ReadOptions = {
    range: range && { offset: bytesOf(range.offset), length: bytesOf(range.length) },
    ifEtag: ifEtag || undefined,
  };
  const opened = await source.read(path, options, deadline);
  const { entry } = opened;
  const pieces = opened.body[Symbol.asyncIterator]();
  const length = lengthOf(entry.size, options.range);
  try {
    if (line && byLine && length >= FILE_LINE_FROM_BYTES) {
      opened.share?.();
      const { ticket, taken } = line.give(pieces, deadline);
      const told = { address: line.address, ticket, length: BigInt(length) };
      yield create(ContentSchema, { entry: entryMessage(entry), family: FAMILIES[family], line: told });
      return await taken;
    }
    yield create(ContentSchema, { entry: entryMessage(entry), family: FAMILIES[family] });
    for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
      yield { $typeName: 'millrace.files.v1.Content', family: 0, bytes: next.value };
    }
  } finally {
    // Also where the entry was the last that anybody wanted.
    await pieces.return?.();
  }
}

function lengthOf(size: number, range: ReadOptions['range']): number {
  return range ? Math.max(0, Math.min(range.length, size - range.offset)) : size;
}

function bytesOf(count: bigint): number {
  if (count > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid('The range is beyond what any file has.');
  return Number(count);
}
