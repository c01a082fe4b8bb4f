/**
 * Types of columns, and their values on the wire. The store itself reads and writes values as JSON (`fromJson`, `toJson`),
 * so most of them pass as they are: numbers of any size, texts, UUIDs and times as texts, collections as lists and objects.
 * What JSON has no word for is `{"$date": …}` (timestamp) and `{"$binary": base64}` (blob), in columns of these types.
 */
import { isIP } from 'node:net';
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
  uuid: 'uuid',
  timestamp: 'date',
  blob: 'binary',
  word: 'string',
  list: 'any',
  map: 'any',
  counter: 'number',
};

/** Bits of the types of whole numbers; varint has no end. */
const BITS: Readonly<Record<string, bigint>> = { tinyint: 8n, smallint: 16n, int: 32n, bigint: 64n };
/** Of 64 bits, with a sign. */
const DIGITS_MAX = 20;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const TIME_UUID = /^.{14}1/;
const WHOLE = /^-?\d+$/;
const ASCII = /^[\0-\x7f]*$/;
/** Where floats end. */
const FLOAT_MAX = 3.4028234663852886e38;
/** The store counts no further, and a little less. */
const EXPONENT_MAX = 1_000_000_000;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?$/;
const DURATION = /^-?(?:(?:\d+(?:y|mo|w|d|h|m|s|ms|us|µs|ns))+|P[\dYMWDTHS:-]+)$/i;
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
  const type = holds === 'boolean' || holds === 'uuid' ? 'string' : holds === 'date' ? 'any' : holds;
  return { name, type, generated: kind === 'uuid' };
}

/** A value as the store reads it with `fromJson`. @throws MillraceError invalid that names the field */
export function encode(value: Wire, type: ColumnType, name: string): string {
  if (value === null || value === undefined) return 'null';
  const encoded = ENCODERS[type.kind](value, type);
  if (encoded === undefined) throw refused(name, `must be ${EXPECTED[type.kind] ?? `a value of type ${type.text}`}`);
  return encoded;
}

const refused = (field: string, reason: string): MillraceError => invalid(`Field '${field}' ${reason}.`, { field });

const EXPECTED: Partial<Record<Kind, string>> = {
  decimal: 'a number',
  boolean: 'true or false',
  timestamp: "a date: {'$date': …} or text as 2026-01-31T12:00:00Z",
  blob: "Base64: {'$binary': …} or text",
  list: 'a list',
  map: 'an object',
};

/** undefined: it is no value of the type. */
type Encoder = (value: Wire, type: ColumnType) => string | undefined;

const quoted = (text: string | undefined): string | undefined => text && JSON.stringify(text);
const numberText = (value: Wire): string | undefined =>
  typeof value === 'number' || value instanceof JsonNumber ? digitsOf(value) : undefined;

/** Without the exponent that JavaScript gives to whole numbers from here on. */
const EXPONENT_FROM = 1e21;

function digitsOf(value: number | JsonNumber): string {
  const text = String(value);
  if (typeof value !== 'number' || Math.abs(value) < EXPONENT_FROM || !Number.isFinite(value)) return text;
  const [, sign = '', mantissa = '', exponent] = /^(-?)(.*)e\+(\d+)$/.exec(text) ?? [];
  return sign + mantissa.replace('.', '').padEnd(Number(exponent) + 1, '0');
}

const ENCODERS: Readonly<Record<Kind, Encoder>> = {
  text: (value, { word }) =>
    typeof value === 'string' && (word !== 'ascii' || ASCII.test(value)) ? JSON.stringify(value) : undefined,
  // As texts: the store takes numbers of JSON for doubles.
  integer: (value, { word }) => quoted(wholeOf(typeof value === 'string' ? value : numberText(value), BITS[word])),
  decimal: (value) => {
    const text = numberText(value);
    const [, exponent = '0'] = text?.toLowerCase().split('e') ?? [];
    return Math.abs(Number(exponent)) > EXPONENT_MAX ? undefined : quoted(text);
  },
  double: (value, { word }) => {
    const text = numberText(value);
    const end = word === 'float' ? FLOAT_MAX : Number.MAX_VALUE;
    return text !== undefined && Math.abs(Number(text)) <= end ? text : undefined;
  },
  boolean: (value) => {
    const text = typeof value === 'boolean' ? String(value) : value;
    return text === 'true' || text === 'false' ? text : undefined;
  },
  uuid: (value, { word }) =>
    typeof value === 'string' && UUID.test(value) && (word !== 'timeuuid' || TIME_UUID.test(value))
      ? quoted(value.toLowerCase())
      : undefined,
  timestamp: (value) => quoted(exactDate(inside(value, '$date'))),
  blob: (value) => {
    const base64 = inside(value, '$binary');
    if (typeof base64 !== 'string' || !BASE64.test(base64)) return undefined;
    return quoted(`0x${Buffer.from(base64, 'base64').toString('hex')}`);
  },
  word: (value, { word }) => (typeof value === 'string' && WORDS[word]?.(value) ? JSON.stringify(value) : undefined),
  list: (value) => (Array.isArray(value) ? stringifyJson(spelled(value)) : undefined),
  map: (value) =>
    typeof value === 'object' && !Array.isArray(value) && !(value instanceof JsonNumber)
      ? stringifyJson(spelled(value))
      : undefined,
  counter: () => undefined,
};

