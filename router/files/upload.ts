/** A file from the body of a request, taken as it arrives (files-and-scripting-api §1.4, §1.6, §1.7). */
import type { UploadOptions } from '#common/files/client.ts';
import { filePath, joinPath, nameOf, parentOf } from '#common/files/path.ts';
import { Family } from '#proto/files/v1/files_pb.ts';
import { sendValue } from '../encode/answer.ts';
import { presentationOf } from '../encode/presentation.ts';
import type { Request } from '../http/request.ts';
import { bodyOf, sizeOf } from './body.ts';
import { type FileCall, requireNamed, soon } from './call.ts';

import { etagOf, isConditional, judge, preconditionFailed } from './conditions.ts';
import { compared, saidDigests } from './digests.ts';
import { type EntryJson, shownPath } from './entry-json.ts';
import { nameInHeader } from './header-name.ts';
import { refusalOf } from './refusals.ts';

const ZIP_TYPE = /^application\/(?:zip|x-zip-compressed)\b/i;
const CREATED = 201;

/** What becomes of a content: its answer, and the version of the file that was made. */
export interface Stored {
  readonly value: EntryJson;
  readonly etag: string | undefined;
}

/** A content that is to be a file, or, where it is a zip to be extracted, what is in it. */
export interface Content {
  readonly path: string;
  readonly contentType: string | undefined;
  readonly size: bigint | undefined;
  readonly digests: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** The body is a file. @param path  of the address, or of what the caller has named below it */
export async function sendUpload(call: FileCall, path = call.address.path): Promise<void> {
  const { http } = call.request;
  const { value, etag } = await store(call, {
    path,
    contentType: http.header('content-type'),
    size: sizeOf(http),
    digests: saidDigests(http),
    body: bodyOf(http),
  });
  const headers = etag === undefined ? call.headers : [...call.headers, ['ETag', etag] as const];
  sendValue(call.reply, CREATED, value, presentationOf(call.request, headers, true));
}

/** The body is a file in the folder; its name, in X-File-Name, may lead into folders. @throws MillraceError */
export async function sendNamedUpload(call: FileCall, header: string): Promise<void> {
  const path = filePath(joinPath(call.address.path, nameInHeader(header)));
  requireNamed(call, path, call.request.verb);
  await sendUpload(call, path);
}

/** @throws MillraceError in the words of the API; then there is nothing of it */
export async function store(call: FileCall, content: Content): Promise<Stored> {
  const { path, contentType, size, digests, body } = content;
  const { query, http } = call.request;
  try {
    if (query.flag('extract') && isZip(path, contentType)) return await extract(call, content);
    const options: UploadOptions = {
      path,
      digests,
      ...(size !== undefined && { size }),
      ...(await versionOptions(call, path)),
    };
    const { entry } = await call.store.write(call.context, options, body, call.deadline);
    return { value: storedAt(path), etag: etagOf(entry) };
  } catch (error) {
    throw isExclusive(http) && isConflict(error) ? preconditionFailed() : refusalOf(error);
  }
}

export const isZip = (path: string, contentType: string | undefined): boolean =>
  /\.zip$/i.test(path) || ZIP_TYPE.test(contentType ?? '');

export const storedAt = (path: string): EntryJson => ({ name: nameOf(path), path, type: 'file' });

/** What comes of a zip; stores of keys and values say no type. */
export function extractedAt(folder: string, family: Family): EntryJson {
  const answer = { name: folder, path: shownPath(folder, true) };
  return family === Family.OBJECT ? answer : { ...answer, type: 'file' };
}

/** Into the folder that the zip itself would be in. What is in it is judged by the storage tier, name by name. */
async function extract(call: FileCall, { path, size, digests, body }: Content): Promise<Stored> {
  const folder = parentOf(path);
  const options: UploadOptions = {
    path: folder,
    clean: call.request.query.flag('clean'),
    ...(size !== undefined && { size }),
  };
  const { family } = await call.store.unpack(call.context, options, compared(body, digests), call.deadline);
  return { value: extractedAt(folder, family), etag: undefined };
}

/** Which version may be replaced. @throws StatusError 412 */
export async function versionOptions(call: FileCall, path: string): Promise<{ createOnly: boolean; ifEtag?: string }> {
  const { http, query } = call.request;
  const createOnly = query.flag('check_exist') || isExclusive(http);
  if (!isConditional(http) || (isExclusive(http) && http.header('if-match') === undefined)) return { createOnly };
  const { entry } = await soon(call, call.store.stat(call.context, path, [], call.deadline));
  const file = entry?.isFolder ? undefined : entry;
  if (judge(http, file) === 'failed') throw preconditionFailed();
  // What was looked at just now must still be so when it is replaced.
  return file ? { createOnly, ...(file.etag !== undefined && { ifEtag: file.etag }) } : { createOnly: true };
}

/** Only where there is nothing yet. */
const isExclusive = (http: Request): boolean => http.header('if-none-match')?.trim() === '*';

const isConflict = (error: unknown): boolean => (error as { code?: unknown }).code === 'conflict';
