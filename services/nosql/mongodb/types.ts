/** Values as JSON has them and as BSON has them. What JSON has no word for is an object with one member, `{"$date": …}`. */
import { Binary, BSONRegExp, Code, Decimal128, Long, MaxKey, MinKey, ObjectId, Timestamp, UUID } from 'mongodb';
import { invalid } from '#common/errors.ts';
import { JsonNumber } from '#common/json.ts';
import type { Document, Wire } from '../document.ts';

const HEX_ID = /^[0-9a-f]{24}$/i;
const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const ISO_DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

type Maker = (value: Wire) => unknown;

const textOf = (value: Wire): string => {
  if (typeof value === 'string') return value;
  throw new TypeError('a text is expected');
};
const member = (value: Wire, name: string): Wire => (value as Document)[name] ?? null;

/** What an object with one such member stands for. */
const TAGS: Readonly<Record<string, Maker>> = {
  $oid: (value) => ObjectId.createFromHexString(hexOf(value)),
  $id: (value) => ObjectId.createFromHexString(hexOf(value)),
  $date: dateOf,
  $numberLong: (value) => longOf(textOf(value)),
  $numberInt: (value) => Number(longOf(textOf(value))),
  $numberDouble: (value) => Number(textOf(value)),
  $numberDecimal: (value) => Decimal128.fromString(textOf(value)),
  $uuid: (value) => new UUID(textOf(value)),
  $binary: (value) =>
    typeof value === 'string'
      ? new Binary(bytesOf(value))
      : new Binary(bytesOf(textOf(member(value, 'base64'))), Number.parseInt(textOf(member(value, 'subType')), 16)),
  $timestamp: (value) => new Timestamp({ t: Number(member(value, 't')), i: Number(member(value, 'i')) }),
  $regularExpression: (value) => new BSONRegExp(textOf(member(value, 'pattern')), textOf(member(value, 'options'))),
  $code: (value) => new Code(textOf(value)),
  $minKey: () => new MinKey(),
  $maxKey: () => new MaxKey(),
};

function hexOf(value: Wire): string {
  const text = textOf(value);
  if (!HEX_ID.test(text)) throw new TypeError('24 hexadecimal digits are expected');
  return text;
}

function bytesOf(text: string): Buffer {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new TypeError('base64 is expected');
  return Buffer.from(text, 'base64');
}

/** ISO text, seconds, or nothing for now (database-api §9.1); milliseconds as `$numberLong`. */
function dateOf(value: Wire): Date {
  if (value === '') return new Date();
  if (typeof value === 'object' && value !== null) return new Date(Number(textOf(member(value, '$numberLong'))));
  const date = typeof value === 'number' ? new Date(value * 1000) : new Date(utc(textOf(value)));
  if (Number.isNaN(date.getTime())) throw new TypeError('a date is expected');
  return date;
}

/** A time without a zone is UTC's. */
const utc = (text: string): string => {
  if (!ISO_DATE.test(text)) return '';
  const iso = text.replace(' ', 'T');
  return /T/.test(iso) && !/(?:Z|[+-]\d{2}:?\d{2})$/.test(iso) ? `${iso}Z` : iso;
};

function longOf(text: string): Long {
  const value = BigInt(text);
  if (value < INT64.min || value > INT64.max) throw new TypeError('64 bits are expected');
  return Long.fromBigInt(value);
}

function numberOf({ text }: JsonNumber): unknown {
  if (/^-?\d+$/.test(text)) {
    const value = BigInt(text);
    if (value >= INT64.min && value <= INT64.max) return Long.fromBigInt(value);
  }
  return Decimal128.fromString(text);
}

/** Whole numbers beyond 32 bits are 64 bits wide, as JSON numbers that were whole shall stay so. */
const plainNumber = (value: number): unknown =>
  Number.isInteger(value) && Number.isSafeInteger(value) && Math.abs(value) > 0x7fffffff
    ? Long.fromNumber(value)
    : value;

