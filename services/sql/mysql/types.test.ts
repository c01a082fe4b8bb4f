import { expect, test } from 'vitest';
import { columnType } from './types.ts';

/** simple, native, json, length, precision, scale */
type Row = [columnType: string, string, string, string, number | null, number | null, number | null];
const CASES: readonly Row[] = [
  ['int(11)', 'integer', 'int', 'number', 11, null, null],
  ['int', 'integer', 'int', 'number', null, null, null],
  ['int(1)', 'integer', 'int', 'number', 1, null, null],
  ['int(10) unsigned zerofill', 'integer', 'int unsigned', 'number', 10, null, null],
  ['tinyint(1)', 'boolean', 'tinyint', 'boolean', 1, null, null],
  ['tinyint(4)', 'integer', 'tinyint', 'number', 4, null, null],
  ['smallint unsigned', 'integer', 'smallint unsigned', 'number', null, null, null],
  ['bigint(20)', 'bigint', 'bigint', 'number', 20, null, null],
  ['year(4)', 'integer', 'year', 'number', 4, null, null],
  ['bit(1)', 'boolean', 'bit', 'boolean', 1, null, null],
  ['bit(12)', 'bigint', 'bit', 'number', 12, null, null],
  ['decimal(12,2)', 'decimal', 'decimal(65,30)', 'number', 12, 12, 2],
  ['decimal(65,0)', 'decimal', 'decimal(65,0)', 'number', 65, 65, 0],
  ['decimal(60,20)', 'decimal', 'decimal(65,25)', 'number', 60, 60, 20],
  ['float', 'float', 'float', 'number', null, null, null],
  ['double(8,2)', 'double', 'double', 'number', 8, 8, 2],
  ['varchar(60)', 'string', 'varchar', 'string', 60, null, null],
  ['longtext', 'text', 'longtext', 'string', null, null, null],
  ["enum('a(1)','b')", 'string', 'enum', 'string', null, null, null],
  ["set('a','b')", 'string', 'set', 'string', null, null, null],
  ['varbinary(16)', 'binary', 'varbinary', 'bytes', 16, null, null],
  ['longblob', 'binary', 'longblob', 'bytes', null, null, null],
  ['date', 'date', 'date', 'string', null, null, null],
  ['time(3)', 'time', 'time', 'string', 3, null, null],
  ['datetime(6)', 'datetime', 'datetime', 'string', 6, null, null],
  ['timestamp', 'timestamp', 'timestamp', 'string', null, null, null],
  ['uuid', 'uuid', 'uuid', 'string', null, null, null],
  ['inet6', 'string', 'inet6', 'string', null, null, null],
  ['point', 'string', 'point', 'bytes', null, null, null],
];
test.each(CASES)('%s', (dbType, type, nativeType, json, length, precision, scale) => {
  const dataType = /^\w+/.exec(dbType)?.[0] ?? '';
  const found = columnType({ columnType: dbType, dataType, charset: null, isJson: false });
  expect(found).toEqual({
    ...{ type, dbType, nativeType, json, length, precision, scale },
    fixedLength: false,
    multibyte: false,
  });
});

test.each([
  ['char(4)', 'utf8mb4', { fixedLength: true, multibyte: true }],
  ['varchar(4)', 'latin1', { fixedLength: false, multibyte: false }],
  ['binary(4)', null, { fixedLength: true, multibyte: false }],
])('%s of %s', (dbType, charset, expected) => {
  const dataType = /^\w+/.exec(dbType)?.[0] ?? '';
  expect(columnType({ columnType: dbType, dataType, charset, isJson: false })).toMatchObject(expected);
});

test('a text that must be JSON is JSON', () => {
  const type = columnType({ columnType: 'longtext', dataType: 'longtext', charset: 'utf8mb4', isJson: true });
  expect(type).toMatchObject({ type: 'string', nativeType: 'json', json: 'string', dbType: 'longtext' });
});
