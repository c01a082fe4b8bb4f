/** Records of relations where the conformance suite has no store for it: keys that hold the owner, stores that fail. */
import { beforeEach, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { all, fields, insert, is, read, update } from '#common/testing/words.ts';
import { DefineMode, PartKind, Target } from '#proto/data/v1/data_pb.ts';
import { Bench } from '../conformance/bench.ts';
import type { NoSqlSource, Write, WriteOutcome } from '../engine.ts';
import { memory } from '../testing/memory.ts';

const KEY = (name: string) => ({ name, type: 'string', is_primary_key: true });
const TABLES = [
  { name: 'cart', field: [KEY('id')] },
  { name: 'line', field: [KEY('cart'), KEY('no')] },
  { name: 'goods', field: [KEY('id')] },
  { name: 'wish', field: [KEY('cart'), KEY('goods')] },
];
const RELATIONS = [
  { name: 'a', is_virtual: true, type: 'has_many', field: 'id', ref_table: 'line', ref_field: 'cart' },
  {
    ...{ name: 'b', is_virtual: true, type: 'many_many', field: 'id', ref_table: 'goods', ref_field: 'id' },
    ...{ junction_table: 'wish', junction_field: 'cart', junction_ref_field: 'goods' },
  },
  { name: 'c', is_virtual: true, type: 'has_many', field: 'id', ref_table: 'goods', ref_field: 'sold.in' },
];

let bench: Bench;
/** What the store is asked to write, before it does. */
let before: (write: Write) => WriteOutcome | undefined;
let written: Write[];

beforeEach(async () => {
  before = () => undefined;
  written = [];
  const source = memory.open({}, { dataDir: '', serviceName: 'db', connectionsMax: 1 });
  const write: NoSqlSource['write'] = async (table, writes, ordered, deadline) => {
    deadline.throwIfAborted();
    const outcomes: WriteOutcome[] = [];
    for (const one of writes) {
      written.push(one);
      outcomes.push(before(one) ?? ((await real(table, [one], ordered, deadline))[0] as WriteOutcome));
    }
    return outcomes;
  };
  const real = source.write.bind(source);
  bench = new Bench({ engine: memory, config: {}, source: Object.assign(source, { write }) });
  const value = { mode: DefineMode.CREATE } as const;
  await bench.ask({ action: { case: 'defineTables', value }, records: TABLES });
  const parts = { table: 'cart', kind: PartKind.RELATION, ...value };
  await bench.ask({ action: { case: 'defineParts', value: parts }, records: RELATIONS });
  await bench.ask(insert('cart', [{ id: 'c', at: 1 }]));
  await bench.ask(
    insert('line', [
      { cart: 'c', no: '1', qty: 1 },
      { cart: 'other', no: '1', qty: 7 },
    ]),
  );
  await bench.ask(insert('goods', [{ id: 'g' }, { id: 'h' }]));
});

const patch = (record: object, init: object = {}, deadline?: Deadline) =>
  bench.outcome(update('cart', Target.ONE, record, init, { keys: ['c'] }), deadline);
const list = async (table: string): Promise<unknown> => ((await bench.outcome(read(table))) as { json: unknown }).json;

test('the owner is a part of the key of what belongs to it', async () => {
  expect(await patch({ line_by_cart: [{ no: '1', qty: 2 }, { no: '2' }] })).toEqual({ json: { id: 'c' } });
  expect(await list('line')).toEqual([
    { cart: 'c', no: '1', qty: 2 },
    { cart: 'other', no: '1', qty: 7 },
    { cart: 'c', no: '2' },
  ]);
});

test('a part of a key is not taken away; the record may go', async () => {
  const gone = { line_by_cart: [{ no: '1', cart: null }] };
  expect(await patch(gone)).toEqual({ code: 'invalid', field: 'cart' });
  expect(await patch(gone, { allowRelatedDelete: true })).toEqual({ json: { id: 'c' } });
  expect(await list('line')).toEqual([{ cart: 'other', no: '1', qty: 7 }]);
});

test('both ends are the key of what is between', async () => {
  await patch({ goods_by_wish: [{ id: 'g' }, { id: 'h' }] });
  await patch({ goods_by_wish: [{ id: 'g' }, { id: 'h', 'cart.id': null }, { id: 'nobody', 'cart.id': null }] });
  expect(await list('wish')).toEqual([{ cart: 'c', goods: 'g' }]);
  expect(await list('goods')).toEqual([{ id: 'g' }, { id: 'h' }]);
});

test('one that is only named is not written', async () => {
  written = [];
  await patch({ goods_by_wish: [{ id: 'g' }] });
  expect(written).toEqual([{ kind: 'insert', document: { cart: 'c', goods: 'g' } }]);
});

test('what cannot be taken back is a conflict, and the rest is taken back', async () => {
  before = (write) =>
    write.kind === 'replace' && write.document['qty'] !== undefined
      ? { error: new MillraceError('conflict', 'Somebody else was here.') }
      : undefined;
  const outcome = await patch({ at: 2, line_by_cart: [{ no: '1', qty: 2 }, 'none'] });
  expect(outcome).toEqual({ code: 'invalid', field: 'line_by_cart' });
  const nested = [{ no: '2' }, { no: '1', qty: 3 }];
  const goods = [{ id: 'g', price: 1 }, 'none'];
  expect(await patch({ at: 3, line_by_cart: nested, goods_by_wish: goods })).toEqual({ code: 'conflict' });
  expect(await list('cart')).toEqual([{ id: 'c', at: 1 }]);
  expect(await list('line')).toEqual([
    { cart: 'c', no: '1', qty: 3 },
    { cart: 'other', no: '1', qty: 7 },
  ]);
});

test('what was begun is taken back where the time is up', async () => {
  const deadline = Deadline.after(30_000);
  before = (write) => {
    if (write.kind === 'insert') deadline.abort(new MillraceError('deadline', 'Too late.'));
    return undefined;
  };
  expect(await patch({ at: 2, line_by_cart: [{ no: '2' }, { no: '3' }] }, {}, deadline)).toEqual({ code: 'deadline' });
  before = () => undefined;
  expect(await list('cart')).toEqual([{ id: 'c', at: 1 }]);
  expect(await bench.outcome(read('line', { filter: all(is('cart', '=', 'c')), ...fields('no') }))).toEqual({
    json: [{ no: '1' }],
  });
});

test('relations over members of members are only read', async () => {
  await bench.ask(insert('goods', [{ id: 'i', sold: { in: 'c' } }]));
  const related = [{ name: 'goods_by_sold.in', ...fields('id') }];
  const shown = await bench.outcome(read('cart', { related, ...fields('id') }));
  expect(shown).toEqual({ json: [{ id: 'c', 'goods_by_sold.in': [{ id: 'i' }] }] });
  expect(await patch({ at: 2, 'goods_by_sold.in': [{ id: 'g' }] })).toEqual({ code: 'unsupported' });
  expect(await list('cart')).toEqual([{ id: 'c', at: 1 }]);
});
