import { expect, test } from 'vitest';
import type { Column } from '#common/schema/catalogue.ts';
import { applyExtras, type FieldView } from '#common/schema/extras.ts';
import { column, idColumn, primaryKey, table, textColumn } from '#common/testing/catalogue.ts';
import { mariadbDialect } from '../mysql/dialect.ts';
import { postgresDialect } from '../postgres/dialect.ts';
import { parseFieldChange } from './field-change.ts';

const fieldsOf = (columns: readonly Column[]): ReadonlyMap<string, FieldView> => {
  const { tables } = applyExtras({ tables: [table('t', columns, [primaryKey('pk', 'id')])] }, [], 1);
  return new Map(tables[0]?.fields.map((field) => [field.name, field]));
};
const varchar = { dbType: 'character varying(60)', nativeType: 'varchar', length: 60, precision: 60 };

const POSTGRES = fieldsOf([
  idColumn(),
  textColumn('name', { ...varchar, nullable: false, default: 'x' }),
  textColumn('note'),
  textColumn('mood', { dbType: 'mood', nativeType: 'public.mood' }),
  textColumn('code', { dbType: 'character(4)', nativeType: 'bpchar', length: 4, precision: 4, fixedLength: true }),
  column('qty', { default: 3 }),
  column('price', {
    type: 'decimal',
    dbType: 'numeric(8,2)',
    nativeType: 'numeric',
    length: 8,
    precision: 8,
    scale: 2,
  }),
  column('yes', { type: 'boolean', dbType: 'boolean', nativeType: 'bool', json: 'boolean', default: true }),
  textColumn('at', { type: 'timestamp', nativeType: 'timestamp', default: { expression: 'CURRENT_TIMESTAMP' } }),
  column('made', { generated: true }),
]);

const of = (name: string, type: string): string => `alter column "${name}" type ${type}`;
type Case = readonly [why: string, name: string, definition: object, actions: readonly string[]];
const CHANGES: readonly Case[] = [
  ['the same type', 'name', { type: 'string' }, []],
  ['the type of the database', 'note', { type: 'text' }, []],
  ['a type that is the same here', 'qty', { type: 'user_id' }, []],
  ['a length', 'name', { length: 100 }, [of('name', 'varchar(100)')]],
  ['a length among all that is shown', 'name', { type: 'string', length: '80', precision: 60 }, ['varchar(80)']],
  ['a length in the type', 'name', { type: 'varchar(90)' }, ['varchar(90)']],
  [
    'a fixed length',
    'name',
    { fixed_length: true },
    ['drop default', 'type char(60) using "name"::char', "set default 'x'"],
  ],
  ['no fixed length', 'code', { fixed_length: false }, ['type varchar(4)']],
  ['a length that is shown', 'code', { length: 4, size: 4, fixed_length: 'true' }, []],
  ['a length and a type where there was none', 'note', { type: 'string', length: 30 }, ['type varchar(30)']],
  ['a precision', 'price', { precision: 10 }, ['numeric(10,2)']],
  ['a precision by its length', 'price', { length: 12 }, ['numeric(12,2)']],
  ['a scale', 'price', { decimals: 3 }, ['numeric(8,3)']],
  ['a length where none belongs', 'qty', { type: 'integer', length: 11 }, []],
  [
    'another type, and the default with it',
    'qty',
    { type: 'bigint' },
    ['drop default', 'type bigint', 'set default 3'],
  ],
  ['another type from text', 'note', { type: 'integer' }, ['type integer using "note"::integer']],
  ['another type and an expression', 'at', { type: 'timestamptz' }, ['type timestamp with time zone']],
  ['another type and no default', 'qty', { type: 'string', default: null }, ['drop default', 'type varchar(255)']],
  ['a wider key', 'id', { type: 'bigid' }, ['type bigint using "id"::bigint']],
  ['NULL allowed', 'name', { allow_null: true }, ['alter column "name" drop not null']],
  ['NULL no longer', 'note', { allow_null: 'no' }, ['alter column "note" set not null']],
  ['a default', 'note', { default: "it's" }, [`alter column "note" set default 'it''s'`]],
  ['an empty default of a text', 'note', { default: '' }, [`set default ''`]],
  ['an empty default of a number', 'price', { default: '' }, []],
  ['another default', 'yes', { default: 'false' }, ['drop default', 'set default false']],
  ['the same default as text', 'yes', { default: '1' }, []],
  ['the same number as text', 'qty', { default: '3' }, []],
  ['no default', 'qty', { default: null }, ['alter column "qty" drop default']],
  ['an expression', 'note', { default: { expression: 'now()' } }, ['set default now()']],
  ['the same expression by another name', 'at', { default: { expression: 'now()' } }, []],
  ['the same expression as text', 'at', { default: 'current_timestamp' }, []],
  ['nothing at all', 'name', { required: true, db_type: 'text', label: 'Name' }, []],
];

