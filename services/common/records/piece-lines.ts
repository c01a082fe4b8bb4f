/** The records of a piece of an import: all by one reading where they are well-formed, else line by line. */
import type { RecordPiece } from '../connector.ts';
import type { MillraceError } from '../errors.ts';
import { parseJson } from '../json.ts';
import { attempt } from './attempt.ts';

const LINE_END = 0x0a;
const COMMA = 0x2c;

/** One for each line: the record, or why it is none. */
export function recordsOfPiece({ records, lines }: RecordPiece): ({ value: unknown } | { error: MillraceError })[] {
  const parsed = parseAll(records, lines.length);
  if (parsed) return parsed.map((value) => ({ value }));
  return linesOf(records).map((line) => attempt(() => ({ value: parseJson(line) })));
}

/** What is read here is read at once: the next piece may be written over it. */
let scratch = Buffer.alloc(0);

/** All lines by one reading; undefined where that says nothing about a single one. */
function parseAll(records: Uint8Array, count: number): readonly unknown[] | undefined {
  if (scratch.length < records.length + 2) scratch = Buffer.allocUnsafeSlow(2 * records.length + 2);
  const list = scratch;
  list[0] = 0x5b;
  list.set(records, 1);
  let end = records.length + 1;
  if (list[end - 1] === LINE_END) end--;
  for (let at = list.indexOf(LINE_END); at >= 0 && at < end; at = list.indexOf(LINE_END, at + 1)) list[at] = COMMA;
  list[end] = 0x5d;
  try {
    const parsed = parseJson(list.subarray(0, end + 1)) as readonly unknown[];
    return parsed.length === count ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function linesOf(records: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < records.length; ) {
    const end = records.indexOf(LINE_END, start);
    lines.push(records.subarray(start, end < 0 ? records.length : end));
    start = end < 0 ? records.length : end + 1;
  }
  return lines;
}
