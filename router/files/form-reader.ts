/** Files of a form (multipart/form-data, RFC 7578) as they arrive, one after the other: none is ever here as a whole. */
import { FILE_FORM_HEAD_BYTES_MAX, FILE_FORM_PARTS_MAX } from '#common/bounds.ts';
import { invalid, type MillraceError } from '#common/errors.ts';
import { asBuffer } from '#common/json.ts';
import { boundaryOf, type PartHead, partHeadOf } from '../parse/multipart.ts';

export interface StreamedPart extends PartHead {
  /** What of it was not taken when the next part is asked for is passed over. */
  readonly body: AsyncIterable<Uint8Array>;
}

const LINE_END = Buffer.from('\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');
const LAST = '--';

export class FormReader {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #delimiter: Buffer;
  /** What came and was not given out. The first boundary stands at the very beginning, the others behind a line end. */
  #buffer: Buffer = LINE_END;
  #place: 'content' | 'boundary' | 'end' = 'content';
  #parts = 0;

  /** @throws MillraceError invalid for a content type without a boundary */
  constructor(contentType: string, body: AsyncIterable<Uint8Array>) {
    this.#source = body[Symbol.asyncIterator]();
    this.#delimiter = Buffer.from(`\r\n--${boundaryOf(contentType)}`);
  }

  /** @returns undefined: that was the last. @throws MillraceError invalid; why no more came */
  async next(): Promise<StreamedPart | undefined> {
    for await (const _ of this.#content());
    if (this.#place === 'end') return undefined;
    const line = await this.#until(LINE_END, LAST);
    if (line === undefined) {
      this.#place = 'end';
      return undefined;
    }
    if (++this.#parts > FILE_FORM_PARTS_MAX) throw malformed(`it has more than ${FILE_FORM_PARTS_MAX} parts`);
    // A part may have no headers at all: then the line end of the boundary is half of their end.
    this.#buffer = Buffer.concat([LINE_END, this.#buffer]);
    const head = (await this.#until(HEAD_END)) as Buffer;
    this.#place = 'content';
    return { ...partHeadOf(head), body: this.#content() };
  }

  /** Nobody wants any more. */
  async leave(): Promise<void> {
    await this.#source.return?.();
  }

  /** Up to the next boundary. */
  async *#content(): AsyncGenerator<Uint8Array> {
    while (this.#place === 'content') {
      const at = this.#buffer.indexOf(this.#delimiter);
      // The end of what came may be the beginning of a boundary.
      const end = at >= 0 ? at : Math.max(0, this.#buffer.length - this.#delimiter.length + 1);
      const piece = this.#buffer.subarray(0, end);
      this.#buffer = this.#buffer.subarray(at >= 0 ? at + this.#delimiter.length : end);
      if (at >= 0) this.#place = 'boundary';
      if (piece.length > 0) yield piece;
      if (at < 0) await this.#more();
    }
  }

  /** Takes all up to a mark, and the mark. @returns undefined: it begins with this word instead, which ends the form */
  async #until(mark: Buffer, word?: string): Promise<Buffer | undefined> {
    for (;;) {
      if (word !== undefined && this.#buffer.toString('latin1', 0, word.length) === word) return undefined;
      const at = this.#buffer.indexOf(mark);
      if (at >= 0) {
        const text = this.#buffer.subarray(0, at);
        this.#buffer = this.#buffer.subarray(at + mark.length);
        return text;
      }
      if (this.#buffer.length > FILE_FORM_HEAD_BYTES_MAX) throw malformed('the headers of a part have no end');
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    const next = await this.#source.next();
    if (next.done) throw malformed('its last boundary is missing');
    this.#buffer = this.#buffer.length === 0 ? asBuffer(next.value) : Buffer.concat([this.#buffer, next.value]);
  }
}

const malformed = (why: string): MillraceError => invalid(`The multipart body cannot be read: ${why}.`);
