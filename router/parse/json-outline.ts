/** Finds where the parts of a JSON body are without parsing them: records travel on as the bytes that came. */
import { JSON_DEPTH_MAX } from '#common/bounds.ts';
import type { MillraceError } from '#common/errors.ts';
import { asBuffer, endOfString, malformedJson } from '#common/json.ts';

/** Half open: `bytes.subarray(start, end)`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export type Outline =
  | { readonly kind: 'array' | 'scalar' | 'empty' }
  /** Where the value of each key is. Of a repeated key the last counts. */
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, Range> };

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * One pass over valid UTF-8. What is inside of a member or an element is not validated: whoever uses it parses it.
 *
 * @throws invalid, with the position: brackets or strings that do not add up, a top level that is no JSON, more text
 *   behind the value, nesting beyond JSON_DEPTH_MAX
 */
export function outlineJson(bytes: Uint8Array): Outline {
  const start = skipSpace(bytes, 0);
  if (start === bytes.length) return { kind: 'empty' };
  if (bytes[start] === OPEN_BRACE) return outlineObject(bytes, start);
  const end = endOfValue(bytes, start);
  expectEnd(bytes, end);
  return { kind: bytes[start] === OPEN_BRACKET ? 'array' : 'scalar' };
}

function outlineObject(bytes: Uint8Array, start: number): Outline {
  const members = new Map<string, Range>();
  let at = skipSpace(bytes, start + 1);
  if (bytes[at] !== CLOSE_BRACE) {
    for (;;) {
      if (bytes[at] !== QUOTE) throw malformed(bytes, at, 'expected a key in double quotes');
      const keyEnd = endOfValue(bytes, at);
      const key = decodeKey(bytes, at, keyEnd);
      at = skipSpace(bytes, keyEnd);
      if (bytes[at] !== COLON) throw malformed(bytes, at, "expected ':'");
      const valueStart = skipSpace(bytes, at + 1);
      const valueEnd = endOfValue(bytes, valueStart);
      members.set(key, { start: valueStart, end: valueEnd });
      at = skipSpace(bytes, valueEnd);
      if (bytes[at] !== COMMA) break;
      at = skipSpace(bytes, at + 1);
    }
    if (bytes[at] !== CLOSE_BRACE) throw malformed(bytes, at, "expected ',' or '}'");
  }
  expectEnd(bytes, at + 1);
  return { kind: 'object', members };
}

function decodeKey(bytes: Uint8Array, start: number, end: number): string {
  const literal = asBuffer(bytes).toString('utf8', start, end);
  try {
    return JSON.parse(literal) as string;
  } catch {
    throw malformed(bytes, start, 'the key is not a valid string');
  }
}

function endOfValue(bytes: Uint8Array, start: number): number {
  const byte = bytes[start];
  if (byte === OPEN_BRACE || byte === OPEN_BRACKET) return endOfBrackets(bytes, start);
  if (byte === QUOTE) {
    const close = endOfString(bytes, start);
    if (close === bytes.length) throw malformed(bytes, close, 'expected a closing quote');
    return close + 1;
  }
  let end = start;
  while (isLiteral(bytes[end])) end++;
  if (end === start) throw malformed(bytes, start, 'expected a value');
  return end;
}

/** The closing brackets still to come. Shared: the scan gives way to nobody. */
const closers = new Uint8Array(JSON_DEPTH_MAX);

function endOfBrackets(bytes: Uint8Array, start: number): number {
  let depth = 0;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) {
      at = endOfString(bytes, at);
      continue;
    }
    // '[' and '{', ']' and '}' differ in this one bit; a closing one is two above its opening one.
    const folded = byte | 0x20;
    if (folded === OPEN_BRACE) {
      if (depth === JSON_DEPTH_MAX) throw malformed(bytes, at, `nested deeper than ${JSON_DEPTH_MAX} levels`);
      closers[depth++] = byte + 2;
    } else if (folded === CLOSE_BRACE) {
      const closer = closers[--depth]!;
      if (closer !== byte) throw malformed(bytes, at, `expected '${String.fromCharCode(closer)}'`);
      if (depth === 0) return at + 1;
    }
  }
  throw malformed(bytes, bytes.length, `expected '${String.fromCharCode(closers[depth - 1]!)}'`);
}

function expectEnd(bytes: Uint8Array, at: number): void {
  const rest = skipSpace(bytes, at);
  if (rest < bytes.length) throw malformed(bytes, rest, 'expected the end');
}

function skipSpace(bytes: Uint8Array, start: number): number {
  let at = start;
  while (isSpace(bytes[at])) at++;
  return at;
}

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** A byte of a number or of true, false, null; the rest of a word that is none of them is told by its parser. */
const isLiteral = (byte: number | undefined): boolean =>
  byte !== undefined &&
  ((byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x45 ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e);

/** Messages count characters, as people do. */
function malformed(bytes: Uint8Array, at: number, reason: string): MillraceError {
  const characters = asBuffer(bytes).toString('utf8', 0, at).length;
  return malformedJson(characters, at < bytes.length ? reason : `${reason}, found the end`);
}
