/** SQLite does what every engine does, and its own types. */
import { describe } from 'vitest';
import { engine } from '../sqlite/index.ts';
import { tryEngine } from './suite.ts';
import type { TypeTable } from './types.ts';
import type { ValueCase } from './values.ts';

const VALUES: readonly ValueCase[] = [
  { why: 'an integer beyond 2^53', declared: 'bigint', sent: '9007199254740993', shown: '9007199254740993' },
  { why: 'the largest integer', declared: 'integer', sent: '9223372036854775807', shown: '9223372036854775807' },
  { why: 'the smallest integer', declared: 'integer', sent: '"-9223372036854775808"', shown: '-9223372036854775808' },
  { why: 'one more', declared: 'integer', sent: '9223372036854775808', shown: { refused: 'invalid' } },
  { why: 'a decimal', declared: 'decimal(12,2)', sent: '"1234567890.12"', shown: '1234567890.12' },
  {
    why: 'a whole decimal beyond 2^53',
    declared: 'decimal(19,0)',
    sent: '1234567890123456789',
    shown: '1234567890123456789',
  },
  {
    why: 'a decimal beyond 64 bits',
    declared: 'decimal(30,0)',
    sent: '99999999999999999999',
    shown: { refused: 'invalid' },
  },
  { why: 'a double', declared: 'double', sent: '1.5e300', shown: '1.5e+300' },
  { why: 'true', declared: 'boolean', sent: 'true', shown: 'true' },
  { why: 'false in words', declared: 'tinyint(1)', sent: '"off"', shown: 'false' },
  { why: 'text', declared: 'text', sent: '"a\\"b\\\\c ☃\\n"', shown: '"a\\"b\\\\c ☃\\n"' },
  { why: 'a number in a text', declared: 'varchar(20)', sent: '12345678901234567890', shown: '"12345678901234567890"' },
  { why: 'bytes', declared: 'blob', sent: '"AAEC/w=="', shown: '"AAEC/w=="' },
  { why: 'no base64', declared: 'blob', sent: '"a b"', shown: { refused: 'invalid' } },
  {
    why: 'JSON',
    declared: 'json',
    sent: '{"a":[1,12345678901234567890]}',
    shown: '"{\\"a\\":[1,12345678901234567890]}"',
  },
  { why: 'a date', declared: 'date', sent: '"2024-02-29"', shown: '"2024-02-29"' },
  { why: 'a time stamp', declared: 'datetime', sent: '"2024-02-29 01:02:03"', shown: '"2024-02-29 01:02:03"' },
  { why: 'a generated column', declared: 'integer generated always as (id + 1) stored', sent: undefined, shown: '2' },
  { why: 'a default', declared: "text not null default 'it''s'", sent: undefined, shown: '"it\'s"' },
  { why: 'a rule of the table', declared: 'integer check (v > 0)', sent: '-1', shown: { refused: 'invalid' } },
  { why: 'NULL', declared: 'integer', sent: 'null', shown: 'null' },
];

const TYPES: TypeTable = {
  id: { reads: 'id' },
  bigid: { reads: 'id' },
  mediumid: { reads: 'id' },
  smallid: { reads: 'id' },
  integer: { reads: 'integer' },
  bigint: { reads: 'bigint' },
  mediumint: { reads: 'integer' },
  smallint: { reads: 'integer' },
  tinyint: { reads: 'integer' },
  reference: { reads: 'reference' },
  user_id: { reads: 'user_id' },
  user_id_on_create: { reads: 'user_id_on_create' },
  user_id_on_update: { reads: 'user_id_on_update' },
  boolean: { reads: 'boolean' },
  decimal: { reads: 'decimal' },
  double: { reads: 'double' },
  float: { reads: 'float' },
  money: { reads: 'decimal' },
  string: { reads: 'string' },
  text: { reads: 'text' },
  mediumtext: { reads: 'text' },
  longtext: { reads: 'text' },
  binary: { reads: 'binary' },
  date: { reads: 'date' },
  time: { reads: 'time' },
  timetz: { reads: 'time' },
  datetime: { reads: 'datetime' },
  datetimetz: { reads: 'timestamp' },
  timestamp: { reads: 'timestamp' },
  timestamptz: { reads: 'timestamp' },
  timestamp_on_create: { reads: 'timestamp_on_create' },
  timestamp_on_update: { reads: 'timestamp_on_update' },
  uuid: { reads: 'uuid' },
  json: { reads: 'string', shows: '"{\\"a\\":[1]}"' },
  jsonb: { reads: 'string', shows: '"{\\"a\\":[1]}"' },
  array: undefined,
  object: undefined,
};

describe('sqlite', () => {
  tryEngine({ engine, config: async () => ({ database: 'main.sqlite' }), values: VALUES, types: TYPES });
});
