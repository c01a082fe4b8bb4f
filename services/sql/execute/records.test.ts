import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { applyExtras } from '#common/schema/extras.ts';
import { column, foreignKey, idColumn, primaryKey, table, textColumn } from '#common/testing/catalogue.ts';
import { SchemaExtraSchema } from '#proto/access/v1/access_pb.ts';
import { type Caller, CallerSchema } from '#proto/data/v1/data_pb.ts';
import { postgresDialect } from '../postgres/dialect.ts';
import { RecordReader, type Row } from './records.ts';

const stored = (field: string, properties: object) =>
  create(SchemaExtraSchema, { table: 't', field, propertiesJson: Buffer.from(JSON.stringify(properties)) });

const VIEW = applyExtras(
  {
    tables: [
      table(
        't',
        [
          idColumn(),
          textColumn('name', { nullable: false }),
          column('qty', { default: 3, nullable: false }),
          column('made', { generated: true }),
          column('maker'),
          column('changer'),
          textColumn('at'),
          textColumn('mail'),
          column('other_id'),
          textColumn('once'),
        ],
        [primaryKey('pk', 'id'), foreignKey('fk', ['other_id'], 'other', ['id'])],
      ),
      table('other', [idColumn()], [primaryKey('pk2', 'id')]),
    ],
  },
  [
    stored('maker', { extra_type: 'user_id_on_create' }),
    stored('changer', { extra_type: 'user_id_on_update' }),
    stored('at', { extra_type: 'timestamp_on_update' }),
    stored('mail', { alias: 'email', validation: { email: { on_fail: 'ignore_field' } } }),
    stored('once', { validation: { create_only: {} } }),
  ],
  1,
);
const view = VIEW.byName.get('t')!;
const reader = (strict = false) => new RecordReader(view, postgresDialect, strict);
const USER = create(CallerSchema, { userId: 7 });

/** What is set, without the time. */
function set({ fields, values }: Row): Record<string, unknown> {
  return Object.fromEntries(fields.flatMap(({ name }, i) => (name === 'at' ? [] : [[name, values[i]]])));
}

describe('a new record', () => {
  const CASES: readonly (readonly [
    why: string,
    record: object,
    caller: Caller | undefined,
    values: object,
    dropped: string[],
  ])[] = [
    ['what is given', { name: 'a', qty: 5 }, undefined, { name: 'a', qty: 5 }, []],
    ['in any case', { NAME: 'a' }, undefined, { name: 'a' }, []],
    ['by alias', { name: 'a', email: 'a@b.c' }, undefined, { name: 'a', mail: 'a@b.c' }, []],
    ['a real name is none where there is an alias', { name: 'a', mail: 'a@b.c' }, undefined, { name: 'a' }, ['mail']],
    ['unknown members are dropped', { name: 'a', x: 1, toString: 2 }, undefined, { name: 'a' }, ['x', 'toString']],
    ['what cannot be written is dropped', { name: 'a', made: 1 }, undefined, { name: 'a' }, ['made']],
    ['what fails its validation is dropped', { name: 'a', email: 'x' }, undefined, { name: 'a' }, ['email']],
    ['a relation is no member of the record', { name: 'a', other_by_other_id: {} }, undefined, { name: 'a' }, []],
    ['its key', { id: 5, name: 'a' }, undefined, { id: 5, name: 'a' }, []],
    ['a key that counts may be NULL', { id: null, name: 'a' }, undefined, { name: 'a' }, []],
    ['who makes it', { name: 'a', maker: 99 }, USER, { name: 'a', maker: 7, changer: 7 }, []],
    ['what is set once', { name: 'a', once: 'x' }, undefined, { name: 'a', once: 'x' }, []],
  ];
  test.each(CASES)('%s', (_, record, caller, values, dropped) => {
    const row = reader().creating(record, caller);
    expect(set(row)).toEqual(values);
    expect(row.dropped).toEqual(dropped);
  });

  test('has the time of now', () => {
    const row = reader().creating({ name: 'a', at: 'never' }, undefined);
    const at = row.values[row.fields.findIndex(({ name }) => name === 'at')];
    expect(Math.abs(Date.parse(`${String(at).replace(' ', 'T')}Z`) - Date.now())).toBeLessThan(5000);
  });

  const REFUSED: readonly (readonly [why: string, record: unknown, field: string | undefined])[] = [
    ['a field that it must have', {}, 'name'],
    ['NULL', { name: null }, 'name'],
    ['NULL where there is a default', { name: 'a', qty: null }, 'qty'],
    ['a wrong value', { name: 'a', qty: 'x' }, 'qty'],
    ['no object', 'a', undefined],
    ['a list', [], undefined],
    ['nothing', null, undefined],
  ];
  test.each(REFUSED)('not %s', (_, record, field) => {
    const context = field === undefined ? undefined : { field };
    expect(() => reader().creating(record, undefined)).toThrow(expect.objectContaining({ code: 'invalid', context }));
  });
});

describe('a changed record', () => {
  const CASES: readonly (readonly [why: string, record: object, values: object, dropped: string[]])[] = [
    ['what is given', { qty: 5 }, { qty: 5 }, []],
    ['its key stays', { id: 9, qty: 5 }, { qty: 5 }, []],
    ['what cannot be written is dropped', { made: 1 }, {}, ['made']],
    ['nothing', {}, {}, []],
  ];
  test.each(CASES)('%s', (_, record, values, dropped) => {
    const row = reader().updating(record, undefined);
    expect(set(row)).toEqual(values);
    expect(row.dropped).toEqual(dropped);
  });
  test('who changes it, not who made it', () => {
    expect(set(reader().updating({ maker: 1 }, USER))).toEqual({ changer: 7 });
  });
  test.each([
    [{ name: null }, 'name'],
    [{ once: 'x' }, 'once'],
  ])('not %o', (record, field) => {
    expect(() => reader().updating(record, undefined)).toThrow(expect.objectContaining({ context: { field } }));
  });
});

test('strictly, what would be dropped is refused, but for the key of a change', () => {
  const refused = (...fields: string[]) => expect.objectContaining({ code: 'invalid', context: { fields } });
  expect(() => reader(true).creating({ name: 'a', x: 1, made: 2 }, undefined)).toThrow(refused('x', 'made'));
  expect(() => reader(true).updating({ x: 1 }, undefined)).toThrow(refused('x'));
  expect(set(reader(true).updating({ id: 1, qty: 2 }, undefined))).toEqual({ qty: 2 });
});

test('rows of the same columns share their signature and their list of fields, whatever the order of the members', () => {
  const records = reader();
  const [a, b, c] = [{ name: 'a', qty: 1 }, { qty: 2, name: 'b' }, { name: 'c' }].map((one) =>
    records.creating(one, undefined),
  ) as [Row, Row, Row];
  expect(a.signature).toBe(b.signature);
  expect(a.fields).toBe(b.fields);
  expect(a.signature).not.toBe(c.signature);
});
