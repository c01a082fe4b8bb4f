/** Groups together with related records, on every engine as SQL services have it. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { ServiceConfig } from '#common/engine.ts';
import type { Ask, Outcome } from '#common/testing/bench.ts';
import { fields, is, not, read } from '#common/testing/words.ts';
import { Target } from '#proto/data/v1/data_pb.ts';
import type { Bench } from './bench.ts';
import { Library } from './library.ts';

/** @param other  the same store with other settings */
export function tryRelatedGroups(library: Library, other: (config: ServiceConfig) => Bench): void {
  const { bench, key, keyOf, id } = library.subject;
  const k = key.of;
  const booksOf = (...names: string[]) => ({ name: 'book_by_author', ...fields(...names) });
  const author = (place: number, related: object) =>
    read('author', { target: Target.ONE, related: [related], ...fields('name') }, { keys: [id(place)] });
  const byName = { order: [{ field: 'name' }], ...fields('name') };

  type Case = readonly [why: string, ask: () => Ask, gives: () => Outcome];
  const CASES: readonly Case[] = [
    [
      'related records in groups',
      () =>
        read('author', { related: [{ ...booksOf('COUNT(*)', 'MAX(year)', 'author'), group: ['author'] }], ...byName }),
      () => ({
        json: [
          { name: 'Ada', book_by_author: [{ COUNT_ALL: 2, MAX_year: 2000, author: k(1) }] },
          { name: 'Bea', book_by_author: [{ COUNT_ALL: 1, MAX_year: 2010, author: k(2) }] },
          { name: 'Cem', book_by_author: [] },
        ],
      }),
    ],
    [
      'in groups of their own, some of them, in order',
      () =>
        author(1, {
          ...booksOf('year', 'COUNT(*)'),
          ...{ group: ['year'], order: [{ field: 'year', descending: true }], filter: not(is('year', '=', 1)) },
        }),
      () => ({
        json: {
          name: 'Ada',
          book_by_author: [
            { year: 2000, COUNT_ALL: 1 },
            { year: 1990, COUNT_ALL: 1 },
          ],
        },
      }),
    ],
    [
      'the first groups only',
      () => author(1, { ...booksOf('year'), group: ['year'], order: [{ field: 'year' }], limit: 1 }),
      () => ({ json: { name: 'Ada', book_by_author: [{ year: 1990 }] } }),
    ],
    [
      'by a filter on records of theirs',
      () => author(1, { ...booksOf('COUNT(*)'), group: ['author'], filter: is('tag_by_booktag.label', '=', 'new') }),
      () => ({ json: { name: 'Ada', book_by_author: [{ COUNT_ALL: 1 }] } }),
    ],
    [
      'in groups, through what is between',
      () =>
        read('tag', {
          related: [{ name: 'book_by_booktag', group: ['author'], ...fields('author', 'COUNT(*)') }],
          order: [{ field: 'label' }],
          ...fields('label'),
        }),
      () => ({
        json: [
          { label: 'new', book_by_booktag: [{ author: k(1), COUNT_ALL: 1 }] },
          { label: 'old', book_by_booktag: [{ author: k(1), COUNT_ALL: 2 }] },
        ],
      }),
    ],
    [
      'groups, and what belongs to each',
      () =>
        read('book', {
          group: ['author'],
          order: [{ field: 'author' }],
          filter: not(is('author', 'is null')),
          related: [{ name: 'author_by_author', ...fields('name') }],
          ...fields('COUNT(*)'),
        }),
      () => ({
        json: [
          { COUNT_ALL: 2, author: k(1), author_by_author: { name: 'Ada' } },
          { COUNT_ALL: 1, author: k(2), author_by_author: { name: 'Bea' } },
        ],
      }),
    ],
    [
      'groups that do not share what leads there',
      () => read('book', { group: ['year'], related: [{ name: 'author_by_author' }], ...fields('year', 'COUNT(*)') }),
      () => ({ code: 'invalid', field: 'author' }),
    ],
  ];

  describe('groups and related records', () => {
    beforeAll(async () => {
      await library.open();
      await library.refill();
    });

    test('counts are of all records, whatever a list may hold', async () => {
      const little = other({ max_records: 1 });
      await new Library({ ...library.subject, bench: () => little }).relate();
      const counting = (table: string, name: string, place: number) =>
        little.outcome(
          read(
            table,
            { target: Target.ONE, related: [{ name, countOnly: true }], ...fields('name') },
            { keys: [id(place)] },
          ),
        );
      expect(await counting('author', 'book_by_author', 1)).toMatchObject({ json: { book_by_author: 2 } });
      expect(await counting('author', 'book_by_author', 3)).toMatchObject({ json: { book_by_author: 0 } });
      expect(await counting('tag', 'book_by_booktag', 1)).toMatchObject({ json: { book_by_booktag: 2 } });
    });

    test.each(CASES)('%s', async (_, ask, gives) => {
      expect(keyless(await bench().outcome(ask()))).toEqual(keyless(gives()));
    });
  });

  /** What leads to related records is shown with them. */
  function keyless(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(keyless);
    if (typeof value !== 'object' || value === null) return value;
    const members = Object.entries(value).filter(([name]) => !(name in keyOf(1)));
    return Object.fromEntries(members.map(([name, member]) => [name, keyless(member)]));
  }
}
