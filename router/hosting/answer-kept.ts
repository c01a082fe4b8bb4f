/** A file that is in memory as an answer: all of it, parts of it, or the word that the client has it already. */
import { randomBytes } from 'node:crypto';
import { isConditional, judge, mayRange, preconditionFailed } from '../files/conditions.ts';
import { contentRange, type Part, partHead, partsEnd, partsOf } from '../files/ranges.ts';
import type { Headers, Responder } from '../http/reply.ts';
import type { Request } from '../http/request.ts';
import type { KeptFile, Variant } from './kept-file.ts';

/** A range means something to GET only (RFC 9110 §14.2), and is of the file as it is stored. */
export const asksForParts = (http: Request): boolean => http.method === 'GET' && http.header('range') !== undefined;

/** @throws StatusError 412, 416 */
export function answerKept(variant: Variant, http: Request, reply: Responder, headers: Headers): void {
  if (isConditional(http)) {
    const judged = judge(http, variant.entry);
    if (judged === 'failed') throw preconditionFailed();
    if (judged === 'not modified') return reply.send(304, [...headers, ...variant.bareHeaders], '');
  }
  reply.send(200, [...headers, ...variant.headers], variant.bytes);
}

/** @throws StatusError 412, 416 */
export function answerParts({ plain, type }: KeptFile, http: Request, reply: Responder, headers: Headers): void {
  const { entry, bytes, bareHeaders } = plain;
  // Which comes first (RFC 9110 §13.2.2).
  const isCurrent = !isConditional(http) || judge(http, entry) === 'go on';
  const parts = isCurrent && mayRange(http, entry) ? partsOf(http.header('range'), bytes.length) : undefined;
  const [part] = parts ?? [];
  if (!parts || !part) return answerKept(plain, http, reply, headers);
  if (parts.length > 1) return answerSeveral(plain, type, parts, reply, headers);
  const range = ['Content-Range', contentRange(part, bytes.length)] as const;
  reply.send(206, [...headers, ['Content-Type', type], ...bareHeaders, range], cut(bytes, part));
}

function answerSeveral(
  { bytes, bareHeaders }: Variant,
  type: string,
  parts: readonly Part[],
  reply: Responder,
  headers: Headers,
): void {
  const boundary = randomBytes(18).toString('base64url');
  const pieces = parts.flatMap((part) => [partHead(part, bytes.length, type, boundary), cut(bytes, part)]);
  const contentType = ['Content-Type', `multipart/byteranges; boundary=${boundary}`] as const;
  reply.send(206, [...headers, contentType, ...bareHeaders], Buffer.concat([...pieces, partsEnd(boundary)]));
}

const cut = (bytes: Buffer, { offset, length }: Part): Buffer => bytes.subarray(offset, offset + length);
