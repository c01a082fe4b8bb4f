/** Which bodies are read as they arrive: those of an import. */

import type { RecordPiece } from '#common/connector.ts';
import { invalid } from '#common/errors.ts';
import type { Request } from '../../http/request.ts';
import type { Upload } from '../../http/upload.ts';
import { prefers } from '../prefer.ts';
import { CsvSplitter } from './csv-records.ts';
import { JsonSplitter } from './json-records.ts';
import { LineSplitter } from './lines.ts';
import { piecesOf, type Splitter } from './pieces.ts';

type Format = 'lines' | 'json' | 'csv';

const TABLE = /^\/api\/(?:v[0-9.]+\/)?[^/]+\/_table\/[^/]+\/?$/i;
const MINIMAL = 'return=minimal';

/**
 * New records of one table: lines of JSON always; a list in JSON or CSV where the client wants no records back
 * (`Prefer: return=minimal`, RFC 7240 §4.2), or where it is larger than what is held in memory.
 */
export function isImport(request: Request, contentLength: number | undefined, bodyBytesMax: number): boolean {
  if (request.method !== 'POST') return false;
  const format = formatOf(request.header('content-type'));
  if (!format || !TABLE.test(request.path)) return false;
  return format === 'lines' || (contentLength ?? 0) > bodyBytesMax || prefers(request, MINIMAL);
}

/** @throws MillraceError while it is read: invalid for what is no list of records, cancelled when the client goes */
export function recordPieces(request: Request, upload: Upload): AsyncGenerator<RecordPiece> {
  const format = formatOf(request.header('content-type'));
  if (!format) throw invalid('An import is JSON, lines of JSON, or CSV.', { field: 'Content-Type' });
  return piecesOf(upload, SPLITTERS[format]());
}

const SPLITTERS: Readonly<Record<Format, () => Splitter>> = {
  lines: () => new LineSplitter(),
  json: () => new JsonSplitter(),
  csv: () => new CsvSplitter(),
};

function formatOf(contentType: string | undefined): Format | undefined {
  if (contentType === 'application/json') return 'json';
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (/[/-]ndjson$|[/-]jsonl$|[/-]json-lines$/.test(type)) return 'lines';
  if (/[/+]json$/.test(type)) return 'json';
  return type === 'text/csv' ? 'csv' : undefined;
}
