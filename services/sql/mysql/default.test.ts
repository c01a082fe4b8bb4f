import { expect, test } from 'vitest';
import type { Column, JsonKind } from '#common/schema/catalogue.ts';
import { parseDefault } from './default.ts';

const MARIADB: readonly [shown: string | null, json: JsonKind, value: Column['default']][] = [
  [null, 'string', null],
  ['NULL', 'string', null],
  ["'NULL'", 'string', 'NULL'],
  ["'it''s \\\\ \"x\"'", 'string', 'it\'s \\ "x"'],
  ["''", 'string', ''],
  ['5', 'number', 5],
  ['-1.50', 'number', -1.5],
  ['9007199254740993', 'number', '9007199254740993'],
  ['1', 'boolean', true],
  ['0', 'boolean', false],
  ["b'1'", 'boolean', true],
  ["b'101'", 'number', 5],
  ['current_timestamp()', 'string', { expression: 'current_timestamp()' }],
  ["ucase('x')", 'string', { expression: "ucase('x')" }],
];
test.each(MARIADB)('MariaDB: %s as %s', (text, json, value) => {
  expect(parseDefault({ text, extra: '', isSql: true }, json)).toEqual(value);
});

const MYSQL: readonly [shown: string | null, extra: string, json: JsonKind, value: Column['default']][] = [
  [null, '', 'string', null],
  ['NULL', '', 'string', 'NULL'],
  ["it's \\", '', 'string', "it's \\"],
  ['', '', 'string', ''],
  ['5', '', 'number', 5],
  ['5', '', 'string', '5'],
  ['1', '', 'boolean', true],
  ["b'0'", '', 'boolean', false],
  ['CURRENT_TIMESTAMP', 'DEFAULT_GENERATED', 'string', { expression: 'CURRENT_TIMESTAMP' }],
  ['CURRENT_TIMESTAMP(6)', 'on update CURRENT_TIMESTAMP(6)', 'string', { expression: 'CURRENT_TIMESTAMP(6)' }],
  ['uuid()', 'DEFAULT_GENERATED', 'string', { expression: 'uuid()' }],
];
test.each(MYSQL)('MySQL: %s (%s) as %s', (text, extra, json, value) => {
  expect(parseDefault({ text, extra, isSql: false }, json)).toEqual(value);
});
