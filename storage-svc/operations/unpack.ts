import { create } from '@bufbuild/protobuf';
import { type UnpackReply, UnpackReplySchema, type UploadHead } from '#proto/files/v1/files_pb.ts';
import { unpack as unpacked } from '../archive/unpack.ts';
import type { Call } from '../call.ts';
import { folderMissing } from '../failures.ts';
import { entryMessage, FAMILIES } from './messages.ts';

/** @param bytesMax  of the zip */
export async function unpack(
  call: Call,
  { path: folder, clean }: UploadHead,
  body: AsyncIterable<Uint8Array>,
  bytesMax: number,
): Promise<UnpackReply> {
  const files = await unpacked(call, { folder, clean, bytesMax }, body);
  const entry = await call.source.stat(folder, call.deadline);
  if (!entry) throw folderMissing(folder); // somebody else has removed it already
  return create(UnpackReplySchema, { folder: entryMessage(entry), files, family: FAMILIES[call.family] });
}
