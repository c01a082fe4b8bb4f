import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { findTable, keyFields } from '#common/schema/find.ts';
import { COMPANY, column, table } from '#common/testing/catalogue.ts';
import { Selection_Kind as Kind, SelectionSchema } from '#proto/data/v1/data_pb.ts';
import { postgresDialect } from '../postgres/dialect.ts';
import { sqliteDialect } from '../sqlite/dialect.ts';
import { contextOf, tableOf } from '../testing/views.ts';
import { hiddenOutputs, outputsOf } from './selection.ts';

const context = contextOf(postgresDialect, {
  tables: [...COMPANY.tables, table('keyless', [column('v')]), table('odd', [column('a"b'), column('Mixed')])],
});
const emp = tableOf(context, 'emp');
const keyless = tableOf(context, 'keyless');
const selection = (kind: Kind, ...names: string[]) => create(SelectionSchema, { kind, names });
const listed = (...names: string[]) => selection(Kind.LISTED, ...names);
const invalid = (field: string) => expect.objectContaining({ code: 'invalid', context: { field } });

test('a table by its name in any case, or none', () => {
  expect(findTable(context.view, 'EMP')).toBe(emp);
  expect(() => findTable(context.view, 'nowhere')).toThrow(expect.objectContaining({ code: 'not_found' }));
});

describe('what identifies a record', () => {
  const CASES: readonly (readonly [why: string, asked: string[], fields: string[]])[] = [
    ['the primary key', [], ['id']],
    ['another field', ['EMAIL'], ['email']],
    ['several', ['dept_id', 'name'], ['dept_id', 'name']],
    ['unknown names are left out', ['nothing', 'name'], ['name']],
  ];
  test.each(CASES)('%s', (_, asked, fields) => {
    expect(keyFields(emp, asked).map(({ name }) => name)).toEqual(fields);
  });
  test.each([
    [keyless, []],
    [emp, ['nothing']],
  ])('nothing', (view, asked) => {
    expect(() => keyFields(view, asked)).toThrow(expect.objectContaining({ code: 'invalid' }));
  });
});

describe('what is shown', () => {
  const dept = tableOf(context, 'dept');
  const names = (...args: Parameters<typeof outputsOf>) => outputsOf(...args).map(({ column: one }) => one.name);
  const CASES: readonly (readonly [why: string, shown: string[], wanted: string[]])[] = [
    ['all', names(selection(Kind.ALL), dept, [], postgresDialect), ['id', 'name', 'budget']],
    ['all where nothing is said', names(undefined, dept, [], postgresDialect), ['id', 'name', 'budget']],
    ['the key', names(selection(Kind.KEY), dept, [], postgresDialect), ['id']],
    ['the key that was named', names(selection(Kind.KEY), dept, ['name'], postgresDialect), ['name']],
    ['everything where there is no key', names(selection(Kind.KEY), keyless, [], postgresDialect), ['v']],
    ['those listed, each once', names(listed('NAME', 'id', 'name'), dept, [], postgresDialect), ['name', 'id']],
    ['none', names(listed(), dept, [], postgresDialect), []],
    [
      'and what relations start from',
      names(listed('name'), dept, [], postgresDialect, { extra: keyFields(dept, []) }),
      ['name', 'id'],
    ],
  ];
  test.each(CASES)('%s', (_, shown, wanted) => expect(shown).toEqual(wanted));

  test('names are quoted', () => {
    expect(
      outputsOf(listed('a"b', 'mixed'), tableOf(context, 'odd'), [], postgresDialect).map(({ sql }) => sql),
    ).toEqual(['"a""b"', '"Mixed"']);
  });

  test('hidden ones are not part of the record', () => {
    expect(hiddenOutputs(keyFields(emp, []), postgresDialect)).toEqual([
      { sql: '"id"', column: { name: 'id', json: 'number', hidden: true } },
    ]);
  });

  const GROUPED: readonly (readonly [asked: string, sql: string, name: string, json: string])[] = [
    ['COUNT(*)', 'count(*)', 'COUNT_ALL', 'number'],
    ['count( budget )', 'count("budget")', 'COUNT_budget', 'number'],
    ['SUM(budget)', 'sum("budget")', 'SUM_budget', 'string'],
    ['avg(id)', 'avg("id")', 'AVG_id', 'string'],
    ['Max(name)', 'max("name")', 'MAX_name', 'string'],
    ['MIN(id)', 'min("id")', 'MIN_id', 'number'],
  ];
  test.each(GROUPED)('%s of a group', (asked, sql, name, json) => {
    const grouped = { grouped: true };
    const folded = { name: name.toLowerCase(), json };
    expect(outputsOf(listed(asked), dept, [], postgresDialect, grouped)).toEqual([{ sql, column: folded }]);
    expect(outputsOf(listed(asked), dept, [], sqliteDialect, grouped)).toMatchObject([{ sql, column: { name } }]);
  });

  test.each(['nothing', 'SUM(nothing)', 'SUM(*)', 'count(*); drop table dept', 'lower(name)', 'COUNT(name) , id'])(
    'not %s',
    (asked) => {
      expect(() => outputsOf(listed(asked), dept, [], postgresDialect, { grouped: true })).toThrow(invalid(asked));
    },
  );
  test('no aggregate outside of a group', () => {
    expect(() => outputsOf(listed('COUNT(*)'), dept, [], postgresDialect)).toThrow(invalid('COUNT(*)'));
  });
});
