/** Indexes by definitions of fields: made, shown and dropped in the store, or refused by name. */
import { describe, expect, test } from 'vitest';
import { insert, remove } from '#common/testing/words.ts';
import { PartKind, Target } from '#proto/data/v1/data_pb.ts';
import type { Bench } from './bench.ts';

/** What a store has of them, and drops. */
export type Indexes = 'none' | 'plain' | 'plain, never dropped' | 'plain and unique';

interface Options {
  /** With a table `item`; there once the tests run. */
  readonly bench: () => Bench;
  readonly has: Indexes;
  /** The key of one of its records. */
  readonly keyOf: (place: number) => object;
  readonly key: string;
}

export function tryIndexes({ bench, has, keyOf, key }: Options): void {
  describe('indexes', () => {
    const define = (...field: object[]) => {
      const value = { table: 'item', kind: PartKind.FIELD };
      return bench().outcome({ action: { case: 'defineParts', value }, records: field });
    };
    const drop = (...names: string[]) => {
      const value = { table: 'item', kind: PartKind.FIELD, names };
      return bench().outcome({ action: { case: 'dropParts', value } });
    };
    const described = async (name: string) => {
      const value = { tables: ['item'], target: Target.ONE };
      const { json } = (await bench().outcome({ action: { case: 'describeTables', value } })) as {
        json: { field: { name: string }[]; constraints: object };
      };
      return [json.field.find((one) => one.name === name), json.constraints];
    };
    const refused = (field: string) => ({ code: 'invalid', field });
    const [hasSome, hasUnique, drops] = [has !== 'none', has.includes('unique'), !has.includes('never')];

    test.runIf(hasSome)('one is made, and shown', async () => {
      expect(await define({ name: 'grade', is_index: true })).toEqual({ json: [[]] });
      expect(await described('grade')).toMatchObject([{ is_index: true, is_unique: false }, []]);
      // Said once more, or as a description says it, it is no change.
      expect(await define({ name: 'grade', is_index: true })).toEqual({ json: [[]] });
      expect(await define({ name: 'grade', is_index: false })).toEqual({ json: [[]] });
      expect(await described('grade')).toMatchObject([{ is_index: true }, []]);
    });
    test.runIf(hasSome && drops)('it goes with what is known of its field', async () => {
      await define({ name: 'fleeting', type: 'integer', is_index: true });
      expect(await described('fleeting')).toMatchObject([{ type: 'integer', is_index: true }, []]);
      expect(await drop('fleeting')).toEqual({ json: { success: true } });
      expect(await described('fleeting')).toEqual([undefined, []]);
    });
    test.runIf(hasUnique)('a unique one keeps values apart, and is a constraint', async () => {
      await define({ name: 'code', is_unique: true });
      expect(await described('code')).toMatchObject([
        { is_unique: true },
        { undx_code: { constraint_type: 'UNIQUE', column_name: 'code' } },
      ]);
      await bench().ask(insert('item', [{ ...keyOf(21), code: 'x' }, keyOf(22), keyOf(23)]));
      const second = await bench().outcome(insert('item', [{ ...keyOf(24), code: 'x' }]));
      expect(second).toMatchObject({ batch: [{ code: 'conflict' }] });
      await bench().ask(remove('item', Target.FILTER, { everything: true }));
      await drop('code');
    });
    test.runIf(hasUnique)('a unique one of what is not unique is refused', async () => {
      await bench().ask(
        insert(
          'item',
          [1, 2].map((place) => ({ ...keyOf(place), twin: 1 })),
        ),
      );
      expect(await define({ name: 'twin', is_unique: true })).toMatchObject({ code: 'conflict' });
      expect(await described('twin')).toMatchObject([{ is_unique: false }, []]);
    });
    test.runIf(!hasUnique)('a unique one is refused, and nothing is done', async () => {
      expect(await define({ name: 'code', type: 'string', is_unique: true })).toEqual(refused('code'));
      expect(await described('code')).toEqual([undefined, []]);
    });
    test.runIf(!hasSome)('none is refused, and nothing is done', async () => {
      expect(await define({ name: 'code', type: 'string', is_index: true })).toEqual(refused('code'));
      expect(await described('code')).toEqual([undefined, []]);
    });
    test('a key needs none', async () => {
      expect(await define({ name: key, is_index: true, is_unique: true })).toEqual({ json: [[]] });
    });
    test('what a definition does not speak of stays', async () => {
      await define({ name: 'stays', type: 'integer', default: 5, label: 'It stays' });
      await define({ name: 'stays', description: 'Still.' });
      expect(await described('stays')).toMatchObject([{ type: 'integer', default: 5, description: 'Still.' }, []]);
      await drop('stays');
    });
  });
}
