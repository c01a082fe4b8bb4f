/** The two texts by which Azure Tables finds an entity. */
import { invalid, type MillraceError } from '#common/errors.ts';
import { JsonNumber } from '#common/json.ts';
import type { Document, Wire } from '../document.ts';
import type { DocumentKey, KeyField } from '../engine.ts';

export const PARTITION_KEY = 'PartitionKey';
export const ROW_KEY = 'RowKey';
export const KEY_NAMES: readonly string[] = [PARTITION_KEY, ROW_KEY];

export const KEY: readonly KeyField[] = KEY_NAMES.map((name) => ({ name, type: 'string', generated: false }));

/** Units of UTF-16: a kibibyte. */
const KEY_LENGTH_MAX = 512;
const FORBIDDEN = /[/\\#?\u0000-\u001f\u007f-\u009f]/;

/** @throws MillraceError invalid that names the field */
export function checkedKey(name: string, value: Wire | undefined): string {
  const refuse = (what: string): MillraceError => invalid(`The key field '${name}' ${what}.`, { field: name });
  if (value === undefined || value === null) throw refuse('is missing');
  const isNumber = typeof value === 'number' || value instanceof JsonNumber;
  if (typeof value !== 'string' && !isNumber) throw refuse('must be a text');
  const text = String(value);
  if (text.length > KEY_LENGTH_MAX) throw refuse(`is longer than ${KEY_LENGTH_MAX} characters`);
  if (FORBIDDEN.test(text))
    throw refuse('has a slash, a backslash, #, ? or a control character, which no key may have');
  return text;
}

/** @throws MillraceError invalid that names the field */
export const keyPair = (key: DocumentKey): readonly [string, string] => [
  checkedKey(PARTITION_KEY, key[0]),
  checkedKey(ROW_KEY, key[1]),
];

/** @throws MillraceError invalid that names the field */
export const keyIn = (document: Document): readonly [string, string] => [
  checkedKey(PARTITION_KEY, own(document, PARTITION_KEY)),
  checkedKey(ROW_KEY, own(document, ROW_KEY)),
];

const own = (document: Document, name: string): Wire | undefined =>
  Object.hasOwn(document, name) ? document[name] : undefined;

export function keyDocument([partition, row]: readonly [string, string]): Document {
  const document: Record<string, Wire> = Object.create(null);
  document[PARTITION_KEY] = partition;
  document[ROW_KEY] = row;
  return document;
}
