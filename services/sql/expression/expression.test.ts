/** Functions of fields: what is understood, how it is written, and that nothing else gets through. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MillraceError } from '#common/errors.ts';
import { mysqlDialect } from '../mysql/dialect.ts';
import { postgresDialect } from '../postgres/dialect.ts';
import { sqliteDialect } from '../sqlite/dialect.ts';
import { parseExpression } from './parse.ts';
import { expressionSql } from './sql.ts';

const parts = { value: 'VALUE', field: (name: string) => `[${name}]` };
const sqlOf = (text: string, dialect = postgresDialect): string => expressionSql(parseExpression(text), dialect, parts);

const WRITTEN: readonly [text: string, sql: string][] = [
  ['UPPER({value})', 'upper(VALUE)'],
  ['upper ( trim( {value} ) )', 'upper(trim(VALUE))'],
  ["first || ' ' || last", "(([first] || ' ') || [last])"],
  ['price * 2 + 1', '(([price] * 2) + 1)'],
  ['price * (2 + 1)', '([price] * (2 + 1))'],
  ['-a - -b', '((- [a]) - (- [b]))'],
  ['a = 1 OR b <> 2 AND NOT c IS NULL', '(([a] = 1) or (([b] <> 2) and (not ([c] is null))))'],
  ['a != 1', '([a] <> 1)'],
  ['COUNT(*)', 'count(*)'],
  ['count(distinct a)', 'count(distinct [a])'],
  ['SUM(a) / COUNT(*)', '(sum([a]) / count(*))'],
  [
    "CASE WHEN a > 1 THEN 'x' WHEN b THEN NULL ELSE TRUE END",
    "case when ([a] > 1) then 'x' when [b] then null else true end",
  ],
  ['CAST(a AS string)', 'cast([a] as text)'],
  ['"Mixed ""Name""" + `b`', '([Mixed "Name"] + [b])'],
  ["COALESCE(a, 'it''s; drop table x --')", "coalesce([a], 'it''s; drop table x --')"],
  ['NOW()', 'current_timestamp'],
  ['CURRENT_DATE', 'current_date'],
  ['YEAR(a)', 'extract(year from [a])::int4'],
  ["'a\\b'", "E'a\\\\b'"],
];

test.each(WRITTEN)('%s', (text, sql) => {
  expect(sqlOf(text)).toBe(sql);
});

test.each([
  ['PostgreSQL', postgresDialect, '([a] || [b])'],
  ['MySQL', mysqlDialect, 'concat([a], [b])'],
  ['SQLite', sqliteDialect, '([a] || [b])'],
] as const)('texts are joined as %s has it', (_, dialect, sql) => {
  expect(sqlOf('a || b', dialect)).toBe(sql);
});

const REFUSED: readonly string[] = [
  '',
  'UPPER(',
  'UPPER({value}))',
  '{value} {value}',
  'a; DROP TABLE users',
  'a /* comment */',
  '(SELECT password FROM users)',
  'a UNION SELECT 1',
  'pg_sleep(10)',
  "pg_read_file('/etc/passwd')",
  "query_to_xml('select 1', true, true, '')",
  "lo_import('/etc/passwd')",
  "load_extension('x')",
  "load_file('/etc/passwd')",
  "set_config('role', 'x', false)",
  "current_setting('x')",
  'public.f(a)',
  'a::int',
  '$1',
  '?',
  '@@version',
  "'open",
  '"open',
  "E'\\''",
  'a = 1 = 2',
  'CAST(a AS int[])',
  'CAST(a AS regclass)',
  'CASE END',
  'a IS 1',
  'a,b',
  '\u0000',
  `${'('.repeat(60)}a${')'.repeat(60)}`,
  'a + '.repeat(600),
];

test.each(REFUSED)('refused: %j', (text) => {
  expect(() => sqlOf(text)).toThrow(MillraceError);
});

describe('whatever is written', () => {
  const word = fc.constantFrom(
    ...'UPPER( a b {value} \' " ` ; -- /* */ ( ) , + || CASE WHEN THEN ELSE END 1 2.5 SELECT FROM :: $$ \\ NOT NULL'.split(
      ' ',
    ),
  );
  test('a refusal or SQL whose names and texts are quoted', () => {
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
        (text) => {
          let sql: string;
          try {
            sql = sqlOf(text);
          } catch (error) {
            expect(error).toBeInstanceOf(MillraceError);
            return;
          }
          const bare = sql.replace(/E?'(?:[^']|'')*'/g, '').replace(/\[[^\]]*\]/g, '');
          expect(bare).not.toMatch(/['"`;$\\]|--|\/\*|::(?!int4)|\bselect\b|\bfrom\b(?! \[)/i);
        },
      ),
    );
  });
});
