/** Which format an answer takes, and whether it is a file to keep. */
import { isTrue } from '../parse/query.ts';

export type Format = 'json' | 'csv' | 'xml' | 'text' | 'ndjson';

export interface Choice {
  /** Undefined: nothing that the client takes can be made (400; an error is sent as JSON all the same). */
  readonly format: Format | undefined;
  /** Value of Content-Disposition where the answer is asked for as a file. */
  readonly disposition: string | undefined;
}

const FORMATS: ReadonlyMap<string, Format> = new Map([
  ['application/json', 'json'],
  ['application/*', 'json'],
  ['application/xml', 'xml'],
  ['text/xml', 'xml'],
  ['text/csv', 'csv'],
  ['text/plain', 'text'],
  ['application/x-ndjson', 'ndjson'],
  ['application/ndjson', 'ndjson'],
]);

const FILE_FORMATS: ReadonlyMap<string, Format> = new Map([
  ['json', 'json'],
  ['xml', 'xml'],
  ['csv', 'csv'],
  ['ndjson', 'ndjson'],
]);

const JSON_CHOICE: Choice = { format: 'json', disposition: undefined };

/**
 * The option `file` outranks the option `accept`, which outranks the header. Quality values are ignored: the last type
 * that is known wins, and a type of any kind anywhere, or none at all, means JSON.
 *
 * @param accept       header Accept
 * @param acceptQuery  option `accept`
 * @param file         option `file`: yes, or a name whose ending chooses the format; a name without a dot says nothing
 * @param resourceName names the file where `file` does not, such as `_table/emp`
 * @see system-api.md §1.7
 */
export function pickFormat(
  accept: string | undefined,
  acceptQuery: string | undefined,
  file: string | undefined,
  resourceName: string,
): Choice {
  const wanted = acceptQuery ?? accept;
  const name = file === undefined ? undefined : fileName(file, resourceName);
  if (name === undefined) {
    if (wanted === undefined || wanted === '' || wanted === '*/*' || wanted === 'application/json') return JSON_CHOICE;
    return { format: lastKnown(wanted), disposition: undefined };
  }
  const extension = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  return {
    format: FILE_FORMATS.get(extension) ?? lastKnown(wanted ?? ''),
    disposition: dispositionOf('attachment', name),
  };
}

function lastKnown(accept: string): Format | undefined {
  if (accept.trim() === '' || accept.includes('*/*')) return 'json';
  let format: Format | undefined;
  for (const item of accept.split(',')) {
    const type = item.split(';', 1)[0]!.trim().toLowerCase();
    format = FORMATS.get(type) ?? format;
  }
  return format;
}

function fileName(file: string, resourceName: string): string | undefined {
  if (isTrue(file)) return `${resourceName}.json`;
  return file.includes('.') ? file : undefined;
}

/** A header holds visible ASCII only, so that a name can neither end it nor close its quotes; RFC 8187 has the rest. */
export function dispositionOf(kind: 'attachment' | 'inline', name: string): string {
  const visible = name.replace(/[^\x20-\x7e]|["\\]/g, '_');
  const disposition = `${kind}; filename="${visible}";`;
  return visible === name ? disposition : `${disposition} filename*=UTF-8''${percentEncoded(name)}`;
}

/** RFC 8187 leaves fewer characters bare than encodeURIComponent does. */
const percentEncoded = (text: string): string =>
  encodeURIComponent(text).replace(/['()*]/g, (bare) => `%${bare.charCodeAt(0).toString(16).toUpperCase()}`);
