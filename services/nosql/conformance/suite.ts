/**
 * What every engine of this tier does the same, tried on a real store: the answers are those of SQL services wherever
 * the store's nature is no reason for others. Keys are called as the store calls them.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ServiceConfig } from '#common/engine.ts';
import type { Ask, Outcome } from '#common/testing/bench.ts';
import { apart, fields, insert, is, not, read, remove, update } from '#common/testing/words.ts';
import { BatchMode, DefineMode, Paging, PartKind, ResourceKind, Target } from '#proto/data/v1/data_pb.ts';
import type { NoSqlEngine } from '../engine.ts';
import { Bench } from './bench.ts';
import { FILTERS } from './filters.ts';
import { type Indexes, tryIndexes } from './indexes.ts';
import { conditionWay, waysOf } from './matrix.ts';
import { tryRelations } from './relations.ts';

export interface Subject {
  readonly engine: NoSqlEngine;
  /** Settings of a service of an empty store; asked for once the suite begins. */
  readonly config: () => Promise<ServiceConfig>;
  /** The key field of a table of one key, and how its values for the records 1, 2, 3 … are written. */
  readonly key: { readonly name: string; readonly of: (place: number) => unknown };
  /** Where a key has a field more: what all records have there, and how the whole key is written in a path. */
  readonly composite?: { readonly others: object; readonly written: (value: unknown) => string };
  /** Documents hold flat values only. */
  readonly isFlat?: boolean;
  /** A field that the store adds to each of its documents. */
  readonly added?: string;
  /** Every record has every field: null where nothing is stored. */
  readonly hasColumns?: boolean;
  /** How a table is made; else by a definition of its key. */
  readonly native?: unknown;
  /** A key that is made by the store where a record brings none. */
  readonly generates: boolean;
  /** Indexes of its own that it has, and drops. */
  readonly indexes: Indexes;
  /** As `BenchOptions` has it. */
  readonly version?: string;
}

interface Person {
  readonly name: string;
  readonly age: number | null;
  readonly active: boolean;
  readonly salary?: number;
  readonly city?: string;
  readonly born?: string;
}

const PEOPLE: readonly Person[] = [
  { name: 'Ann', age: 30, active: true, salary: 100.25, city: 'Rome', born: '1990-05-01' },
  { name: 'Bob', age: 41, active: false, salary: 200.5, city: 'Rome', born: '1980-12-31' },
  { name: "C'mon 50%", age: null, active: true },
  { name: 'Dörte_☃', age: 52, active: true, salary: 300, city: 'Oslo', born: '1970-01-01' },
  { name: 'Eve', age: 41, active: false, salary: 0, city: 'Oslo', born: '1980-12-31' },
];

