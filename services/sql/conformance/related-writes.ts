/** Writes that show what belongs to the records that they change, or take away. */
import { beforeEach, expect, test } from 'vitest';
import type { Ask } from '#common/testing/bench.ts';
import { fields, insert, is, read, remove, update } from '#common/testing/words.ts';
import { Target } from '#proto/data/v1/data_pb.ts';
import type { Bench } from './bench.ts';

const RELATED = { related: [{ name: 'dept_by_dept_id', ...fields('name') }], ...fields('id') };
const shown = (id: number, name: string) => ({ id, dept_id: name === 'Sales' ? 1 : 2, dept_by_dept_id: { name } });
const MINE = is('id', '>=', 900);

const CASES: readonly [why: string, ask: Ask, gives: unknown, left: number][] = [
  ['one that goes', remove('emp', Target.ONE, RELATED, { keys: [901] }), shown(901, 'Sales'), 1],
  [
    'several that go',
    remove('emp', Target.KEYS, RELATED, { keys: [902, 901] }),
    [shown(902, 'Research'), shown(901, 'Sales')],
    0,
  ],
  [
    'several that go, by themselves',
    remove('emp', Target.RECORDS, RELATED, { records: [{ id: 902 }] }),
    [shown(902, 'Research')],
    1,
  ],
  [
    'all that match and go',
    remove('emp', Target.FILTER, { ...RELATED, filter: MINE }),
    expect.arrayContaining([shown(901, 'Sales'), shown(902, 'Research')]),
    0,
  ],
  [
    'all that match and change',
    update('emp', Target.FILTER, [{ age: 7 }], { ...RELATED, filter: is('id', '=', 902) }),
    [shown(902, 'Research')],
    2,
  ],
  ['one that changes', update('emp', Target.ONE, { age: 7 }, RELATED, { keys: [901] }), shown(901, 'Sales'), 2],
];

export function tryRelatedWrites(bench: () => Bench): void {
  const clear = () => bench().ask(remove('emp', Target.FILTER, { filter: MINE }));
  beforeEach(async () => {
    await clear();
    const records = [
      { id: 901, name: 'x', dept_id: 1 },
      { id: 902, name: 'y', dept_id: 2 },
    ];
    await bench().ask(insert('emp', records));
    return clear;
  });

  test.each(CASES)('%s', async (_, ask, gives, left) => {
    expect(await bench().outcome(ask)).toEqual({ json: gives });
    expect(await bench().outcome(read('emp', { filter: MINE, countOnly: true }))).toEqual({ json: left });
  });

  test('nothing that does not match goes with it', async () => {
    const missing = remove('emp', Target.ONE, RELATED, { keys: [999] });
    expect(await bench().outcome(missing)).toEqual({ code: 'not_found' });
    expect(await bench().outcome(read('emp', { filter: MINE, countOnly: true }))).toEqual({ json: 2 });
  });

  test('related records are not brought by a change of all that match', async () => {
    const ask = update('dept', Target.FILTER, [{ emp_by_dept_id: [{ id: 901 }] }], { filter: is('id', '=', 2) });
    expect(await bench().outcome(ask)).toEqual({ code: 'invalid' });
  });
}
