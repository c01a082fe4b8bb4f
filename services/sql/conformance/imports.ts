/** Records of any number, in pieces. */
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { callerGone } from '#common/deadline.ts';
import { type Ask, type Outcome, piecesOf } from '#common/testing/bench.ts';
import { fields, insert, read, remove } from '#common/testing/words.ts';
import { BatchMode, Target } from '#proto/data/v1/data_pb.ts';
import type { Bench } from './bench.ts';
import { define } from './company.ts';

const TABLE = {
  name: 'load',
  field: [
    { name: 'id', type: 'integer', is_primary_key: true },
    { name: 'name', type: 'string', length: 20, allow_null: true },
    { name: 'size', type: 'decimal', precision: 8, scale: 2, allow_null: true },
  ],
};
const STOP = BatchMode.STOP;
const CONTINUE = BatchMode.CONTINUE;
const ROLLBACK = BatchMode.ROLLBACK;

const into = (table: string, mode: BatchMode = STOP): Ask => insert(table, undefined, { mode });
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const items = (from: number, to: number): object[] => range(from, to).map((id) => ({ id, name: `n${id}` }));
/** A list with something in place of what is at `index`. */
const withAt = (list: readonly unknown[], index: number, value: unknown): unknown[] => list.with(index, value);

interface ImportCase {
  readonly why: string;
  readonly ask?: Ask;
  readonly pieces: readonly (readonly unknown[])[];
  readonly gives: unknown;
  readonly left: readonly number[];
}

const failing = (count: number, lines: readonly number[], rolledBack = false): unknown => ({
  code: 'invalid',
  count,
  failed: lines.length,
  errors: lines.map((line) => expect.objectContaining({ line })),
  rolled_back: rolledBack,
});

const CASES: readonly ImportCase[] = [
  { why: 'nothing', pieces: [], gives: { json: { count: 0 } }, left: [] },
  { why: 'a few', pieces: [items(1, 3)], gives: { json: { count: 3 } }, left: range(1, 3) },
  {
    why: 'many pieces',
    pieces: [items(1, 100), [], items(101, 101), items(102, 400)],
    gives: { json: { count: 400 } },
    left: range(1, 400),
  },
  {
    why: 'records of different columns',
    pieces: [[...items(1, 50), { id: 51 }, ...items(52, 99)]],
    gives: { json: { count: 99 } },
    left: range(1, 99),
  },
  {
    why: 'a key twice: what came before stays',
    pieces: [items(1, 100), withAt(items(101, 200), 49, { id: 7, name: 'twice' }), items(201, 300)],
    gives: failing(149, [150]),
    left: range(1, 149),
  },
  {
    why: 'a key twice, going on',
    ask: into('load', CONTINUE),
    pieces: [items(1, 100), withAt(items(101, 200), 49, { id: 7, name: 'twice' }), items(201, 300)],
    gives: failing(299, [150]),
    left: [...range(1, 149), ...range(151, 300)],
  },
  {
    why: 'a key twice, undoing all',
    ask: into('load', ROLLBACK),
    pieces: [items(1, 100), withAt(items(101, 200), 49, { id: 7, name: 'twice' }), items(201, 300)],
    gives: failing(0, [150], true),
    left: [],
  },
  {
    why: 'all or nothing, and all',
    ask: into('load', ROLLBACK),
    pieces: [items(1, 100), items(101, 103)],
    gives: { json: { count: 103 } },
    left: range(1, 103),
  },
  {
    why: 'a value of another type, a list, a word, a number that is none',
    ask: into('load', CONTINUE),
    pieces: [[{ id: 'two' }, [4], '5', { id: 6, size: 'much' }, { id: 7 }]],
    gives: failing(1, [1, 2, 3, 4]),
    left: [7],
  },
  {
    why: 'lines that are no JSON',
    ask: into('load', CONTINUE),
    pieces: [[{ id: 1 }, '{"id":2', '', '{"id":3}, {"id":4}', { id: 5 }]],
    gives: failing(2, [2, 3, 4]),
    left: [1, 5],
  },
  {
    why: 'lines that are no JSON, undoing all',
    ask: into('load', ROLLBACK),
    pieces: [items(1, 50), ['{"id":51', { id: 52 }]],
    gives: failing(0, [51], true),
    left: [],
  },
  {
    why: 'members that are not known',
    pieces: [[...items(1, 40), { id: 41, colour: 'red' }]],
    gives: { json: { count: 41 }, dropped: ['colour'] },
    left: range(1, 41),
  },
  {
    why: 'members that are not known, where that is refused',
    ask: { ...into('load', CONTINUE), strict: true },
    pieces: [[{ id: 1, colour: 'red' }, { id: 2 }]],
    gives: failing(1, [1]),
    left: [2],
  },
];

