/** Lines of JSON: each is a record, whatever it holds; whether it is JSON is told when it is read. */
import type { Gathered } from './gathered.ts';
import type { Splitter } from './pieces.ts';

const LINE_END = 0x0a;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

export class LineSplitter implements Splitter {
  #line = 1;
  /** Something other than white space stands in the line so far. */
  #hasInk = false;

  push(chunk: Uint8Array, records: Gathered): void {
    let start = 0;
    for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, start)) {
      this.#part(chunk.subarray(start, end), records);
      this.end(records);
      this.#line++;
      start = end + 1;
    }
    this.#part(chunk.subarray(start), records);
  }

  end(records: Gathered): void {
    if (this.#hasInk) records.close(this.#line);
    this.#hasInk = false;
  }

  #part(part: Uint8Array, records: Gathered): void {
    const inked = this.#hasInk ? part : withoutSpace(part, this.#line === 1);
    if (inked.length === 0) return;
    this.#hasInk = true;
    records.append(inked, this.#line);
  }
}

/** @param isFirst  a byte order mark may stand in the first line */
function withoutSpace(part: Uint8Array, isFirst: boolean): Uint8Array {
  const blank = (byte: number): boolean => byte <= 0x20 || (isFirst && BYTE_ORDER_MARK.includes(byte));
  let at = 0;
  while (at < part.length && blank(part[at] as number)) at++;
  return part.subarray(at);
}
