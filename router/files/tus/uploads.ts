/** An upload that goes on where it broke off: begun, continued, looked at, ended (tus 1.0). Its bytes are the storage tier's. */
import { invalid, MillraceError } from '#common/errors.ts';
import type { UploadAnswer } from '#common/files/answers.ts';
import { filePath, joinPath } from '#common/files/path.ts';
import { StatusError } from '../../encode/status-error.ts';
import type { Headers } from '../../http/reply.ts';
import { HTTP_STATUS } from '../../http/status.ts';
import { bodyOf } from '../body.ts';
import { type FileCall, requireNamed, soon } from '../call.ts';
import { etagOf, preconditionFailed } from '../conditions.ts';
import { saidDigests } from '../digests.ts';
import { versionOptions } from '../upload.ts';
import {
  ABILITIES,
  bytesIn,
  checksumIn,
  hasOffsetType,
  lengthIn,
  metadataIn,
  RESUMABLE,
  requireVersion,
  UPLOAD_PARAMETER,
  uploadVerb,
} from './protocol.ts';

/** Of tus, in the range that HTTP leaves free. */
const CHECKSUM_MISMATCH = 460;

/** What this server can do with uploads. */
export function sendAbilities({ reply, headers }: FileCall): void {
  reply.send(204, [...headers, ...ABILITIES], '');
}

/** @throws StatusError with the header that every answer has */
export async function sendResumable(call: FileCall): Promise<void> {
  const { http, query } = call.request;
  try {
    requireVersion(http);
    const upload = query.get(UPLOAD_PARAMETER);
    const verb = uploadVerb(http);
    if (upload === undefined && verb === 'POST') return await begin(call);
    if (upload === undefined) throw invalid(`The address names no upload in '${UPLOAD_PARAMETER}'.`);
    switch (verb) {
      case 'HEAD':
        return await look(call, upload);
      case 'PATCH':
        return await goOn(call, upload);
      case 'DELETE':
        return await end(call, upload);
      default:
        throw new MillraceError('unsupported', `${verb} means nothing to an upload.`);
    }
  } catch (error) {
    throw refused(error);
  }
}

async function begin(call: FileCall): Promise<void> {
  const { request, reply, store, context, deadline } = call;
  const { http } = request;
  const size = lengthIn(http);
  const path = targetOf(call);
  requireNamed(call, path, 'POST');
  const options = {
    ...{ path, metadata: http.header('upload-metadata') ?? '', digests: saidDigests(http) },
    ...(size !== undefined && { size }),
    ...(await versionOptions(call, path)),
  };
  const begun = await soon(call, store.beginUpload(context, options, deadline));
  const where = path.split('/').map(encodeURIComponent).join('/');
  const location = `/api/v2/${call.service.name}/${where}?${UPLOAD_PARAMETER}=${begun.upload}`;
  const hasBytes = hasOffsetType(http) && (http.upload !== undefined || http.body.length > 0);
  const state = hasBytes ? await append(call, begun.upload, 0n, undefined) : begun;
  reply.send(201, headersFor(call, state, [['Location', location]]), '');
}

/** The file: of the address, or by its name in the metadata, in the folder of the address. */
function targetOf({ address, request: { http } }: FileCall): string {
  if (!address.isFolder) return address.path;
  const name = metadataIn(http, 'filename', 'name');
  if (!name) throw invalid("Upload-Metadata has no 'filename'.", { field: 'Upload-Metadata' });
  return filePath(joinPath(address.path, name));
}

async function look(call: FileCall, upload: string): Promise<void> {
  const { reply, store, context, deadline } = call;
  const state = await store.getUpload(context, upload, deadline);
  requireHere(call, state);
  const { length, metadata } = state;
  const known: Headers = [
    ['Cache-Control', 'no-store'],
    length === undefined ? ['Upload-Defer-Length', '1'] : ['Upload-Length', String(length)],
    ...(metadata === '' ? [] : [['Upload-Metadata', metadata] as const]),
  ];
  reply.send(200, headersFor(call, state, known), '');
}

async function goOn(call: FileCall, upload: string): Promise<void> {
  const { http } = call.request;
  if (!hasOffsetType(http)) {
    throw new StatusError(415, 'invalid', 'The Content-Type of an upload is application/offset+octet-stream.');
  }
  const offset = bytesIn(http, 'Upload-Offset');
  if (offset === undefined) throw invalid('The header Upload-Offset is missing.', { field: 'Upload-Offset' });
  const state = await append(call, upload, offset, bytesIn(http, 'Upload-Length'));
  call.reply.send(204, headersFor(call, state, []), '');
}

function append(call: FileCall, upload: string, offset: bigint, length: bigint | undefined): Promise<UploadAnswer> {
  const { request, store, context, deadline } = call;
  const part = { upload, offset, ...(length !== undefined && { length }) };
  return store.appendUpload(context, part, checksumIn(request.http), bodyOf(request.http), deadline);
}

async function end(call: FileCall, upload: string): Promise<void> {
  const { reply, store, context, deadline, headers } = call;
  await soon(call, store.endUpload(context, upload, deadline));
  reply.send(204, [...headers, RESUMABLE], '');
}

/** An upload is known by one address only. */
function requireHere({ address }: FileCall, { path }: UploadAnswer): void {
  if (path !== address.path) throw new MillraceError('not_found', 'There is no such upload at this address.');
}

function headersFor({ headers }: FileCall, state: UploadAnswer, more: Headers): Headers {
  const { offset, expiresMs, entry } = state;
  const etag = entry && etagOf(entry);
  return [
    ...headers,
    RESUMABLE,
    ['Upload-Offset', String(offset)],
    // What is written stays.
    ...(entry ? [] : [['Upload-Expires', new Date(expiresMs).toUTCString()] as const]),
    ...(etag === undefined ? [] : [['ETag', etag] as const]),
    ...more,
  ];
}

/** In the statuses of tus, which are those of HTTP more than those of the rest of this API. */
function refused(thrown: unknown): StatusError {
  const error = MillraceError.from(thrown);
  if (error instanceof StatusError) return withHeader(error, error.status);
  if (error.code === 'contradiction') return withHeader(preconditionFailed(), 412);
  const isOtherSum = error.code === 'invalid' && error.context?.['digest'] !== undefined;
  return withHeader(error, isOtherSum ? CHECKSUM_MISMATCH : HTTP_STATUS[error.code]);
}

function withHeader(error: MillraceError, status: number): StatusError {
  const own = error instanceof StatusError ? error.headers : [];
  return new StatusError(status, error.code, error.message, [...own, RESUMABLE], error.context, error.cause);
}
