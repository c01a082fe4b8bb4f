import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Document, StoredDocument, Wire } from '../document.ts';
import { firstInOrder, type SortKey, sortBy } from './sort.ts';

const UP: SortKey = { field: 'a', descending: false, nullsFirst: true };
const DOWN: SortKey = { field: 'a', descending: true, nullsFirst: false };
const THEN: SortKey = { field: 'b', descending: false, nullsFirst: true };

const stored = (members: Document): StoredDocument => ({ json: () => Buffer.alloc(0), members: () => members });
async function* those(documents: readonly Document[]): AsyncGenerator<StoredDocument> {
  for (const one of documents) yield stored(one);
}
const first = async (
  documents: readonly Document[],
  order: readonly SortKey[],
  count?: number,
  elements = false,
): Promise<Document[]> => (await firstInOrder(those(documents), order, count, elements)).map((one) => one.members());

const MIXED: Document[] = [{ a: 2 }, { a: 'x' }, { a: null }, { a: 1 }, {}, { a: true }];
const CASES: readonly (readonly [why: string, order: readonly SortKey[], found: readonly Document[]])[] = [
  ['NULL and absent first', [UP], [{ a: null }, {}, { a: 1 }, { a: 2 }, { a: 'x' }, { a: true }]],
  ['and last', [DOWN], [{ a: true }, { a: 'x' }, { a: 2 }, { a: 1 }, { a: null }, {}]],
  [
    'NULL last all the same',
    [{ ...UP, nullsFirst: false }],
    [{ a: 1 }, { a: 2 }, { a: 'x' }, { a: true }, { a: null }, {}],
  ],
  [
    'NULL first all the same',
    [{ ...DOWN, nullsFirst: true }],
    [{ a: null }, {}, { a: true }, { a: 'x' }, { a: 2 }, { a: 1 }],
  ],
  ['no order', [], MIXED],
];
test.each(CASES)('%s', async (_, order, found) => {
  expect(await first(MIXED, order)).toEqual(found);
  expect(await first(MIXED, order, 2)).toEqual(found.slice(0, 2));
  expect(await first(MIXED, order, 0)).toEqual([]);
  expect(sortBy(MIXED, order, (one, field) => one[field] ?? null)).toEqual(found);
});

test('a second field decides among equals, then the place', async () => {
  const documents: Document[] = [
    { a: 1, b: 2, n: 0 },
    { a: 1, b: 1, n: 1 },
    { a: 0, b: 9, n: 2 },
    { a: 1, b: 1, n: 3 },
  ];
  expect((await first(documents, [UP, THEN])).map(({ n }) => n)).toEqual([2, 1, 3, 0]);
});

test('members of members', async () => {
  const documents: Document[] = [{ a: { c: 2 } }, { a: { c: 1 } }];
  expect(await first(documents, [{ ...UP, field: 'a.c' }])).toEqual(documents.toReversed());
});

test('the first few are those of the whole order, however many come', async () => {
  const value = fc.option(fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom('a', 'b')), { nil: null });
  const key = fc.record({
    field: fc.constantFrom('a', 'b'),
    descending: fc.boolean(),
    nullsFirst: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ a: value, b: value }), { maxLength: 40 }),
      fc.array(key, { maxLength: 2 }),
      fc.nat(5),
      async (some, order, count) => {
        // Again and again, so that what is kept has to be cut on the way.
        const many = Array.from({ length: 100 }, (_, round) =>
          some.map((one) => ({ ...one, round }) as Document),
        ).flat();
        const whole = sortBy(many, order, (one, field) => (one[field] ?? null) as Wire);
        expect(await first(many, order, count)).toEqual(whole.slice(0, count));
      },
    ),
    { numRuns: 40 },
  );
});
