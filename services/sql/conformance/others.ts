/** What somebody else changes in the schema is found while the service is used, without being asked for. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Success } from '#common/testing/bench.ts';
import { insert, remove } from '#common/testing/words.ts';
import { ResourceKind, Target } from '#proto/data/v1/data_pb.ts';
import type { Bench } from './bench.ts';
import { describeTables } from './company.ts';

interface Change {
  readonly why: string;
  readonly sql: string;
  /** Of the table's description then; undefined: there is none. */
  readonly shows: object | undefined;
}

const fields = (...names: string[]) => ({ field: names.map((name) => expect.objectContaining({ name })) });

/** One after the other. */
const CHANGES: readonly Change[] = [
  { why: 'a table', sql: 'create table outsider (id integer primary key, v integer)', shows: fields('id', 'v') },
  { why: 'a field', sql: 'alter table outsider add column w varchar(9)', shows: fields('id', 'v', 'w') },
  {
    why: 'an index',
    sql: 'create unique index one_v on outsider (v)',
    shows: { constraints: expect.objectContaining({ one_v: expect.objectContaining({ column_name: 'v' }) }) },
  },
  { why: 'a field less', sql: 'alter table outsider drop column w', shows: fields('id', 'v') },
  { why: 'a view', sql: 'create view outsider_view as select v from outsider', shows: { is_view: true } },
  { why: 'a view less', sql: 'drop view outsider_view', shows: undefined },
  { why: 'a table less', sql: 'drop table outsider', shows: undefined },
];

export function tryOthers(open: () => Bench): void {
  let bench: Bench;
  let other: Bench;
  beforeAll(() => {
    bench = open();
    other = open();
  });
  afterAll(() => Promise.all([bench.close(), other.close()]));

  test.each(CHANGES)('$why', async ({ sql, shows }) => {
    const table = sql.includes('outsider_view') ? 'outsider_view' : 'outsider';
    await bench.ask(describeTables(Target.ONE, 'dept'));
    await other.sql(sql);
    await vi.waitUntil(
      async () => {
        // A table that is asked for by name would be looked for at once: this only uses the service.
        const { json } = (await bench.outcome(describeTables(Target.ONE, 'dept'))) as Success;
        expect(json).toMatchObject({ name: 'dept' });
        const found = await peek(bench, table);
        return shows === undefined ? found === undefined : expect.objectContaining(shows).asymmetricMatch(found);
      },
      { timeout: 30_000, interval: 20 },
    );
  });

  test('records are no change', async () => {
    const introspect = vi.spyOn(bench.source, 'introspect');
    await other.ask(insert('item', [{ id: 901, name: 'other', qty: 1 }]));
    await other.ask(remove('item', Target.KEYS, {}, { keys: [901] }));
    const state = vi.spyOn(bench.source, 'catalogueState');
    await vi.waitUntil(
      async () => {
        await bench.ask(describeTables(Target.ONE, 'dept'));
        return state.mock.calls.length >= 3;
      },
      { timeout: 30_000, interval: 20 },
    );
    expect(introspect).not.toHaveBeenCalled();
  });
}

/** In the list of all, for which nothing is looked up. */
async function peek(bench: Bench, table: string): Promise<unknown> {
  const list = { action: { case: 'listResources' as const, value: { kind: ResourceKind.SCHEMA } } };
  const { json } = (await bench.outcome(list)) as Success;
  if (!(json as { name: string }[]).some(({ name }) => name === table)) return undefined;
  return ((await bench.outcome(describeTables(Target.ONE, table))) as Success).json;
}
