/** MySQL and MariaDB do what every engine does, and their own types. */
import { afterAll, beforeAll, describe } from 'vitest';
import type { ServiceConfig } from '#common/engine.ts';
import { type RunningMariadb, startMariadb } from '../../../deploy/testing/mariadb.ts';
import { type MysqlDatabase, startMysql } from '../../../deploy/testing/mysql.ts';
import { suiteWith } from '../../../deploy/testing/suite.ts';
import { mariadb as mariadbEngine, mysql as mysqlEngine } from '../mysql/index.ts';
import { tryEngine } from './suite.ts';
import type { TypeTable } from './types.ts';
import type { ValueCase } from './values.ts';

const VALUES: readonly ValueCase[] = [
  { why: 'an integer beyond 2^53', declared: 'bigint', sent: '9007199254740993', shown: '9007199254740993' },
  { why: 'the smallest integer', declared: 'bigint', sent: '"-9223372036854775808"', shown: '-9223372036854775808' },
  { why: 'the largest', declared: 'bigint unsigned', sent: '18446744073709551615', shown: '18446744073709551615' },
  { why: 'one more', declared: 'bigint unsigned', sent: '18446744073709551616', shown: { refused: 'invalid' } },
  { why: 'one that does not fit', declared: 'integer', sent: '2147483648', shown: { refused: 'invalid' } },
  { why: 'one that does not fit', declared: 'tinyint', sent: '200', shown: { refused: 'invalid' } },
  { why: 'one that fits', declared: 'tinyint unsigned', sent: '200', shown: '200' },
  { why: 'less than there is', declared: 'smallint unsigned', sent: '-1', shown: { refused: 'invalid' } },
  {
    why: 'a number of many digits',
    declared: 'decimal(50,20)',
    sent: '12345678901234567890.12345678901234567890',
    shown: '12345678901234567890.12345678901234567890',
  },
  { why: 'a number of so many digits', declared: 'decimal(12,2)', sent: '1.5', shown: '1.50' },
  { why: 'more digits than there may be', declared: 'decimal(4,2)', sent: '123.4', shown: { refused: 'invalid' } },
  { why: 'no number', declared: 'decimal', sent: '"much"', shown: { refused: 'invalid' } },
  { why: 'a double', declared: 'double', sent: '0.1', shown: '0.1' },
  { why: 'a small double', declared: 'double', sent: '1e-300', shown: '1e-300' },
  { why: 'a number of four bytes', declared: 'float', sent: '0.1', shown: '0.1', isFound: false },
  { why: 'true', declared: 'tinyint(1)', sent: '"yes"', shown: 'true' },
  { why: 'false', declared: 'bit(1)', sent: 'false', shown: 'false' },
  { why: 'bits', declared: 'bit(12)', sent: '4095', shown: '4095' },
  { why: 'a year', declared: 'year', sent: '2024', shown: '2024' },
  { why: 'text', declared: 'text', sent: '"a\\"b\\\\c ☃ {,}\\n"', shown: '"a\\"b\\\\c ☃ {,}\\n"' },
  { why: 'text that is too long', declared: 'varchar(3)', sent: '"four"', shown: { refused: 'invalid' } },
  { why: 'bytes', declared: 'varbinary(8)', sent: '"AAEC/w=="', shown: '"AAEC/w=="' },
  { why: 'bytes', declared: 'blob', sent: '"AAEC/w=="', shown: '"AAEC/w=="' },
  { why: 'no base64', declared: 'blob', sent: '"a b"', shown: { refused: 'invalid' } },
  { why: 'no JSON', declared: 'json', sent: '"{"', shown: { refused: 'invalid' } },
  { why: 'a list', declared: 'json', sent: '[1, 2]', shown: '"[1,2]"', isFound: false },
  { why: 'a date', declared: 'date', sent: '"2024-02-29"', shown: '"2024-02-29"' },
  { why: 'a date with a time', declared: 'date', sent: '"2024-02-29T10:00:00Z"', shown: '"2024-02-29"' },
  { why: 'no date', declared: 'date', sent: '"2023-02-29"', shown: { refused: 'invalid' } },
  { why: 'a time', declared: 'time', sent: '"-25:30:00"', shown: '"-25:30:00"' },
  { why: 'a time stamp', declared: 'datetime', sent: '"2024-02-29T01:02:03"', shown: '"2024-02-29 01:02:03"' },
  {
    why: 'a time stamp with its zone',
    declared: 'datetime(3)',
    sent: '"2024-02-29T01:02:03.456+02:00"',
    shown: '"2024-02-28 23:02:03.456"',
  },
  { why: 'a word of a list', declared: "enum('ok','so so')", sent: '"so so"', shown: '"so so"' },
  { why: 'no word of a list', declared: "enum('ok','so so')", sent: '"bad"', shown: { refused: 'invalid' } },
  { why: 'words of a list', declared: "set('a','b','c')", sent: '"a,c"', shown: '"a,c"' },
  { why: 'a generated column', declared: 'integer generated always as (id + 1) stored', sent: undefined, shown: '2' },
  { why: 'a default', declared: "varchar(9) not null default 'it''s'", sent: undefined, shown: '"it\'s"' },
  { why: 'a rule of the table', declared: 'integer check (v > 0)', sent: '-1', shown: { refused: 'invalid' } },
  { why: 'NULL', declared: 'integer', sent: 'null', shown: 'null' },
];

const TYPES: TypeTable = {
  id: { reads: 'id' },
  bigid: { reads: 'bigint' },
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
  money: { reads: 'decimal', shows: '12.5000' },
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
  uuid: { reads: 'string' },
  json: { reads: 'string', shows: '"{\\"a\\":[1]}"' },
  jsonb: { reads: 'string', shows: '"{\\"a\\":[1]}"' },
  array: undefined,
  object: undefined,
};

/** Its texts are equal where their letters are, as in the other databases. */
const COLLATION = 'utf8mb4_bin';

async function settingsOf(started: Promise<MysqlDatabase>): Promise<ServiceConfig> {
  const { host, port, database, user: username, password } = await started;
  return { host, port, database, username, password };
}

suiteWith('mariadb', 'MariaDB', () => {
  let server: RunningMariadb;
  beforeAll(async () => {
    server = await startMariadb();
  });
  afterAll(() => server?.stop());
  // It does all that is used of MySQL, which has less.
  describe.each([mariadbEngine, mysqlEngine])('as $name', (engine) => {
    tryEngine({ engine, config: () => settingsOf(startMysql(server.url, COLLATION)), values: VALUES, types: TYPES });
  });
});

suiteWith('mysql', 'MySQL', () => {
  let database: Promise<MysqlDatabase> | undefined;
  afterAll(async () => (await database)?.stop());
  const config = (): Promise<ServiceConfig> => {
    database = startMysql(undefined, COLLATION);
    return settingsOf(database);
  };
  // MySQL writes JSON in a spelling of its own.
  const values = VALUES.filter(({ declared }) => declared !== 'json');
  tryEngine({ engine: mysqlEngine, config, values, types: TYPES });
});
