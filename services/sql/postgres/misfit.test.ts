import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import type { Column } from '#common/schema/catalogue.ts';
import { column } from '#common/testing/catalogue.ts';
import { fields, insert, is, read } from '#common/testing/words.ts';
import { Target } from '#proto/data/v1/data_pb.ts';
import { type RunningPostgres, startPostgres } from '../../../deploy/testing/postgres.ts';
import { suiteWith } from '../../../deploy/testing/suite.ts';
import { Bench } from '../conformance/bench.ts';
import { describeTables } from '../conformance/company.ts';
import type { Param } from '../statement.ts';
import { engine } from './index.ts';
import { misfit } from './misfit.ts';

type Fate = 'fits' | 'refused';
const UUID = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';

/** `declared` as in a definition; what a column of this type says about itself beside. */
const CASES: readonly (readonly [declared: string, part: Partial<Column>, values: Record<Fate, readonly Param[]>])[] = [
  [
    'varchar(3)',
    { nativeType: 'varchar', length: 3 },
    { fits: ['', 'abc', '☃☃☃', '😀😀😀', 'abc   ', '  c', null], refused: ['abcd', '😀😀😀😀', 'a   b', '    x'] },
  ],
  ['varchar', { nativeType: 'varchar' }, { fits: ['x'.repeat(1000)], refused: [] }],
  ['char(2)', { nativeType: 'bpchar', length: 2 }, { fits: ['a', 'ab ', 'ab'], refused: ['abc'] }],
  ['bit(3)', { nativeType: '"bit"', length: 3 }, { fits: ['101', 'B101', null], refused: ['10', '1011', ''] }],
  ['bit', { nativeType: '"bit"', length: 1 }, { fits: ['1'], refused: ['10'] }],
  ['bit varying(3)', { nativeType: 'varbit', length: 3 }, { fits: ['', '1', '101'], refused: ['1011'] }],
  ['bit varying', { nativeType: 'varbit' }, { fits: ['1'.repeat(100)], refused: [] }],
  [
    'numeric(4,2)',
    { nativeType: 'numeric', precision: 4, scale: 2 },
    {
      fits: [0, 49, 99.99, -99.99, '99.994999', '0.001', '1e1', '9999e-2', '00000099.99', '.5', '5.', null],
      refused: [100, -100, 99.995, '99.995', '1e3', '123456789012345678901', '+100.0', 1e21],
    },
  ],
  ['numeric(3)', { nativeType: 'numeric', precision: 3 }, { fits: [999, '999.4'], refused: [1000, '999.5'] }],
  [
    'numeric(20,0)',
    { nativeType: 'numeric', precision: 20, scale: 0 },
    { fits: ['99999999999999999999'], refused: ['99999999999999999999.5', '100000000000000000000'] },
  ],
  ['numeric', { nativeType: 'numeric' }, { fits: ['1e100', 5], refused: [] }],
  ['real', { nativeType: 'float4' }, { fits: [1.5, '3.4028235e38', -1e38, null], refused: [1e39, '-3.41e38'] }],
  [
    'uuid',
    { nativeType: 'uuid' },
    {
      fits: [UUID, UUID.toUpperCase(), `{${UUID}}`, UUID.replaceAll('-', ''), null],
      refused: ['', 'x', `${UUID}0`, UUID.slice(1), UUID.replace('a', 'g')],
    },
  ],
  [
    'date',
    { nativeType: 'date' },
    {
      fits: ['2024-02-29', '2000-02-29', '1999-01-08', 'Jan 8, 1999', '20240229', 'infinity', 'Today', '0001-02-29 BC'],
      refused: ['', 'soon', '2023-02-29', '1900-02-29', '2024-13-01', '2024-00-10', '2024-01-00', '2024-04-31'],
    },
  ],
  [
    'timestamp',
    { nativeType: 'timestamp' },
    {
      fits: ['2024-02-29', '2024-02-29T23:59:60', '2024-02-29 24:00', '2024-02-29 01:02:03.456+02', 'now', 'epoch'],
      refused: ['soon', '2023-02-29 01:02', '2024-02-29 25:00', '2024-02-29T10:60:00'],
    },
  ],
  ['timestamptz', { nativeType: 'timestamptz' }, { fits: ['2024-02-29T01:02Z', '-infinity'], refused: ['2024-02-30'] }],
  ['time', { nativeType: 'time' }, { fits: ['10:00', 'allballs', '101112'], refused: ['noon', ''] }],
  ['timetz', { nativeType: 'timetz' }, { fits: ['10:00+02'], refused: ['morning'] }],
  [
    'jsonb',
    { nativeType: 'jsonb' },
    { fits: ['{"a":[1]}', ' null ', '"x"', '1e2'], refused: ['{', '', "{'a':1}", 'x'] },
  ],
  ['json', { nativeType: 'json' }, { fits: ['[]'], refused: ['[1,]', 'undefined', '01'] }],
  ['text', { nativeType: 'text' }, { fits: ['anything'], refused: [] }],
  ['varchar(2)[]', { nativeType: 'varchar[]', length: 2 }, { fits: ['{ab,de}'], refused: [] }],
];

