/** Sums of contents in headers: what a client says of its upload, and what it wants to know of a file (RFC 9530, RFC 3230). */
import { createHash } from 'node:crypto';
import { invalid } from '#common/errors.ts';
import type { Request } from '../http/request.ts';

/** Best first. */
const KNOWN = ['sha-512', 'sha-256', 'md5'] as const;
type Algorithm = (typeof KNOWN)[number];
const BYTES: Readonly<Record<Algorithm, number>> = { 'sha-512': 64, 'sha-256': 32, md5: 16 };

const isKnown = (name: string): name is Algorithm => Object.hasOwn(BYTES, name);

/**
 * What the content of a request shall sum up to: name to value in base64. Algorithms that are not known say nothing.
 * @throws MillraceError invalid for a value that is none, or two that differ
 */
export function saidDigests(http: Request): Readonly<Record<string, string>> {
  const said: Record<string, string> = {};
  const add = (field: string, name: string, value: string): void => {
    if (!isKnown(name)) return;
    const isValue = /^[A-Za-z0-9+/]+={0,2}$/.test(value) && Buffer.from(value, 'base64').length === BYTES[name];
    if (!isValue) throw invalid(`The header ${field} has no '${name}' in base64.`, { field });
    if (said[name] !== undefined && said[name] !== value)
      throw invalid(`Two headers give another '${name}'.`, { field });
    said[name] = value;
  };
  for (const field of ['Content-Digest', 'Repr-Digest']) {
    for (const item of itemsOf(http, field)) {
      const [, name = '', value = ''] = /^([a-z0-9*-]+)\s*=\s*:([^:]*):/i.exec(item) ?? [];
      add(field, name.toLowerCase(), value);
    }
  }
  for (const item of itemsOf(http, 'Digest')) {
    const at = item.indexOf('=');
    add('Digest', item.slice(0, at).trim().toLowerCase(), item.slice(at + 1).trim());
  }
  const md5 = http.header('content-md5');
  if (md5 !== undefined) add('Content-MD5', 'md5', md5.trim());
  return said;
}

/** Which sum of a file is wanted: of equal ones the best that is known. */
export function wantedDigest(http: Request): string | undefined {
  let best: { readonly name: Algorithm; readonly weight: number } | undefined;
  for (const item of itemsOf(http, 'Want-Repr-Digest')) {
    const [, name = '', weight = '1'] = /^([a-z0-9*-]+)(?:\s*=\s*(\d{1,2}))?/i.exec(item) ?? [];
    const known = name.toLowerCase();
    if (!isKnown(known) || Number(weight) === 0) continue;
    const isBetter =
      !best ||
      Number(weight) > best.weight ||
      (Number(weight) === best.weight && KNOWN.indexOf(known) < KNOWN.indexOf(best.name));
    if (isBetter) best = { name: known, weight: Number(weight) };
  }
  return best?.name;
}

export const reprDigest = (name: string, value: string): readonly [string, string] => [
  'Repr-Digest',
  `${name}=:${value}:`,
];

/** A body that fails at its end where it is not the one that was said: whoever takes it keeps nothing then. */
export async function* compared(
  body: AsyncIterable<Uint8Array>,
  said: Readonly<Record<string, string>>,
): AsyncGenerator<Uint8Array> {
  const sums = Object.entries(said).map(([name, value]) => ({
    ...{ name, value },
    hash: createHash(name.replace('-', '')),
  }));
  for await (const piece of body) {
    for (const { hash } of sums) hash.update(piece);
    yield piece;
  }
  for (const { name, value, hash } of sums) {
    if (hash.digest('base64') !== value) {
      throw invalid(`The content does not have the digest '${name}' that was said.`, { digest: name });
    }
  }
}

const itemsOf = (http: Request, field: string): string[] =>
  http
    .header(field.toLowerCase())
    ?.split(',')
    .map((item) => item.trim()) ?? [];
