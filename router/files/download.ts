/** The content of a file, all of it or parts, as fast as the client takes it (files-and-scripting-api §1.3; RFC 9110). */
import { randomBytes } from 'node:crypto';
import { MillraceError } from '#common/errors.ts';
import type { ContentAnswer } from '#common/files/answers.ts';
import type { FileEntry } from '#common/files/entry.ts';
import { nameOf } from '#common/files/path.ts';
import { Family } from '#proto/files/v1/files_pb.ts';
import { dispositionOf } from '../encode/format.ts';
import { StatusError } from '../encode/status-error.ts';
import { isActive } from '../hosting/media.ts';
import type { BodyStream, Headers } from '../http/reply.ts';
import { type FileCall, soon } from './call.ts';
import { etagOf, httpDate, isConditional, judge, mayRange, preconditionFailed } from './conditions.ts';
import { reprDigest, wantedDigest } from './digests.ts';
import { contentRange, type Part, partHead, partsEnd, partsOf } from './ranges.ts';
import { fileNotFound, isNotFound } from './refusals.ts';

/** How often it is begun anew where the file is replaced between the look at it and its reading. */
const ATTEMPTS = 3;

/** @throws MillraceError not_found; StatusError 412, 416 */
export async function sendFileContent(call: FileCall): Promise<void> {
  const { http } = call.request;
  const digest = wantedDigest(http);
  const looksFirst =
    http.method === 'HEAD' || http.header('range') !== undefined || digest !== undefined || isConditional(http);
  try {
    if (!looksFirst) return await sendWhole(call, await open(call, undefined, undefined), []);
    return await asLongAsReplaced(() => sendLooked(call, digest));
  } catch (error) {
    throw isNotFound(error) ? fileNotFound(call.address.path) : error;
  }
}

/** Begins anew where the file is another one than was looked at, before anything was sent. */
export async function asLongAsReplaced<T>(send: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      if (!isReplaced(error)) throw error;
      if (attempt === ATTEMPTS) throw new MillraceError('unavailable', 'The file is replaced too often to be read.');
    }
  }
}

const isReplaced = (error: unknown): boolean =>
  error instanceof MillraceError && error.code === 'contradiction' && !(error instanceof StatusError);

async function sendLooked(call: FileCall, digest: string | undefined): Promise<void> {
  const { request, reply, store, context, address, deadline } = call;
  const { http } = request;
  // Sums take as long as the reading of the file.
  const looking = store.stat(context, address.path, digest === undefined ? [] : [digest], deadline);
  const { entry, family, digests } = await (digest === undefined ? soon(call, looking) : looking);
  if (!entry || entry.isFolder) throw fileNotFound(address.path);
  const sums = Object.entries(digests).map(([name, value]) => reprDigest(name, value));
  switch (judge(http, entry)) {
    case 'failed':
      throw preconditionFailed();
    case 'not modified':
      return reply.send(304, headersFor(call, entry, family, undefined), '');
    case 'go on':
  }
  // A range means something to GET only (RFC 9110 §14.2).
  const parts = http.method === 'GET' && mayRange(http, entry) ? partsOf(http.header('range'), entry.size) : undefined;
  if (http.method === 'HEAD') {
    return reply.stream(200, [...headersFor(call, entry, family, typeOf(entry)), ...sums], entry.size).end();
  }
  if (!parts) return sendWhole(call, await open(call, undefined, entry.etag), sums);
  const [part] = parts;
  if (part && parts.length === 1) return sendPart(call, await open(call, part, entry.etag), part, entry.size, sums);
  return sendParts(call, entry, family, parts, sums);
}

function open(call: FileCall, part: Part | undefined, ifEtag: string | undefined): Promise<ContentAnswer> {
  const { store, context, address, deadline } = call;
  const range = part && { offset: BigInt(part.offset), length: BigInt(part.length) };
  const options = { path: address.path, ifEtag: ifEtag ?? '', byLine: true, ...(range && { range }) };
  return soon(call, store.read(context, options, deadline));
}

