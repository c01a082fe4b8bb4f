import { describe, expect, test } from 'vitest';
import { applyExtras } from '#common/schema/extras.ts';
import { TableAccess } from '#common/schema/table-access.ts';
import { COMPANY, column, idColumn, primaryKey, table, textColumn } from '#common/testing/catalogue.ts';
import { SqlBuilder } from '../compile/builder.ts';
import { ListTemplate } from '../compile/list.ts';
import { compileDeleteByKey, compileInsert, compileUpdateByKey } from '../compile/write.ts';
import type { FieldDefinition } from '../dialect.ts';
import { outputsOf } from '../plan/selection.ts';
import { mariadbDialect, mysqlDialect } from './dialect.ts';

const PLAIN: FieldDefinition = {
  name: 'f',
  type: 'string',
  length: null,
  precision: null,
  scale: null,
  default: undefined,
  nullable: true,
  autoIncrement: false,
  primaryKey: false,
  unique: false,
  indexed: false,
  fixedLength: false,
  multibyte: false,
  reference: null,
};

describe('a column of a new table', () => {
  const CASES: readonly [field: Partial<FieldDefinition>, sql: string][] = [
    [
      { type: 'id', autoIncrement: true, primaryKey: true, nullable: false },
      '`f` int not null auto_increment primary key',
    ],
    [{ type: 'bigid', autoIncrement: true, nullable: false }, '`f` bigint not null auto_increment unique'],
    [{ type: 'string' }, '`f` varchar(255) null'],
    [{ type: 'string', length: 60, nullable: false }, '`f` varchar(60) not null'],
    [{ type: 'string', length: 4, fixedLength: true }, '`f` char(4) null'],
    [{ type: 'text' }, '`f` text null'],
    [{ type: 'boolean', default: true }, '`f` tinyint(1) null default 1'],
    [{ type: 'boolean', default: 'off' }, '`f` tinyint(1) null default 0'],
    [{ type: 'integer', default: 7 }, '`f` int null default 7'],
    [{ type: 'decimal', precision: 12, scale: 2 }, '`f` decimal(12,2) null'],
    [{ type: 'money' }, '`f` decimal(19,4) null'],
    [{ type: 'float' }, '`f` float null'],
    [{ type: 'binary' }, '`f` varbinary(255) null'],
    [{ type: 'binary', length: 16, fixedLength: true }, '`f` binary(16) null'],
    [{ type: 'reference' }, '`f` int null'],
    [{ type: 'datetime', precision: 6 }, '`f` datetime(6) null'],
    [{ type: 'timestamptz' }, '`f` timestamp null'],
    [{ type: 'timestamp_on_create', nullable: false }, '`f` timestamp not null default current_timestamp'],
    [{ type: 'timestamp_on_update' }, '`f` timestamp null default current_timestamp on update current_timestamp'],
    [{ type: 'datetime', precision: 3, default: 'NOW()' }, '`f` datetime(3) null default current_timestamp(3)'],
    [{ type: 'uuid' }, '`f` char(36) null'],
    [{ type: 'json' }, '`f` json null'],
    [{ type: 'string', default: "it's" }, "`f` varchar(255) null default 'it''s'"],
    [{ type: 'string', default: "\\'" }, "`f` varchar(255) null default _utf8mb4 x'5c27'"],
    [{ type: 'string', name: 'a `b' }, '`a ``b` varchar(255) null'],
    [{ type: 'inet6' }, '`f` inet6 null'],
    [{ type: 'int unsigned' }, '`f` int unsigned null'],
  ];
  test.each(CASES)('%j', (field, sql) => {
    expect(mysqlDialect.columnSql({ ...PLAIN, ...field })).toBe(sql);
  });

  const REFUSED: readonly Partial<FieldDefinition>[] = [
    { type: 'array' },
    { type: 'integer, `g` text' },
    { type: 'text) --' },
    { type: 'text', default: { expression: "(select 'x')" } },
    { type: 'boolean', default: 'perhaps' },
    { type: 'string', autoIncrement: true, primaryKey: true },
  ];
  test.each(REFUSED)('refused: %j', (field) => {
    expect(() => mysqlDialect.columnSql({ ...PLAIN, ...field })).toThrow(
      expect.objectContaining({ code: 'invalid', context: { field: 'f' } }),
    );
  });
});

test.each([
  ['timestamp', 0, 'current_timestamp'],
  ['timestamp', -90, '(current_timestamp + interval -90 second)'],
  ['date', 172_800, '(current_date + interval 2 day)'],
  ['date', 60, '(current_date + interval 60 second)'],
  ['time', 60, 'addtime(current_time, sec_to_time(60))'],
] as const)('%s moved by %i seconds', (base, seconds, sql) => {
  expect(mysqlDialect.moment(base, seconds)).toBe(sql);
});

