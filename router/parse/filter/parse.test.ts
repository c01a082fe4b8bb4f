import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { FILTER_DEPTH_MAX, FILTER_LENGTH_MAX, FILTER_NODES_MAX } from '#common/bounds.ts';
import { MillraceError } from '#common/errors.ts';
import { FilterSchema, type Value } from '#proto/data/v1/data_pb.ts';
import { textValue } from './nodes.ts';
import { parseFilter } from './parse.ts';
import { printFilter } from './print.ts';

const number = (digits: string): Value => ({
  $typeName: 'millrace.data.v1.Value',
  kind: { case: 'number', value: digits },
});
const list = (...values: Value[]): Value => ({
  $typeName: 'millrace.data.v1.Value',
  kind: { case: 'list', value: { $typeName: 'millrace.data.v1.ValueList', values } },
});

const PARAMS: ReadonlyMap<string, Value> = new Map([
  [':x', number('5')],
  [':n', textValue("O'Neil")],
  [':list', list(textValue('a'), textValue('b'))],
  [':none', list()],
]);

/** Canonical text, with each value that the text cannot hold written behind it. */
function canonical(filter: string): string {
  const parsed = parseFilter(filter, PARAMS);
  if (parsed.filter === undefined) return '';
  const { text, params } = printFilter(parsed.filter, parsed.parameters);
  return [text, ...[...params].map(([key, { kind }]) => `${key} ${kind.case} ${kind.value}`)].join(' | ');
}

