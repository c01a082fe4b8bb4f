/** Lists that are passed on as the connector finds them: as lines of JSON, or as CSV. */
import { parseJson } from '#common/json.ts';
import type { Responder } from '../http/reply.ts';
import { headersOf, type Presentation, TYPES } from './answer.ts';
import { csvHeader, csvRows, type Row, toCsv } from './csv.ts';

/**
 * Sends lines of JSON as they come, as fast as the client takes them. What fails before the first of them is thrown;
 * what fails later cuts the connection, unless the list is held.
 *
 * @param lines  pieces that end with a line end; ended when the client goes
 */
export async function sendLines(
  reply: Responder,
  lines: AsyncGenerator<Uint8Array>,
  asked: 'ndjson' | 'csv',
  shown: Presentation,
): Promise<void> {
  const format = reply.holdsLists ? 'ndjson' : asked;
  const first = await lines.next();
  const body = reply.stream(200, headersOf(shown, ['Content-Type', TYPES[format]]));
  const convert = format === 'csv' ? csvConverter() : (piece: Uint8Array) => piece;
  try {
    if (first.done) {
      if (format === 'csv') await body.write(Buffer.from(toCsv([])));
    } else {
      await body.write(convert(first.value));
      for await (const piece of lines) await body.write(convert(piece));
    }
    body.end();
  } catch (error) {
    if (reply.holdsLists) throw error;
    // The status is out already: only a cut connection tells that this was not all.
    body.fail();
  } finally {
    await lines.return(undefined);
  }
}

/** The records of one list have the same members, so the first one names the columns. */
function csvConverter(): (piece: Uint8Array) => Uint8Array {
  let columns: string[] | undefined;
  return (piece) => {
    const text = Buffer.from(piece.buffer, piece.byteOffset, piece.length - 1).toString('utf8');
    const rows = text.split('\n').map((line) => parseJson(Buffer.from(line)) as Row);
    const header = columns ? '' : csvHeader(Object.keys(rows[0] ?? {}));
    columns ??= Object.keys(rows[0] ?? {});
    return Buffer.from(header + csvRows(rows, columns));
  };
}
