/**
 * Types of columns, and their values on the wire. The store itself reads and writes values as JSON (`fromJson`, `toJson`),
 * so most of them pass as they are: numbers of any size, texts, UUIDs and times as texts, collections as lists and objects.
 * What JSON has no word for is `{"$date": …}` (timestamp) and `{"$binary": base64}` (blob), in columns of these types.
 */
import { invalid, type MillraceError } from '#common/errors.ts';
import { JsonNumber, parseJson, stringifyJson } from '#common/json.ts';
import type { Document, Wire } from '../document.ts';
import type { FieldHolds, KeyField, StoreField } from '../engine.ts';

type Kind =
  | 'text'
  | 'integer'
  | 'decimal'
  | 'double'
  | 'boolean'
  | 'uuid'
  | 'timestamp'
  | 'blob'
  /** Written as texts that the store reads: date, time, duration, inet. */
  | 'word'
  | 'list'
  | 'map'
  | 'counter';

/** Simple type (database-api §9.5), and what values are to us. Whatever else a type begins with is one of a user. */
const TYPES: Readonly<Record<string, readonly [kind: Kind, type: string]>> = {
  ascii: ['text', 'string'],
  text: ['text', 'string'],
  varchar: ['text', 'string'],
  tinyint: ['integer', 'tinyint'],
  smallint: ['integer', 'smallint'],
  int: ['integer', 'integer'],
  bigint: ['integer', 'bigint'],
  varint: ['integer', 'bigint'],
  decimal: ['decimal', 'decimal'],
  float: ['double', 'float'],
  double: ['double', 'double'],
  boolean: ['boolean', 'boolean'],
  uuid: ['uuid', 'uuid'],
  timeuuid: ['uuid', 'timeuuid'],
  timestamp: ['timestamp', 'timestamp'],
  date: ['word', 'date'],
  time: ['word', 'time'],
  duration: ['word', 'string'],
  inet: ['word', 'string'],
  blob: ['blob', 'binary'],
  counter: ['counter', 'bigint'],
  list: ['list', 'array'],
  set: ['list', 'array'],
  tuple: ['list', 'array'],
  vector: ['list', 'array'],
  map: ['map', 'array'],
};
const OF_USERS: readonly [Kind, string] = ['map', 'object'];

const HOLDS: Readonly<Record<Kind, FieldHolds>> = {
  text: 'string',
  integer: 'number',
  decimal: 'number',
  double: 'number',
  boolean: 'boolean',
  uuid: 'string',
  timestamp: 'date',
  blob: 'binary',
  word: 'string',
  list: 'any',
  map: 'any',
  counter: 'number',
};

/** Bits of the types of whole numbers; varint has no end. */
const BITS: Readonly<Record<string, bigint>> = { tinyint: 8n, smallint: 16n, int: 32n, bigint: 64n };
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const WHOLE = /^-?\d+$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const DATE = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:?\d\d)?)?$/;

export interface ColumnType {
  /** As the store writes it. */
  readonly text: string;
  /** Outermost word: `list` of `frozen<list<int>>`. */
  readonly word: string;
  readonly kind: Kind;
  readonly simple: string;
}

export function columnType(text: string): ColumnType {
  const inner = /^frozen<(.*)>$/.exec(text)?.[1] ?? text;
  const word = /^[a-z]+(?=<|$)/.exec(inner)?.[0] ?? '';
  const [kind, simple] = (Object.hasOwn(TYPES, word) && TYPES[word]) || OF_USERS;
  return { text, word, kind, simple };
}

export const fieldOf = (name: string, { text, kind, simple }: ColumnType): StoreField => ({
  ...{ name, type: simple, dbType: text, holds: HOLDS[kind] },
});

/** A key of a date is written in a path as text, and stands in a record as `$date`. */
export function keyFieldOf(name: string, { kind }: ColumnType): KeyField {
  const holds = HOLDS[kind];
  const type = holds === 'boolean' ? 'string' : holds === 'date' ? 'any' : holds;
  return { name, type, generated: kind === 'uuid' };
}

/** A value as the store reads it with `fromJson`. @throws MillraceError invalid that names the field */
export function encode(value: Wire, type: ColumnType, name: string): string {
  if (value === null || value === undefined) return 'null';
  const encoded = ENCODERS[type.kind](value, type);
  if (encoded === undefined) throw refused(name, `must be ${EXPECTED[type.kind] ?? type.text}`);
  return encoded;
}

const refused = (field: string, reason: string): MillraceError => invalid(`Field '${field}' ${reason}.`, { field });

const EXPECTED: Partial<Record<Kind, string>> = {
  text: 'text',
  decimal: 'a number',
  double: 'a number of 64 bits',
  boolean: 'true or false',
  uuid: 'a UUID',
  timestamp: "a date: {'$date': …} or text as 2026-01-31T12:00:00Z",
  blob: "Base64: {'$binary': …} or text",
  list: 'a list',
  map: 'an object',
};

