/** What a PostgreSQL type is to us: its simple type, its JSON, and the name that a parameter is cast to. */
import type { JsonKind } from '#common/schema/catalogue.ts';
import { quoteIdentifier } from './quote.ts';

/** One row of the types statement: a type with its modifier, as columns use it; a domain as what it is made of. */
export interface PgType {
  /** format_type() with the modifier, of the domain itself: `character varying(60)`, `hr.mood[]`. */
  readonly formatted: string;
  /** The same of the type behind a domain; equal to `formatted` elsewhere. */
  readonly baseFormatted: string;
  readonly schemaName: string;
  /** pg_type.typname, of the elements where it is an array. */
  readonly typeName: string;
  readonly isArray: boolean;
}

export interface ColumnType {
  readonly type: string;
  readonly dbType: string;
  readonly nativeType: string;
  readonly json: JsonKind;
  readonly length: number | null;
  readonly precision: number | null;
  readonly scale: number | null;
  readonly fixedLength: boolean;
}

/** pg_type.typname to the simple type (database-api §6.6) and the kind of JSON; what is not here is a string. */
const BUILT_IN: ReadonlyMap<string, readonly [simple: string, json: JsonKind]> = new Map([
  ['int2', ['integer', 'number']],
  ['int4', ['integer', 'number']],
  ['int8', ['bigint', 'number']],
  ['oid', ['bigint', 'number']],
  ['numeric', ['decimal', 'number']],
  ['float4', ['double', 'number']],
  ['float8', ['double', 'number']],
  ['money', ['money', 'string']],
  ['bool', ['boolean', 'boolean']],
  // Clients know bytea as a string; what it holds is base64 all the same.
  ['bytea', ['string', 'bytes']],
  ['date', ['date', 'string']],
  ['time', ['time', 'string']],
  ['timetz', ['timetz', 'string']],
  ['timestamp', ['timestamp', 'string']],
  ['timestamptz', ['timestamptz', 'string']],
  ['uuid', ['uuid', 'string']],
]);

const STRING = ['string', 'string'] as const;
const CATALOGUE = 'pg_catalog';

export function columnType(type: PgType): ColumnType {
  const isPlain = type.schemaName === CATALOGUE && !type.isArray;
  const [simple, json] = (isPlain ? BUILT_IN.get(type.typeName) : undefined) ?? STRING;
  const [first, second] = modifiers(type.baseFormatted);
  return {
    type: simple,
    dbType: type.formatted,
    nativeType: nativeType(type),
    json,
    // Clients are used to both: the one number of varchar(60) is its length and its precision.
    length: first,
    precision: first,
    scale: second,
    fixedLength: isPlain && type.typeName === 'bpchar',
  };
}

/** The numbers of `numeric(12,2)`. */
function modifiers(formatted: string): [number | null, number | null] {
  const [, first, second] = /\((\d+)(?:,\s*(-?\d+))?\)/.exec(formatted) ?? [];
  return [first === undefined ? null : Number(first), second === undefined ? null : Number(second)];
}

/**
 * Without modifiers and never a domain, so that a value which is too long or too precise is refused by the column
 * instead of cut by the cast. Bare `char` and `bit` mean char(1) and bit(1): as quoted names they have no length.
 */
function nativeType({ schemaName, typeName, isArray }: PgType): string {
  const suffix = isArray ? '[]' : '';
  if (schemaName !== CATALOGUE) return `${quoteIdentifier(schemaName)}.${quoteIdentifier(typeName)}${suffix}`;
  const isWord = /^[a-z_][a-z0-9_]*$/.test(typeName) && typeName !== 'char' && typeName !== 'bit';
  return (isWord ? typeName : quoteIdentifier(typeName)) + suffix;
}