/** What else the store reads in their place is a number of days or the name of a host, which it would look up. */
const WORDS: Readonly<Record<string, (text: string) => boolean>> = {
  date: (text) => /^-?\d{4}-\d\d-\d\d$/.test(text) && isDay(text.slice(-10)),
  time: (text) => TIME.test(text),
  duration: (text) => DURATION.test(text),
  inet: (text) => isIP(text) !== 0 && !text.includes('%'),
};

function wholeOf(text: string | undefined, bits: bigint | undefined): string | undefined {
  if (text === undefined || !WHOLE.test(text)) return undefined;
  const plain = text.replace(/^(-?)0+(?=\d)/, '$1').replace('-0', '0');
  if (bits === undefined) return plain;
  // Millions of digits take long to become a number.
  const value = plain.length > DIGITS_MAX ? undefined : BigInt(plain);
  const isInRange = value !== undefined && value >= -(2n ** (bits - 1n)) && value < 2n ** (bits - 1n);
  return isInRange ? plain : undefined;
}

function inside(value: Wire, tag: string): Wire {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.keys(value).join() === tag ? ((value as Document)[tag] ?? null) : null;
}

/** Numbers that a double does not hold, or that would have an exponent, as texts that the store reads as well. */
function spelled(value: Wire): Wire {
  if (value instanceof JsonNumber) return value.text;
  if (typeof value === 'number' && Math.abs(value) >= EXPONENT_FROM) return digitsOf(value);
  if (Array.isArray(value)) return value.map(spelled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, spelled(one)]));
}

/** In UTC, with milliseconds; undefined: it is no date. */
export function exactDate(value: Wire): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? isoOf(new Date(value)) : undefined;
  if (typeof value !== 'string' || !DATE.test(value)) return undefined;
  const [day = '', time] = [value.slice(0, 10), value.slice(11)];
  if (!isDay(day)) return undefined;
  const zoned = time === '' ? '00:00Z' : /(?:Z|[+-]\d\d:?\d\d)$/.test(time) ? time : `${time}Z`;
  return isoOf(new Date(`${day}T${zoned}`));
}

/** The 30th of February would become the 1st of March. */
const isDay = (day: string): boolean => new Date(`${day}T00:00Z`).getUTCDate() === Number(day.slice(-2));

/** The store reads years of four digits, from 1 on. */
function isoOf(date: Date): string | undefined {
  const year = date.getUTCFullYear();
  return year >= 1 && year <= 9999 ? date.toISOString() : undefined;
}

/** What a client may mean by a text of a condition. */
export function sensesOf(text: string): Wire[] {
  const date = exactDate(text);
  return date === undefined ? [] : [{ $date: date }];
}

/** A value as the store writes it with `toJson`, as JSON of ours. @param json  null: there is none */
export function decodedJson(json: string | null, { kind, word }: ColumnType): string {
  if (json === null || json === 'null') return 'null';
  if (kind === 'timestamp') return `{"$date":"${json.slice(1, -1).replace(' ', 'T')}"}`;
  if (kind === 'blob') return `{"$binary":"${Buffer.from(json.slice(3, -1), 'hex').toString('base64')}"}`;
  // As they are written usually: the store shows all groups, and all nine digits.
  if (word === 'inet' && json.includes(':'))
    return `"${new URL(`http://[${json.slice(1, -1)}]`).hostname.slice(1, -1)}"`;
  if (word === 'time') return json.replace(/(?:\.0+|(\.\d*[1-9])0+)"$/, '$1"');
  return json;
}

export const decoded = (json: string | null, type: ColumnType): Wire =>
  parseJson(Buffer.from(decodedJson(json, type))) as Wire;

/** As the store will give it back. @throws MillraceError invalid that names the field */
export function stored(value: Wire, type: ColumnType, name: string): Wire {
  const json = encode(value, type, name);
  if (json === 'null') return null;
  if (type.kind === 'double') return Number(json);
  if (type.kind === 'integer' || type.kind === 'decimal') return parseJson(Buffer.from(JSON.parse(json))) as Wire;
  if (type.kind === 'timestamp') return { $date: JSON.parse(json) };
  return decoded(json, type);
}
