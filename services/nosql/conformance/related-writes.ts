/** Records written together with those of their relations, on every engine as SQL services have it. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Ask, Outcome } from '#common/testing/bench.ts';
import { fields, insert, is, update } from '#common/testing/words.ts';
import { BatchMode, Target } from '#proto/data/v1/data_pb.ts';
import type { Left, Library } from './library.ts';

export function tryRelatedWrites(library: Library): void {
  const { bench, key, keyOf, id, generates } = library.subject;
  const k = key.of;
  const BEFORE: Left = {
    author: ['Ada', 'Bea', 'Cem'],
    book: [
      ['Nobody', null, null],
      ['One', k(1), null],
      ['Three', k(2), null],
      ['Two', k(1), k(1)],
    ],
    tag: ['new', 'old'],
    booktag: [
      [k(1), k(1)],
      [k(2), k(1)],
      [k(2), k(2)],
    ],
  };
  const books = (...rows: (readonly unknown[])[]): Partial<Left> => ({ book: rows });
  /** The key of a new record, where it is not the store that makes it. */
  const fresh = (place: number): object => (generates ? {} : keyOf(place));
  const patch = (table: string, place: number, record: object, init: object = {}): Ask =>
    update(table, Target.ONE, record, init, { keys: [id(place)] });
  const invalid = (code: string, field?: string) => ({ code, ...(field !== undefined && { field }) });

  type Case = readonly [why: string, ask: () => Ask, gives: () => Outcome, left: () => Partial<Left>];
  const CASES: readonly Case[] = [
    [
      'a new one with those that belong to it',
      () => insert('author', [{ ...keyOf(9), name: 'New', book_by_author: [{ ...fresh(8), title: 'Eight' }] }]),
      () => ({ json: [keyOf(9)] }),
      () => ({
        author: ['Ada', 'Bea', 'Cem', 'New'],
        ...books(['Eight', k(9), null], ...BEFORE.book),
      }),
    ],
    [
      'changed, adopted, created and disowned by one call',
      () =>
        patch('author', 1, {
          book_by_author: [
            { ...keyOf(1), title: 'First' },
            keyOf(3),
            { ...fresh(5), title: 'Five' },
            { ...keyOf(2), author: null },
          ],
        }),
      () => ({ json: keyOf(1) }),
      () =>
        books(
          ['First', k(1), null],
          ['Five', k(1), null],
          ['Nobody', null, null],
          ['Three', k(1), null],
          ['Two', null, k(1)],
        ),
    ],
    [
      'a failure takes back all of the record',
      () =>
        patch('author', 1, {
          name: 'Changed',
          book_by_author: [keyOf(3), { ...fresh(5), title: 'Five' }, { ...keyOf(1), year: 'many' }],
        }),
      () => invalid('invalid', 'year'),
      () => ({}),
    ],
    [
      'a relation that holds no record',
      () => patch('author', 1, { name: 'Changed', book_by_author: ['One'] }),
      () => invalid('invalid', 'book_by_author'),
      () => ({}),
    ],
    [
      'one that is said to be there and is not',
      () => patch('author', 1, { name: 'Changed', book_by_author: [{ ...keyOf(7), title: 'Seven' }] }),
      () => (generates ? invalid('not_found') : { json: keyOf(1) }),
      () =>
        generates
          ? {}
          : {
              author: ['Bea', 'Cem', 'Changed'],
              ...books(BEFORE.book[0] as [], BEFORE.book[1] as [], ['Seven', k(1), null], ...BEFORE.book.slice(2)),
            },
    ],
    [
      'one that belongs to another, which changes',
      () =>
        insert('book', [
          { ...keyOf(7), title: 'Seven', author: k(2), author_by_author: { ...keyOf(2), name: 'Beatrix' } },
        ]),
      () => ({ json: [keyOf(7)] }),
      () => ({
        author: ['Ada', 'Beatrix', 'Cem'],
        ...books(...BEFORE.book.slice(0, 2), ['Seven', k(2), null], ...BEFORE.book.slice(2)),
      }),
    ],
    [
      'one that belongs to another, which is made',
      () => insert('book', [{ ...keyOf(7), title: 'Seven', author_by_author: { ...keyOf(8), name: 'Dov' } }]),
      () => ({ json: [keyOf(7)] }),
      () => ({
        author: ['Ada', 'Bea', 'Cem', 'Dov'],
        ...books(...BEFORE.book.slice(0, 2), ['Seven', k(8), null], ...BEFORE.book.slice(2)),
      }),
    ],
    [
      'a document that is replaced, and one of its own',
      () =>
        patch('author', 1, { name: 'Replaced', book_by_author: [{ ...keyOf(1), title: 'First' }] }, { replace: true }),
      () => ({ json: keyOf(1) }),
      () => ({
        author: ['Bea', 'Cem', 'Replaced'],
        ...books(['First', k(1), null], BEFORE.book[0] as [], ...BEFORE.book.slice(2)),
      }),
    ],
    [
      'the only one is disowned',
      () => patch('author', 1, { book_by_critic: null }),
      () => ({ json: keyOf(1) }),
      () => books(...BEFORE.book.slice(0, 3), ['Two', k(1), null]),
    ],
    [
      'one that has to belong to somebody is not disowned',
      () => patch('author', 1, { book_by_shelf: [{ ...keyOf(4), shelf: null }] }),
      () => invalid('invalid', 'shelf'),
      () => ({}),
    ],
    [
      'one that has to belong to somebody goes where that is allowed',
      () => patch('author', 1, { book_by_shelf: [{ ...keyOf(4), shelf: null }] }, { allowRelatedDelete: true }),
      () => ({ json: keyOf(1) }),
      () => books(...BEFORE.book.slice(1)),
    ],
    [
      'joined with others by records between',
      () => patch('book', 2, { tag_by_booktag: [{ ...keyOf(1), label: 'ancient' }, keyOf(2)] }),
      () => ({ json: keyOf(2) }),
      () => ({ tag: ['ancient', 'new'] }),
    ],
    [
      'severed from others',
      () => patch('book', 2, { tag_by_booktag: [{ ...keyOf(1), [`book.${key.name}`]: null }] }),
      () => ({ json: keyOf(2) }),
      () => ({ booktag: [BEFORE.booktag[0] as [], BEFORE.booktag[2] as []] }),
    ],
    [
      'joined anew, where the store makes the key of what is between',
      () => patch('book', 1, { title: 'First', tag_by_booktag: [keyOf(2), { ...keyOf(1), label: 'ancient' }] }),
      () => (generates ? { json: keyOf(1) } : invalid('invalid', Object.keys(keyOf(1))[0])),
      () =>
        generates
          ? {
              ...books(['First', k(1), null], BEFORE.book[0] as [], ...BEFORE.book.slice(2)),
              tag: ['ancient', 'new'],
              booktag: [BEFORE.booktag[0] as [], [k(1), k(2)], ...BEFORE.booktag.slice(1)],
            }
          : {},
    ],
    [
      'three levels',
      () =>
        patch('author', 3, {
          book_by_author: [{ ...keyOf(2), tag_by_booktag: [{ ...keyOf(1), label: 'ancient' }] }],
        }),
      () => ({ json: keyOf(3) }),
      () => ({ ...books(...BEFORE.book.slice(0, 3), ['Two', k(3), k(1)]), tag: ['ancient', 'new'] }),
    ],
    [
      'several, stopping at the one that fails',
      () =>
        insert('author', [
          { ...keyOf(8), name: 'Eve', book_by_author: [keyOf(4)] },
          { ...keyOf(1), name: 'Again', book_by_author: [keyOf(3)] },
          { ...keyOf(9), name: 'Fay' },
        ]),
      () => ({ code: 'invalid', batch: [keyOf(8), { code: 'conflict' }], rolledBack: false }),
      () => ({ author: ['Ada', 'Bea', 'Cem', 'Eve'], ...books(['Nobody', k(8), null], ...BEFORE.book.slice(1)) }),
    ],
    [
      'several, going on behind one that fails',
      () =>
        update(
          'author',
          Target.RECORDS,
          [
            { ...keyOf(1), name: 'Changed', book_by_author: [{ ...keyOf(1), year: 'many' }] },
            { ...keyOf(2), book_by_author: [keyOf(4)] },
            { ...keyOf(77), name: 'nobody' },
          ],
          { mode: BatchMode.CONTINUE },
        ),
      () => ({
        code: 'invalid',
        batch: [{ code: 'invalid', field: 'year' }, keyOf(2), { code: 'not_found' }],
        rolledBack: false,
      }),
      () => books(['Nobody', k(2), null], ...BEFORE.book.slice(1)),
    ],
    [
      'several, all taken back',
      () =>
        insert(
          'author',
          [
            { ...keyOf(8), name: 'Eve', book_by_author: [keyOf(4), { ...fresh(6), title: 'Six' }] },
            { ...keyOf(9), name: 'Fay', book_by_author: [{ ...keyOf(1), year: 'many' }] },
          ],
          { mode: BatchMode.ROLLBACK },
        ),
      () => ({ code: 'invalid', batch: [keyOf(8), { code: 'invalid', field: 'year' }], rolledBack: true }),
      () => ({}),
    ],
    [
      'several by their keys, with the same',
      () => update('author', Target.KEYS, [{ book_by_author: [keyOf(4)] }], {}, { keys: [id(2), id(3)] }),
      () => ({ json: [keyOf(2), keyOf(3)] }),
      () => books(['Nobody', k(3), null], ...BEFORE.book.slice(1)),
    ],
    [
      'one that is not there',
      () => patch('author', 77, { book_by_author: [keyOf(4)] }),
      () => invalid('not_found'),
      () => ({}),
    ],
    [
      'one that the role does not see',
      () => patch('author', 1, { book_by_author: [keyOf(4)] }, { rowFilter: is('name', '=', 'Bea') }),
      () => invalid('not_found'),
      () => ({}),
    ],
    [
      'those that meet a filter bring none',
      () => update('author', Target.FILTER, [{ book_by_author: [keyOf(4)] }], { filter: is('name', '=', 'Ada') }),
      () => invalid('invalid'),
      () => ({}),
    ],
  ];

  describe('records of relations', () => {
    beforeAll(() => library.open());
    beforeEach(() => library.refill());

    test.each(CASES)('%s', async (_, ask, gives, left) => {
      expect(await bench().outcome(ask())).toEqual(gives());
      expect(await library.left()).toEqual({ ...BEFORE, ...left() });
    });

    test('the answer shows what was written', async () => {
      const record = { ...keyOf(9), name: 'New', book_by_author: [{ ...keyOf(4), title: 'Somebody' }] };
      const related = [{ name: 'book_by_author', ...fields('title') }];
      const { json } = (await bench().outcome(insert('author', [record], { related, ...fields('name') }))) as {
        json: object[];
      };
      expect(json).toMatchObject([{ name: 'New', book_by_author: [{ title: 'Somebody' }] }]);
    });

    test('an import brings none', async () => {
      const record = { ...keyOf(9), name: 'New', book_by_author: [keyOf(4)] };
      const outcome = await bench().import(insert('author', [], { mode: BatchMode.CONTINUE }), [[record]]);
      expect(outcome).toMatchObject({ code: 'invalid', count: 0, failed: 1 });
      expect(await library.left()).toEqual(BEFORE);
    });
  });
}
