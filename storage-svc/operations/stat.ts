import { create } from '@bufbuild/protobuf';
import { type EntryReply, EntryReplySchema, type StatRequest } from '#proto/files/v1/files_pb.ts';
import type { Call } from '../call.ts';
import { Digests } from './digests.ts';
import { entryMessage, FAMILIES } from './messages.ts';

/** What there is, and sums of its content where they are wanted. */
export async function stat({ source, family, deadline }: Call, request: StatRequest): Promise<EntryReply> {
  const { path } = request;
  const digests = new Digests(request.digests);
  const found = await source.stat(path, deadline);
  if (!found || found.isFolder || request.digests.length === 0) {
    return create(EntryReplySchema, { family: FAMILIES[family], ...(found && { entry: entryMessage(found) }) });
  }
  const { entry, body } = await source.read(path, {}, deadline);
  for await (const piece of body) digests.add(piece);
  return create(EntryReplySchema, { family: FAMILIES[family], entry: entryMessage(entry), digests: digests.values() });
}