const EACH = CASES.flatMap(([declared, part, values]) =>
  (['fits', 'refused'] as const).flatMap((fate) => values[fate].map((value) => ({ declared, part, fate, value }))),
);

test.each(EACH)('$declared: $value $fate', ({ part, fate, value }) => {
  const problem = misfit(column('v', part), 'stored')?.(value);
  if (fate === 'fits') expect(problem).toBeUndefined();
  else expect(problem).toEqual(expect.any(String));
});

test.each([
  ['varchar', undefined],
  ['numeric', undefined],
  ['uuid', expect.any(String)],
  ['date', expect.any(String)],
])('of %s that is only compared, what can be equal to nothing is no misfit', (nativeType, problem) => {
  expect(misfit(column('v', { nativeType, length: 1, precision: 1 }), 'compared')?.('many')).toEqual(problem);
});

suiteWith('postgres', 'a PostgreSQL that is given the same', () => {
  let server: RunningPostgres;
  let bench: Bench;
  beforeAll(async () => {
    server = await startPostgres();
    const { host, port, database, user: username, password } = server;
    bench = new Bench({ engine, config: { host, port, database, username, password }, dataDir: tmpdir() });
    await bench.sql(...CASES.map(([declared], i) => `create table t${i} (id serial primary key, v ${declared})`));
  });
  afterAll(async () => {
    await bench?.close();
    await server?.stop();
  });

  describe.each(CASES.map(([declared, , values], i) => ({ declared, values, table: `t${i}` })))(
    '$declared',
    ({ table, values }) => {
      const store = (value: Param) =>
        bench.source.run(
          { text: `insert into ${table} (v) values ($1)`, params: [value], columns: [] },
          Deadline.after(30_000),
        );
      test('judges alike', async () => {
        for (const value of values.fits) await store(value);
        for (const value of values.refused) await expect(store(value)).rejects.toMatchObject({ code: 'invalid' });
      });

      test('and the field is named', async () => {
        await bench.ask(describeTables(Target.ONE, table));
        for (const value of values.refused) {
          if (value === '') continue;
          expect(await bench.outcome(insert(table, [{ v: value }]))).toMatchObject({
            batch: [{ code: 'invalid', field: 'v' }],
          });
        }
      });
    },
  );

  test('in conditions too, where nothing could be equal', async () => {
    const uuid = CASES.findIndex(([declared]) => declared === 'uuid');
    const short = CASES.findIndex(([declared]) => declared === 'varchar(3)');
    expect(await bench.outcome(read(`t${uuid}`, { filter: is('v', '=', 'x') }))).toEqual({
      code: 'invalid',
      field: 'v',
    });
    expect(await bench.outcome(read(`t${short}`, { filter: is('v', '=', 'abcd'), ...fields('v') }))).toEqual({
      json: [],
    });
  });
});