/** undefined: it is no value of the type. */
type Encoder = (value: Wire, type: ColumnType) => string | undefined;

const quoted = (text: string | undefined): string | undefined => text && JSON.stringify(text);
const numberText = (value: Wire): string | undefined =>
  typeof value === 'number' || value instanceof JsonNumber ? String(value) : undefined;

const ENCODERS: Readonly<Record<Kind, Encoder>> = {
  text: (value) => (typeof value === 'string' ? JSON.stringify(value) : undefined),
  // As texts: the store takes numbers of JSON for doubles.
  integer: (value, { word }) => quoted(wholeOf(typeof value === 'string' ? value : numberText(value), BITS[word])),
  decimal: (value) => quoted(numberText(value)),
  double: (value) => {
    const text = numberText(value);
    return text !== undefined && Number.isFinite(Number(text)) ? text : undefined;
  },
  boolean: (value) => {
    const text = typeof value === 'boolean' ? String(value) : value;
    return text === 'true' || text === 'false' ? text : undefined;
  },
  uuid: (value) => quoted(typeof value === 'string' && UUID.test(value) ? value.toLowerCase() : undefined),
  timestamp: (value) => quoted(exactDate(inside(value, '$date'))),
  blob: (value) => {
    const base64 = inside(value, '$binary');
    if (typeof base64 !== 'string' || !BASE64.test(base64)) return undefined;
    return quoted(`0x${Buffer.from(base64, 'base64').toString('hex')}`);
  },
  word: (value) => (typeof value === 'string' && value !== '' ? JSON.stringify(value) : undefined),
  list: (value) => (Array.isArray(value) ? stringifyJson(spelled(value)) : undefined),
  map: (value) =>
    typeof value === 'object' && !Array.isArray(value) && !(value instanceof JsonNumber)
      ? stringifyJson(spelled(value))
      : undefined,
  counter: () => undefined,
};

function wholeOf(text: string | undefined, bits: bigint | undefined): string | undefined {
  if (text === undefined || !WHOLE.test(text)) return undefined;
  const value = BigInt(text);
  const isInRange = bits === undefined || (value >= -(2n ** (bits - 1n)) && value < 2n ** (bits - 1n));
  return isInRange ? String(value) : undefined;
}

function inside(value: Wire, tag: string): Wire {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.keys(value).join() === tag ? ((value as Document)[tag] ?? null) : null;
}

/** Numbers that a double does not hold, as texts that the store reads as well. */
function spelled(value: Wire): Wire {
  if (value instanceof JsonNumber) return value.text;
  if (Array.isArray(value)) return value.map(spelled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, spelled(one)]));
}

/** In UTC, with milliseconds; undefined: it is no date. */
export function exactDate(value: Wire): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? isoOf(new Date(value)) : undefined;
  if (typeof value !== 'string' || !DATE.test(value)) return undefined;
  const [day = '', time] = [value.slice(0, 10), value.slice(11)];
  // The 30th of February would become the 1st of March.
  if (new Date(`${day}T00:00Z`).getUTCDate() !== Number(day.slice(-2))) return undefined;
  const zoned = time === '' ? '00:00Z' : /(?:Z|[+-]\d\d:?\d\d)$/.test(time) ? time : `${time}Z`;
  return isoOf(new Date(`${day}T${zoned}`));
}

const isoOf = (date: Date): string | undefined => (Number.isNaN(date.getTime()) ? undefined : date.toISOString());

/** What a client may mean by a text of a condition. */
export function sensesOf(text: string): Wire[] {
  const date = exactDate(text);
  return date === undefined ? [] : [{ $date: date }];
}

/** A value as the store writes it with `toJson`, as JSON of ours. @param json  null: there is none */
export function decodedJson(json: string | null, { kind }: ColumnType): string {
  if (json === null || json === 'null') return 'null';
  if (kind === 'timestamp') return `{"$date":"${json.slice(1, -1).replace(' ', 'T')}"}`;
  if (kind === 'blob') return `{"$binary":"${Buffer.from(json.slice(3, -1), 'hex').toString('base64')}"}`;
  return json;
}

export const decoded = (json: string | null, type: ColumnType): Wire =>
  parseJson(Buffer.from(decodedJson(json, type))) as Wire;

/** As the store will give it back. @throws MillraceError invalid that names the field */
export function stored(value: Wire, type: ColumnType, name: string): Wire {
  const json = encode(value, type, name);
  if (type.kind === 'integer' || type.kind === 'decimal') return parseJson(Buffer.from(JSON.parse(json))) as Wire;
  if (type.kind === 'timestamp') return { $date: JSON.parse(json) };
  return decoded(json, type);
}
