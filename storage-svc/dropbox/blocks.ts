/** Pieces of any length as blocks of one length, of which the last one may be shorter. */

export interface Block {
  readonly block: Uint8Array;
  readonly isLast: boolean;
}

/** Of nothing there is one block, empty and the last. Holds one block. */
export async function* inBlocks(body: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Block> {
  let pieces: Uint8Array[] = [];
  let filled = 0;
  for await (const piece of body) {
    let rest = piece;
    // A full block waits for something behind it: it may be the last.
    while (filled + rest.length > length) {
      const taken = rest.subarray(0, length - filled);
      rest = rest.subarray(taken.length);
      yield { block: Buffer.concat([...pieces, taken]), isLast: false };
      pieces = [];
      filled = 0;
    }
    if (rest.length > 0) pieces.push(rest);
    filled += rest.length;
  }
  yield { block: Buffer.concat(pieces), isLast: true };
}
