/**
 * Values of Azure Tables and on the wire, by the types of its entity data model. Numbers are numbers, whichever of
 * Int32, Int64 and Double holds them; what JSON has no word for is `{"$date": …}`, `{"$uuid": …}`, `{"$binary": …}` and,
 * where a double is no number, `{"$double": "NaN"}`. A type can be asked for by `$int32`, `$int64` and `$double`.
 */
import { invalid, type MillraceError } from '#common/errors.ts';
import { JsonNumber } from '#common/json.ts';
import type { Document, Wire } from '../document.ts';
import { canonicalDate } from './dates.ts';

/** An entity as it is read: properties, and beside some of them `name@odata.type`. */
export type Raw = Readonly<Record<string, unknown>>;

/** A property as the client writes it. */
export interface Typed {
  readonly type: 'String' | 'Boolean' | 'Int32' | 'Int64' | 'Double' | 'DateTime' | 'Guid' | 'Binary';
  readonly value: string | number | boolean;
}

const TYPE = '@odata.type';
export const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const INTEGER = /^-?(?:0|[1-9]\d*)$/;
const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);
const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** Names of the properties that are data, and not what the protocol says about them. */
export const propertiesOf = (raw: Raw): string[] =>
  Object.keys(raw).filter((name) => !name.startsWith('odata.') && !name.endsWith(TYPE) && raw[name] !== null);

export function documentOf(raw: Raw): Document {
  const document: Record<string, Wire> = Object.create(null);
  for (const name of propertiesOf(raw)) document[name] = wireOf(raw, name);
  return document;
}

function wireOf(raw: Raw, name: string): Wire {
  const value = raw[name] as string | number | boolean;
  switch (raw[name + TYPE]) {
    case 'Edm.Int64':
      return integerOf(String(value));
    case 'Edm.Int32':
      return Number(value);
    case 'Edm.Double':
      return doubleOf(Number(value));
    case 'Edm.DateTime':
      return single('$date', canonicalDate(String(value)) ?? String(value));
    case 'Edm.Guid':
      return single('$uuid', String(value).toLowerCase());
    case 'Edm.Binary':
      return single('$binary', String(value));
    default:
      // It comes without its type.
      return name === 'Timestamp' ? single('$date', canonicalDate(String(value)) ?? String(value)) : value;
  }
}

function integerOf(text: string): Wire {
  const number = Number(text);
  return String(number) === text ? number : new JsonNumber(text);
}

const doubleOf = (value: number): Wire =>
  Number.isFinite(value) && !Object.is(value, -0)
    ? value
    : single('$double', Object.is(value, -0) ? '-0' : String(value));

/** @returns undefined for null, which the store does not keep  @throws MillraceError invalid that names the field */
export function typedOf(value: Wire, name: string): Typed | undefined {
  switch (typeof value) {
    case 'string':
      return { type: 'String', value };
    case 'boolean':
      return { type: 'Boolean', value };
    case 'number':
      return numberOf(value);
  }
  if (value === null || value === undefined) return undefined;
  if (value instanceof JsonNumber) {
    const integer = INTEGER.test(value.text) ? int64Of(value.text) : undefined;
    if (integer) return integer;
    throw refused(name, 'it has no number of so many digits');
  }
  if (Array.isArray(value)) throw refused(name, 'it has no lists');
  const [tag, ...others] = Object.keys(value);
  const typed = tag === undefined || others.length > 0 ? undefined : TAGS[tag];
  if (!typed) throw refused(name, 'it has no objects');
  const found = typed.of((value as Document)[tag as string] as Wire);
  if (found) return found;
  throw refused(name, `'${tag}' takes ${typed.takes}`);
}

/** A double that is an integer is written as one: no client can tell them apart. */
function numberOf(value: number): Typed {
  if (Number.isInteger(value) && value <= INT32_MAX && value >= INT32_MIN) return { type: 'Int32', value: value + 0 };
  // Its shortest digits are what was sent: those of the double itself may be others.
  const integer = INTEGER.test(String(value)) ? int64Of(String(value)) : undefined;
  return integer ?? { type: 'Double', value };
}

