/** JSON put together from pieces that are never parsed. */

/** Pieces of JSON as one JSON array. */
export function arrayOfPieces(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = Buffer.allocUnsafe(pieces.reduce((sum, piece) => sum + piece.length + 1, pieces.length > 0 ? 1 : 2));
  let at = 0;
  whole[at++] = 0x5b;
  for (const piece of pieces) {
    if (at > 1) whole[at++] = 0x2c;
    whole.set(piece, at);
    at += piece.length;
  }
  whole[at] = 0x5d;
  return whole;
}

/** A JSON object with members added at its end. */
export function withMembers(object: Uint8Array, members: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const parts: Uint8Array[] = [object.subarray(0, object.length - 1)];
  let separator = object.length > 2 ? ',' : '';
  for (const [name, json] of members) {
    parts.push(Buffer.from(`${separator}${JSON.stringify(name)}:`), json);
    separator = ',';
  }
  parts.push(Buffer.from('}'));
  return Buffer.concat(parts);
}
