/** Some of the bytes of a file that a server sends from somewhere to the end. */
import type { Client } from 'basic-ftp';
import { CUT_SHORT, unavailable } from '../failures.ts';
import type { Span } from '../remote/client.ts';
import { abandon, received, type Transfer } from './transfer.ts';

/** @param first  the byte that the server begins with */
export function spanOf(transfer: Transfer, client: Client, span: Span, first: number): AsyncIterator<Uint8Array> {
  let isOver = false;
  const pieces = piecesOf(transfer, client, span, first);
  return {
    next: async () => {
      const next = await pieces.next();
      isOver ||= next.done === true;
      return next;
    },
    // Also where it was never begun, or waits for a server that is silent.
    return: async () => {
      if (!isOver) await abandon(transfer, client);
      return pieces.return(undefined);
    },
  };
}

async function* piecesOf(
  transfer: Transfer,
  client: Client,
  { from, to }: Span,
  first: number,
): AsyncGenerator<Uint8Array, undefined> {
  let at = first;
  for await (const piece of received(transfer, client)) {
    const wanted = piece.subarray(Math.max(0, from - at), Math.max(0, to - at));
    at += piece.length;
    if (wanted.length > 0) yield wanted;
    if (at > to || (at === to && wanted.length < piece.length)) return void (await abandon(transfer, client));
  }
  if (at < to) throw unavailable(CUT_SHORT);
}
