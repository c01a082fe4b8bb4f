/** What is known of a file or folder, without its content or with a small one (files-and-scripting-api §1.2, §1.3). */
import { FILE_INLINE_BYTES_MAX } from '#common/bounds.ts';
import { invalid } from '#common/errors.ts';
import { decodeUtf8 } from '#common/json.ts';
import { Family } from '#proto/files/v1/files_pb.ts';
import { sendValue } from '../encode/answer.ts';
import { presentationOf } from '../encode/presentation.ts';
import { isTrue } from '../parse/query.ts';
import { type FileCall, soon } from './call.ts';
import { etagOf } from './conditions.ts';
import { fileProperties, folderProperties } from './entry-json.ts';
import { fileNotFound, folderNotFound } from './refusals.ts';
import type { SignedUrls } from './signed-urls.ts';

/** @throws MillraceError not_found */
export async function sendFolderProperties(call: FileCall): Promise<void> {
  const { request, reply, headers, address, service, store, context, deadline } = call;
  const { entry, family } = await soon(call, store.stat(context, address.path, [], deadline));
  // Of stores of keys and values a folder is no more than its name.
  if (!entry?.isFolder && family !== Family.OBJECT) throw folderNotFound(address.path);
  sendValue(reply, 200, folderProperties(address.path, entry, service.type), presentationOf(request, headers, true));
}

/** @throws MillraceError not_found; invalid for a content that is too large, or no text where text is wanted */
export async function sendFileProperties(call: FileCall, signedUrls: SignedUrls): Promise<void> {
  const { request, reply, headers, address, service, store, context, deadline } = call;
  const { query } = request;
  const { entry } = await soon(call, store.stat(context, address.path, [], deadline));
  if (!entry || entry.isFolder) throw fileNotFound(address.path);
  const etag = etagOf(entry);
  const shown = presentationOf(request, etag === undefined ? headers : [...headers, ['ETag', etag]], true);
  const value = {
    ...fileProperties(entry, service.type),
    ...(query.flag('content') && { content: await contentOf(call) }),
    ...(query.flag('signed_url') && signedUrls.sign(service, address.path, query.get('expires_in'))),
  };
  sendValue(reply, 200, value, shown);
}

async function contentOf({ request, address, store, context, deadline }: FileCall): Promise<string> {
  const { body } = await store.read(context, { path: address.path }, deadline);
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > FILE_INLINE_BYTES_MAX) {
      throw invalid(`Only a content of at most ${FILE_INLINE_BYTES_MAX} bytes is sent within JSON.`, {
        field: 'content',
      });
    }
    pieces.push(piece);
  }
  const content = Buffer.concat(pieces);
  return isTrue(request.query.get('is_base64') ?? 'true') ? content.toString('base64') : decodeUtf8(content);
}