function actionsOf(fields: ReadonlyMap<string, FieldView>, name: string, definition: object, mysql = false): string[] {
  const dialect = mysql ? mariadbDialect : postgresDialect;
  const { column: change } = parseFieldChange({ name, ...definition }, fields.get(name) as FieldView, dialect);
  return change ? (dialect.alters.column?.(change) ?? []) : [];
}

test.each(CHANGES)('PostgreSQL: %s', (_, name, definition, actions) => {
  const made = actionsOf(POSTGRES, name, definition);
  expect(made).toEqual(actions.map((action) => expect.stringContaining(action)));
});

const MARIADB = fieldsOf([
  column('id', {
    ...idColumn(),
    dbType: 'int(11)',
    nativeType: 'int',
    length: 11,
    repeats: { collation: null, rest: '' },
  }),
  textColumn('name', {
    dbType: 'varchar(60)',
    nativeType: 'varchar',
    length: 60,
    default: 'x',
    repeats: { collation: 'utf8mb4_bin', rest: "comment 'who'" },
  }),
  textColumn('mood', { dbType: "enum('a','b')", nativeType: 'enum', repeats: { collation: 'utf8mb4_bin', rest: '' } }),
  textColumn('doc', { dbType: 'longtext', nativeType: 'json' }),
  column('qty', { dbType: 'int(11)', nativeType: 'int', length: 11 }),
  column('big', { type: 'bigint', dbType: 'bigint(20) unsigned', nativeType: 'bigint unsigned', default: 1 }),
  textColumn('at', {
    type: 'timestamp_on_update',
    dbType: 'timestamp(3)',
    nativeType: 'timestamp',
    length: 3,
    nullable: false,
    default: { expression: 'current_timestamp(3)' },
    repeats: { collation: null, rest: 'on update current_timestamp(3)' },
  }),
]);
const MARIADB_CHANGES: readonly Case[] = [
  [
    'a length; the rest is said again',
    'name',
    { length: 80 },
    ["modify column `name` varchar(80) collate utf8mb4_bin null default 'x' comment 'who'"],
  ],
  ['a number has no collation', 'name', { type: 'integer', default: null }, ["`name` int null comment 'who'"]],
  ['NULL no longer', 'mood', { allow_null: false }, ["`mood` enum('a','b') collate utf8mb4_bin not null"]],
  ['NULL no longer for JSON', 'doc', { allow_null: false }, ['`doc` json not null']],
  ['JSON as it is', 'doc', { type: 'json' }, []],
  ['JSON as text', 'doc', { type: 'text' }, ['`doc` text null']],
  ['a boolean', 'qty', { type: 'boolean' }, ['`qty` tinyint(1) null']],
  ['signed', 'big', { type: 'bigint', default: 2 }, ['`big` bigint(20) unsigned null default 2']],
  ['a wider key', 'id', { type: 'bigid' }, ['`id` bigint not null auto_increment']],
  [
    'the digits of a clock',
    'at',
    { length: 6, type: 'timestamp_on_update' },
    ['`at` timestamp(6) not null default current_timestamp(6) on update current_timestamp'],
  ],
];
test.each(MARIADB_CHANGES)('MariaDB: %s', (_, name, definition, actions) => {
  const made = actionsOf(MARIADB, name, definition, true);
  expect(made).toEqual(actions.map((action) => expect.stringContaining(action)));
});

const REFUSED: readonly (readonly [why: string, name: string, definition: object, word: string])[] = [
  ['a length of an own type', 'mood', { length: 5 }, "'type'"],
  ['a field that begins to count', 'qty', { type: 'id' }, "'id'"],
  ['a key that may be empty', 'id', { allow_null: true }, "'allow_null'"],
  ['a default of what counts', 'id', { default: 1 }, "'default'"],
  ['a generated field', 'made', { default: 1 }, "'default'"],
  ['a type of none', 'name', { type: 'array' }, "'array'"],
  ['a length that is none', 'name', { length: -1 }, "'length'"],
  ['a flag that is none', 'name', { allow_null: 'perhaps' }, "'allow_null'"],
  ['a key later', 'qty', { is_primary_key: true }, "'is_primary_key'"],
  ['virtual later', 'qty', { is_virtual: true }, "'is_virtual'"],
  ['raw SQL', 'qty', { sql: 'text' }, "'sql'"],
  ['an expression that is not on the list', 'qty', { default: { expression: 'f()' } }, 'expression'],
];
test.each(REFUSED)('refused: %s', (_, name, definition, word) => {
  expect(() => actionsOf(POSTGRES, name, definition)).toThrow(
    expect.objectContaining({ code: 'invalid', message: expect.stringContaining(word) }),
  );
});
