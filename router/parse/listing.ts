/** Listings of named things (database-api §1.2): which properties of each entry are shown, and how. */
import { parseJson, stringifyJson } from '#common/json.ts';
import { namesOf } from './options.ts';
import type { Query } from './query.ts';

export interface Listing {
  /** Empty: the identifier only; undefined: everything. */
  readonly fields: readonly string[] | undefined;
  readonly asList: boolean;
  readonly idFields: readonly string[];
  readonly withAccess: boolean;
}

/** @param identifier  what an entry is known by, where the request names nothing else */
export function listingOf(query: Query, identifier = 'name'): Listing {
  const fields = query.get('fields');
  const idFields = namesOf(query.get('id_field'));
  return {
    fields: fields === '*' ? undefined : namesOf(fields),
    asList: query.flag('as_list'),
    idFields: idFields.length > 0 ? idFields : [identifier],
    withAccess: query.flag('include_access'),
  };
}

export type Entry = Readonly<Record<string, unknown>>;

/** Entries as the listing shows them. */
export function reduceEntries(entries: readonly Entry[], listing: Listing): unknown[] {
  if (listing.asList) return pluck(entries, listing.idFields);
  const { fields } = listing;
  if (fields === undefined) return [...entries];
  const wanted = fields.length > 0 ? fields : listing.idFields;
  return entries.map((entry) =>
    Object.fromEntries(wanted.filter((name) => name in entry).map((name) => [name, entry[name]])),
  );
}

/** The identifiers alone; several fields become text such as `(1,abc)`. */
export function pluck(entries: readonly Entry[], idFields: readonly string[]): unknown[] {
  const [only] = idFields;
  if (idFields.length === 1 && only !== undefined) return entries.map((entry) => entry[only] ?? null);
  return entries.map((entry) => `(${idFields.map((name) => String(entry[name] ?? '')).join(',')})`);
}

/** A JSON list of records as the list of their identifiers. */
export function pluckJson(json: Uint8Array, idFields: readonly string[]): Uint8Array {
  const records = parseJson(json);
  return Array.isArray(records) ? Buffer.from(stringifyJson(pluck(records as Entry[], idFields))) : json;
}

/** A JSON list of descriptions with the properties that were asked for. */
export function reduceJson(json: Uint8Array, listing: Listing): Uint8Array {
  const entries = parseJson(json);
  return Array.isArray(entries) ? Buffer.from(stringifyJson(reduceEntries(entries as Entry[], listing))) : json;
}

/** Descriptions of tables with the verbs that the caller may use on each, as a mask (database-api §6.2). */
export function withAccess(json: Uint8Array, maskOf: (table: string) => number): Uint8Array {
  const described = parseJson(json);
  const one = (table: Entry): Entry => ({ ...table, access: maskOf(String(table['name'] ?? '')) });
  const shown = Array.isArray(described) ? (described as Entry[]).map(one) : one(described as Entry);
  return Buffer.from(stringifyJson(shown));
}
