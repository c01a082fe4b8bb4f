/** Records found by fields of related ones, on every engine as SQL services have it. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { ServiceConfig } from '#common/engine.ts';
import { all, any, apart, fields, insert, is, not, read, remove, update } from '#common/testing/words.ts';
import { type Filter, Target } from '#proto/data/v1/data_pb.ts';
import type { Bench } from './bench.ts';
import { Library } from './library.ts';

type Case = readonly [why: string, table: string, filter: Filter, names: readonly string[]];

const CASES: readonly Case[] = [
  ['of the one that it belongs to', 'book', is('author_by_author.name', '=', 'Ada'), ['One', 'Two']],
  ['not, and none', 'book', not(is('author_by_author.name', '=', 'Ada')), ['Nobody', 'Three']],
  ['of any that belong to it', 'author', is('book_by_author.year', '>', '1995'), ['Ada', 'Bea']],
  ['of none that belong to it', 'author', not(is('book_by_author.year', '>', 1995)), ['Cem']],
  ['NULL of one that is there', 'author', is('book_by_author.year', 'is null'), []],
  [
    'two conditions, of one each',
    'author',
    all(is('book_by_author.year', '=', 1990), is('book_by_author.year', '=', 2000)),
    ['Ada'],
  ],
  ['through what is between', 'book', is('tag_by_booktag.label', '=', 'new'), ['Two']],
  ['not through what is between', 'book', not(is('tag_by_booktag.label', '=', 'new')), ['Nobody', 'One', 'Three']],
  ['of those that belong to those', 'tag', is('book_by_booktag.author_by_author.name', 'like', 'a%'), ['new', 'old']],
  ['of those through what is between', 'author', is('book_by_author.tag_by_booktag.label', 'in', 'old'), ['Ada']],
  [
    'or one of its own',
    'author',
    any(is('name', '=', 'Cem'), is('book_by_author.title', '=', 'Three')),
    ['Bea', 'Cem'],
  ],
  ['and one of its own', 'author', all(is('name', 'like', 'b%'), is('book_by_author.year', '>', 0)), ['Bea']],
  ['that nobody meets', 'book', is('author_by_author.name', '=', 'nobody'), []],
  [
    'that nobody meets, negated',
    'book',
    not(is('author_by_author.name', '=', 'nobody')),
    ['Nobody', 'One', 'Three', 'Two'],
  ],
  ['of a field that nobody has', 'author', is('book_by_author.nothing', '=', 1), []],
];

/** @param other  the same store with other settings */
export function tryRelatedFilters(library: Library, other: (config: ServiceConfig) => Bench): void {
  const { bench, key, keyOf, id } = library.subject;
  const nameOf = (one: Record<string, unknown>): string => String(one['name'] ?? one['title'] ?? one['label']);
  const names = ({ json }: { json: unknown }): string[] => (json as Record<string, unknown>[]).map(nameOf).sort();
  const found = async (table: string, filter: Filter): Promise<unknown> => {
    const { filter: bare, parameters } = apart(filter);
    const outcome = await bench().outcome(read(table, { filter: bare }, { parameters }));
    return 'json' in outcome ? names(outcome) : outcome;
  };

  describe('conditions on related records', () => {
    beforeAll(async () => {
      await library.open();
      await library.refill();
    });

    test.each(CASES)('%s', async (_, table, filter, expected) => {
      expect(await found(table, filter)).toEqual(expected);
      expect(await bench().outcome(read(table, { filter, countOnly: true }))).toEqual({ json: expected.length });
    });

    test('a condition of the role', async () => {
      const rowFilter = is('author_by_author.name', '=', 'Ada');
      const one = (place: number) =>
        read('book', { target: Target.ONE, rowFilter, ...fields('title') }, { keys: [id(place)] });
      expect(await bench().outcome(one(1))).toEqual({ json: { title: 'One' } });
      expect(await bench().outcome(one(3))).toEqual({ code: 'not_found' });
      const change = (place: number) => update('book', Target.ONE, { a: 1 }, { rowFilter }, { keys: [id(place)] });
      expect(await bench().outcome(change(1))).toEqual({ json: keyOf(1) });
      expect(await bench().outcome(change(3))).toEqual({ code: 'not_found' });
    });

    test('groups, order and a page', async () => {
      const filter = is('author_by_author.name', '=', 'Ada');
      const group = { group: ['author'], ...fields('COUNT(*)') };
      expect(await bench().outcome(read('book', { filter, ...group }))).toEqual({ json: [{ COUNT_ALL: 2 }] });
      const page = { order: [{ field: 'year', descending: true }], limit: 1, ...fields('title') };
      expect(await bench().outcome(read('book', { filter, ...page }))).toEqual({ json: [{ title: 'Two' }] });
    });

    test('of the records of a relation', async () => {
      const related = [{ name: 'book_by_author', filter: is('tag_by_booktag.label', '=', 'new'), ...fields('title') }];
      const outcome = await bench().outcome(
        read('author', { target: Target.ONE, related, ...fields('name') }, { keys: [id(1)] }),
      );
      expect(outcome).toMatchObject({ json: { book_by_author: [{ title: 'Two' }] } });
    });

    test('as a stream', async () => {
      const filter = is('author_by_author.name', '=', 'Bea');
      let text = '';
      for await (const piece of bench().stream(read('book', { everything: true, filter, ...fields('title') }))) {
        text += piece;
      }
      expect(text).toBe('{"title":"Three"}\n');
    });

    test('more than may be read is refused', async () => {
      const little = other({ max_scanned: 2 });
      await new Library({ ...library.subject, bench: () => little }).relate();
      const wide = read('author', { filter: is('book_by_author.year', '>', 0), ...fields('name') });
      expect(await little.outcome(wide)).toMatchObject({ code: 'invalid' });
    });

    test('more conditions, and more relations, than are followed', async () => {
      const many = Array.from({ length: 21 }, (_, i) => is('book_by_author.year', '=', i));
      expect(await found('author', any(...many))).toEqual({ code: 'invalid', field: 'filter' });
      const path = Array.from({ length: 6 }, () => 'book_by_author.author_by_author.').join('');
      expect(await found('author', is(`${path}name`, '=', 'Ada'))).toMatchObject({ code: 'invalid' });
      const short = Array.from({ length: 5 }, () => 'book_by_author.author_by_author.').join('');
      expect(await found('author', is(`${short}name`, '=', 'Ada'))).toEqual(['Ada']);
    });

    test('many keys', async () => {
      const places = Array.from({ length: 150 }, (_, i) => i + 100);
      const added = places.map((place) => ({ ...keyOf(place), name: 'Many', many: true }));
      await bench().ask(insert('author', added));
      await bench().ask(
        insert(
          'book',
          places.map((place) => ({ ...keyOf(place), title: `b${place}`, author: key.of(place) })),
        ),
      );
      const filter = is('author_by_author.name', '=', 'Many');
      expect(await bench().outcome(read('book', { filter, countOnly: true }))).toEqual({ json: 150 });
      const gone = await bench().outcome(remove('book', Target.FILTER, { filter, ...fields('title') }));
      expect(names(gone as { json: unknown })).toHaveLength(150);
      await bench().ask(remove('author', Target.FILTER, { filter: is('many', '=', true) }));
      expect(await bench().outcome(read('book', { countOnly: true }))).toEqual({ json: 4 });
    });

    test('the plan tells what is read first', async () => {
      const filter = is('book_by_booktag.author_by_author.name', '=', 'Ada');
      const ask = read('tag', { filter, explain: true });
      const { json } = (await bench().outcome(ask)) as { json: { related: Record<string, unknown>[] } };
      expect(json.related.map(({ table, field }) => [table, field])).toEqual([
        ['author', key.name],
        ['book', key.name],
        ['booktag', 'tag'],
      ]);
      const again = (await bench().outcome(ask)) as { json: { related: unknown[] } };
      expect(again.json.related).toHaveLength(3);
      const plain = (await bench().outcome(read('tag', { explain: true }))) as { json: object };
      expect(plain.json).not.toHaveProperty('related');
    });
  });
}
