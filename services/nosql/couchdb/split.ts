/** JSON that CouchDB has written, cut into its parts where it lies: documents go through without being read. */
import { asBuffer, endOfString } from '#common/json.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const BACKSLASH = 0x5c;
const BLANK_MAX = 0x20;

export interface Member {
  readonly name: string;
  /** Of its name, to the end of its value. */
  readonly whole: Uint8Array;
  readonly value: Uint8Array;
}

/** @throws Error for what is no object, or is cut short */
export function* membersOf(object: Uint8Array): Generator<Member> {
  for (const { start, end } of partsOf(object, OPEN_OBJECT)) {
    const nameEnd = endOfString(object, start);
    let at = skipBlanks(object, nameEnd + 1);
    at = skipBlanks(object, at + 1); // behind the colon
    const literal = object.subarray(start, nameEnd + 1);
    yield { name: nameOf(literal), whole: object.subarray(start, end), value: object.subarray(at, end) };
  }
}

/** @throws Error for what is no list, or is cut short */
export function* elementsOf(list: Uint8Array): Generator<Uint8Array> {
  for (const { start, end } of partsOf(list, OPEN_LIST)) yield list.subarray(start, end);
}

/** The object of some of its members, as they stand. */
export function only(object: Uint8Array, names: ReadonlySet<string>): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (const { name, whole } of membersOf(object)) {
    if (names.has(name)) pieces.push(pieces.length === 0 ? OPENING : SEPARATOR, whole);
  }
  return Buffer.concat(pieces.length === 0 ? [EMPTY] : [...pieces, CLOSING]);
}

const OPENING = Buffer.from('{');
const SEPARATOR = Buffer.from(',');
const CLOSING = Buffer.from('}');
const EMPTY = Buffer.from('{}');

function* partsOf(bytes: Uint8Array, opening: number): Generator<{ start: number; end: number }> {
  let at = skipBlanks(bytes, 0);
  if (bytes[at] !== opening) throw new Error('The answer is not of the form that was expected.');
  for (at = skipBlanks(bytes, at + 1); !isClosing(bytes[at]); at = skipBlanks(bytes, at)) {
    const end = endOfPart(bytes, at);
    yield { start: at, end: trimmedEnd(bytes, end) };
    if (bytes[end] !== COMMA && !isClosing(bytes[end])) throw new Error('The answer is cut short.');
    at = bytes[end] === COMMA ? end + 1 : end;
  }
}

/** Where the comma or bracket stands that follows it. */
function endOfPart(bytes: Uint8Array, start: number): number {
  let depth = 0;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) at = endOfString(bytes, at);
    else if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth++;
    else if (depth === 0 && (byte === COMMA || isClosing(byte))) return at;
    else if (isClosing(byte)) depth--;
  }
  return bytes.length;
}

const isClosing = (byte: number | undefined): boolean => byte === CLOSE_OBJECT || byte === CLOSE_LIST;

function skipBlanks(bytes: Uint8Array, from: number): number {
  let at = from;
  while (bytes[at]! <= BLANK_MAX) at++;
  return at;
}

function trimmedEnd(bytes: Uint8Array, end: number): number {
  let at = end;
  while (bytes[at - 1]! <= BLANK_MAX) at--;
  return at;
}

function nameOf(literal: Uint8Array): string {
  const text = asBuffer(literal).toString('utf8');
  return literal.includes(BACKSLASH) ? (JSON.parse(text) as string) : text.slice(1, -1);
}