function int64Of(text: string): Typed | undefined {
  const value = BigInt(text);
  return value <= INT64_MAX && value >= INT64_MIN ? { type: 'Int64', value: value.toString() } : undefined;
}

const textOf = (value: Wire): string =>
  typeof value === 'object' && !(value instanceof JsonNumber) ? '' : String(value);

const TAGS: Readonly<Record<string, { takes: string; of(value: Wire): Typed | undefined }>> = Object.assign(
  Object.create(null) as Record<string, never>,
  {
    $date: {
      takes: 'a date and time of ISO 8601, from 1601 on',
      of(value: Wire): Typed | undefined {
        const date = typeof value === 'string' ? canonicalDate(value) : undefined;
        return date === undefined ? undefined : { type: 'DateTime', value: date };
      },
    },
    $uuid: {
      takes: 'a UUID',
      of: (value: Wire): Typed | undefined =>
        typeof value === 'string' && UUID.test(value) ? { type: 'Guid', value: value.toLowerCase() } : undefined,
    },
    $binary: {
      takes: 'Base64',
      of: (value: Wire): Typed | undefined =>
        typeof value === 'string' && BASE64.test(value) ? { type: 'Binary', value } : undefined,
    },
    $int32: {
      takes: 'an integer of 32 bits',
      of(value: Wire): Typed | undefined {
        const number = INTEGER.test(textOf(value)) ? Number(textOf(value)) : Number.NaN;
        return number <= INT32_MAX && number >= INT32_MIN ? { type: 'Int32', value: number } : undefined;
      },
    },
    $int64: {
      takes: 'an integer of 64 bits',
      of: (value: Wire): Typed | undefined => (INTEGER.test(textOf(value)) ? int64Of(textOf(value)) : undefined),
    },
    $double: {
      takes: 'a number, "NaN", "Infinity" or "-Infinity"',
      of(value: Wire): Typed | undefined {
        const text = textOf(value);
        if (/^(?:NaN|-?Infinity)$/.test(text)) return { type: 'Double', value: text };
        const number = text.trim() === '' ? Number.NaN : Number(text);
        if (!Number.isFinite(number)) return undefined;
        return { type: 'Double', value: Object.is(number, -0) ? '-0' : number };
      },
    },
  },
);

/** A property as it is, to be written again. */
export function typedRaw(raw: Raw, name: string): Typed {
  const value = raw[name] as Typed['value'];
  const type = String(raw[name + TYPE] ?? '').replace('Edm.', '');
  if (type) return { type: type as Typed['type'], value };
  if (typeof value === 'string') return { type: 'String', value };
  return typeof value === 'boolean' ? { type: 'Boolean', value } : numberOf(value);
}

/** JSON of one entity. @param fields  undefined: all */
export function jsonOf(raw: Raw, fields?: readonly string[]): string {
  const names = fields ? fields.filter((name) => isThere(raw, name)) : propertiesOf(raw);
  return `{${names.map((name) => `${JSON.stringify(name)}:${valueJson(raw, name)}`).join(',')}}`;
}

const isThere = (raw: Raw, name: string): boolean =>
  Object.hasOwn(raw, name) && raw[name] !== null && !name.startsWith('odata.') && !name.endsWith(TYPE);

function valueJson(raw: Raw, name: string): string {
  const value = wireOf(raw, name);
  return value instanceof JsonNumber ? value.text : JSON.stringify(value);
}

function single(name: string, value: Wire): Document {
  const document: Record<string, Wire> = Object.create(null);
  document[name] = value;
  return document;
}

const refused = (name: string, reason: string): MillraceError =>
  invalid(`Field '${name}' cannot be stored in this database: ${reason}.`, { field: name });