/**
 * @param name  of the member, for messages
 * @throws MillraceError invalid that names the member: what cannot be kept as data is never an operator
 */
export function toBson(value: Wire, name: string): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return plainNumber(value);
  if (value instanceof JsonNumber) return attempt(() => numberOf(value), name);
  if (Array.isArray(value)) return value.map((one: Wire) => toBson(one, name));
  const names = Object.keys(value);
  const [first] = names;
  const make = names.length === 1 && first !== undefined && Object.hasOwn(TAGS, first) ? TAGS[first] : undefined;
  if (make) return attempt(() => make((value as Document)[first as string] as Wire), name);
  // A map, so that no name is special to whoever makes BSON of it.
  return membersToBson(value as Document, `${name}.`);
}

/** @param prefix  of the names in messages */
export function membersToBson(members: Document, prefix = ''): Map<string, unknown> {
  const bson = new Map<string, unknown>();
  for (const name of Object.keys(members)) {
    checkName(name, prefix);
    bson.set(
      name,
      prefix === '' && name === '_id'
        ? idToBson(members[name] as Wire)
        : toBson(members[name] as Wire, `${prefix}${name}`),
    );
  }
  return bson;
}

/** Updates would take a dot for a path and $ for an operator: such names are kept out from the beginning. */
function checkName(name: string, prefix: string): void {
  const reason = name.startsWith('$')
    ? 'begins with $'
    : name.includes('.')
      ? 'has a dot'
      : name.includes('\0')
        ? 'has a NUL character'
        : name === ''
          ? 'is empty'
          : undefined;
  if (reason !== undefined) {
    throw invalid(`Field '${prefix}${name}' cannot be stored: its name ${reason}.`, { field: `${prefix}${name}` });
  }
}

function attempt<T>(make: () => T, name: string): T {
  try {
    return make();
  } catch {
    throw invalid(`Field '${name}' has a value that does not fit its type.`, { field: name });
  }
}

/** Identifiers of 24 hexadecimal digits are ObjectIds (database-api §9.1). */
export function idToBson(value: Wire): unknown {
  if (Array.isArray(value)) throw invalid("Field '_id' must not be a list.", { field: '_id' });
  return typeof value === 'string' && HEX_ID.test(value) ? ObjectId.createFromHexString(value) : toBson(value, '_id');
}

/** What a text may be that names a document: an ObjectId, a number, and always itself. */
export function idCandidates(value: Wire): unknown[] {
  if (typeof value !== 'string') return [idToBson(value)];
  if (HEX_ID.test(value)) return [ObjectId.createFromHexString(value), value];
  if (/^-?(?:0|[1-9]\d{0,15})$/.test(value)) return [value, plainNumber(Number(value))];
  return [value];
}

/** As NoSqlEngine has it. */
export function senses(text: string): Wire[] {
  const found: Wire[] = [];
  if (HEX_ID.test(text)) found.push({ $oid: text.toLowerCase() });
  const date = ISO_DATE.test(text) ? new Date(utc(text)) : undefined;
  if (date && !Number.isNaN(date.getTime())) found.push({ $date: date.toISOString() });
  return found;
}

/** For keys of answers: an identifier is a text where JSON has no word for it. */
export function idToWire(value: unknown): Wire {
  if (value instanceof ObjectId) return value.toHexString();
  if (value instanceof Long) {
    const number = value.toNumber();
    return Number.isSafeInteger(number) ? number : new JsonNumber(value.toString());
  }
  if (value instanceof Decimal128) return new JsonNumber(value.toString());
  if (value instanceof Date) return { $date: value.toISOString() };
  if (value instanceof UUID) return { $uuid: value.toString() };
  if (value instanceof Binary)
    return { $binary: { base64: value.toString('base64'), subType: hexByte(value.sub_type) } };
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, one]) => [name, idToWire(one)]));
  return value as Wire;
}

export const hexByte = (byte: number): string => byte.toString(16).padStart(2, '0');
