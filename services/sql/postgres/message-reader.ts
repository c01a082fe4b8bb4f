/** Cuts what the socket brings into backend messages of the PostgreSQL protocol, whatever the packets' borders. */

/** @param type first byte of the message; its body lies in `buffer` from `start` to `end` */
export type MessageHandler = (type: number, buffer: Buffer, start: number, end: number) => void;

export class MessageReader {
  readonly #handle: MessageHandler;
  #rest: Buffer | undefined;

  constructor(handle: MessageHandler) {
    this.#handle = handle;
  }

  push(chunk: Buffer): void {
    const buffer = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    while (at + 5 <= buffer.length) {
      const end = at + 1 + buffer.readUInt32BE(at + 1);
      if (end > buffer.length) break;
      this.#handle(buffer[at] as number, buffer, at + 5, end);
      at = end;
    }
    this.#rest = at < buffer.length ? buffer.subarray(at) : undefined;
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
