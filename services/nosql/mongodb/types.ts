/** Values as they are on the wire, and as BSON has them (MongoDB Extended JSON v2 for what JSON has no word for). */
import {
  Binary,
  BSONRegExp,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  UUID,
} from 'mongodb';
import { invalid } from '#common/errors.ts';
import { JsonNumber } from '#common/json.ts';
import type { Document, Wire } from '../document.ts';

const OBJECT_ID = /^[0-9a-f]{24}$/i;
const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
/** What a Decimal128 holds. */
const DECIMAL_DIGITS = 34;
/** What the server takes. */
const DEPTH_MAX = 100;

/** Where a value stands, for errors. */
type Path = string;

/**
 * @param path  where it stands; of a whole document empty
 * @throws MillraceError invalid that names the place: a name with `$` that is none of a value, a value that is none
 */
export function toBson(value: Wire, path: Path, depth = 0): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return numberToBson(value);
  if (value instanceof JsonNumber) return digitsToBson(value.text, path);
  if (Array.isArray(value)) return value.map((one, index) => toBson(one, `${path}.${index}`, depth + 1));
  const names = Object.keys(value);
  const [name] = names;
  if (name?.startsWith('$') && path !== '') return taggedToBson(value as Document, names, path);
  return membersToBson(value as Document, path, depth + 1);
}

/** Of a whole document: names that begin with `$` would be operators in some places, and are none anywhere. */
export function membersToBson(document: Document, path: Path = '', depth = 1): Record<string, unknown> {
  if (depth > DEPTH_MAX) throw invalid(`A record is nested at most ${DEPTH_MAX} levels deep.`, { field: path });
  const members: Record<string, unknown> = Object.create(null);
  for (const [name, value] of Object.entries(document)) {
    if (name.startsWith('$'))
      throw invalid(`Field names must not begin with '$': '${name}'.`, { field: at(path, name) });
    if (name.includes('\0')) throw invalid('Field names must not hold a NUL.', { field: at(path, name) });
    if (value !== undefined) members[name] = toBson(value, at(path, name), depth);
  }
  return members;
}

const at = (path: Path, name: string): string => (path === '' ? name : `${path}.${name}`);

/** Whole numbers stay whole, also where the driver would make a double of them. */
function numberToBson(value: number): unknown {
  if (!Number.isInteger(value) || Object.is(value, -0)) return new Double(value);
  if (value >= INT32_MIN && value <= INT32_MAX) return new Int32(value);
  return Number.isSafeInteger(value) ? Long.fromNumber(value) : new Double(value);
}

/** Digits that a double does not hold. */
function digitsToBson(text: string, path: Path): unknown {
  if (/^-?\d+$/.test(text)) {
    const whole = BigInt(text);
    if (whole >= INT64_MIN && whole <= INT64_MAX) return Long.fromString(text);
  }
  const digits = text.replace(/e.*$/i, '').replace(/[-.]/g, '').replace(/^0+/, '');
  if (digits.length > DECIMAL_DIGITS) {
    throw invalid(`Field '${path}' has a number of more than ${DECIMAL_DIGITS} digits.`, { field: path });
  }
  return decimal(text, path);
}

function decimal(text: string, path: Path): Decimal128 {
  try {
    return Decimal128.fromString(text);
  } catch {
    throw wrong(path, 'a number');
  }
}

const wrong = (path: Path, what: string) => invalid(`Field '${path}' must hold ${what}.`, { field: path });

/** What each tag stands for. */
const TAGS: Readonly<Record<string, (value: Wire, path: Path) => unknown>> = {
  $oid: (value, path) => objectId(value, path),
  // As older programs write it.
  $id: (value, path) => objectId(value, path),
  $date: dateToBson,
  $uuid: (value, path) => {
    if (typeof value === 'string' && UUID.isValid(value)) return new UUID(value);
    throw wrong(path, 'a UUID as $uuid');
  },
  $binary: binaryToBson,
  $numberDecimal: (value, path) => decimal(String(value), path),
  $numberLong: (value, path) => {
    const text = String(value);
    if (!/^-?\d{1,19}$/.test(text) || BigInt(text) < INT64_MIN || BigInt(text) > INT64_MAX) {
      throw wrong(path, 'a whole number of 64 bits as $numberLong');
    }
    return Long.fromString(text);
  },
  $numberInt: (value, path) => {
    const number = Number(value);
    if (Number.isInteger(number) && number >= INT32_MIN && number <= INT32_MAX) return new Int32(number);
    throw wrong(path, 'a whole number of 32 bits as $numberInt');
  },
  $numberDouble: (value, path) => {
    const number = Number(value);
    if (!Number.isNaN(number) || value === 'NaN') return new Double(number);
    throw wrong(path, 'a number as $numberDouble');
  },
  $timestamp: (value, path) => {
    const { t, i } = (typeof value === 'object' && value !== null ? value : {}) as { t?: unknown; i?: unknown };
    if (isUint32(t) && isUint32(i)) return new Timestamp({ t, i });
    throw wrong(path, 'two whole numbers t and i as $timestamp');
  },
  $regularExpression: (value, path) => {
    const { pattern, options = '' } = (value ?? {}) as { pattern?: unknown; options?: unknown };
    if (typeof pattern !== 'string' || typeof options !== 'string' || !/^[imxlsu]*$/.test(options)) {
      throw wrong(path, 'pattern and options as $regularExpression');
    }
    return new BSONRegExp(pattern, [...options].sort().join(''));
  },
  $minKey: () => new MinKey(),
  $maxKey: () => new MaxKey(),
};

