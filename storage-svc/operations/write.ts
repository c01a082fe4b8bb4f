import { create } from '@bufbuild/protobuf';
import { invalid } from '#common/errors.ts';
import { parentOf } from '#common/files/path.ts';
import { type EntryReply, EntryReplySchema, type UploadHead } from '#proto/files/v1/files_pb.ts';
import type { Call } from '../call.ts';
import { contentTypeOf } from '../content-types.ts';
import { isRoot } from '../failures.ts';
import { Digests } from './digests.ts';
import { entryMessage, FAMILIES } from './messages.ts';
import { makeFolders, requireParent } from './parents.ts';

/** Pieces that stay as they are: those of the line are written anew with the next but one. */
export async function* ownPieces(
  { lineTicket }: UploadHead,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (lineTicket === '') yield* body;
  else for await (const piece of body) yield Buffer.from(piece);
}

/** A file. What is known of its content beforehand is compared, and nothing is kept where that differs. */
export async function write(call: Call, head: UploadHead, body: AsyncIterable<Uint8Array>): Promise<EntryReply> {
  const { source, family, deadline } = call;
  const { path } = head;
  if (path === '') throw isRoot();
  const digests = new Digests(Object.keys(head.digests));
  if (head.makeFolders) await makeFolders(call, parentOf(path));
  else await requireParent(call, path);
  const size = head.size === undefined ? undefined : Number(head.size);
  let sums: Record<string, string> = {};
  async function* compared(): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    for await (const piece of source.takesShared ? body : ownPieces(head, body)) {
      bytes += piece.length;
      if (size !== undefined && bytes > size) throw invalid('The content is longer than was said.');
      digests.add(piece);
      yield piece;
    }
    if (size !== undefined && bytes < size) throw invalid('The content is shorter than was said.');
    sums = digests.require(head.digests);
  }
  const options = {
    contentType: head.contentType || contentTypeOf(path),
    size,
    createOnly: head.createOnly,
    ifEtag: head.ifEtag || undefined,
  };
  const entry = await source.write(path, compared(), options, deadline);
  return create(EntryReplySchema, { entry: entryMessage(entry), family: FAMILIES[family], digests: sums });
}
