/** Records that were found, each with a line end behind it; one may still be growing. Buffers are used again. */
import { IMPORT_PIECE_BYTES, IMPORT_RECORD_BYTES_MAX } from '#common/bounds.ts';
import type { RecordPiece } from '#common/connector.ts';
import { invalid } from '#common/errors.ts';

/** A piece and the packet that made it full. */
const BUFFER_BYTES = IMPORT_PIECE_BYTES + 128 * 1024;
const LINE_END = 0x0a;

export class Gathered {
  #buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  /** What the last piece lay in. */
  #spare: Buffer | undefined;
  #length = 0;
  /** Where the record that is still growing begins. */
  #start = 0;
  #lines: number[] = [];

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  /** Of the records that are whole. */
  get bytes(): number {
    return this.#start;
  }

  /**
   * More of the record that is growing.
   * @param line  where it is, for the refusal of one that is too large
   */
  append(bytes: Uint8Array, line: number): void {
    const length = this.#length + bytes.length;
    if (length - this.#start > IMPORT_RECORD_BYTES_MAX) {
      throw invalid(`Line ${line}: a record is larger than ${IMPORT_RECORD_BYTES_MAX} bytes.`, { line });
    }
    this.#room(length);
    this.#buffer.set(bytes, this.#length);
    this.#length = length;
  }

  /** The record that grew is whole. */
  close(line: number): void {
    this.#room(this.#length + 1);
    this.#buffer[this.#length++] = LINE_END;
    this.#start = this.#length;
    this.#lines.push(line);
  }

  /** The whole ones, good until the next call; a growing one stays. */
  take(): RecordPiece {
    const full = this.#buffer;
    const piece = { records: full.subarray(0, this.#start), lines: this.#lines };
    const rest = full.subarray(this.#start, this.#length);
    this.#buffer = this.#spare ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
    // One that grew for a large record is not kept.
    this.#spare = full.length === BUFFER_BYTES ? full : undefined;
    this.#length = 0;
    this.#room(rest.length);
    this.#buffer.set(rest);
    this.#length = rest.length;
    this.#start = 0;
    this.#lines = [];
    return piece;
  }

  #room(length: number): void {
    if (length <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#buffer.length, length));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