const isUint32 = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffffffff;

function taggedToBson(value: Document, names: readonly string[], path: Path): unknown {
  const [name] = names as [string];
  const tag = names.length === 1 && Object.hasOwn(TAGS, name) ? TAGS[name] : undefined;
  if (!tag) throw invalid(`Field names must not begin with '$': '${name}' in '${path}'.`, { field: path });
  return tag(value[name] as Wire, path);
}

function objectId(value: Wire, path: Path): ObjectId {
  if (typeof value === 'string' && OBJECT_ID.test(value)) return ObjectId.createFromHexString(value);
  throw wrong(path, '24 hexadecimal characters as $oid');
}

/** ISO text, seconds since 1970, milliseconds as `{"$numberLong"}`, or nothing for now (database-api §9.1). */
function dateToBson(value: Wire, path: Path): Date {
  if (value === '') return new Date();
  if (typeof value === 'number') return validDate(new Date(value * 1000), path);
  if (typeof value === 'string') return validDate(new Date(isoText(value)), path);
  const { $numberLong: milliseconds } = (value ?? {}) as { $numberLong?: unknown };
  if (milliseconds !== undefined) return validDate(new Date(Number(milliseconds)), path);
  throw wrong(path, 'a date as $date');
}

/** What says nothing about its zone is UTC. */
const isoText = (text: string): string => {
  const spaced = text.trim().replace(/^(\d{4}-\d{2}-\d{2}) (?=\d)/, '$1T');
  return /T[\d:.]+$/.test(spaced) ? `${spaced}Z` : spaced;
};

function validDate(date: Date, path: Path): Date {
  if (Number.isNaN(date.getTime())) throw wrong(path, 'a date as $date');
  return date;
}

function binaryToBson(value: Wire, path: Path): Binary {
  const { base64, subType = '00' } = (typeof value === 'string' ? { base64: value } : (value ?? {})) as {
    base64?: unknown;
    subType?: unknown;
  };
  const isBase64 = typeof base64 === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(base64);
  if (!isBase64 || typeof subType !== 'string' || !/^[0-9a-f]{1,2}$/i.test(subType)) {
    throw wrong(path, 'base64 and subType as $binary');
  }
  return new Binary(Buffer.from(base64, 'base64'), Number.parseInt(subType, 16));
}

/** What the text of a condition may be, beside a text: values of other types never compare with it. */
export function senses(text: string): readonly Wire[] {
  if (OBJECT_ID.test(text)) return [{ $oid: text.toLowerCase() }];
  if (!/^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}|$)/.test(text)) return [];
  return Number.isNaN(new Date(isoText(text)).getTime()) ? [] : [{ $date: text }];
}

/** What an identifier may be stored as: in a path a number looks like a text. */
export function idsOf(key: Wire): unknown[] {
  if (typeof key !== 'string') return [toBson(key, '_id')];
  if (OBJECT_ID.test(key)) return [ObjectId.createFromHexString(key), key];
  return /^-?(?:0|[1-9]\d{0,14})$/.test(key) ? [key, numberToBson(Number(key))] : [key];
}

/** What it becomes where it is written. */
export const idToBson = (key: Wire): unknown => idsOf(key)[0];

/** As identifiers are shown: ObjectIds as plain texts (database-api §9.1). */
export function idToWire(id: unknown): Wire {
  if (id instanceof ObjectId) return id.toHexString();
  if (id instanceof Int32 || id instanceof Double) return id.valueOf();
  if (id instanceof Long) return id.toString().length < 16 ? id.toNumber() : new JsonNumber(id.toString());
  if (id === null || typeof id === 'string' || typeof id === 'number' || typeof id === 'boolean') return id;
  // Nobody has made these: they come from a request, and have no words of their own.
  if (Array.isArray(id) || Object.getPrototypeOf(id) === null) return JSON.stringify(id);
  return String(id);
}