async function sendWhole(call: FileCall, content: ContentAnswer, sums: Headers): Promise<void> {
  const { entry, family } = content;
  const headers = [...headersFor(call, entry, family, typeOf(entry)), ...sums];
  await passOn(call.reply.stream(200, headers, entry.size), content);
}

async function sendPart(
  call: FileCall,
  content: ContentAnswer,
  part: Part,
  size: number,
  sums: Headers,
): Promise<void> {
  const { entry, family } = content;
  const range = ['Content-Range', contentRange(part, size)] as const;
  const headers = [...headersFor(call, entry, family, typeOf(entry)), range, ...sums];
  await passOn(call.reply.stream(206, headers, part.length), content);
}

/** One after the other, each of the same version. */
async function sendParts(
  call: FileCall,
  entry: FileEntry,
  family: Family,
  parts: readonly Part[],
  sums: Headers,
): Promise<void> {
  const boundary = randomBytes(18).toString('base64url');
  const heads = parts.map((part) => partHead(part, entry.size, typeOf(entry), boundary));
  const end = partsEnd(boundary);
  const length = parts.reduce((sum, part, i) => sum + part.length + (heads[i] as Buffer).length, end.length);
  let content = await open(call, parts[0], entry.etag);
  const type = `multipart/byteranges; boundary=${boundary}`;
  const out = call.reply.stream(206, [...headersFor(call, entry, family, type), ...sums], length);
  try {
    for (const [i, head] of heads.entries()) {
      if (i > 0) content = await open(call, parts[i], entry.etag);
      await out.write(head);
      for await (const piece of content.body) await out.write(piece, content.isShared);
    }
    await out.write(end);
    out.end();
  } catch {
    out.fail();
  } finally {
    await content.body.return?.();
  }
}

/**
 * The status is out: only a cut connection tells that this was not all.
 * @param isHead  nobody wants the content
 */
export async function passOn(out: BodyStream, { body, isShared }: ContentAnswer, isHead = false): Promise<void> {
  try {
    if (!isHead) for await (const piece of body) await out.write(piece, isShared);
    out.end();
  } catch {
    out.fail();
  } finally {
    await body.return?.();
  }
}

/** Text without a word about its characters is UTF-8, as recorded. */
export function typeOf({ contentType = 'application/octet-stream' }: FileEntry): string {
  return /^text\//i.test(contentType) && !/charset/i.test(contentType) ? `${contentType};charset=UTF-8` : contentType;
}

/** @param type  undefined: of an answer without a content */
function headersFor(call: FileCall, entry: FileEntry, family: Family, type: string | undefined): Headers {
  if (call.shownWith) return [...call.headers, ...call.shownWith(entry, type)];
  const disposition = dispositionFor(call, entry, family);
  return [
    ...(type === undefined ? [] : [['Content-Type', type] as const]),
    ['X-Content-Type-Options', 'nosniff'],
    ...cachingOf(family),
    ...call.headers,
    ...validatorsOf(entry),
    ['Accept-Ranges', 'bytes'],
    ...(type !== undefined && isActive(type) ? [['Content-Security-Policy', 'sandbox'] as const] : []),
    ...(type === undefined || disposition === undefined ? [] : [['Content-Disposition', disposition] as const]),
  ];
}

/** By which a client knows whether what it has is current. */
export function validatorsOf(entry: FileEntry): Headers {
  const etag = etagOf(entry);
  return [
    ...(etag === undefined ? [] : [['ETag', etag] as const]),
    ...(entry.modifiedMs === undefined ? [] : [['Last-Modified', httpDate(entry.modifiedMs)] as const]),
  ];
}

function cachingOf(family: Family): Headers {
  if (family !== Family.LOCAL) return [['Cache-Control', 'no-cache, private']];
  return [
    ['Cache-Control', 'private'],
    ['Expires', '0'],
    ['Pragma', 'public'],
  ];
}

function dispositionFor({ request }: FileCall, { path }: FileEntry, family: Family): string | undefined {
  const name = nameOf(path);
  if (request.query.flag('download')) return dispositionOf('attachment', name);
  if (family === Family.OBJECT) return dispositionOf('inline', name);
  return /\.html$/i.test(name) ? undefined : 'inline';
}
