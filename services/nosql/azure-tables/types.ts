/**
 * Values of Azure Tables (EDM) and on the wire: `{"$date": …}`, `{"$uuid": …}`, `{"$binary": base64}`. Numbers are
 * numbers: a whole one is an Int32 or an Int64 by its size, one with a fraction a Double. Where a stored number is of
 * another type than its size says, its spelling keeps it: `5.0` is a Double, and a JsonNumber of a small number an Int64.
 * Clients may say which they mean: `{"$int64": "5"}`, `{"$double": 5}`.
 */
import { invalid, type MillraceError } from '#common/errors.ts';
import { JsonNumber, stringifyJson } from '#common/json.ts';
import type { Document, Wire } from '../document.ts';

/** As the client takes them. */
export interface EdmValue {
  readonly type: 'Int32' | 'Int64' | 'Double' | 'DateTime' | 'Guid' | 'Binary';
  readonly value: string;
}
export type Property = string | boolean | EdmValue;
export type Entity = Record<string, Property>;

export const PARTITION_KEY = 'PartitionKey';
export const ROW_KEY = 'RowKey';
const TIMESTAMP = 'Timestamp';
const ETAG = 'odata.etag';
const TYPE_SUFFIX = '@odata.type';
const NAME_LENGTH_MAX = 255;
const NAME = /^[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Nd}\p{Mn}\p{Mc}\p{Pc}\p{Cf}]*$/u;
/** What the client takes for something else than a name. */
const UNSPEAKABLE: ReadonlySet<string> = new Set(['partitionKey', 'rowKey', 'etag', 'timestamp', '__proto__']);
const INT32_MAX = 2 ** 31;
const INT64_MAX = 2n ** 63n;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
export const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const DATE = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?(Z|[+-]\d\d:?\d\d)?)?$/;
const NO_NUMBERS = ['NaN', 'Infinity', '-Infinity'];

export const isName = (name: string): boolean =>
  name.length <= NAME_LENGTH_MAX && NAME.test(name) && !UNSPEAKABLE.has(name);

/** Members but the key, which has rules of its own. Those that are null are left out. @throws MillraceError invalid */
export function entityOf(document: Document): Entity {
  const entity: Entity = {};
  for (const [name, value] of Object.entries(document)) {
    if (name === PARTITION_KEY || name === ROW_KEY || name === TIMESTAMP) continue;
    if (!isName(name)) throw invalid(`The database takes no field of the name '${name}'.`, { field: name });
    if (value !== null && value !== undefined) entity[name] = propertyOf(value, name);
  }
  return entity;
}

/** @throws MillraceError invalid that names the field */
export function propertyOf(value: Wire, name: string): Property {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return numberOf(String(value), false, name);
  if (value instanceof JsonNumber) return numberOf(value.text, true, name);
  const [tag, ...others] = Object.keys(value ?? {});
  const inner = (value as Document)[tag ?? ''] ?? null;
  if (Array.isArray(value) || others.length > 0) throw refused(name, 'it takes no lists and no objects');
  switch (tag) {
    case '$date':
      return { type: 'DateTime', value: exactDate(inner) ?? refuse(name, "'$date' takes a date from 1601 on") };
    case '$uuid':
      return { type: 'Guid', value: matching(inner, GUID)?.toLowerCase() ?? refuse(name, "'$uuid' takes a UUID") };
    case '$binary':
      return { type: 'Binary', value: matching(inner, BASE64) ?? refuse(name, "'$binary' takes Base64") };
    case '$int64':
      return { type: 'Int64', value: int64Of(String(inner)) ?? refuse(name, "'$int64' takes a whole number") };
    case '$double':
      return { type: 'Double', value: doubleOf(String(inner)) ?? refuse(name, "'$double' takes a number") };
    default:
      throw refused(name, 'it takes no lists and no objects');
  }
}

/** @param isSpelled  its spelling says more than its size */
function numberOf(text: string, isSpelled: boolean, name: string): EdmValue {
  const isWhole = /^-?\d+$/.test(text);
  const int64 = isWhole ? int64Of(text) : undefined;
  if (int64 !== undefined) return { type: isSpelled || !isInt32(Number(text)) ? 'Int64' : 'Int32', value: int64 };
  return { type: 'Double', value: doubleOf(text) ?? refuse(name, 'its numbers are of 64 bits') };
}

const isInt32 = (value: number): boolean => value >= -INT32_MAX && value < INT32_MAX;

function int64Of(text: string): string | undefined {
  if (!/^-?\d{1,19}$/.test(text)) return undefined;
  const value = BigInt(text);
  return value >= -INT64_MAX && value < INT64_MAX ? String(value) : undefined;
}

