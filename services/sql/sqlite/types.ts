/** What a declared type is to us: SQLite takes any words as a type, so the common names of all databases are known. */
import { LRUCache } from 'lru-cache';
import type { Column, JsonKind } from '#common/schema/catalogue.ts';

export type ColumnType = Pick<
  Column,
  'type' | 'dbType' | 'nativeType' | 'json' | 'length' | 'precision' | 'scale' | 'fixedLength' | 'multibyte'
>;

const SMALL_INTEGER = /^(?:tinyint|smallint|mediumint|int|integer)\b/;

/** The first that fits (database-api §6.6, "Reading db types"), tried on lower case. */
const SIMPLE_TYPES: readonly [pattern: RegExp, simple: string][] = [
  [/bool|^bit\b/, 'boolean'],
  [/^(?:bigint|bigserial|varint|int8|(?:un)?signed big int|big int)\b/, 'bigint'],
  [SMALL_INTEGER, 'integer'],
  [/^(?:int[1-4]|year|serial|smallserial|(?:un)?signed)\b/, 'integer'],
  [/^(?:decimal|numeric|number|dec|percent)\b/, 'decimal'],
  [/double|^(?:float|real)\s*\(\s*53\s*\)/, 'double'],
  [/^(?:float|real)/, 'float'],
  [/money/, 'money'],
  [/timestamp|datetimeoffset/, 'timestamp'],
  [/datetime/, 'datetime'],
  [/^date\b/, 'date'],
  [/time/, 'time'],
  [/binary|blob/, 'binary'],
  [/text|clob|^varchar\s*\(\s*-1\s*\)/, 'text'],
  [/^(?:uuid|uniqueidentifier)\b/, 'uuid'],
];

const JSON_KINDS: Readonly<Record<string, JsonKind>> = {
  boolean: 'boolean',
  integer: 'number',
  bigint: 'number',
  decimal: 'number',
  double: 'number',
  float: 'number',
  money: 'number',
  binary: 'bytes',
};

/** Of all that have been asked for: a large schema has a few types in many columns. */
const known = new LRUCache<string, ColumnType>({ max: 1000 });

/** @param declared as it stands in the CREATE statement; empty for a column without a type and for expressions of views */
export function columnType(declared: string): ColumnType {
  let type = known.get(declared);
  if (!type) {
    type = readType(declared);
    known.set(declared, type);
  }
  return type;
}

function readType(declared: string): ColumnType {
  // SQLite itself gives its own five names in capitals, however they were written.
  const lower = declared.trim().toLowerCase();
  const [length, scale] = modifiers(lower);
  const found = SIMPLE_TYPES.find(([pattern]) => pattern.test(lower))?.[1] ?? 'string';
  const type = found === 'integer' && length === 1 && SMALL_INTEGER.test(lower) ? 'boolean' : found;
  return {
    type,
    dbType: lower,
    nativeType: lower,
    json: JSON_KINDS[type] ?? 'string',
    length,
    precision: scale !== null || type === 'decimal' ? length : null,
    scale,
    fixedLength: /^(?:national |native )?n?char(?:acter)?\b(?! *varying)/.test(lower),
    multibyte: /^(?:nchar|nvarchar|national|native)/.test(lower),
  };
}

/** The numbers of `decimal(12,2)`. */
function modifiers(lower: string): [number | null, number | null] {
  const [, first, second] = /\(\s*(\d+)\s*(?:,\s*(-?\d+)\s*)?\)/.exec(lower) ?? [];
  return [first === undefined ? null : Number(first), second === undefined ? null : Number(second)];
}

/**
 * A default as PRAGMA table_xinfo gives it: the text of the CREATE statement.
 * @returns a literal in the terms of the column, or the expression where it is one
 */
export function columnDefault(sql: string | null, json: JsonKind): Column['default'] {
  if (sql === null) return null;
  const text = sql.trim();
  if (/^null$/i.test(text)) return null;
  const literal = literalOf(text);
  if (literal === undefined) {
    const [, inner] = /^\((.*)\)$/s.exec(text) ?? [];
    const bare = inner === undefined ? undefined : literalOf(inner.trim());
    return bare === undefined ? { expression: text } : inTermsOf(json, bare);
  }
  return inTermsOf(json, literal);
}

/** Text of a number where a double would not hold it. */
function literalOf(text: string): string | number | boolean | undefined {
  const [, single] = /^'((?:[^']|'')*)'$/s.exec(text) ?? [];
  if (single !== undefined) return single.replaceAll("''", "'");
  const [, double] = /^"((?:[^"]|"")*)"$/s.exec(text) ?? [];
  if (double !== undefined) return double.replaceAll('""', '"');
  if (/^(?:true|false)$/i.test(text)) return /^t/i.test(text);
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return undefined;
  const number = Number(text);
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? text : number;
}

function inTermsOf(json: JsonKind, literal: string | number | boolean): string | number | boolean {
  if (json === 'boolean') return literal === true || ['1', 'true'].includes(String(literal).toLowerCase());
  if (json === 'number' && typeof literal === 'boolean') return Number(literal);
  if (json === 'string') return String(literal);
  return literal;
}
