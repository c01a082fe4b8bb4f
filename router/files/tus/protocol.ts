/** Resumable uploads by tus 1.0 (tus.io/protocols/resumable-upload): which requests are of it, what their headers say. */
import { invalid } from '#common/errors.ts';
import { StatusError } from '../../encode/status-error.ts';
import type { Headers } from '../../http/reply.ts';
import type { Request } from '../../http/request.ts';
import { effectiveVerb } from '../../parse/verb.ts';

const VERSION = '1.0.0';
/** The upload, in the query of its address. */
export const UPLOAD_PARAMETER = 'upload';
export const OFFSET_TYPE = 'application/offset+octet-stream';

/** On every answer. */
export const RESUMABLE = ['Tus-Resumable', VERSION] as const;

/** tus → the storage tier. */
const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['sha1', 'sha'],
  ['md5', 'md5'],
  ['sha256', 'sha-256'],
  ['sha512', 'sha-512'],
]);

/** What this server can do: the answer to OPTIONS. */
export const ABILITIES: Headers = [
  RESUMABLE,
  ['Tus-Version', VERSION],
  ['Tus-Extension', 'creation,creation-with-upload,creation-defer-length,expiration,checksum,termination'],
  ['Tus-Checksum-Algorithm', [...ALGORITHMS.keys()].join(',')],
];

/** Of anybody else's API nothing has this header. */
export const isResumable = (http: Request): boolean => http.header('tus-resumable') !== undefined;

/** @throws StatusError 412 */
export function requireVersion(http: Request): void {
  if (http.header('tus-resumable') === VERSION) return;
  throw new StatusError(412, 'contradiction', `Of tus the version ${VERSION} is spoken here.`, [
    ['Tus-Version', VERSION],
  ]);
}

/** What is asked of an upload; also behind a POST, for clients that can do nothing else. @throws MillraceError */
export const uploadVerb = (http: Request): string =>
  effectiveVerb({
    method: http.method,
    header: (name) => http.header(name),
    query: () => undefined,
    body: () => undefined,
  });

export const hasOffsetType = (http: Request): boolean =>
  http.header('content-type')?.toLowerCase().split(';', 1)[0]?.trim() === OFFSET_TYPE;

/** A number of bytes in a header; undefined where there is none. @throws MillraceError invalid */
export function bytesIn(http: Request, field: string): bigint | undefined {
  const value = http.header(field.toLowerCase());
  if (value === undefined) return undefined;
  if (!/^\d{1,16}$/.test(value) || Number(value) > Number.MAX_SAFE_INTEGER) {
    throw invalid(`The header ${field} is no number of bytes.`, { field });
  }
  return BigInt(value);
}

/** Of all that will come; undefined: it is said later. @throws MillraceError invalid */
export function lengthIn(http: Request): bigint | undefined {
  const length = bytesIn(http, 'Upload-Length');
  const isDeferred = http.header('upload-defer-length') !== undefined;
  if (isDeferred && (length !== undefined || http.header('upload-defer-length') !== '1')) {
    throw invalid('Upload-Defer-Length is 1, and stands alone.', { field: 'Upload-Defer-Length' });
  }
  if (length === undefined && !isDeferred) {
    throw invalid('The header Upload-Length is missing.', { field: 'Upload-Length' });
  }
  return length;
}

/** One of the values of Upload-Metadata. @throws MillraceError invalid */
export function metadataIn(http: Request, ...names: readonly string[]): string | undefined {
  const pairs = (http.header('upload-metadata') ?? '').split(',').map((pair) => pair.trim().split(/ +/));
  for (const name of names) {
    const value = pairs.find(([key]) => key === name)?.[1];
    if (value === undefined) continue;
    const text = Buffer.from(value, 'base64').toString('utf8');
    if (text.includes('\ufffd')) throw invalid(`'${name}' of Upload-Metadata is no UTF-8 in base64.`);
    return text;
  }
  return undefined;
}

/** What these bytes shall sum up to. @throws MillraceError invalid */
export function checksumIn(http: Request): Readonly<Record<string, string>> {
  const value = http.header('upload-checksum');
  if (value === undefined) return {};
  const [name = '', sum = ''] = value.split(' ');
  const algorithm = ALGORITHMS.get(name);
  if (!algorithm || !/^[A-Za-z0-9+/]+={0,2}$/.test(sum)) {
    throw invalid('Upload-Checksum is an algorithm of Tus-Checksum-Algorithm and a sum in base64.', {
      field: 'Upload-Checksum',
    });
  }
  return { [algorithm]: sum };
}
