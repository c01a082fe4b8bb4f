/**
 * The head of a request, from text to fields, in one pass over its characters. Strict: one form of line end, no
 * folding, no blanks before a colon, one blank between the parts of the request line.
 */
import { HEAD_FIELDS_MAX, METHOD_LENGTH_MAX } from '#common/bounds.ts';
import { FAULTS, Head, tokenEnd } from '../framing.ts';
import type { Refusal } from '../refusal.ts';

const LINE: Refusal = { status: 400, message: 'The request line is not a method, a target and a version.' };
const VERSION: Refusal = { status: 505, message: 'This server speaks HTTP/1.1 and HTTP/1.0.' };
const MANY: Refusal = { status: 431, message: 'The request has too many headers.' };

const CR = 0x0d;
const LF = 0x0a;
const TAB = 0x09;
const BLANK = 0x20;
const COLON = 0x3a;
const SLASH = 0x2f;
const QUESTION_MARK = 0x3f;
const DEL = 0x7f;

const VERSION_LENGTH = 'HTTP/1.1'.length;

export interface ParsedHead {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly head: Head;
}

/** @param text  Latin-1, without the empty line at its end */
export function parseHead(text: string): ParsedHead | Refusal {
  const methodEnd = tokenEnd(text, 0);
  if (text.charCodeAt(methodEnd) !== BLANK || methodEnd === 0 || methodEnd > METHOD_LENGTH_MAX) return FAULTS.method;
  const start = methodEnd + 1;
  if (text.charCodeAt(start) !== SLASH) return FAULTS.target;
  let end = start;
  let pathEnd = -1;
  for (let code = SLASH; code > BLANK && code < DEL; code = text.charCodeAt(++end)) {
    if (code === QUESTION_MARK && pathEnd < 0) pathEnd = end;
  }
  if (text.charCodeAt(end) !== BLANK) return FAULTS.target;
  const lineEnd = end + 1 + VERSION_LENGTH;
  const persistent = text.startsWith('HTTP/1.1', end + 1);
  if (!isLineEnd(text, lineEnd)) return LINE;
  if (!persistent && !text.startsWith('HTTP/1.0', end + 1)) return otherVersion(text.slice(end + 1, lineEnd));
  const head = new Head(persistent);
  const fault = addFields(head, text, lineEnd) ?? head.checkFields();
  if (fault) return fault;
  return {
    method: text.slice(0, methodEnd),
    path: text.slice(start, pathEnd < 0 ? end : pathEnd),
    query: pathEnd < 0 ? '' : text.slice(pathEnd + 1, end),
    head,
  };
}

const isLineEnd = (text: string, at: number): boolean =>
  at === text.length || (text.charCodeAt(at) === CR && text.charCodeAt(at + 1) === LF);

const otherVersion = (version: string): Refusal => (/^HTTP\/[0-9]\.[0-9]$/.test(version) ? VERSION : LINE);

/** @param at  of the line end before the first field, or the end of the text */
function addFields(head: Head, text: string, at: number): Refusal | undefined {
  if (at === text.length) return undefined;
  const lower = text.toLowerCase(); // once for all names: Latin-1 keeps its length
  for (let count = 0; at < text.length; count++) {
    if (count === HEAD_FIELDS_MAX) return MANY;
    const start = at + 2;
    const colon = tokenEnd(text, start);
    if (colon === start || text.charCodeAt(colon) !== COLON) return FAULTS.name;
    at = valueEnd(text, colon + 1);
    if (!isLineEnd(text, at)) return FAULTS.value;
    head.addSound(lower.slice(start, colon), trimmed(text, colon + 1, at));
  }
  return undefined;
}

/** Where the first character is that no value may have, a line end among them. */
function valueEnd(text: string, at: number): number {
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === DEL || (code < BLANK && code !== TAB)) break;
  }
  return at;
}

/** Without the blanks and tabs around it, and only those. */
function trimmed(text: string, start: number, end: number): string {
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

const isBlank = (code: number): boolean => code === BLANK || code === TAB;