/** undefined: a double is another number. */
function doubleOf(text: string): string | undefined {
  if (NO_NUMBERS.includes(text)) return text;
  const value = Number(text);
  if (!/^-?\d/.test(text) || !Number.isFinite(value)) return undefined;
  return digitsOf(text) === digitsOf(String(value)) ? doubleText(value) : undefined;
}

const doubleText = (value: number): string => {
  const text = Object.is(value, -0) ? '-0' : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
};

/** Significant digits: what rounding would change. */
const digitsOf = (text: string): string =>
  (text.toLowerCase().split('e')[0] ?? '').replace(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '');

const matching = (value: Wire, pattern: RegExp): string | undefined =>
  typeof value === 'string' && pattern.test(value) ? value : undefined;

/** In UTC with all seven digits, so that texts are in the order of time; undefined: it is no date that Azure holds. */
export function exactDate(value: Wire): string | undefined {
  const [, day, minutes = '00:00', seconds = '00', fraction = '', zone = 'Z'] =
    DATE.exec(typeof value === 'string' ? value : '') ?? [];
  if (day === undefined) return undefined;
  const time = new Date(`${day}T${minutes}:${seconds}${zone}`);
  // The 30th of February would become the 1st of March.
  const isDay = new Date(day).getUTCDate() === Number(day.slice(-2));
  if (!isDay || Number.isNaN(time.getTime()) || time.getUTCFullYear() < 1601) return undefined;
  return `${time.toISOString().slice(0, 19)}.${fraction.padEnd(7, '0')}Z`;
}

/** What a client may mean by a text of a condition. */
export function sensesOf(text: string): Wire[] {
  const date = exactDate(text);
  if (date !== undefined) return [{ $date: date }];
  return GUID.test(text) ? [{ $uuid: text.toLowerCase() }] : [];
}

/** An entity as it came: the members, and its ETag. */
export interface ReadEntity {
  readonly members: Document;
  readonly etag: string | undefined;
}

/** @param text  an answer about one entity */
export function readEntity(text: string): ReadEntity {
  return membersOf(parseExactly(text) as Record<string, unknown>);
}

/** @param text  an answer with a list */
export function readEntities(text: string): ReadEntity[] {
  const { value = [] } = parseExactly(text) as { readonly value?: readonly Record<string, unknown>[] };
  return value.map(membersOf);
}

/** `5.0` and `1e20` are Doubles, which JSON.parse does not tell from Int32. */
function parseExactly(text: string): unknown {
  const exact = text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    token.startsWith('"') || /^-?\d+$/.test(token) ? token : `{"$double":"${token}"}`,
  );
  return JSON.parse(exact);
}

function membersOf(raw: Record<string, unknown>): ReadEntity {
  const members: Record<string, Wire> = Object.create(null);
  for (const [name, value] of Object.entries(raw)) {
    if (name.startsWith('odata.') || name.endsWith(TYPE_SUFFIX) || value === null) continue;
    members[name] = wireOf(value, name === TIMESTAMP ? 'Edm.DateTime' : raw[`${name}${TYPE_SUFFIX}`]);
  }
  const etag = raw[ETAG];
  return { members, etag: typeof etag === 'string' ? etag : undefined };
}

function wireOf(value: unknown, type: unknown): Wire {
  const text = typeof value === 'object' ? String((value as { $double: unknown }).$double) : String(value);
  if (typeof value === 'object' || type === 'Edm.Double') return doubleWire(text);
  switch (type) {
    case 'Edm.Int64':
      return Number.isSafeInteger(Number(text)) && !isInt32(Number(text)) ? Number(text) : new JsonNumber(text);
    case 'Edm.DateTime':
      return { $date: exactDate(text) ?? text };
    case 'Edm.Guid':
      return { $uuid: text };
    case 'Edm.Binary':
      return { $binary: text };
    default:
      return value as Wire;
  }
}

function doubleWire(text: string): Wire {
  if (NO_NUMBERS.includes(text)) return { $double: text };
  const value = Number(text);
  return Number.isInteger(value) ? new JsonNumber(doubleText(value)) : value;
}

/** @param fields  undefined: all */
export function jsonOf(members: Document, fields?: readonly string[]): string {
  if (!fields) return stringifyJson(members);
  return stringifyJson(
    Object.fromEntries(fields.filter((name) => name in members).map((name) => [name, members[name]])),
  );
}

const refused = (field: string, reason: string): MillraceError =>
  invalid(`The database cannot store field '${field}': ${reason}.`, { field });

function refuse(field: string, reason: string): never {
  throw refused(field, reason);
}
