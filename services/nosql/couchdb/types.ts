/** Documents as CouchDB has them: JSON, with names that are its own. */
import { type ErrorContext, invalid, type MillraceError } from '#common/errors.ts';
import { JsonNumber, parseJson, stringifyJson } from '#common/json.ts';
import type { Document, Wire } from '../document.ts';
import { membersOf } from './split.ts';

/** Of the names that begin with _, which are all CouchDB's, those that a client may send. Others are orders to it. */
const OWN_NAMES: ReadonlySet<string> = new Set(['_id', '_rev', '_attachments']);

/** PouchDB takes capital letters, and so do we for what is there; `requireNewName` is stricter. */
export const isTableName = (name: string): boolean => /^[A-Za-z][\w$()+/-]*$/.test(name);

/** @throws invalid for what CouchDB would refuse */
export function requireNewName(name: string): void {
  if (/^[a-z][a-z0-9_$()+/-]*$/.test(name)) return;
  throw invalid(
    `'${name}' is no name for a CouchDB database: it begins with a small letter, behind which small letters, digits and _$()+-/ may stand.`,
    { field: 'name' },
  );
}

/**
 * Ids that begin with _ are designs and settings, which can hold programs: no records.
 * @throws invalid for what no document can have
 */
export function requireId(id: Wire | undefined): string {
  if (typeof id !== 'string' || id === '') throw invalid("Field '_id' must be a text that is not empty.", ID);
  if (id.startsWith('_')) throw invalid("Field '_id' may not begin with _: such names are CouchDB's own.", ID);
  return id;
}

const ID: ErrorContext = { field: '_id' };

/** @throws invalid for a member that would be an order to CouchDB, or that it cannot keep */
export function requireMembers(members: Document): void {
  for (const [name, value] of Object.entries(members)) {
    if (name.startsWith('_') && !OWN_NAMES.has(name)) throw reserved(name);
    requireKept(name, value);
  }
  const rev = members['_rev'];
  if (rev !== undefined && typeof rev !== 'string') throw invalid("Field '_rev' must be a text.", { field: '_rev' });
}

const reserved = (name: string): MillraceError =>
  invalid(`Field '${name}' cannot be written: names that begin with _ are CouchDB's own.`, { field: name });

/** Whole numbers of any length are kept, fractions as doubles: what is behind those would spoil the whole request. */
function requireKept(field: string, value: Wire): void {
  if (value instanceof JsonNumber) {
    if (!Number.isFinite(Number(value.text)) && !/^-?\d+$/.test(value.text)) {
      throw invalid(`Field '${field}' has a number that is out of range.`, { field });
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) requireKept(field, member as Wire);
  }
}

/** What `parseJson` gives, with objects that have no prototype. */
export function wireOf(parsed: unknown): Wire {
  if (Array.isArray(parsed)) return parsed.map(wireOf);
  if (typeof parsed !== 'object' || parsed === null || parsed instanceof JsonNumber) return parsed as Wire;
  return withoutPrototype(Object.entries(parsed).map(([name, value]) => [name, wireOf(value)]));
}

export function withoutPrototype(members: Iterable<readonly [string, Wire]>): Document {
  const document: Record<string, Wire> = Object.create(null);
  for (const [name, value] of members) document[name] = value;
  return document;
}

export const documentOf = (json: Uint8Array): Document => wireOf(parseJson(json)) as Document;

/** The text of a document on its way to CouchDB, in front of its members what only we may say. */
export function bodyOf(own: Readonly<Record<string, Wire>>, members: Document): string {
  const all = [...Object.entries(own), ...Object.entries(members).filter(([name]) => !Object.hasOwn(own, name))];
  return `{${all.map(([name, value]) => `${JSON.stringify(name)}:${stringifyJson(value)}`).join(',')}}`;
}

/** One member that is a text, without reading the others. */
export function textMember(json: Uint8Array, name: string): string | undefined {
  for (const member of membersOf(json)) {
    if (member.name !== name) continue;
    const value = parseJson(member.value);
    return typeof value === 'string' ? value : undefined;
  }
  return undefined;
}
