/** Records of an import under the role's conditions: each is looked at on its way, as those of other calls are. */
import type { RecordPiece } from '#common/connector.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { parseJson } from '#common/json.ts';

const LINE_END = 0x0a;

/**
 * Passes on what is admitted. The import ends at the first record that is not, or that cannot be read here: a connector
 * may join lines that are no records by themselves to some that nobody has looked at.
 *
 * @throws MillraceError denied or invalid, with the line, behind the records before it
 */
export async function* admittedPieces(
  pieces: AsyncIterable<RecordPiece>,
  admits: (record: unknown) => boolean,
): AsyncGenerator<RecordPiece> {
  for await (const { records, lines } of pieces) {
    let start = 0;
    for (const [i, line] of lines.entries()) {
      const end = records.indexOf(LINE_END, start);
      const fault = faultOf(records.subarray(start, end), line, admits);
      if (fault) {
        if (i > 0) yield { records: records.subarray(0, start), lines: lines.slice(0, i) };
        throw fault;
      }
      start = end + 1;
    }
    yield { records, lines };
  }
}

function faultOf(json: Uint8Array, line: number, admits: (record: unknown) => boolean): MillraceError | undefined {
  let record: unknown;
  try {
    record = parseJson(json);
  } catch {
    return invalid(`Line ${line}: this is no JSON.`, { line });
  }
  if (admits(record)) return undefined;
  return new MillraceError('denied', `Line ${line}: Denied access to some of the requested fields.`, { line });
}