export function tryEngine(subject: Subject): void {
  const { engine, config, key, composite, isFlat, added, hasColumns, native, generates, indexes, version } = subject;
  let bench: Bench;
  let settings: ServiceConfig;
  const keyOf = (place: number) => ({ ...composite?.others, [key.name]: key.of(place) });
  const id = (place: number): string => composite?.written(key.of(place)) ?? String(key.of(place));
  const person = (place: number) => ({ ...keyOf(place), ...PEOPLE[place - 1] });
  const people = PEOPLE.map((_, i) => person(i + 1));
  const keyed = (...places: number[]) => places.map(keyOf);
  const ofClients = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value), (name, one) =>
      name === added || (hasColumns && one === null && name !== '') ? undefined : one,
    );
  const sorted = async (ask: Ask): Promise<unknown> => {
    const outcome = await bench.outcome(ask);
    if (!('json' in outcome)) return outcome;
    return (outcome.json as { name: string }[])
      .map(({ name }) => PEOPLE.findIndex((one) => one.name === name) + 1)
      .sort();
  };
  const other = (more: ServiceConfig): Bench =>
    new Bench({ engine, config: { ...settings, ...more }, source: bench.source, version });

  beforeAll(async () => {
    settings = await config();
    bench = new Bench({ engine, config: settings, version });
    const table = (name: string) => ({ name, ...(native !== undefined && { native }) });
    const value = { mode: DefineMode.CREATE } as const;
    await bench.ask({ action: { case: 'defineTables', value }, records: [table('people'), table('item')] });
    await bench.ask(insert('people', people));
  });
  afterAll(() => bench.close());

  describe('conditions', () => {
    test.each(FILTERS)('%s', async (_, filter, places) => {
      const { filter: bare, parameters } = apart(filter);
      expect(await sorted(read('people', { filter: bare, ...fields('name') }, { parameters }))).toEqual(places);
    });
    test('are decided where docs/nosql-matrix.md says', async () => {
      const ways = await waysOf(engine);
      for (const [why, filter] of FILTERS) {
        const outcome = await bench.outcome(read('people', { filter, explain: true }));
        expect([why, conditionWay(outcome)]).toEqual([why, ways.get(why)]);
      }
    });
    test('the role sees less', async () => {
      const ask = read('people', { filter: is('age', '=', 41), rowFilter: is('city', '=', 'Oslo') });
      expect(await sorted(ask)).toEqual([5]);
    });
  });

  describe('reads', () => {
    const READS: readonly (readonly [why: string, ask: () => Ask, gives: () => unknown])[] = [
      ['one by its key', () => read('people', { target: Target.ONE }, { keys: [id(2)] }), () => ({ json: person(2) })],
      [
        'one that is not there',
        () => read('people', { target: Target.ONE }, { keys: [id(99)] }),
        () => ({ code: 'not_found' }),
      ],
      [
        'one that the role does not see',
        () => read('people', { target: Target.ONE, rowFilter: is('age', '=', 30) }, { keys: [id(2)] }),
        () => ({ code: 'not_found' }),
      ],
      [
        'several by their keys, in order',
        () => read('people', { target: Target.KEYS, ...fields('name') }, { keys: [id(4), id(1)] }),
        () => ({ json: [{ name: 'Dörte_☃' }, { name: 'Ann' }] }),
      ],
      [
        'several by their keys, one of which is not there',
        () => read('people', { target: Target.KEYS, mode: BatchMode.CONTINUE }, { keys: [id(1), id(99)] }),
        () => ({ code: 'invalid', batch: [person(1), { code: 'not_found' }], rolledBack: false }),
      ],
      [
        'ordered, some of them',
        () =>
          read('people', {
            order: [{ field: 'age', descending: true }, { field: 'name' }],
            limit: 2,
            offset: 1,
            ...fields('name'),
          }),
        () => ({ json: [{ name: 'Bob' }, { name: 'Eve' }] }),
      ],
      [
        'NULL comes first',
        () => read('people', { order: [{ field: 'age' }], limit: 1, ...fields('name') }),
        () => ({ json: [{ name: "C'mon 50%" }] }),
      ],
      ['a count', () => read('people', { countOnly: true, filter: is('city', '=', 'Rome') }), () => ({ json: 2 })],
      [
        'a count beside',
        () => read('people', { includeCount: true, limit: 2, order: [{ field: 'name' }], ...fields('name') }),
        () => ({ json: [{ name: 'Ann' }, { name: 'Bob' }], count: 5, next: 2 }),
      ],
      [
        'groups',
        () =>
          read('people', {
            group: ['city'],
            order: [{ field: 'city' }],
            filter: not(is('city', 'is null')),
            ...fields('city', 'COUNT(*)', 'SUM(age)', 'AVG(age)', 'MIN(name)', 'MAX(salary)'),
          }),
        () => ({
          json: [
            { city: 'Oslo', COUNT_ALL: 2, SUM_age: 93, AVG_age: 46.5, MIN_name: 'Dörte_☃', MAX_salary: 300 },
            { city: 'Rome', COUNT_ALL: 2, SUM_age: 71, AVG_age: 35.5, MIN_name: 'Ann', MAX_salary: 200.5 },
          ],
        }),
      ],
      [
        'a condition on groups',
        () => read('people', { group: ['city'], having: is('SUM_age', '>', '80'), ...fields('city') }),
        () => ({ json: [{ city: 'Oslo' }] }),
      ],
      ['a table that is not there', () => read('nobody'), () => ({ code: 'not_found' })],
    ];
    test.each(READS)('%s', async (_, ask, gives) => {
      expect(ofClients(await bench.outcome(ask()))).toEqual(gives());
    });

    test('a count that may be an estimate', async () => {
      const { json, estimated } = await bench.ask(read('people', { countOnly: true, estimateCount: true }));
      // As the store has it, which is exact in servers for tests.
      expect([Number(Buffer.from(json).toString()), estimated]).toEqual([5, bench.source.estimate !== undefined]);
      const page = read('people', { includeCount: true, estimateCount: true, limit: 2 });
      expect(await bench.ask(page)).toMatchObject({ count: 5n, next: 2n, estimated });
      const ask = read('people', { countOnly: true, estimateCount: true, rowFilter: is('age', '=', 41) });
      const narrow = await bench.ask(ask);
      expect([Buffer.from(narrow.json).toString(), narrow.estimated]).toEqual(['2', false]);
    });

    test('pages follow each other by the cursor of the store', async () => {
      const found: unknown[] = [];
      let keys: unknown[] = [];
      for (let pages = 0; pages < 9; pages++) {
        const paging = pages === 0 ? Paging.FIRST : Paging.AFTER;
        const filter = not(is('name', 'like', 'B%'));
        const { json, nextAfter } = await bench.ask(
          read('people', { paging, limit: 2, filter, ...fields('name') }, { keys }),
        );
        found.push(...(JSON.parse(Buffer.from(json).toString()) as { name: string }[]).map(({ name }) => name));
        if (nextAfter === '') break;
        keys = [JSON.parse(Buffer.from(nextAfter, 'base64url').toString())];
      }
      expect(found.toSorted()).toEqual(['Ann', "C'mon 50%", 'Dörte_☃', 'Eve']);
    });

    test('an answer that would take too much reading is refused', async () => {
      const little = other({ max_scanned: 2 });
      const outcome = await little.outcome(read('people', { group: ['city'], ...fields('SUM(salary)') }));
      expect(outcome).toEqual({ code: 'invalid' });
    });

    test('groups as a stream', async () => {
      let text = '';
      const group = { group: ['city'], order: [{ field: 'city' }], offset: 1, ...fields('city', 'COUNT(age)') };
      for await (const piece of bench.stream(read('people', { everything: true, ...group }))) text += piece;
      expect(text).toBe('{"city":"Oslo","COUNT_age":2}\n{"city":"Rome","COUNT_age":2}\n');
    });

    test('all of them as a stream', async () => {
      let text = '';
      for await (const piece of bench.stream(
        read('people', { everything: true, filter: is('age', '=', 41), ...fields('name') }),
      )) {
        text += piece;
      }
      expect(text.split('\n').toSorted()).toEqual(['', '{"name":"Bob"}', '{"name":"Eve"}']);
    });
  });

  describe('writes', () => {
    const item = (place: number, more: object = {}) => ({ ...keyOf(place), ...more });
    const inner = isFlat ? 'flat' : { b: [1, 'x', null] };
    const BEFORE = [item(1, { name: 'one', qty: 1 }), item(2, { name: 'two', qty: 2 }), item(3, { name: 'three' })];
    const items = async (): Promise<unknown[]> => {
      const { json } = ofClients(await bench.outcome(read('item'))) as { json: Record<string, unknown>[] };
      const place = (one: Record<string, unknown>) =>
        [1, 2, 3, 4, 5, 6, 7].findIndex((n) => key.of(n) === one[key.name]);
      return json.toSorted((a, b) => place(a) - place(b));
    };
    beforeEach(async () => {
      await bench.ask(remove('item', Target.FILTER, { everything: true }));
      await bench.ask(insert('item', BEFORE));
    });
    const conflict = { code: 'conflict' };
    const CASES: readonly (readonly [why: string, ask: () => Ask, gives: () => Outcome, left: () => unknown[]])[] = [
      [
        'a new one',
        () => insert('item', [item(4, { a: inner })]),
        () => ({ json: keyed(4) }),
        () => [...BEFORE, item(4, { a: inner })],
      ],
      [
        'a new one, shown',
        () => insert('item', [item(4, { name: 'four' })], fields('name')),
        () => ({ json: [{ name: 'four' }] }),
        () => [...BEFORE, item(4, { name: 'four' })],
      ],
      [
        'one that is there',
        () => insert('item', [item(1)]),
        () => ({ code: 'invalid', batch: [conflict], rolledBack: false }),
        () => BEFORE,
      ],
      [
        'several, stopping',
        () => insert('item', [item(4), item(1), item(5)]),
        () => ({ code: 'invalid', batch: [...keyed(4), conflict], rolledBack: false }),
        () => [...BEFORE, item(4)],
      ],
      [
        'several, going on',
        () => insert('item', [item(4), item(1), item(5)], { mode: BatchMode.CONTINUE }),
        () => ({ code: 'invalid', batch: [...keyed(4), conflict, ...keyed(5)], rolledBack: false }),
        () => [...BEFORE, item(4), item(5)],
      ],
      [
        'several, undone',
        () => insert('item', [item(4), item(1), item(5)], { mode: BatchMode.ROLLBACK }),
        () => ({ code: 'invalid', batch: [...keyed(4), conflict], rolledBack: true }),
        () => BEFORE,
      ],
      [
        'members change',
        () => update('item', Target.ONE, { qty: 9, more: true }, {}, { keys: [id(1)] }),
        () => ({ json: keyed(1)[0] }),
        () => [item(1, { name: 'one', qty: 9, more: true }), ...BEFORE.slice(1)],
      ],
      [
        'a document is replaced',
        () => update('item', Target.ONE, { qty: 9 }, { replace: true }, { keys: [id(1)] }),
        () => ({ json: keyed(1)[0] }),
        () => [item(1, { qty: 9 }), ...BEFORE.slice(1)],
      ],
      [
        'one that is not there changes',
        () => update('item', Target.ONE, { qty: 9 }, { upsert: true }, { keys: [id(7)] }),
        () => ({ code: 'not_found' }),
        () => BEFORE,
      ],
      [
        'one that the role does not see changes',
        () => update('item', Target.ONE, { qty: 9 }, { rowFilter: is('qty', '=', 2) }, { keys: [id(1)] }),
        () => ({ code: 'not_found' }),
        () => BEFORE,
      ],
      [
        'several by their keys',
        () => update('item', Target.KEYS, [{ qty: 5 }], {}, { keys: [id(1), id(3)] }),
        () => ({ json: keyed(1, 3) }),
        () => [item(1, { name: 'one', qty: 5 }), BEFORE[1], item(3, { name: 'three', qty: 5 })],
      ],
      [
        'several of their own, undone',
        () => update('item', Target.RECORDS, [item(1, { qty: 5 }), item(7, { qty: 5 })], { mode: BatchMode.ROLLBACK }),
        () => ({ code: 'invalid', batch: [...keyed(1), { code: 'not_found' }], rolledBack: true }),
        () => BEFORE,
      ],
      [
        'all that meet a filter',
        () => update('item', Target.FILTER, [{ seen: 1 }], { filter: is('qty', '>', 1) }),
        () => ({ json: keyed(2) }),
        () => [BEFORE[0], item(2, { name: 'two', qty: 2, seen: 1 }), BEFORE[2]],
      ],
      [
        'one goes',
        () => remove('item', Target.ONE, fields('name'), { keys: [id(2)] }),
        () => ({ json: { name: 'two' } }),
        () => [BEFORE[0], BEFORE[2]],
      ],
      [
        'several go, one of which is not there',
        () => remove('item', Target.KEYS, { mode: BatchMode.CONTINUE }, { keys: [id(1), id(7), id(3)] }),
        () => ({ code: 'invalid', batch: [...keyed(1), { code: 'not_found' }, ...keyed(3)], rolledBack: false }),
        () => [BEFORE[1]],
      ],
      [
        'several go, undone',
        () => remove('item', Target.KEYS, { mode: BatchMode.ROLLBACK }, { keys: [id(1), id(7), id(3)] }),
        () => ({ code: 'invalid', batch: [...keyed(1), { code: 'not_found' }], rolledBack: true }),
        () => BEFORE,
      ],
      [
        'all that meet a filter go',
        () => remove('item', Target.FILTER, { filter: is('name', 'like', 't%o') }),
        () => ({ json: keyed(2) }),
        () => [BEFORE[0], BEFORE[2]],
      ],
      [
        'everything goes that the role sees',
        () => remove('item', Target.FILTER, { everything: true, rowFilter: is('qty', '>=', 1) }),
        () => ({ json: { success: true } }),
        () => [BEFORE[2]],
      ],
    ];
    test.each(CASES)('%s', async (_, ask, gives, left) => {
      expect(await bench.outcome(ask())).toEqual(gives());
      expect(await items()).toEqual(left());
    });

    test('one that is not there is made where the service allows it', async () => {
      const allowing = other({ allow_upsert: true });
      const ask = update('item', Target.ONE, { qty: 7 }, { upsert: true }, { keys: [composite ? id(7) : key.of(7)] });
      await allowing.ask(ask);
      expect(await items()).toEqual([...BEFORE, item(7, { qty: 7 })]);
    });

    test.runIf(generates)('the store makes a key', async () => {
      const { json } = (await bench.outcome(insert('item', [{ name: 'new' }]))) as { json: Record<string, unknown>[] };
      const made = String(json[0]?.[key.name]);
      const found = await bench.outcome(read('item', { target: Target.ONE, ...fields('name') }, { keys: [made] }));
      expect(found).toEqual({ json: { name: 'new' } });
    });

    test('an import tells which lines failed', async () => {
      const outcome = await bench.import(insert('item', [], { mode: BatchMode.CONTINUE }), [
        [item(4), item(1)],
        ['{"a":', item(5)],
      ]);
      expect(outcome).toMatchObject({ code: 'invalid', count: 2, failed: 2, errors: [{ line: 2 }, { line: 3 }] });
      expect(await items()).toEqual([...BEFORE, item(4), item(5)]);
    });

    test('an import is undone', async () => {
      const outcome = await bench.import(insert('item', [], { mode: BatchMode.ROLLBACK }), [
        [item(4)],
        [item(5), item(1)],
      ]);
      expect(outcome).toMatchObject({ code: 'invalid', count: 0, failed: 1 });
      expect(await items()).toEqual(BEFORE);
    });

    test('many at once, of which one fails', async () => {
      const outcomes = await Promise.all([4, 1, 5, 6].map((place) => bench.outcome(insert('item', [item(place)]))));
      expect(outcomes.map((one) => ('json' in one ? one.json : one.code))).toEqual([
        keyed(4),
        'invalid',
        keyed(5),
        keyed(6),
      ]);
      const reads = [4, 7, 5].map((place) =>
        bench.outcome(read('item', { target: Target.ONE }, { keys: [id(place)] })),
      );
      expect(ofClients(await Promise.all(reads))).toEqual([
        { json: item(4) },
        { code: 'not_found' },
        { json: item(5) },
      ]);
    });
  });

  describe('schema', () => {
    test('tables are listed', async () => {
      const kind = ResourceKind.TABLE;
      const { json } = (await bench.outcome({ action: { case: 'listResources', value: { kind } } })) as {
        json: { name: string }[];
      };
      expect(json.map(({ name }) => name)).toEqual(expect.arrayContaining(['item', 'people']));
    });

    test('fields are guessed from documents', async () => {
      const value = { tables: ['people'], target: Target.ONE };
      const { json } = (await bench.outcome({ action: { case: 'describeTables', value } })) as {
        json: { field: { name: string; type: string }[] };
      };
      const types = Object.fromEntries(json.field.map(({ name, type }) => [name, type]));
      expect(types).toMatchObject({ name: 'string', active: 'boolean', city: 'string' });
    });

    test('a field that is declared is checked', async () => {
      const field = [{ name: 'qty', type: 'integer', required: true }];
      await bench.ask({
        action: { case: 'defineTables', value: { table: 'item', mode: DefineMode.MERGE } },
        records: { field },
      });
      expect(await bench.outcome(insert('item', [{ ...keyOf(6), qty: 'many' }]))).toMatchObject({
        batch: [{ code: 'invalid', field: 'qty' }],
      });
      const parts = { table: 'item', kind: PartKind.FIELD, names: ['qty'] };
      await bench.ask({ action: { case: 'dropParts', value: parts } });
    });

    tryIndexes({ bench: () => bench, has: indexes, keyOf, key: key.name });

    test('a table comes and goes', async () => {
      const value = { mode: DefineMode.CREATE };
      const records = [{ name: 'fleeting', ...(native !== undefined && { native }) }];
      expect(await bench.outcome({ action: { case: 'defineTables', value }, records })).toEqual({
        json: [{ name: 'fleeting' }],
      });
      expect(await bench.outcome(read('fleeting'))).toEqual({ json: [] });
      const drop = { tables: ['fleeting'], target: Target.ONE };
      expect(await bench.outcome({ action: { case: 'dropTables', value: drop } })).toEqual({ json: { success: true } });
      expect(await bench.outcome(read('fleeting'))).toEqual({ code: 'not_found' });
    });
  });
  tryRelations({ bench: () => bench, key, keyOf, id, generates, native }, other);
}
