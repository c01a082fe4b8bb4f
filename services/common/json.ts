/** JSON that loses nothing on the way in or out: large numbers keep their digits, doubtful text is refused. */
import { isUtf8 } from 'node:buffer';
import { JSON_DEPTH_MAX } from './bounds.ts';
import { invalid } from './errors.ts';
import { JsonNumber, malformedJson, readJson } from './json-reader.ts';

export { JsonNumber, malformedJson };

const QUOTE = 0x22;
const DOT = 0x2e;
const BACKSLASH = 0x5c;
/** A double holds any number of 15 significant digits. */
const DOUBLE_DIGITS = 15;

/**
 * Reads one JSON document. Numbers that a double cannot hold come as `JsonNumber`; of a repeated key the last counts;
 * `__proto__` is a key like any other.
 *
 * @throws invalid with position and reason: not JSON, not UTF-8, half of a surrogate pair, deeper than JSON_DEPTH_MAX
 */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes);
  const { depth, exact } = survey(bytes);
  if (depth > JSON_DEPTH_MAX) throw invalid(`The JSON is nested deeper than ${JSON_DEPTH_MAX} levels.`);
  const value = exact ? readJson(text) : parsePlain(text);
  refuseHalfSurrogates(text);
  return value;
}

/** Writes any JSON value, a `JsonNumber` as its digits; what JSON has no word for is `null`. */
export function stringifyJson(value: unknown): string {
  return holdsJsonNumber(value) ? write(value) : (JSON.stringify(value) ?? 'null');
}

/**
 * The text of UTF-8 bytes.
 *
 * @throws invalid, with the position of the first byte that does not belong
 */
export function decodeUtf8(bytes: Uint8Array): string {
  checkUtf8(bytes);
  return asBuffer(bytes).toString('utf8');
}

/** @throws invalid, with the position of the first byte that does not belong */
export function checkUtf8(bytes: Uint8Array): void {
  if (isUtf8(bytes)) return;
  const repaired = Buffer.from(asBuffer(bytes).toString('utf8'), 'utf8');
  const at = bytes.findIndex((byte, index) => byte !== repaired[index]);
  throw invalid(`The text is not valid UTF-8 at byte ${at + 1}.`);
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Offset of the quote that ends the string whose opening quote is at `open`; the length of the bytes if none does. */
export function endOfString(bytes: Uint8Array, open: number): number {
  for (let at = open + 1; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at++;
  }
  return bytes.length;
}

/** One cheap pass: the deepest nesting, and whether a number may need its digits kept. */
function survey(bytes: Uint8Array): { depth: number; exact: boolean } {
  let exact = false;
  let depth = 0;
  let deepest = 0;
  let digits = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) {
      at = endOfString(bytes, at);
      digits = 0;
    } else if ((byte >= 0x30 && byte <= 0x39) || byte === DOT) {
      if (++digits > DOUBLE_DIGITS) exact = true;
    } else {
      // '[' and '{', ']' and '}', 'E' and 'e' differ in this one bit.
      const folded = byte | 0x20;
      if (folded === 0x7b) deepest = Math.max(deepest, ++depth);
      else if (folded === 0x7d) depth--;
      else if (folded === 0x65 && digits > 0) exact = true;
      digits = 0;
    }
  }
  return { depth: deepest, exact };
}

function parsePlain(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The careful reader fails at the same place, and says where.
    return readJson(text);
  }
}

/** Bytes that are UTF-8 hold no half pairs, so only escapes can make one. */
function refuseHalfSurrogates(text: string): void {
  if (!text.includes('\\u')) return;
  let high: RegExpExecArray | undefined;
  for (const found of text.matchAll(/\\(?:u([0-9a-fA-F]{4})|.)/gs)) {
    const unit = found[1] === undefined ? 0 : Number.parseInt(found[1], 16);
    const isLow = unit >= 0xdc00 && unit <= 0xdfff;
    const follows = high !== undefined && high.index + high[0].length === found.index;
    if (high && !(isLow && follows)) throw halfSurrogate(high);
    if (isLow && !high) throw halfSurrogate(found);
    high = unit >= 0xd800 && unit <= 0xdbff ? found : undefined;
  }
  if (high) throw halfSurrogate(high);
}

const halfSurrogate = (found: RegExpExecArray) => malformedJson(found.index, `${found[0]} is half of a surrogate pair`);

function holdsJsonNumber(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return value instanceof JsonNumber || Object.values(value).some(holdsJsonNumber);
}

function write(value: unknown): string {
  if (value instanceof JsonNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  if (!holdsJsonNumber(value)) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value as object).filter(([, member]) => member !== undefined);
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${write(member)}`).join(',')}}`;
}
