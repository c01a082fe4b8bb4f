/** Brings a body to a store: at once where it is small, else in parts, of which few are in memory. */
import { MIB, OBJECT_PART_BYTES, OBJECT_PART_BYTES_MAX, OBJECT_PARTS_AT_ONCE } from '#common/bounds.ts';
import { invalid } from '#common/errors.ts';
import { AtOnce } from '../operations/at-once.ts';
import type { ObjectClient, PartUpload, PutOptions, Written } from './client.ts';

/** Where no size was said the first piece decides, and the buffer doubles from here. */
const BUFFER_BYTES_MIN = 64 * 1024;

export interface UploadOptions extends PutOptions {
  readonly size: number | undefined;
}

export interface Uploaded extends Written {
  readonly size: number;
}

/**
 * Nothing is there before all of it is; what was sent is given up where anything fails.
 *
 * @param cleanUp  gets the giving up, which nobody waits for
 */
export async function upload(
  client: ObjectClient,
  key: string,
  body: AsyncIterable<Uint8Array>,
  options: UploadOptions,
  signal: AbortSignal,
  cleanUp: (work: (signal: AbortSignal) => Promise<void>) => void,
): Promise<Uploaded> {
  const partBytes = partBytesFor(options.size, client.partsMax);
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const sending = new AtOnce(OBJECT_PARTS_AT_ONCE);
  const spare: Buffer[] = [];
  let parts: PartUpload | undefined;
  let part = new Part(partBytes, Buffer.allocUnsafeSlow(Math.min(options.size ?? BUFFER_BYTES_MIN, partBytes)));
  let [count, size] = [0, 0];

  const sendPart = async (): Promise<void> => {
    if (count === client.partsMax) throw tooLarge();
    parts ??= await client.beginParts(key, options, either);
    const open = parts;
    const [number, full] = [++count, part];
    await sending.add(async () => {
      await open.send(number, full.bytes, either);
      spare.push(full.buffer);
    });
  };

  try {
    for await (const piece of body) {
      size += piece.length;
      for (let at = 0; at < piece.length; ) {
        if (part.isFull) {
          await sendPart();
          part = new Part(partBytes, spare.pop() ?? Buffer.allocUnsafeSlow(partBytes));
        }
        at += part.add(piece, at);
      }
    }
    if (!parts) return { size, ...(await client.put(key, part.bytes, options, either)) };
    await sendPart();
    await sending.all();
    return { size, ...(await parts.complete(either)) };
  } catch (error) {
    failed.abort();
    cleanUp(async (signal) => {
      await sending.settled();
      await parts?.abort(signal);
    });
    throw error;
  }
}

/** All of one size, as some stores want it. @throws MillraceError invalid */
function partBytesFor(size: number | undefined, partsMax: number): number {
  const needed = Math.ceil((size ?? 0) / partsMax / MIB) * MIB;
  if (needed > OBJECT_PART_BYTES_MAX) throw tooLarge();
  return Math.max(needed, OBJECT_PART_BYTES);
}

const tooLarge = () => invalid('The file is too large for one upload to this storage, or its size was not said.');

class Part {
  readonly #max: number;
  #buffer: Buffer;
  #length = 0;

  constructor(max: number, buffer: Buffer) {
    this.#max = max;
    this.#buffer = buffer;
  }

  get isFull(): boolean {
    return this.#length === this.#max;
  }

  get buffer(): Buffer {
    return this.#buffer;
  }

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Copies what has room: senders may use their memory again. Returns how many bytes that were. */
  add(piece: Uint8Array, from: number): number {
    const count = Math.min(piece.length - from, this.#max - this.#length);
    const needed = this.#length + count;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.#max, Math.max(needed, this.#buffer.length * 2)));
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    this.#buffer.set(piece.subarray(from, from + count), this.#length);
    this.#length += count;
    return count;
  }
}