export function tryImports(bench: () => Bench): void {
  beforeAll(async () => {
    await bench().ask(define([TABLE]));
  });
  beforeEach(async () => {
    await bench().ask(remove('load', Target.FILTER, { everything: true }));
  });
  const left = async (): Promise<unknown> => {
    const { json } = (await bench().outcome(read('load', { order: [{ field: 'id' }], ...fields('id') }))) as {
      json: { id: number }[];
    };
    return json.map(({ id }) => id);
  };

  test.each(CASES)('$why', async ({ ask = into('load'), pieces, gives, left: ids }) => {
    expect(await bench().import(ask, pieces)).toEqual(gives);
    expect(await left()).toEqual(ids);
  });

  test('values arrive as they were sent', async () => {
    const names = [' ', '\\', '\\N', '\\.', 'a\tb', 'a\nb', 'a\r\nb', '"', "'", ',', '☃ 𝄞', null];
    const records = names.concat(range(1, 40).map(String)).map((name, id) => ({ id, name, size: '1234.50' }));
    expect(await bench().import(into('load'), [records])).toEqual({ json: { count: records.length } });
    const { json } = (await bench().outcome(read('load', { order: [{ field: 'id' }] }))) as { json: object[] };
    expect(json.map((record) => ({ ...record, size: Number((record as { size: unknown }).size) }))).toEqual(
      records.map((record) => ({ ...record, size: 1234.5 })),
    );
  });

  const REFUSED: readonly [why: string, ask: Ask, outcome: object][] = [
    ['a table that there is not', into('nowhere'), { code: 'not_found' }],
    ['what is no create', read('load'), { code: 'invalid' }],
    ['related records shown', insert('load', undefined, { related: [{ name: '*' }] }), { code: 'invalid' }],
  ];
  test.each(REFUSED)('not %s', async (_, ask, outcome) => {
    expect(await bench().import(ask, [items(1, 2)])).toMatchObject(outcome);
    expect(await left()).toEqual([]);
  });

  test('no related records on the way', async () => {
    const record = { id: 90, name: 'with', emp_by_dept_id: [{ id: 91 }] };
    expect(await bench().import(into('dept', CONTINUE), [[record]])).toEqual(failing(0, [1]));
  });

  async function* cut(): AsyncGenerator<never> {
    yield* piecesOf([items(1, 100), items(101, 200)]) as AsyncGenerator<never>;
    throw callerGone();
  }
  const CUT: readonly [why: string, mode: BatchMode, outcome: Outcome | object, ids: readonly number[]][] = [
    ['what has come is written', STOP, { code: 'cancelled', count: 200 }, range(1, 200)],
    ['all is undone', ROLLBACK, { code: 'cancelled', count: 0 }, []],
  ];
  test.each(CUT)('a caller who goes away: %s', async (_, mode, outcome, ids) => {
    expect(await bench().import(into('load', mode), cut())).toMatchObject(outcome);
    expect(await left()).toEqual(ids);
  });

  test('a caller who is refused is not listened to any longer', async () => {
    let taken = 0;
    async function* endless(): AsyncGenerator<never> {
      for (;;) {
        taken++;
        yield* piecesOf([[{ id: 1 }]]) as AsyncGenerator<never>;
      }
    }
    expect(await bench().import(into('load'), endless())).toMatchObject({ code: 'invalid', count: 1 });
    expect(taken).toBeLessThan(5);
  });
}