function refused(filter: string, params = PARAMS): MillraceError {
  try {
    parseFilter(filter, params);
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error(`'${filter}' was accepted`);
}

/** A filter, what it means (equal filters have equal canonical text), why. */
const MEANINGS: readonly (readonly [filter: string, means: string, why: string])[] = [
  // Recorded and documented.
  ['name = Ada', "name = 'Ada'", 'a bareword'],
  ["name = 'Ada'", "name = 'Ada'", 'single quotes'],
  ['name = "Ada"', "name = 'Ada'", 'double quotes'],
  ["name='Ada'", "name = 'Ada'", 'no blanks'],
  ['name eq Ada', "name = 'Ada'", 'an operator as a word'],
  ["NAME EQ 'Ada'", "NAME = 'Ada'", 'any case; the connector finds the column'],
  ['name = New York', "name = 'New York'", 'a bareword with a blank'],
  ["name = O'Neil", "name = 'O''Neil'", 'an apostrophe in a bareword'],
  ['name = "O\'Neil"', "name = 'O''Neil'", 'an apostrophe in double quotes'],
  ['name = Zoë', "name = 'Zoë'", 'any letter'],
  ["name != 'Ada'", "name != 'Ada'", 'not equal'],
  ['age ne 36', "age != '36'", 'not equal as a word'],
  ['age <> 36', "age != '36'", 'not equal as a diamond'],
  ['age > 36', "age > '36'", 'greater'],
  ['age gt 36', "age > '36'", 'greater as a word'],
  ['age >= 36', "age >= '36'", 'greater or equal'],
  ['age gte 36', "age >= '36'", 'greater or equal as a word'],
  ['age<36', "age < '36'", 'less'],
  ['age lt 36', "age < '36'", 'less as a word'],
  ['age<=36', "age <= '36'", 'less or equal'],
  ['age lte 36', "age <= '36'", 'less or equal as a word'],
  ['age > -5', "age > '-5'", 'a negative number'],
  ['salary > 4000.25', "salary > '4000.25'", 'a fraction'],
  ['age = 1e3', "age = '1e3'", 'numbers stay as they were written'],
  ['age =', "age = ''", 'nothing is the empty text'],
  ["name = ''", "name = ''", 'quotes around nothing'],
  ['(name =)', "name = ''", 'nothing within a group'],
  ['name = NULL', "name = 'NULL'", 'NULL as a value is text'],
  ['active = true', "active = 'true'", 'true stays text'],
  ["hired >= '2021-01-01'", "hired >= '2021-01-01'", 'a date'],
  ["seen < '2024-01-01 00:00:00'", "seen < '2024-01-01 00:00:00'", 'a time stamp'],
  ['email IS NULL', 'email IS NULL', 'no value'],
  ['email is not null', 'email IS NOT NULL', 'some value'],
  ['email  is\tnot\nnull', 'email IS NOT NULL', 'any white space between words'],
  ["name LIKE 'A%'", "name LIKE 'A%'", 'a pattern'],
  ['name like Ad%', "name LIKE 'Ad%'", 'a bare pattern'],
  ["email NOT LIKE '%x.com'", "email NOT LIKE '%x.com'", 'not like'],
  ['name contains da', 'name CONTAINS da', 'contains'],
  ["name contains 'da'", "name CONTAINS :p0 | :p0 text 'da'", 'quotes are part of what is searched'],
  ['note contains %', 'note CONTAINS %', 'a percent sign'],
  ['name starts with A', 'name STARTS WITH A', 'starts with'],
  ["note starts with 'ab", "note STARTS WITH :p0 | :p0 text 'ab", 'one quote is text'],
  ['email ends with org', 'email ENDS WITH org', 'ends with'],
  ['email not contains x.com', 'email NOT CONTAINS x.com', 'not contains'],
  ['name contains :n', "name CONTAINS :p0 | :p0 text O'Neil", 'a parameter behind contains'],
  ['age IN (36,41)', "age IN ('36', '41')", 'a list'],
  ["name in ('Ada','Bob')", "name IN ('Ada', 'Bob')", 'a quoted list'],
  ['age in ( 36 , 41 )', "age IN ('36', '41')", 'blanks in a list'],
  ['age not in(36)', "age NOT IN ('36')", 'not in'],
  ["a IN (1,'2',:x)", "a IN ('1', '2', :p0) | :p0 number 5", 'a parameter in a list'],
  ['(dept_id = 1) AND (age > 40)', "dept_id = '1' AND age > '40'", 'and'],
  ['(dept_id=1)and(age>40)', "dept_id = '1' AND age > '40'", 'and without blanks'],
  ['(dept_id=1) && (age>40)', "dept_id = '1' AND age > '40'", 'and as a symbol'],
  ['(age = 18) OR (age = 55)', "age = '18' OR age = '55'", 'or'],
  ['(age = 18) || (age = 55)', "age = '18' OR age = '55'", 'or as a symbol'],
  ['(a = 1) AND (b = 2) AND (c = 3)', "a = '1' AND b = '2' AND c = '3'", 'a chain'],
  ['(a = 2) OR (b = 1) AND (c > 4)', "a = '2' OR b = '1' AND c > '4'", 'AND binds before OR'],
  ['(b = 1) AND (c > 4) OR (a = 2)', "b = '1' AND c > '4' OR a = '2'", 'wherever it stands'],
  ['((a = 1) OR (a = 2)) AND (b < 4)', "(a = '1' OR a = '2') AND b < '4'", 'a group'],
  ['(b < 4) AND ((a = 1) OR (a = 2))', "b < '4' AND (a = '1' OR a = '2')", 'a group on the right'],
  ['((a=1) AND (b>4)) OR ((a=2) AND (b<2))', "a = '1' AND b > '4' OR a = '2' AND b < '2'", 'two groups'],
  ['NOT (a = 1)', "a NOT = '1'", 'not'],
  ['NOT(a = 1)', "a NOT = '1'", 'not without a blank'],
  ['NOT ((a = 1) OR (a = 2))', "NOT (a = '1' OR a = '2')", 'not of a group'],
  ['NOT (a = 1) AND (b > 1)', "a NOT = '1' AND b > '1'", 'NOT binds before AND'],
  ['((age = 36))', "age = '36'", 'redundant parentheses'],
  ["name = 'x'; DROP TABLE emp", "name = '''x''; DROP TABLE emp'", 'a quote that closes nothing: all of it is text'],
  ["name = 'x' OR 1=1", "name = '''x'' OR 1=1'", '1=1 is no condition, so it is text'],
  ["note = 'it's'", "note = 'it''s'", 'a quote inside of quotes'],
  [' ', '', 'a blank filter'],
  ['', '', 'no filter'],
  ['id = {user.id}', "id = '{user.id}'", 'a lookup stays for its own stage'],
  ["email = '{user.email}'", "email = '{user.email}'", 'a quoted lookup'],
  ['email = {strtoupper(user.email)}', "email = '{strtoupper(user.email)}'", 'a lookup with a modifier'],
  ['name = :n', "name = 'O''Neil'", 'a parameter'],
  ['a = :x', 'a = :p0 | :p0 number 5', 'a parameter keeps its kind'],
  ['name = :missing', "name = ':missing'", 'an unknown parameter is text'],
  ["name = ':n'", "name = ':n'", 'a quoted parameter is text'],
  ['(age > :x) AND (name like :n)', "age > :p0 AND name LIKE 'O''Neil' | :p0 number 5", 'two parameters'],
  ["name eq 'x in y'", "name = 'x in y'", 'an operator within quotes'],
  ["name = 'this eq that'", "name = 'this eq that'", 'another one'],
  ["name = 'foo (bar)'", "name = 'foo (bar)'", 'parentheses within quotes'],
  ["(name = 'foo)')", "name = 'foo)'", 'half of them'],
  ["name = 'it\\'s'", "name = 'it\\''s'", 'a backslash is a backslash'],
  ['a = = 1', "a = '= 1'", 'the first operator counts'],
  // Supersets: the original refused these, or read them as something nobody means.
  ["name = 'O''Neil'", "name = 'O''Neil'", 'superset: a doubled quote is one quote'],
  ["name = ''''", "name = ''''", 'superset: a quote alone'],
  ["a='x and b=''", "a = '''x' AND b = ''", 'superset: quotes pair from their own opening'],
  ["note like 'a=b'", "note LIKE 'a=b'", 'superset: an operator within quotes'],
  ["name = 'a) and (b'", "name = 'a) and (b'", 'superset: a logical operator within quotes'],
  ['dept_id=1 AND age>40', "dept_id = '1' AND age > '40'", 'superset: no parentheses'],
  ['(dept_id=1) AND age>40', "dept_id = '1' AND age > '40'", 'superset: half of the parentheses'],
  ['dept_id=1 AND (age>40)', "dept_id = '1' AND age > '40'", 'superset: the other half'],
  ['(a=1)  AND\n(b=2)', "a = '1' AND b = '2'", 'superset: any white space'],
  ['a=1&&b=2||c=3', "a = '1' AND b = '2' OR c = '3'", 'superset: symbols without blanks'],
  ['a\u00a0= 1\u00a0and b = 2', "a = '1' AND b = '2'", 'superset: no-break spaces from a copied text'],
  ['(a > 1) AND (NOT (b = 1))', "a > '1' AND b NOT = '1'", 'superset: NOT within a group'],
  ['(a > 1) AND NOT (b = 1)', "a > '1' AND b NOT = '1'", 'superset: NOT behind AND'],
  ['(NOT (a = 1))', "a NOT = '1'", 'superset: NOT in parentheses'],
  ['NOT a = 1 OR b = 2', "a NOT = '1' OR b = '2'", 'superset: NOT without parentheses'],
  ['NOT NOT a = 1', "NOT a NOT = '1'", 'superset: NOT twice'],
  ['a NOT = 1', "a NOT = '1'", 'superset: NOT before any operator'],
  ['(a=1) XOR (b=2)', "(a = '1' OR b = '2') AND NOT (a = '1' AND b = '2')", 'superset: exactly one'],
  ['a=1 NOR b=2', "NOT (a = '1' OR b = '2')", 'superset: none'],
  ['a=1 OR b=2 NOR c=3', "NOT (a = '1' OR b = '2' OR c = '3')", 'superset: NOR binds as OR does'],
  ['a=1 NOR b=2 OR c=3', "NOT (a = '1' OR b = '2') OR c = '3'", 'superset: from the left'],
  ['age BETWEEN 30 AND 40', "age BETWEEN '30' AND '40'", 'superset: a range'],
  ["d between '2024-01-01' and :n AND b=2", "d BETWEEN '2024-01-01' AND 'O''Neil' AND b = '2'", 'superset: its AND'],
  ["name not between 'a and b' and c", "name NOT BETWEEN 'a and b' AND 'c'", 'superset: AND in a quoted bound'],
  ['name between rock and roll and a = 1', "name BETWEEN 'rock' AND 'roll' AND a = '1'", 'superset: bare bounds'],
  ['age in(36)', "age IN ('36')", 'superset: no blank before the list'],
  ["name IN ('a,b','c')", "name IN ('a,b', 'c')", 'superset: a comma within quotes'],
  ["name in (it's, 'don't', foo (bar, baz))", "name IN ('it''s', 'don''t', 'foo (bar, baz)')", 'superset: odd items'],
  ['name in (a,,b)', "name IN ('a', '', 'b')", 'an empty item is the empty text'],
  ['name in :list', "name IN ('a', 'b')", 'superset: a list parameter'],
  ['name in (x, :list)', "name IN ('x', 'a', 'b')", 'superset: a list parameter within a list'],
  ["customer.country = 'USA'", "customer.country = 'USA'", 'superset: a field of a relation'],
  ['"Order Date" = 2024 AND "a""b" > 1', '"Order Date" = \'2024\' AND "a""b" > \'1\'', 'superset: quoted names'],
  ['"and" = 1 or größe > 2 or first-name = x', "\"and\" = '1' OR größe > '2' OR first-name = 'x'", 'names of any kind'],
  ['2fa = yes', "2fa = 'yes'", 'a name may begin with a digit'],
  // What tells a word of a value from an operator.
  ['name = Rock and Roll', "name = 'Rock and Roll'", 'no condition behind it: text'],
  ['name = Rock and Roll AND year = 1970', "name = 'Rock and Roll' AND year = '1970'", 'a condition behind the second'],
  ['name = Rock and (Roll)', "name = 'Rock and (Roll)'", 'no condition in the parentheses'],
  ['name = R&&B || C', "name = 'R&&B || C'", 'symbols in text'],
  ['name = Tom and Jerry in Paris', "name = 'Tom and Jerry in Paris'", 'IN without a list is a word'],
  ['name = this and not that', "name = 'this and not that'", 'NOT without a condition is a word'],
  ['name = brand x or nor y', "name = 'brand x or nor y'", 'a reserved word is no name'],
  ['name = x and a is null', "name = 'x' AND a IS NULL", 'a condition without a value'],
  ['name = x and not ((a = 1) or b in (2))', "name = 'x' AND NOT (a = '1' OR b IN ('2'))", 'a condition deep inside'],
  ['name = x and "a b" not like c', "name = 'x' AND \"a b\" NOT LIKE 'c'", 'a condition on a quoted name'],
  ["name = 'x'and b = 2", "name = 'x' AND b = '2'", 'a quote needs no blank behind it'],
  ['name = (x)and b = 2', "name = 'x' AND b = '2'", 'nor does a parenthesis'],
  ['name = band b = 2', "name = 'band b = 2'", 'the end of a word is no operator'],
  ['name = and b = 2', "name = '' AND b = '2'", 'an empty value before an operator'],
  ['name contains and', 'name CONTAINS and', 'an operator alone is text'],
  ['a=1 AND', "a = '1 AND'", 'an operator at the end is text'],
  ['name = foo (bar) baz', "name = 'foo (bar) baz'", 'balanced parentheses are text'],
  ['(name = foo (a and b = 2))', "name = 'foo (a and b = 2)'", 'so is what they hold'],
  // Parentheses around a value.
  ['age = (36)', "age = '36'", 'a plain value'],
  ['age = (30+6)', "age = '30+6'", 'nothing is calculated: safety beats compatibility'],
  ['age > (dept_id)', "age > 'dept_id'", 'no column either'],
  ['age = (SELECT 36)', "age = 'SELECT 36'", 'nor a query'],
  ["name = ('x')", "name = 'x'", 'quotes within'],
  ['age = (:x)', 'age = :p0 | :p0 number 5', 'a parameter within'],
  ['age = (1) + (2)', "age = '(1) + (2)'", 'two pairs enclose nothing'],
  ['t > (NOW())', 't > (current_timestamp)', 'the clock'],
  ['t > now( )', 't > (current_timestamp)', 'superset: the clock without parentheses'],
  ['t > now() - 2 hours and a = 1', "t > (current_timestamp - 7200 seconds) AND a = '1'", 'superset: with an offset'],
  ['t > (CURRENT_TIMESTAMP)', 't > (current_timestamp)', 'its other name'],
  ['t > (current_timestamp - 90 seconds)', 't > (current_timestamp - 90 seconds)', 'an offset'],
  ['d < (current_date + 2 weeks - 1 day)', 'd < (current_date + 1123200 seconds)', 'two offsets'],
  ["d >= ( current_date-interval '7 days' )", 'd >= (current_date - 604800 seconds)', 'an interval'],
  ['d >= (current_time + interval 1 minute)', 'd >= (current_time + 60 seconds)', 'an interval without quotes'],
  [
    't between now() and (now() + 1 day)',
    't BETWEEN (current_timestamp) AND (current_timestamp + 86400 seconds)',
    'a range',
  ],
  ['d in (2024-01-01, (current_date))', "d IN ('2024-01-01', (current_date))", 'in a list'],
  ["t > '(now())'", "t > '(now())'", 'quoted it is text'],
  ['t > current_date', "t > 'current_date'", 'bare it is text'],
  ['t > (now() + 1 month)', "t > 'now() + 1 month'", 'a unit of no fixed length is text'],
  ['t > (now() + 9999999999999999 weeks)', "t > 'now() + 9999999999999999 weeks'", 'an offset beyond numbers is text'],
  ['t > (DATE_SUB(NOW(), INTERVAL 1 DAY))', "t > 'DATE_SUB(NOW(), INTERVAL 1 DAY)'", 'any other function is text'],
  ['name contains (x)', 'name CONTAINS :p0 | :p0 text (x)', 'literal text keeps its parentheses'],
  ["(name contains 'a b') and c = 1", "name CONTAINS :p0 AND c = '1' | :p0 text 'a b'", 'and ends where others end'],
];

test.each(MEANINGS)('%s → %s (%s)', (filter, means) => {
  expect(canonical(filter)).toBe(means);
});

/** A filter, the character at which it is refused, the beginning of the message, why. */
const UNPARSABLE = 'Invalid or unparsable filter request.';
const WRAP = 'Filter value lists must be wrapped in parentheses.';
const field = (text: string) => `Invalid or unparsable field in filter request: '${text}'`;
const deep = (levels: number) => '('.repeat(levels);

const REFUSALS: readonly (readonly [filter: string, position: number, message: string, why: string])[] = [
  ['length(name) = 3', 1, field('length(name)'), 'a function is no field'],
  ['1 = 1', 1, field('1'), 'a number is no field'],
  ['(a = 1) AND 1 eq 1', 13, field('1'), 'nor behind AND'],
  ['= 1', 1, field(''), 'no field at all'],
  ['and = 1', 1, field('and'), 'a logical operator is no name without quotes'],
  ['"" = 1', 1, field('""'), 'an empty name'],
  [`${'é'.repeat(70)}( = 1`, 1, field(`${'é'.repeat(60)}…`), 'a long text is repeated in part'],
  ['name', 5, UNPARSABLE, 'no operator'],
  ['name Ada', 6, UNPARSABLE, 'a word that is none'],
  ['name is defined', 6, UNPARSABLE, 'IS wants NULL'],
  ['name starts A', 6, UNPARSABLE, 'STARTS wants WITH'],
  ['a not is null', 3, UNPARSABLE, 'written a IS NOT NULL'],
  ['a all (1)', 3, UNPARSABLE, 'ALL is for sub-queries'],
  ['age in 36,41', 8, WRAP, 'a list without parentheses'],
  ['age in ()', 9, WRAP, 'an empty list'],
  ['age in ( )', 10, WRAP, 'a blank list'],
  ['age in :x', 8, WRAP, 'a parameter that is no list'],
  ['age in :none', 13, WRAP, 'an empty list parameter'],
  ['age in (1, 2', 13, WRAP, 'a list without its end'],
  ['age = :list', 7, UNPARSABLE, 'a list where one value is due'],
  ['(age = 36', 10, UNPARSABLE, 'a parenthesis is not closed'],
  ['age = 36)', 9, UNPARSABLE, 'a parenthesis is not opened'],
  ['name = foo (bar', 12, UNPARSABLE, 'a parenthesis within a value is not closed'],
  ['()', 2, UNPARSABLE, 'nothing in parentheses'],
  ['(a = 1) AND ( )', 15, UNPARSABLE, 'nor here'],
  ['(a = 1) AND', 12, UNPARSABLE, 'nothing behind AND'],
  ['NOT', 4, UNPARSABLE, 'nothing behind NOT'],
  ['(a = 1) (b = 2)', 9, UNPARSABLE, 'no logical operator between'],
  ['a is null b', 11, UNPARSABLE, 'text behind IS NULL, which the original drops in silence'],
  ['a in (1) b', 10, UNPARSABLE, 'text behind a list'],
  ['a between 1', 12, UNPARSABLE, 'a range without AND'],
  ['(a between 1) and b = 2', 13, UNPARSABLE, 'a range that ends too early'],
  [`${deep(FILTER_DEPTH_MAX + 1)}a = 1`, FILTER_DEPTH_MAX + 2, UNPARSABLE, 'too many parentheses'],
  [deep(FILTER_LENGTH_MAX), FILTER_DEPTH_MAX + 2, UNPARSABLE, 'very many'],
  ['not '.repeat(10_000), 4 * (FILTER_DEPTH_MAX + 1), UNPARSABLE, 'too many NOTs'],
  [
    `${'a=1 nor '.repeat(FILTER_DEPTH_MAX)}a=1`,
    8 * FILTER_DEPTH_MAX + 4,
    UNPARSABLE,
    'too deep once NOR is written out',
  ],
  ['a=1 or '.repeat(FILTER_NODES_MAX + 1), 7 * FILTER_NODES_MAX + 1, 'Invalid', 'too many comparisons'],
  ['a=1 xor '.repeat(20), 8 * 11, 'Invalid', 'too many comparisons once XOR is written out'],
  [`a = ${'x'.repeat(FILTER_LENGTH_MAX)}`, FILTER_LENGTH_MAX + 1, UNPARSABLE, 'too long'],
];

test.each(REFUSALS.map(([filter, ...rest]) => [filter.slice(0, 40), ...rest, filter] as const))(
  '%s is refused at %i: %s (%s)',
  (_shown, position, message, _why, filter) => {
    const error = refused(filter);
    expect(error.code).toBe('invalid');
    expect(error.message.startsWith(message)).toBe(true);
    expect(error.context).toStrictEqual({ position, expected: expect.stringMatching(/./) });
  },
);

describe('the tree', () => {
  test('is the same for other values, byte for byte', () => {
    const bytes = (filter: string) => toBinary(FilterSchema, parseFilter(filter, PARAMS).filter!);
    expect(bytes("a=1 and name in (x, 'y')")).toStrictEqual(bytes('(a = :x) AND name IN (:n, long text)'));
  });

  test('holds an index for each value, in the order of the text', () => {
    const { filter, parameters } = parseFilter('a = x and b between :x and 7', PARAMS);
    expect(parameters).toStrictEqual([textValue('x'), number('5'), textValue('7')]);
    expect(filter!.node).toMatchObject({
      case: 'all',
      value: {
        filters: [
          { node: { value: { operands: [{ kind: { case: 'parameter', value: 0 } }] } } },
          {
            node: {
              value: {
                operands: [{ kind: { case: 'parameter', value: 1 } }, { kind: { case: 'parameter', value: 2 } }],
              },
            },
          },
        ],
      },
    });
  });

  test('equals what the generated code makes of its bytes', () => {
    const { filter } = parseFilter('(a = 1 or b is not null) and t < (current_date - 1 day) and c in (1,2)', PARAMS);
    expect(fromBinary(FilterSchema, toBinary(FilterSchema, filter!))).toStrictEqual(filter);
  });

  test('reaches the bound on nesting', () => {
    const text = `${deep(FILTER_DEPTH_MAX)}a = 1${')'.repeat(FILTER_DEPTH_MAX)}`;
    expect(canonical(text)).toBe("a = '1'");
  });
});

/** Texts at the bound that a careless look ahead would read again and again. */
const HEAVY: readonly (readonly [unit: string, why: string])[] = [
  ['a', 'one name'],
  [' ', 'blanks'],
  ["'", 'quotes'],
  ['"', 'double quotes'],
  ["a='x and ", 'quotes that nothing closes'],
  ["a='x' and ", 'quotes that close'],
  ["a between 'x and 'y and ", 'unclosed quotes in ranges'],
  ["'x, ", 'unclosed quotes in a list'],
  ['and ', 'operators alone'],
  ['or "', 'unclosed names'],
  ['or """ ', 'names of quotes'],
  [`' and "`, 'quotes of both kinds'],
  ['or not ', 'NOTs in a value'],
  ['or ((', 'parentheses in a value'],
  ['()', 'balanced parentheses in a value'],
  ['or x ', 'words that are no conditions'],
  ["' or ", 'quotes before operators'],
  ['+1s', 'offsets'],
  [':x,', 'parameters in a list'],
  ['{a(b)}', 'lookups'],
];
const PREFIXES = ['', 'a = ', "a = '", 'a = "', 'a in (', 'a between ', 'a contains ', 'a = (now() + ', 'not (', '"'];

test.each(HEAVY)('64 KiB of %j take milliseconds (%s)', (unit) => {
  for (const prefix of PREFIXES) {
    const text = (prefix + unit.repeat(FILTER_LENGTH_MAX)).slice(0, FILTER_LENGTH_MAX);
    const begin = process.cpuUsage();
    try {
      parseFilter(text, PARAMS);
    } catch (error) {
      expect(error).toBeInstanceOf(MillraceError);
    }
    // Read twice over, this many characters would take seconds; a slow machine gets its share of patience.
    expect(process.cpuUsage(begin).user / 1000).toBeLessThan(300);
  }
});
