/** Tables and fields made, described, changed and dropped through `_schema`. */
import { expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import type { Ask } from '#common/testing/bench.ts';
import { allFields, fields, insert, is, read, remove, update } from '#common/testing/words.ts';
import { DefineMode, PartKind, ResourceKind, Target } from '#proto/data/v1/data_pb.ts';
import type { Bench } from './bench.ts';
import { define, defineFields, describeFields, describeTables, drop, dropFields } from './company.ts';

const ALL_TYPES = [
  'string',
  'text',
  'integer',
  'bigint',
  'smallint',
  'boolean',
  'decimal',
  'double',
  'float',
  'date',
  'time',
  'datetime',
  'timestamp',
  'binary',
];
const TRIP = {
  name: 'trip',
  label: 'Trip',
  field: [
    { name: 'id', type: 'id' },
    { name: 'code', type: 'string', length: 8, is_unique: true },
    { name: 'to', type: 'string', default: "it's", allow_null: true },
    { name: 'days', type: 'integer', default: 3 },
    {
      name: 'dept_id',
      type: 'reference',
      ref_table: 'dept',
      ref_field: 'id',
      ref_on_delete: 'CASCADE',
      allow_null: true,
    },
  ],
};

const dropRelation = (table: string, name: string): Ask => ({
  action: { case: 'dropParts', value: { table, kind: PartKind.RELATION, names: [name] } },
});
const list = (kind: ResourceKind, more: object = {}): Ask => ({
  action: { case: 'listResources', value: { kind, ...more } },
});
const names = (outcome: unknown): string[] =>
  ((outcome as { json?: { name: string }[] }).json ?? []).map(({ name }) => name);
const fieldsOf = async (bench: Bench, table: string): Promise<string[]> =>
  names(await bench.outcome(describeFields(table)));

export function trySchema(bench: () => Bench, open: () => Bench): void {
  test('what the service has', async () => {
    expect(names(await bench().outcome(list(ResourceKind.ROOT)))).toEqual(
      expect.arrayContaining(['_schema', '_table']),
    );
    for (const kind of [ResourceKind.SCHEMA, ResourceKind.TABLE]) {
      const tables = names(await bench().outcome(list(kind)));
      expect(tables).toEqual(expect.arrayContaining(['dept', 'emp', 'pair', 'item', 'elder', 'Odd "Table"']));
    }
    expect(names(await bench().outcome(list(ResourceKind.TABLE, { names: ['EMP'] })))).toEqual(['emp']);
  });

  test('a description', async () => {
    const { json } = (await bench().outcome(describeTables(Target.ONE, 'emp'))) as { json: Record<string, unknown> };
    expect(json).toMatchObject({ name: 'emp', primary_key: ['id'] });
    expect(json['field']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'id', type: 'id', auto_increment: true, is_primary_key: true }),
        expect.objectContaining({ name: 'name', type: 'string', length: 60, allow_null: false, required: true }),
        expect.objectContaining({ name: 'active', type: 'boolean', default: true, required: false }),
        expect.objectContaining({
          name: 'dept_id',
          type: 'reference',
          ref_table: 'dept',
          ref_field: 'id',
          is_foreign_key: true,
        }),
      ]),
    );
    expect(json['related']).toEqual([
      expect.objectContaining({ name: 'dept_by_dept_id', type: 'belongs_to', ref_table: 'dept' }),
    ]);
  });

  test('several descriptions, of which one is not there', async () => {
    const found = (await bench().outcome(describeTables(Target.KEYS, 'pair', 'dept'))) as { json: { name: string }[] };
    expect(names(found)).toEqual(['pair', 'dept']);
    const some = await bench().outcome(describeTables(Target.KEYS, 'pair', 'nowhere'));
    expect(some).toMatchObject({
      code: 'invalid',
      batch: [{ name: 'pair', primary_key: ['a', 'b'] }, { code: 'not_found' }],
    });
    expect(await bench().outcome(describeTables(Target.ONE, 'nowhere'))).toMatchObject({ code: 'not_found' });
  });

  test('a field of every simple type', async () => {
    const field = ALL_TYPES.map((type) => ({ name: `a_${type}`, type, allow_null: true }));
    await bench().ask(define([{ name: 'types', field: [{ name: 'id', type: 'id' }, ...field] }]));
    expect(await fieldsOf(bench(), 'types')).toEqual(['id', ...ALL_TYPES.map((type) => `a_${type}`)]);
    expect(await bench().outcome(insert('types', [{ a_string: null }]))).toEqual({ json: [{ id: 1 }] });
    await bench().ask(drop(Target.ONE, 'types'));
  });

  test('the life of a table', async () => {
    expect(await bench().outcome(define([TRIP]))).toEqual({ json: [{ name: 'trip' }] });
    expect(await bench().outcome(insert('trip', [{ code: 'a', dept_id: 1 }], allFields))).toEqual({
      json: [{ id: 1, code: 'a', to: "it's", days: 3, dept_id: 1 }],
    });
    expect(await bench().outcome(insert('trip', [{ code: 'b', dept_id: 99 }]))).toMatchObject({
      batch: [{ code: 'conflict' }],
    });

    // Once more: what is there stays, what is new is added.
    const more = [...TRIP.field, { name: 'price', type: 'decimal', precision: 8, scale: 2, allow_null: true }];
    await bench().ask(define([{ ...TRIP, field: more }]));
    expect(await fieldsOf(bench(), 'trip')).toEqual(['id', 'code', 'to', 'days', 'dept_id', 'price']);

    await bench().ask(defineFields('trip', [{ name: 'note', type: 'text', allow_null: true }]));
    expect(await bench().outcome(read('trip'))).toEqual({
      json: [{ id: 1, code: 'a', to: "it's", days: 3, dept_id: 1, price: null, note: null }],
    });
    await bench().ask(dropFields('trip', 'note', 'price'));
    expect(await fieldsOf(bench(), 'trip')).toEqual(['id', 'code', 'to', 'days', 'dept_id']);

    // Replaced: what is not named goes.
    const fewer = TRIP.field.filter(({ name }) => name !== 'days');
    await bench().ask(define([{ ...TRIP, field: fewer }], DefineMode.REPLACE));
    expect(await fieldsOf(bench(), 'trip')).toEqual(['id', 'code', 'to', 'dept_id']);

    expect(await bench().outcome(drop(Target.ONE, 'trip'))).toEqual({ json: { success: true } });
    expect(await bench().outcome(read('trip'))).toMatchObject({ code: 'not_found' });
  });

  test('a reference between tables that exist, or its refusal', async () => {
    await bench().ask(
      define([
        {
          name: 'left',
          field: [
            { name: 'id', type: 'id' },
            { name: 'dept_id', type: 'integer', allow_null: true },
          ],
        },
      ]),
    );
    const field = { name: 'dept_id', type: 'reference', ref_table: 'dept', ref_field: 'id', allow_null: true };
    const outcome = await bench().outcome(defineFields('left', [field]));
    if (bench().dialect.alters.addConstraint) {
      expect(outcome).toMatchObject({ json: [[]] });
      expect(await bench().outcome(insert('left', [{ dept_id: 99 }]))).toMatchObject({ batch: [{ code: 'conflict' }] });
    } else expect(outcome).toEqual({ code: 'invalid', field: 'dept_id' });
    await bench().ask(drop(Target.ONE, 'left'));
  });

  test('all of a request or nothing of it', async () => {
    const bad = {
      name: 'second',
      field: [
        { name: 'id', type: 'id' },
        { name: 'x', type: 'integer', default: { expression: 'now(); drop table dept' } },
      ],
    };
    expect(await bench().outcome(define([{ ...TRIP, name: 'first' }, bad]))).toEqual({ code: 'invalid', field: 'x' });
    expect(await bench().outcome(describeTables(Target.ONE, 'first'))).toMatchObject({ code: 'not_found' });
  });

  const REFUSED: readonly (readonly [why: string, ask: Ask, failure: unknown])[] = [
    [
      'a type that there is not',
      define([{ name: 't', field: [{ name: 'a', type: 'array' }] }]),
      { code: 'invalid', field: 'a' },
    ],
    [
      'a reference to nowhere',
      define([{ name: 't', field: [{ name: 'a', type: 'reference', ref_table: 'nowhere' }] }]),
      { code: 'invalid', field: 'a' },
    ],
    ['a table without a name', define([{ field: [{ name: 'a', type: 'id' }] }]), { code: 'invalid' }],
    [
      'the same field twice',
      define([
        {
          name: 't',
          field: [
            { name: 'a', type: 'id' },
            { name: 'A', type: 'text' },
          ],
        },
      ]),
      expect.objectContaining({ code: expect.stringMatching(/invalid|conflict/) }),
    ],
    ['a table that there is not', drop(Target.ONE, 'nowhere'), { code: 'not_found' }],
    ['a table that others refer to', drop(Target.ONE, 'dept'), { code: 'conflict' }],
    [
      'a field that there is not, described',
      describeFields('dept', 'nothing'),
      expect.objectContaining({ code: 'not_found' }),
    ],
  ];
  test.each(REFUSED)('not %s', async (_, ask, failure) => {
    expect(await bench().outcome(ask)).toEqual(failure);
  });

  test('a table alone is read as it is among all', async () => {
    const { source } = bench();
    const { tables } = await source.introspect(Deadline.after(30_000));
    expect(tables.length).toBeGreaterThan(5);
    for (const table of tables) {
      const alone = await source.introspectTables?.([table.name], Deadline.after(30_000));
      expect(alone?.tables.find(({ name }) => name === table.name)).toEqual(table);
    }
    const none = await source.introspectTables?.(['nowhere', "no'where"], Deadline.after(30_000));
    expect(none).toEqual({ tables: [] });
  });

  test('requests are answered before the catalogue is read', async () => {
    const fresh = open();
    const { source } = fresh;
    const introspect = source.introspect.bind(source);
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    source.introspect = async (deadline) => {
      await held;
      return introspect(deadline);
    };
    try {
      const inserted = await fresh.outcome(insert('item', [{ id: 801, name: 'early', qty: 1 }], fields('id')));
      expect(inserted).toEqual({ json: [{ id: 801 }] });
      const filter = is('name', '=', 'early');
      expect(await fresh.outcome(read('item', { filter, ...fields('qty') }))).toEqual({ json: [{ qty: 1 }] });
      expect(await fresh.outcome(update('item', Target.ONE, { qty: 2 }, {}, { keys: [801] }))).toEqual({
        json: { id: 801 },
      });
      const later = [
        fresh.outcome(read('emp', { target: Target.ONE, related: [{ name: 'dept_by_dept_id' }] }, { keys: [1] })),
        fresh.outcome(read('nowhere')),
        fresh.outcome(read('EMP', { countOnly: true })),
      ];
      expect(await fresh.outcome(remove('item', Target.ONE, {}, { keys: [801] }))).toEqual({ json: { id: 801 } });
      release();
      expect(await Promise.all(later)).toEqual([
        { json: expect.objectContaining({ dept_by_dept_id: expect.objectContaining({ name: 'Sales' }) }) },
        { code: 'not_found' },
        { json: 5 },
      ]);
    } finally {
      release();
      await fresh.close();
    }
  });

  test('a relation is dropped where its key is', async () => {
    const child = {
      name: 'kid',
      field: [
        { name: 'id', type: 'id' },
        { name: 'dept_id', type: 'reference', ref_table: 'dept', ref_field: 'id', allow_null: true },
      ],
    };
    await bench().ask(define([child]));
    expect(await bench().outcome(dropRelation('dept', 'kid_by_dept_id'))).toMatchObject({ code: 'unsupported' });
    const dropped = await bench().outcome(dropRelation('kid', 'dept_by_dept_id'));
    if (bench().dialect.alters.addConstraint) {
      expect(dropped).toEqual({ json: { success: true } });
      expect(await bench().outcome(insert('kid', [{ dept_id: 99 }]))).toEqual({ json: [{ id: 1 }] });
    } else expect(dropped).toMatchObject({ code: 'unsupported' });
    await bench().ask(drop(Target.ONE, 'kid'));
  });

  test('what somebody else makes is there after a refresh', async () => {
    await bench().sql('create table foreigner (id integer primary key, v integer)');
    expect(await bench().outcome(describeTables(Target.ONE, 'foreigner'))).toMatchObject({ code: 'not_found' });
    const tables = names(await bench().outcome(list(ResourceKind.SCHEMA, { refresh: true })));
    expect(tables).toContain('foreigner');
    await bench().ask({
      action: { case: 'dropParts', value: { table: 'foreigner', kind: PartKind.FIELD, names: ['v'] } },
    });
    await bench().ask(drop(Target.ONE, 'foreigner'));
  });
}
