import { create } from '@bufbuild/protobuf';
import { type Content, ContentSchema, type PackRequest } from '#proto/files/v1/files_pb.ts';
import { pack as packed } from '../archive/pack.ts';
import type { Call } from '../call.ts';
import { folderMissing } from '../failures.ts';
import { entryMessage, FAMILIES } from './messages.ts';

/** The folder's entry first, then the zip of it. */
export async function* pack(call: Call, { path }: PackRequest): AsyncGenerator<Content> {
  const folder = await call.source.stat(path, call.deadline);
  if (!folder?.isFolder) throw folderMissing(path);
  yield create(ContentSchema, { entry: entryMessage(folder), family: FAMILIES[call.family] });
  for await (const bytes of packed(call, path)) yield { $typeName: 'millrace.files.v1.Content', family: 0, bytes };
}
