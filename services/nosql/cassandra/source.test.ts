/** Writes, lists and tables on a real server. */
import { beforeAll, describe, expect, test } from 'vitest';
import { JsonNumber, parseJson } from '#common/json.ts';
import type { Outcome } from '#common/testing/bench.ts';
import { all, any, fields, insert, is, read, remove, update } from '#common/testing/words.ts';
import { Comparator, type Filter, Paging, Target } from '#proto/data/v1/data_pb.ts';
import { startCassandra } from '../../../deploy/testing/cassandra.ts';
import { freshKeyspace } from '../../../deploy/testing/cassandra-keyspace.ts';
import { suiteWith } from '../../../deploy/testing/suite.ts';
import type { Condition, Write } from '../engine.ts';
import { compare, MANY, places, soon, Trial, UUID } from './testing/trial.ts';

const both = (...of: Condition[]): Condition => ({ kind: 'all', of });
const { EQ, IN, GT, LT } = Comparator;

suiteWith('cassandra', 'records of Cassandra', () => {
  const trial = new Trial(startCassandra, freshKeyspace);

  describe('many at once', () => {
    test('of those who make one record, one has made it', async () => {
      const table = await trial.tableOf('plain');
      const merge = (n: number): Write => ({ kind: 'merge', key: ['shared'], members: { n }, upsert: true });
      const outcomes = await Promise.all(places(20).map((n) => trial.source.write(table, [merge(n)], true, soon())));
      const made = outcomes.flat().map((one) => ('created' in one ? one.created : one));
      expect(made.filter((one) => one === true)).toHaveLength(1);
      expect(made.filter((one) => one === false)).toHaveLength(19);
    });

    test('of those who insert it, one wins', async () => {
      const outcomes = await Promise.all(
        places(20).map((n) => trial.bench.outcome(insert('plain', [{ id: 'raced', n }]))),
      );
      expect(outcomes.filter((one) => 'json' in one)).toHaveLength(1);
      expect(outcomes.filter((one: Outcome) => 'batch' in one && isConflict(one.batch))).toHaveLength(19);
    });
    const isConflict = (batch: readonly unknown[] | undefined): boolean =>
      JSON.stringify(batch) === '[{"code":"conflict"}]';

    test('writes of one record in one call are done in their order', async () => {
      const table = await trial.tableOf('plain');
      const writes = places(20).map(
        (n): Write => ({ kind: 'replace', key: ['row'], document: { n, t: `${n}` }, upsert: true }),
      );
      await trial.source.write(table, writes, false, soon());
      expect(await trial.one('plain', 'row')).toMatchObject({ json: { n: 19, t: '19' } });
    });
  });

  describe('conditions of writes', () => {
    const beyond = new JsonNumber('12345678901234567890');
    const CASES: readonly (readonly [why: string, onlyIf: Condition, holds: boolean])[] = [
      ['a column', compare('n', EQ, 5), true],
      ['another value', compare('n', EQ, 6), false],
      ['two bounds', both(compare('n', GT, 4), compare('n', LT, 6)), true],
      ['several parts of one column', both(compare('n', GT, 4), compare('n', EQ, 5), compare('n', LT, 6)), true],
      ['a column without a value', compare('t', EQ, 'x'), false],
      ['the key', compare('id', EQ, 'guarded'), true],
      ['another key', compare('id', EQ, 'other'), false],
      ['keys', compare('id', IN, 'guarded', 'x'), true],
      ['the key and a column', both(compare('id', GT, 'a'), compare('n', LT, 6)), true],
      ['a number that no double holds', compare('big', EQ, beyond), true],
      ['its neighbour', compare('big', EQ, new JsonNumber('12345678901234567891')), false],
      ['less than its neighbour', compare('big', LT, new JsonNumber('12345678901234567891')), true],
      ['what never holds', { kind: 'any', of: [] }, false],
    ];
    test.each(CASES)('%s', async (_, onlyIf, holds) => {
      const document = { n: 5, big: beyond };
      const key = ['guarded'];
      const expected = holds ? { key: { id: 'guarded' }, created: false } : { missing: true };
      const guarded: Write[] = [
        { kind: 'merge', key, members: {}, upsert: false, onlyIf },
        { kind: 'merge', key, members: { n: 5 }, upsert: false, onlyIf },
        { kind: 'replace', key, document, upsert: false, onlyIf },
        { kind: 'delete', key, onlyIf },
      ];
      const [made, ...outcomes] = await trial.write(
        'plain',
        { kind: 'replace', key, document, upsert: true },
        ...guarded,
      );
      expect(made).toMatchObject({ key: { id: 'guarded' } });
      expect(outcomes).toEqual([expected, expected, expected, expected]);
      const [left] = await trial.source.get(await trial.tableOf('plain'), [key], undefined, soon());
      expect(left === undefined).toBe(holds);
    });

    test('what is not there', async () => {
      const key = ['nobody'];
      const outcomes = await trial.write(
        'plain',
        { kind: 'merge', key, members: { n: 1 }, upsert: false },
        { kind: 'merge', key, members: {}, upsert: false },
        { kind: 'replace', key, document: {}, upsert: false },
        { kind: 'delete', key },
      );
      expect(outcomes).toEqual(outcomes.map(() => ({ missing: true })));
    });

    test('a record that has nothing but its key is there', async () => {
      const key = ['bare'];
      const outcomes = await trial.write(
        'plain',
        { kind: 'merge', key, members: {}, upsert: true },
        { kind: 'merge', key, members: {}, upsert: true },
        { kind: 'replace', key, document: {}, upsert: false },
        { kind: 'merge', key, members: { n: null }, upsert: false },
      );
      expect(outcomes.map((one) => 'created' in one && one.created)).toEqual([true, false, false, false]);
      expect(await trial.one('plain', 'bare')).toEqual({ json: { id: 'bare', n: null, t: null, big: null } });
    });
  });

  describe('what a role may change', () => {
    const key = { region: 'roles', year: 2026, at: { $date: '2026-03-01T00:00:00.000Z' }, ref: UUID };
    const path = [key.region, key.year, key.at.$date, key.ref];
    const PATCH = (rowFilter: Filter, members: object, table = 'orders', keys: unknown[] = [path]) =>
      trial.bench.outcome(update(table, Target.ONE, members, { rowFilter }, { keys }));
    beforeAll(() => trial.bench.ask(insert('orders', [{ ...key, total: 1 }])));

    test.each([
      ['after a date', is('at', '>', '2026-01-01'), true],
      ['from a date with a zone', is('at', '>=', '2026-03-01T02:00:00+02:00'), true],
      ['before it', is('at', '<', '2026-01-01'), false],
      ['between dates', is('at', 'between', '2026-01-01', '2026-12-31'), true],
      ['by a UUID in capitals', is('ref', '=', UUID.toUpperCase()), true],
      ['not by a UUID in capitals', is('ref', '!=', UUID.toUpperCase()), false],
    ])('records %s', async (_, rowFilter, isAllowed) => {
      const outcome = await PATCH(rowFilter, { note: 'seen' });
      expect(outcome).toMatchObject(isAllowed ? { json: {} } : { code: 'not_found' });
      const one = await trial.one('orders', path, { rowFilter });
      expect(one).toMatchObject(isAllowed ? { json: { note: 'seen' } } : { code: 'not_found' });
      const listed = (await trial.bench.outcome(read('orders', { rowFilter, filter: is('region', '=', 'roles') }))) as {
        json: unknown[];
      };
      expect(listed.json).toHaveLength(isAllowed ? 1 : 0);
    });

    test.each([
      ['beyond a moment, written with a zone', is('due', '<', '2026-02-01'), '2026-01-31T23:59:00-12:00'],
      ['at a moment, written otherwise', is('due', '!=', '2026-02-01T00:00:00Z'), '2026-02-01 00:00'],
      ['at a moment, as milliseconds', is('due', '!=', '2026-02-01T00:00:00Z'), Date.UTC(2026, 1, 1)],
    ])('nothing is put %s', async (_, rowFilter, due) => {
      const before = { id: 'due', due: { $date: '2026-01-01T00:00:00.000Z' } };
      await trial.replace('dues', 'due', { due: before.due });
      expect(await PATCH(rowFilter, { due }, 'dues', ['due'])).toMatchObject({ code: 'denied' });
      expect(await trial.one('dues', 'due')).toEqual({ json: before });
    });
  });

  test('a text whose index makes something else of it is compared as it is', async () => {
    const both = is('who', '=', 'bob');
    expect(await trial.found('analyzed', both, 'id')).toEqual([{ id: 1 }]);
    expect(await trial.bench.outcome(read('analyzed', { filter: both, countOnly: true }))).toEqual({ json: 1 });
  });

  describe('lists', () => {
    const ids = (rows: readonly unknown[]): number[] =>
      rows.map((row) => (row as { id: number }).id).toSorted((a, b) => a - b);
    const wanted = places(MANY).filter((n) => n % 7 === 3 && n % 2 === 1 && n >= 100);
    const PAGES: readonly (readonly [why: string, limit: number, filter: Filter, expected: readonly number[]])[] = [
      ['everything', 400, all(), places(MANY)],
      ['what the store finds', 50, all(is('n', '=', 3), is('city', '=', 'Oslo'), is('id', '>=', 100)), wanted],
      ['what is found here', 50, all(is('n', '=', 3), is('city', 'like', 'o%'), is('id', '>=', 100)), wanted],
      [
        'what both find',
        50,
        all(is('n', '>', 2), is('n', '<', 5), is('n', '=', 3), is('city', 'like', 'o%'), is('id', '>=', 100)),
        wanted,
      ],
      [
        'what the rest of a statement leaves',
        7,
        all(is('n', '=', 3), is('n', '<=', 3), is('id', '<', 500)),
        places(500).filter((n) => n % 7 === 3),
      ],
      ['identifiers', 3, all(is('id', 'in', ...places(20)), is('n', '<', 5)), places(20).filter((n) => n % 7 < 5)],
    ];
    test.each(PAGES)('page by page, nothing lost or twice: %s', async (_, limit, filter, expected) => {
      const seen: unknown[] = [];
      let keys: unknown[] = [];
      for (let paging: Paging = Paging.FIRST; ; paging = Paging.AFTER) {
        const { json, nextAfter } = await trial.bench.ask(
          read('many', { filter, limit, paging, ...fields('id') }, { keys }),
        );
        const page = parseJson(json) as unknown[];
        expect(page.length).toBeLessThanOrEqual(limit);
        seen.push(...page);
        if (nextAfter === '') break;
        keys = [JSON.parse(Buffer.from(nextAfter, 'base64url').toString())];
      }
      expect(ids(seen)).toEqual(expected);
    });

    test('what is read and deleted page by page leaves nothing behind', async () => {
      const records = places(25).map((n) => ({ id: `walked-${n}`, n: 77 }));
      await trial.bench.ask(insert('plain', records));
      let count = 0;
      let keys: unknown[] = [];
      for (let paging: Paging = Paging.FIRST; ; paging = Paging.AFTER) {
        const filter = is('n', '=', 77);
        const { json, nextAfter } = await trial.bench.ask(read('plain', { filter, limit: 4, paging }, { keys }));
        const page = parseJson(json) as { id: string }[];
        count += page.length;
        if (page.length > 0)
          await trial.bench.ask(remove('plain', Target.KEYS, {}, { keys: page.map(({ id }) => id) }));
        if (nextAfter === '') break;
        keys = [JSON.parse(Buffer.from(nextAfter, 'base64url').toString())];
      }
      expect([count, await trial.found('plain', is('n', '=', 77))]).toEqual([25, []]);
    });

    test.each(['', 'x', 'zz', '00', 'deadbeef', 'ff'.repeat(5_000)])('a token that is none: %s', async (token) => {
      const behind = (cursor: unknown) =>
        trial.bench.outcome(read('many', { limit: 5, paging: Paging.AFTER }, { keys: [cursor] }));
      expect(await behind(token)).toMatchObject({ code: 'invalid' });
      if (token !== '') expect(await behind([token, '0'])).toMatchObject({ code: 'invalid' });
      expect(await behind([token, '-1'])).toMatchObject({ code: 'invalid' });
    });

    const COUNTS: readonly (readonly [why: string, filter: Filter, expected: number])[] = [
      ['everything', all(), MANY],
      ['what the store finds', all(is('n', '=', 3), is('city', '=', 'Oslo'), is('id', '>=', 100)), wanted.length],
      ['the rest of a statement', all(is('n', '=', 3), is('n', '<', 3)), 0],
      ['one of two', any(is('id', '=', 1), is('id', '=', 2)), 2],
      ['identifiers and a column with an index', all(is('id', 'in', 1, 2, 3), is('city', '=', 'Oslo')), 2],
      ['identifiers, of which one is named', all(is('id', 'in', 1, 2, 3), is('id', '=', 2)), 1],
      ['identifiers of another type', is('id', 'in', 1, 9_999_999_999), 1],
      ['identifiers, more than one statement takes', is('id', 'in', ...places(300)), 300],
    ];
    test.each(COUNTS)('counted: %s', async (_, filter, expected) => {
      expect(await trial.bench.outcome(read('many', { filter, countOnly: true }))).toEqual({ json: expected });
      const listed = (await trial.bench.outcome(read('many', { filter, limit: 1000, ...fields('id') }))) as {
        json: unknown[];
      };
      expect(listed.json).toHaveLength(Math.min(expected, 1000));
    });

    test('with a limit', async () => {
      const table = await trial.tableOf('many');
      expect(await trial.query(table, { limit: 3 })).toHaveLength(3);
      expect(await trial.query(table, { limit: 0 })).toHaveLength(0);
      expect(await trial.query(table, { limit: 1_500, fields: ['n'] })).toHaveLength(1_500);
    });
  });
});
