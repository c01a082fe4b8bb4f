/** The records of a body that has no end in sight: gathered into pieces as they arrive. */
import { setTimeout as delay } from 'node:timers/promises';
import { IMPORT_PIECE_BYTES } from '#common/bounds.ts';
import type { RecordPiece } from '#common/connector.ts';
import type { Taker, Upload } from '../../http/upload.ts';
import { Gathered } from './gathered.ts';

/** Finds records in bytes, whatever the borders of the packets. */
export interface Splitter {
  /** @param chunk  may be written to. @throws MillraceError invalid where no further record can be found */
  push(chunk: Uint8Array, records: Gathered): void;
  /** What was pushed was all. @throws MillraceError invalid where it breaks off in the middle of a record */
  end(records: Gathered): void;
}

/** A few records wait for others so long, and no longer: whoever sends slowly wants them written, too. */
const PATIENCE_MS = 50;

/**
 * A piece is good until the next one is asked for.
 *
 * @throws MillraceError why no more came; invalid from the splitter, behind the records before it
 */
export async function* piecesOf(upload: Upload, splitter: Splitter): AsyncGenerator<RecordPiece> {
  const records = new Records(upload, splitter);
  upload.receive(records);
  try {
    for (;;) {
      if (records.gathered.isEmpty && !records.isOver) await records.change();
      // More of them at once cost little more.
      else if (!records.isDue) await Promise.race([records.change(), delay(PATIENCE_MS, undefined, { ref: false })]);
      if (!records.gathered.isEmpty && (records.isDue || records.isLate)) {
        yield records.gathered.take();
        upload.resume();
      } else if (records.isOver) {
        if (records.failure) throw records.failure;
        return;
      }
    }
  } finally {
    records.leave();
  }
}

class Records implements Taker {
  readonly gathered = new Gathered();
  failure: Error | undefined;
  isOver = false;
  readonly #upload: Upload;
  readonly #splitter: Splitter;
  #wake = (): void => {};
  #since = 0;

  constructor(upload: Upload, splitter: Splitter) {
    this.#upload = upload;
    this.#splitter = splitter;
  }

  /** Enough of them for a piece, or all that there will be. */
  get isDue(): boolean {
    return this.isOver || this.gathered.bytes >= IMPORT_PIECE_BYTES;
  }

  /** They have waited long enough for others. */
  get isLate(): boolean {
    return performance.now() - this.#since >= PATIENCE_MS;
  }

  /** Something came. */
  change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  push(chunk: Uint8Array): void {
    if (this.isOver) return; // read and forgotten
    const wasEmpty = this.gathered.isEmpty;
    try {
      this.#splitter.push(chunk, this.gathered);
    } catch (error) {
      this.fail(error as Error);
    }
    if (wasEmpty) this.#since = performance.now();
    if (this.isDue && !this.isOver) this.#upload.pause();
    this.#wake();
  }

  end(): void {
    if (this.isOver) return;
    try {
      this.#splitter.end(this.gathered);
      this.isOver = true;
      this.#wake();
    } catch (error) {
      this.fail(error as Error);
    }
  }

  fail(reason: Error): void {
    if (this.isOver) return;
    this.failure = reason;
    this.isOver = true;
    this.#wake();
  }

  /** Nobody wants any more. */
  leave(): void {
    this.isOver = true;
    this.#upload.resume();
  }
}