test.each([
  ['tinyint', 8],
  ['tinyint unsigned', 9],
  ['bigint', 64],
  ['bigint unsigned', 65],
  ['year', undefined],
])('%s has %s bits', (nativeType, bits) => {
  expect(mysqlDialect.integerBits?.(column('n', { nativeType }))).toBe(bits);
});

test.each([
  ['a', '`a`'],
  ['hr.a`b', '`hr`.`a``b`'],
])('table %s', (name, sql) => expect(mysqlDialect.tableSql(name)).toBe(sql));

const view = applyExtras(
  {
    tables: [
      ...COMPANY.tables,
      table(
        'code',
        [textColumn('key', { nullable: false, primaryKey: true }), textColumn('v')],
        [primaryKey('PRIMARY', 'key')],
      ),
      table('log', [idColumn(), textColumn('line')], [primaryKey('PRIMARY', 'id')]),
    ],
  },
  [],
  1,
);
const access = new TableAccess({ service: 's', unruled: true, rules: [] });

describe('what shows the rows of a write', () => {
  const shape = (name: string, fields: string[], dialect = mysqlDialect) => {
    const found = view.byName.get(name)!;
    const outputs = outputsOf(undefined, found, [], dialect);
    const fieldOf = (field: string) => found.byFieldName.get(field)!;
    const context = { dialect, view, access };
    const key = [fieldOf(found.table.primaryKey[0]!)];
    return { found, outputs, context, key, fields: fields.map(fieldOf) };
  };

  test('an insert whose key is counted', () => {
    const { found, fields, outputs, context } = shape('log', ['line']);
    const { text, reads } = compileInsert(found, fields, outputs, context);
    expect(text).toBe('insert into `public`.`log` (`line`) values (?)');
    expect([reads?.when, reads?.statement.text]).toEqual([
      'after',
      'select `id`, `line` from `public`.`log` where `id` = last_insert_id()',
    ]);
  });

  test('an insert whose key is given, or unknown', () => {
    const given = shape('code', ['key', 'v']);
    const { reads } = compileInsert(given.found, given.fields, given.outputs, given.context);
    expect(reads?.statement.text).toBe('select `key`, `v` from `public`.`code` where `key` = ?');
    const unknown = shape('code', ['v']);
    expect(compileInsert(unknown.found, unknown.fields, unknown.outputs, unknown.context).reads).toBeUndefined();
  });

  test('an update that changes the key is found by the new one', () => {
    const { found, fields, outputs, context, key } = shape('code', ['key', 'v']);
    const { reads } = compileUpdateByKey(found, fields, key, undefined, outputs, context);
    const values = { keys: [], parameters: [], caller: undefined, record: ['new', 'v', 'old'] };
    expect(reads?.statement.binders.map((binder) => binder(values))).toEqual(['new']);
  });

  test('a delete shows first, and keeps what it shows', () => {
    const { found, outputs, context, key } = shape('log', []);
    const { reads } = compileDeleteByKey(found, key, undefined, outputs, context);
    expect([reads?.when, reads?.statement.text]).toEqual([
      'before',
      'select `id`, `line` from `public`.`log` where `id` = ? for update',
    ]);
  });

  test('MariaDB returns what it inserts and deletes', () => {
    const { found, fields, outputs, context, key } = shape('log', ['line'], mariadbDialect);
    expect(compileInsert(found, fields, outputs, context).text).toMatch(/ returning `id`, `line`$/);
    expect(compileDeleteByKey(found, key, undefined, outputs, context).text).toMatch(/ returning `id`, `line`$/);
    expect(compileUpdateByKey(found, fields, key, undefined, outputs, context).reads?.when).toBe('after');
  });
});

test('values go in the order of the text, however they were registered', () => {
  const builder = new SqlBuilder({ dialect: mysqlDialect, view, access });
  const [last, first] = [builder.placeholder(() => 'last'), builder.placeholder(() => 'first', 'decimal(65,30)')];
  const { text, binders } = builder.add(`${first} and ${last}`).finish([]);
  const none = { keys: [], parameters: [], caller: undefined, record: [] };
  expect([text, binders.map((binder) => binder(none))]).toEqual(['cast(? as decimal(65,30)) and ?', ['first', 'last']]);
});

test.each([
  [[7], '`a` in (?)', [7]],
  [[1, 2, 3], '`a` in (?, ?, ?, ?)', [1, 2, 3, 3]],
  [[], '`a` in (?)', [null]],
])('a list of %j', (values, text, params) => {
  const template = new ListTemplate(mysqlDialect, (condition) => {
    const builder = new SqlBuilder({ dialect: mysqlDialect, view, access });
    return builder.add(condition('`a`', column('a', { nativeType: 'int' }), builder)).finish([]);
  });
  const statement = template.bind(values, { keys: [], parameters: [], caller: undefined, record: [] });
  expect([statement.text, statement.params]).toEqual([text, params]);
});
