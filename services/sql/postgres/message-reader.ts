/** Cuts what the socket brings into backend messages of the PostgreSQL protocol, whatever the packets' borders. */

/** @param type first byte of the message; its body lies in `buffer` from `start` to `end` */
export type MessageHandler = (type: number, buffer: Buffer, start: number, end: number) => void;

/** Type and length. */
const HEAD_BYTES = 5;

export class MessageReader {
  readonly #handle: MessageHandler;
  /** The beginning of a message, joined once the rest is there: a big one is not copied for each packet. */
  #parts: Buffer[] = [];
  #bytes = 0;
  #needed = HEAD_BYTES;

  constructor(handle: MessageHandler) {
    this.#handle = handle;
  }

  push(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes < this.#needed) {
      this.#parts.push(chunk);
      return;
    }
    const buffer = this.#parts.length > 0 ? Buffer.concat([...this.#parts, chunk]) : chunk;
    let at = 0;
    let needed = HEAD_BYTES;
    while (at + HEAD_BYTES <= buffer.length) {
      const end = at + 1 + buffer.readUInt32BE(at + 1);
      if (end > buffer.length) {
        needed = end - at;
        break;
      }
      this.#handle(buffer[at] as number, buffer, at + HEAD_BYTES, end);
      at = end;
    }
    this.#needed = needed;
    this.#bytes = buffer.length - at;
    this.#parts = this.#bytes > 0 ? [buffer.subarray(at)] : [];
  }
}

/** Fields of ErrorResponse and NoticeResponse by their one-letter names: C is the SQLSTATE, M the message. */
export function readErrorFields(buffer: Buffer, start: number, end: number): Record<string, string> {
  const fields: Record<string, string> = {};
  let at = start;
  while (at < end && buffer[at] !== 0) {
    const name = String.fromCharCode(buffer[at] as number);
    const stop = buffer.indexOf(0, at + 1);
    fields[name] = buffer.toString('utf8', at + 1, stop);
    at = stop + 1;
  }
  return fields;
}

/** Rows that a CommandComplete tag speaks of: "INSERT 0 5", "UPDATE 3", "SELECT 7". */
export function affectedRows(buffer: Buffer, start: number, end: number): number {
  let value = 0;
  let unit = 1;
  for (let at = end - 2; at >= start; at--) {
    const digit = (buffer[at] as number) - 0x30;
    if (digit < 0 || digit > 9) break;
    value += digit * unit;
    unit *= 10;
  }
  return value;
}
