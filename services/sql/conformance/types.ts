/** Every simple type of database-api §6.6: made through `_schema`, read back as what it is there, written and read. */
import { expect, test } from 'vitest';
import { fields, insert, read } from '#common/testing/words.ts';
import { Target } from '#proto/data/v1/data_pb.ts';
import type { Bench } from './bench.ts';
import { define, describeFields, drop } from './company.ts';

/** A value of each type as JSON; undefined: the database gives it. */
const SENT = {
  id: undefined,
  bigid: undefined,
  mediumid: undefined,
  smallid: undefined,
  integer: '-2147483648',
  bigint: '9007199254740993',
  mediumint: '8388607',
  smallint: '-32768',
  tinyint: '127',
  reference: '1',
  user_id: '7',
  user_id_on_create: undefined,
  user_id_on_update: undefined,
  boolean: 'true',
  decimal: '5',
  double: '0.1',
  float: '0.5',
  money: '12.5',
  string: '"a ☃"',
  text: '"a\\nb"',
  mediumtext: '"a"',
  longtext: '"a"',
  binary: '"AAEC/w=="',
  date: '"2024-02-29"',
  time: '"23:59:58"',
  timetz: '"23:59:58"',
  datetime: '"2024-02-29 23:59:58"',
  datetimetz: '"2024-02-29 23:59:58"',
  timestamp: '"2024-02-29 23:59:58"',
  timestamptz: '"2024-02-29 23:59:58"',
  timestamp_on_create: undefined,
  timestamp_on_update: undefined,
  uuid: '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"',
  json: '{"a":[1]}',
  jsonb: '{"a":[1]}',
  array: '[1]',
  object: '{"a":1}',
} as const;

export type SimpleType = keyof typeof SENT;

/** What an engine makes of a type. */
export interface TypeFacts {
  /** The type that a description shows. */
  readonly reads: string;
  /** The value as it comes back; undefined: as it was sent, or whatever the database gives. */
  readonly shows?: string;
}

/** undefined: the engine has no such type, and says so. */
export type TypeTable = Readonly<Record<SimpleType, TypeFacts | undefined>>;

export function tryTypes(bench: () => Bench, types: TypeTable): void {
  const cases = (Object.keys(SENT) as SimpleType[]).map((type) => ({ type, facts: types[type] }));
  test.each(cases)('$type', async ({ type, facts }) => {
    const table = `of_${type}`;
    const isKey = type.endsWith('id') && !type.startsWith('u');
    const reference = type === 'reference' ? { ref_table: 'dept', ref_field: 'id' } : {};
    const field = { name: 'v', type, allow_null: !isKey, ...reference };
    const defined = await bench().outcome(
      define([
        { name: table, field: isKey ? [field, { name: 'note', type: 'string' }] : [{ name: 'id', type: 'id' }, field] },
      ]),
    );
    if (!facts) {
      expect(defined).toEqual({ code: 'invalid', field: 'v' });
      return;
    }
    expect(defined).toEqual({ json: [{ name: table }] });
    expect(await bench().outcome(describeFields(table, 'v'))).toMatchObject({ json: [{ type: facts.reads }] });
    const sent = SENT[type];
    const record = isKey ? '{"note":""}' : sent === undefined ? '{}' : `{"v":${sent}}`;
    const caller = { userId: 3 };
    const { json } = await bench().ask(insert(table, `[${record}]`, fields('v'), caller));
    const expected = facts.shows ?? sent ?? (isKey ? '1' : type.startsWith('user_id') ? '3' : undefined);
    const shown = expected === undefined ? expect.stringMatching(/^\[\{"v":"20\d\d-.*"\}\]$/) : `[{"v":${expected}}]`;
    expect(Buffer.from(json).toString()).toEqual(shown);
    const again = await bench().ask(read(table, fields('v')));
    expect(Buffer.from(again.json).toString()).toEqual(Buffer.from(json).toString());
    // The same definition once more is no change.
    await bench().ask(define([{ name: table, field }]));
    expect(await bench().outcome(describeFields(table, 'v'))).toMatchObject({ json: [{ type: facts.reads }] });
    await bench().ask(drop(Target.ONE, table));
  });
}
