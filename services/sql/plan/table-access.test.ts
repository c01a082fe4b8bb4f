import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { TableAccess } from '#common/schema/table-access.ts';
import { is } from '#common/testing/words.ts';
import { ShapeSchema } from '#proto/data/v1/data_pb.ts';
import { postgresDialect } from '../postgres/dialect.ts';
import { contextOf, tableOf } from '../testing/views.ts';

const context = contextOf(postgresDialect);
const [dept, emp] = ['dept', 'emp'].map((name) => tableOf(context, name)) as [
  ReturnType<typeof tableOf>,
  ReturnType<typeof tableOf>,
];
const GET = 1;
const PATCH = 8;
const rowFilter = is('id', '=', 1);
const access = new TableAccess(
  create(ShapeSchema, {
    service: 'db',
    rules: [{ table: 'DEPT', verbs: GET + PATCH, rowFilter, filteredVerbs: PATCH }],
  }),
);
const open = new TableAccess(create(ShapeSchema, { service: 'db', unruled: true }));
const closed = new TableAccess(create(ShapeSchema, { service: 'db', rules: [{ table: 'dept', verbs: 0 }] }));

describe('rules that did not come', () => {
  test('are asked for, beside those that did, before anything is said', () => {
    const wanted = expect.objectContaining({ context: { rules_wanted: ['dept', 'emp'] } });
    expect(() => access.require([emp, dept, emp])).toThrow(wanted);
    expect(() => access.reading(emp)).toThrow(wanted);
    expect(() => access.writing(emp, 'POST')).toThrow(wanted);
  });
  test('are not needed where everything is open', () => {
    open.require([emp, dept]);
    expect(open.reading(emp)).toBeUndefined();
    expect(open.mayRead(emp)).toBe(true);
    open.writing(emp, 'DELETE');
  });
});

test("the role's condition on what is read", () => {
  expect(access.mayRead(dept)).toBe(true);
  expect(access.reading(dept)).toEqual(rowFilter);
});

test.each([
  ['a verb that is not allowed', () => access.writing(dept, 'DELETE')],
  ['a verb with conditions', () => access.writing(dept, 'PATCH')],
  ['a table that may not be read', () => closed.reading(dept)],
])('denied: %s', (_, act) => {
  expect(act).toThrow(expect.objectContaining({ code: 'denied', context: undefined }));
  expect(closed.mayRead(dept)).toBe(false);
});
