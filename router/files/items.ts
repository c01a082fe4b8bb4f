/** Lists of files and folders in bodies (files-and-scripting-api §1.5, §1.9), and what became of each. */
import { RECORDS_MAX } from '#common/bounds.ts';
import { invalid, type MillraceError } from '#common/errors.ts';
import { parseJson } from '#common/json.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import type { EntryJson } from './entry-json.ts';

export interface Item {
  readonly isFolder: boolean;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * @returns undefined: no list, or an empty one; what is neither file nor folder is left out, as the original does
 * @throws MillraceError invalid
 */
export function itemsOf({ http, body }: ApiRequest): readonly Item[] | undefined {
  if (http.upload || body.kind !== 'records') return undefined;
  const list = parseJson(body.records) as unknown[];
  if (list.length === 0) return undefined;
  if (list.length > RECORDS_MAX) throw invalid(`At most ${RECORDS_MAX} files and folders are taken at once.`);
  return list.flatMap((fields) => {
    if (!isObject(fields)) return [];
    const { type } = fields;
    return type === 'file' || type === 'folder' ? [{ isFolder: type === 'folder', fields }] : [];
  });
}

/** A text of an item; numbers are names as well. */
export function textIn({ fields }: Item, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;
}

/** @param path  as it is shown */
export function outcomeOf(name: string, path: string, { isFolder }: Item, error: MillraceError | undefined): EntryJson {
  const type = isFolder ? 'folder' : 'file';
  return { name, path, type, ...(error && { error: { message: error.message } }) };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
