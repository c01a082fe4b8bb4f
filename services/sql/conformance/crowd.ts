/** Unrelated requests that travel together (group commit, coalesced reads): nobody notices the others. */
import { expect, test } from 'vitest';
import { Deadline, deadlinePassed } from '#common/deadline.ts';
import type { Ask, Failure, Outcome, Success } from '#common/testing/bench.ts';
import { fields, insert, is, read, remove, update } from '#common/testing/words.ts';
import { BatchMode, Target } from '#proto/data/v1/data_pb.ts';
import type { Bench } from './bench.ts';
import { define } from './company.ts';

const CROWD = 300;
const PEOPLE = {
  name: 'crowd',
  field: [
    { name: 'id', type: 'id' },
    { name: 'name', type: 'string', is_unique: true },
    { name: 'age', type: 'integer', allow_null: true },
  ],
};

const numbers = Array.from({ length: CROWD }, (_, i) => i);
const isGood = (outcome: Outcome): outcome is Success => 'json' in outcome;

export function tryManyAtOnce(bench: () => Bench): void {
  const askAll = (asks: readonly Ask[]): Promise<Outcome[]> => Promise.all(asks.map((ask) => bench().outcome(ask)));
  const names = async (): Promise<string[]> => {
    const { json } = (await bench().outcome(read('crowd', { order: [{ field: 'id' }], ...fields('name') }))) as {
      json: { name: string }[];
    };
    return json.map(({ name }) => name);
  };
  const empty = async (): Promise<void> => {
    await bench().ask(define([PEOPLE]));
    await bench().ask(remove('crowd', Target.FILTER, { everything: true }));
  };

  test('transactions that stand in the way of each other are all done in the end', async () => {
    await empty();
    const ids = [901, 902, 903, 904];
    await bench().ask(
      insert(
        'crowd',
        ids.map((id) => ({ id, name: `n${id}`, age: 0 })),
      ),
    );
    const mode = BatchMode.ROLLBACK;
    const inOrder = (order: readonly number[], age: number): Ask =>
      update(
        'crowd',
        Target.RECORDS,
        order.map((id) => ({ id, age })),
        { mode },
      );
    for (let round = 1; round <= 10; round++) {
      const outcomes = await askAll([
        ...[inOrder(ids, round), inOrder(ids.toReversed(), round)],
        ...[inOrder([902, 901, 904, 903], round), inOrder([903, 904, 901, 902], round)],
      ]);
      expect(outcomes.filter((outcome) => !isGood(outcome))).toEqual([]);
    }
    const left = read('crowd', { filter: is('age', '=', 10), countOnly: true });
    expect(await bench().outcome(left)).toEqual({ json: 4 });
  });

  test('single creates: each gets its own record, all are there', async () => {
    await empty();
    const outcomes = await askAll(numbers.map((i) => insert('crowd', [{ name: `n${i}` }], fields('id', 'name'))));
    const written = outcomes.flatMap((one) => (isGood(one) ? (one.json as { id: number; name: string }[]) : []));
    expect(written.map(({ name }) => name)).toEqual(numbers.map((i) => `n${i}`));
    expect(new Set(written.map(({ id }) => id)).size).toBe(CROWD);
    expect((await names()).sort()).toEqual(numbers.map((i) => `n${i}`).sort());
  });

  test('single creates: who fails fails alone', async () => {
    await empty();
    await bench().ask(insert('crowd', [{ name: 'taken' }]));
    const bad = new Map<number, Record<string, unknown>>([
      [17, { name: 'taken' }],
      [150, { name: null }],
      [299, { name: 'x', age: 'old' }],
    ]);
    const outcomes = await askAll(numbers.map((i) => insert('crowd', [bad.get(i) ?? { name: `n${i}` }])));
    const failed = outcomes.flatMap((one, i) => (isGood(one) ? [] : [[i, (one.batch as unknown[])[0]]]));
    expect(failed).toEqual([
      [17, { code: 'conflict' }],
      [150, { code: 'invalid', field: 'name' }],
      [299, { code: 'invalid', field: 'age' }],
    ]);
    expect(await names()).toHaveLength(1 + CROWD - bad.size);
  });

  test('thousands in one request of which each fails, going on', async () => {
    await empty();
    const names = Array.from({ length: 4000 }, (_, i) => ({ name: `n${i % 3000}` }));
    await bench().ask(insert('crowd', names.slice(0, 2000)));
    const outcome = (await bench().outcome(
      insert('crowd', names, { mode: BatchMode.CONTINUE, ...fields('name') }),
    )) as Failure;
    const wanted = names.map((one, i) => (i < 2000 || i >= 3000 ? { code: 'conflict' } : one));
    expect(outcome.batch).toEqual(wanted);
    expect(await bench().outcome(read('crowd', { countOnly: true }))).toEqual({ json: 3000 });
  });

  test('creates of other fields, changes and deletions go the same way', async () => {
    await empty();
    await bench().ask(
      insert(
        'crowd',
        numbers.map((i) => ({ name: `n${i}`, age: i })),
      ),
    );
    const rows = (await bench().outcome(read('crowd', { order: [{ field: 'id' }] }))) as { json: { id: number }[] };
    const key = (i: number): number => (rows.json[i] as { id: number }).id;
    const outcomes = await askAll(
      numbers.map((i) => {
        if (i % 3 === 0) return insert('crowd', [{ name: `new${i}`, ...(i % 2 ? { age: 1 } : {}) }], fields('name'));
        if (i % 3 === 1) return update('crowd', Target.ONE, { age: -i }, fields('age'), { keys: [key(i)] });
        return remove('crowd', Target.ONE, fields('name'), { keys: [key(i)] });
      }),
    );
    expect(outcomes).toEqual(
      numbers.map((i) => {
        if (i % 3 === 0) return { json: [{ name: `new${i}` }] };
        return { json: i % 3 === 1 ? { age: -i } : { name: `n${i}` } };
      }),
    );
    expect(await names()).toHaveLength(CROWD);
    expect(await bench().outcome(read('crowd', { countOnly: true, filter: is('age', '<', 0) }))).toEqual({ json: 100 });
  });

  test('reads of one record: each gets its own, who asks for nothing gets nothing', async () => {
    await empty();
    await bench().ask(
      insert(
        'crowd',
        numbers.map((i) => ({ name: `n${i}` })),
      ),
    );
    const rows = (await bench().outcome(read('crowd', { order: [{ field: 'id' }] }))) as { json: { id: number }[] };
    const one = (key: unknown): Ask => read('crowd', { target: Target.ONE, ...fields('name') }, { keys: [key] });
    const asks = rows.json.flatMap(({ id }, i) => (i % 100 === 7 ? [one(id), one(-1), one('x')] : [one(id)]));
    const wanted = numbers.flatMap((i) => {
      const found = { json: { name: `n${i}` } };
      return i % 100 === 7 ? [found, { code: 'not_found' }, { code: 'invalid', field: 'id' }] : [found];
    });
    expect(await askAll(asks)).toEqual(wanted);
  });

  test('reads of one record by text that the database compares in its own way', async () => {
    await empty();
    await bench().ask(insert('crowd', [{ name: 'n1' }, { name: 'N1' }, { name: 'ö' }]));
    const one = (key: string): Ask =>
      read('crowd', { target: Target.ONE, idField: ['name'], ...fields('name') }, { keys: [key] });
    expect(await askAll(['n1', 'N1', 'ö', 'o', 'n1'].map(one))).toEqual([
      { json: { name: 'n1' } },
      { json: { name: 'N1' } },
      { json: { name: 'ö' } },
      { code: 'not_found' },
      { json: { name: 'n1' } },
    ]);
  });

  test("reads of one record under the roles' conditions", async () => {
    await empty();
    await bench().ask(
      insert(
        'crowd',
        numbers.slice(0, 20).map((i) => ({ name: `n${i}`, age: i % 2 })),
      ),
    );
    const rows = (await bench().outcome(read('crowd', { order: [{ field: 'id' }] }))) as { json: { id: number }[] };
    const asks = rows.json.flatMap(({ id }) =>
      [0, 1].map((age) =>
        read('crowd', { target: Target.ONE, rowFilter: is('age', '=', age), ...fields('age') }, { keys: [id] }),
      ),
    );
    const wanted = numbers
      .slice(0, 20)
      .flatMap((i) => [0, 1].map((age) => (i % 2 === age ? { json: { age } } : { code: 'not_found' })));
    expect(await askAll(asks)).toEqual(wanted);
  });

  test('one whose time is over takes no other with it', async () => {
    const deadline = Deadline.after(0);
    deadline.abort(deadlinePassed());
    const one = read('dept', { target: Target.ONE, ...fields('id') }, { keys: [1] });
    const asks = [bench().outcome(one, deadline), bench().outcome(one), bench().outcome(one)];
    expect(await Promise.all(asks)).toEqual([{ code: 'deadline' }, { json: { id: 1 } }, { json: { id: 1 } }]);
  });
}
