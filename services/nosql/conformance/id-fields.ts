/** Records that are identified by other fields than their key (`id_field`), on every engine as SQL services have it. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Ask, Outcome } from '#common/testing/bench.ts';
import { fields, read, remove, update } from '#common/testing/words.ts';
import { BatchMode, Target } from '#proto/data/v1/data_pb.ts';
import type { Left, Library } from './library.ts';

export function tryIdFields(library: Library): void {
  const { bench, key, keyOf } = library.subject;
  const byName = { idField: ['name'] };
  const asName = { idField: ['name'], ...fields('name') };
  const missing = { code: 'not_found' };

  type Case = readonly [why: string, ask: () => Ask, gives: () => Outcome, left: () => Partial<Left>];
  const CASES: readonly Case[] = [
    [
      'one',
      () => read('author', { target: Target.ONE, ...asName }, { keys: ['Bea'] }),
      () => ({ json: { name: 'Bea' } }),
      () => ({}),
    ],
    [
      'one that is not there',
      () => read('author', { target: Target.ONE, ...byName }, { keys: ['x'] }),
      () => missing,
      () => ({}),
    ],
    [
      'several, in order',
      () => read('author', { target: Target.KEYS, ...asName, mode: BatchMode.CONTINUE }, { keys: ['Cem', 'x', 'Ada'] }),
      () => ({ code: 'invalid', batch: [{ name: 'Cem' }, missing, { name: 'Ada' }], rolledBack: false }),
      () => ({}),
    ],
    [
      'by two fields',
      () =>
        read(
          'book',
          { target: Target.KEYS, idField: ['title', 'year'], ...fields('year') },
          {
            keys: [
              ['Two', 2000],
              ['One', '1990'],
            ],
          },
        ),
      () => ({ json: [{ year: 2000 }, { year: 1990 }] }),
      () => ({}),
    ],
    [
      'one that changes',
      () => update('author', Target.ONE, { born: 1 }, byName, { keys: ['Bea'] }),
      () => ({ json: { name: 'Bea' } }),
      () => ({}),
    ],
    [
      'one that is renamed',
      () => update('author', Target.ONE, { name: 'Beatrix' }, { idField: ['name'] }, { keys: ['Bea'] }),
      () => ({ json: { name: 'Beatrix' } }),
      () => ({ author: ['Ada', 'Beatrix', 'Cem'] }),
    ],
    [
      'several that change, all taken back',
      () =>
        update(
          'tag',
          Target.RECORDS,
          [
            { label: 'old', hue: 1 },
            { label: 'x', hue: 1 },
          ],
          {
            idField: ['label'],
            mode: BatchMode.ROLLBACK,
          },
        ),
      () => ({ code: 'invalid', batch: [keyOf(1), missing], rolledBack: true }),
      () => ({}),
    ],
    [
      'one that is replaced keeps its key',
      () => update('tag', Target.RECORDS, [{ label: 'old' }], { idField: ['label'], replace: true }),
      () => ({ json: [{ label: 'old' }] }),
      () => ({}),
    ],
    [
      'one that goes',
      () => remove('tag', Target.KEYS, { idField: ['label'] }, { keys: ['new'] }),
      () => ({ json: [{ label: 'new' }] }),
      () => ({ tag: ['old'] }),
    ],
    [
      'one with those that belong to it',
      () => update('author', Target.ONE, { book_by_author: [keyOf(4)] }, byName, { keys: ['Cem'] }),
      () => ({ json: { name: 'Cem' } }),
      () => ({
        book: [
          ['Nobody', key.of(3), null],
          ['One', key.of(1), null],
          ['Three', key.of(2), null],
          ['Two', key.of(1), key.of(1)],
        ],
      }),
    ],
  ];

  describe('identified by other fields', () => {
    let before: Left;
    beforeAll(async () => {
      await library.open();
      await library.refill();
      before = await library.left();
    });
    beforeEach(() => library.refill());

    test.each(CASES)('%s', async (_, ask, gives, left) => {
      expect(await bench().outcome(ask())).toEqual(gives());
      expect(await library.left()).toEqual({ ...before, ...left() });
    });
  });
}
