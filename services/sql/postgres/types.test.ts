import { expect, test } from 'vitest';
import { columnType, type PgType } from './types.ts';

const builtIn = (typeName: string, formatted: string, isArray = false): PgType => ({
  formatted,
  baseFormatted: formatted,
  schemaName: 'pg_catalog',
  typeName,
  isArray,
});
const own = (typeName: string, base: Partial<PgType> = {}): PgType => ({
  ...builtIn(typeName, `hr.${typeName}`),
  schemaName: 'hr',
  ...base,
});

/** simple, native, json, length, precision, scale, fixed */
type Row = [PgType, string, string, string, number | null, number | null, number | null, boolean];
const CASES: readonly Row[] = [
  [builtIn('int4', 'integer'), 'integer', 'int4', 'number', null, null, null, false],
  [builtIn('int2', 'smallint'), 'integer', 'int2', 'number', null, null, null, false],
  [builtIn('int8', 'bigint'), 'bigint', 'int8', 'number', null, null, null, false],
  [builtIn('numeric', 'numeric'), 'decimal', 'numeric', 'number', null, null, null, false],
  [builtIn('numeric', 'numeric(12,2)'), 'decimal', 'numeric', 'number', 12, 12, 2, false],
  [builtIn('numeric', 'numeric(3,-2)'), 'decimal', 'numeric', 'number', 3, 3, -2, false],
  [builtIn('float4', 'real'), 'double', 'float4', 'number', null, null, null, false],
  [builtIn('money', 'money'), 'money', 'money', 'string', null, null, null, false],
  [builtIn('bool', 'boolean'), 'boolean', 'bool', 'boolean', null, null, null, false],
  [builtIn('bytea', 'bytea'), 'string', 'bytea', 'bytes', null, null, null, false],
  [builtIn('varchar', 'character varying(60)'), 'string', 'varchar', 'string', 60, 60, null, false],
  [builtIn('bpchar', 'character(4)'), 'string', 'bpchar', 'string', 4, 4, null, true],
  [builtIn('char', '"char"'), 'string', '"char"', 'string', null, null, null, false],
  [builtIn('bit', 'bit(3)'), 'string', '"bit"', 'string', 3, 3, null, false],
  [builtIn('text', 'text'), 'string', 'text', 'string', null, null, null, false],
  [builtIn('jsonb', 'jsonb'), 'string', 'jsonb', 'string', null, null, null, false],
  [builtIn('uuid', 'uuid'), 'uuid', 'uuid', 'string', null, null, null, false],
  [builtIn('timestamp', 'timestamp(0) without time zone'), 'timestamp', 'timestamp', 'string', 0, 0, null, false],
  [builtIn('timestamptz', 'timestamp with time zone'), 'timestamptz', 'timestamptz', 'string', null, null, null, false],
  [builtIn('int4', 'integer[]', true), 'string', 'int4[]', 'string', null, null, null, false],
  [builtIn('bytea', 'bytea[]', true), 'string', 'bytea[]', 'string', null, null, null, false],
  [own('Odd "mood"'), 'string', '"hr"."Odd ""mood"""', 'string', null, null, null, false],
  [own('mood', { isArray: true }), 'string', '"hr"."mood"[]', 'string', null, null, null, false],
  // Domains.
  [
    { ...builtIn('varchar', 'character varying(5)'), formatted: 'hr.code' },
    'string',
    'varchar',
    'string',
    5,
    5,
    null,
    false,
  ],
  [{ ...builtIn('int4', 'integer'), formatted: 'hr.size' }, 'integer', 'int4', 'number', null, null, null, false],
  // A type of somebody's own that is only called like a built-in one.
  [own('bool'), 'string', '"hr"."bool"', 'string', null, null, null, false],
];
test.each(CASES)('%o', (type, simple, nativeType, json, length, precision, scale, fixedLength) => {
  expect(columnType(type)).toEqual({
    type: simple,
    dbType: type.formatted,
    nativeType,
    json,
    length,
    precision,
    scale,
    fixedLength,
  });
});
