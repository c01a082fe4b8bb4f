/** What a column type of MySQL or MariaDB is to us. */
import type { Column, JsonKind } from '#common/schema/catalogue.ts';

export type ColumnType = Pick<
  Column,
  'type' | 'dbType' | 'nativeType' | 'json' | 'length' | 'precision' | 'scale' | 'fixedLength' | 'multibyte'
>;

export interface MysqlType {
  /** `bigint(20) unsigned` */
  readonly columnType: string;
  /** `bigint` */
  readonly dataType: string;
  readonly charset: string | null;
  /** MariaDB's JSON: a text with a rule. */
  readonly isJson: boolean;
}

type Simple = readonly [name: string, json: JsonKind];

const INTEGER = ['integer', 'number'] as const;
const TEXT = ['text', 'string'] as const;
const BINARY = ['binary', 'bytes'] as const;
/** The server's own form of a geometry, as base64. */
const OPAQUE = ['string', 'bytes'] as const;

/** Simple types of database-api §6.6 ("Reading db types") by data type; whatever is not here is a string. */
const SIMPLE_TYPES: ReadonlyMap<string, Simple> = new Map<string, Simple>([
  ['tinyint', INTEGER],
  ['smallint', INTEGER],
  ['mediumint', INTEGER],
  ['int', INTEGER],
  ['year', INTEGER],
  ['bigint', ['bigint', 'number']],
  ['bit', ['bigint', 'number']],
  ['decimal', ['decimal', 'number']],
  ['float', ['float', 'number']],
  ['double', ['double', 'number']],
  ['date', ['date', 'string']],
  ['time', ['time', 'string']],
  ['datetime', ['datetime', 'string']],
  ['timestamp', ['timestamp', 'string']],
  ['tinytext', TEXT],
  ['text', TEXT],
  ['mediumtext', TEXT],
  ['longtext', TEXT],
  ['binary', BINARY],
  ['varbinary', BINARY],
  ['tinyblob', BINARY],
  ['blob', BINARY],
  ['mediumblob', BINARY],
  ['longblob', BINARY],
  ['uuid', ['uuid', 'string']],
  ...['geometry', 'point', 'linestring', 'polygon', 'multipoint', 'multilinestring', 'multipolygon'].map(
    (name): [string, Simple] => [name, OPAQUE],
  ),
  ['geometrycollection', OPAQUE],
  ['geomcollection', OPAQUE],
  ['vector', OPAQUE],
]);

/** int(1) is an int of any size: only these two have always meant a boolean. */
const BOOLEAN = /^(?:tinyint|bit)\(1\)/;

/** A decimal of 65 digits at most; so many of them stand behind the point at most. */
const DECIMAL_DIGITS_MAX = 65;
const DECIMAL_SCALE_MAX = 30;

export function columnType({ columnType: dbType, dataType, charset, isJson }: MysqlType): ColumnType {
  const isBoolean = BOOLEAN.test(dbType);
  const [simple, json] = isBoolean
    ? (['boolean', 'boolean'] as const)
    : ((isJson ? undefined : SIMPLE_TYPES.get(dataType)) ?? (['string', 'string'] as const));
  const [length, scale] = modifiers(dbType);
  return {
    type: simple,
    dbType,
    nativeType: isJson ? 'json' : nativeType(dataType, dbType, length, scale),
    json,
    length,
    precision: dataType === 'decimal' || scale !== null ? length : null,
    scale,
    fixedLength: dataType === 'char' || dataType === 'binary',
    multibyte: charset !== null && /^(?:utf|ucs)/.test(charset),
  };
}

/** The numbers of `decimal(12,2)`; those of an enum are part of its values. */
function modifiers(dbType: string): [number | null, number | null] {
  const [, first, second] = /^\w+\((\d+)(?:,(\d+))?\)/.exec(dbType) ?? [];
  return [first === undefined ? null : Number(first), second === undefined ? null : Number(second)];
}

/** A decimal with room for what the column has no room for: comparing must not round, writing is refused. */
function nativeType(dataType: string, dbType: string, precision: number | null, scale: number | null): string {
  if (dataType === 'decimal') {
    const whole = (precision ?? 10) - (scale ?? 0);
    return `decimal(${DECIMAL_DIGITS_MAX},${Math.min(DECIMAL_SCALE_MAX, DECIMAL_DIGITS_MAX - whole)})`;
  }
  return / unsigned\b/.test(dbType) ? `${dataType} unsigned` : dataType;
}
