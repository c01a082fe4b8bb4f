/** The bytes of an opened file, piece by piece. */
import type { FileHandle } from 'node:fs/promises';
import { FILE_LINE_PIECE_BYTES, FILE_PIECE_BYTES } from '#common/bounds.ts';
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { inTime } from '#common/in-time.ts';
import { translate } from './errors.ts';

/** No generator: one that was never begun would not close the file. */
export class FileBody implements AsyncIterableIterator<Uint8Array> {
  readonly #handle: FileHandle;
  readonly #deadline: Deadline;
  readonly #end: number;
  readonly #forget: () => void;
  #shared: readonly Buffer[] | undefined;
  #turn = 0;
  #at: number;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(handle: FileHandle, range: { readonly from: number; readonly to: number }, deadline: Deadline) {
    this.#handle = handle;
    this.#at = range.from;
    this.#end = range.to;
    this.#deadline = deadline;
    this.#forget = deadline.onAbort(() => void this.#close());
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** As OpenedFile has it. */
  share(): void {
    this.#shared = [Buffer.allocUnsafeSlow(FILE_LINE_PIECE_BYTES), Buffer.allocUnsafeSlow(FILE_LINE_PIECE_BYTES)];
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    try {
      this.#deadline.throwIfAborted();
      const shared = this.#shared?.[this.#turn++ % 2];
      const length = Math.min(shared?.length ?? FILE_PIECE_BYTES, this.#end - this.#at);
      if (length <= 0) return await this.return();
      const piece = shared ?? Buffer.allocUnsafeSlow(length);
      const reading = this.#handle.read(piece, 0, length, this.#at);
      this.#reading = reading;
      const { bytesRead } = await inTime(reading, this.#deadline);
      if (bytesRead === 0) throw new MillraceError('unavailable', 'The file was cut short while it was read.');
      this.#at += bytesRead;
      return { done: false, value: bytesRead === piece.length ? piece : piece.subarray(0, bytesRead) };
    } catch (error) {
      await this.return();
      throw this.#deadline.reason ?? translate(error);
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#forget();
    this.#at = this.#end;
    void this.#close();
    return { done: true, value: undefined };
  }

  /** A read that hangs shall not be waited for. */
  #close(): Promise<void> {
    return this.#reading.catch(() => {}).then(() => this.#handle.close().catch(() => {}));
  }
}
