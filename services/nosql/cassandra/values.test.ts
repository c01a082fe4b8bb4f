/** Values, keys and names of all kinds, there and back. */
import { beforeAll, describe, expect, test } from 'vitest';
import { JsonNumber, parseJson, stringifyJson } from '#common/json.ts';
import { all, fields, insert, is, not, read, remove } from '#common/testing/words.ts';
import { Comparator, type Filter, Target } from '#proto/data/v1/data_pb.ts';
import { startCassandra } from '../../../deploy/testing/cassandra.ts';
import { freshKeyspace } from '../../../deploy/testing/cassandra-keyspace.ts';
import { suiteWith } from '../../../deploy/testing/suite.ts';
import type { Wire } from '../document.ts';
import type { Write } from '../engine.ts';
import { compare, KINDS, OTHER_UUID, places, refused, refusedIn, soon, Trial, UUID } from './testing/trial.ts';

const { EQ } = Comparator;

const recordOf = (id: number, of: (kind: (typeof KINDS)[number]) => string): string =>
  `{"id":${id},${KINDS.map((kind) => `"${kind[0]}":${of(kind)}`).join(',')}}`;

suiteWith('cassandra', 'values of Cassandra', () => {
  const trial = new Trial(startCassandra, freshKeyspace);

  describe('types', () => {
    test('all of them come back as they were written', async () => {
      expect(await trial.bench.outcome(insert('kinds', `[${recordOf(1, ([, , written]) => written)}]`))).toEqual({
        json: [{ id: 1 }],
      });
      const { json } = (await trial.one('kinds', '1')) as { json: unknown };
      const expected = parseJson(Buffer.from(recordOf(1, ([, , written, back = written]) => back)));
      expect(JSON.parse(stringifyJson(json))).toEqual(JSON.parse(stringifyJson(expected)));
      expect(json).toEqual(expected);
    });

    test('nothing, and empty collections, which are nothing where they are not frozen', async () => {
      await trial.bench.ask(insert('kinds', `[${recordOf(2, () => 'null')}]`));
      const empty = { id: 3, k_list: [], k_set: [], k_map: {}, k_frozen: [], k_text: '' };
      await trial.bench.ask(insert('kinds', [empty]));
      const nothing = Object.fromEntries(KINDS.map(([name]) => [name, null]));
      expect(await trial.one('kinds', '2')).toEqual({ json: { id: 2, ...nothing } });
      expect(await trial.one('kinds', '3')).toEqual({ json: { id: 3, ...nothing, k_frozen: [], k_text: '' } });
    });

    test('a change writes as well, and null takes away', async () => {
      const members = { k_timestamp: '2026-01-31', k_text: null, k_uuid: UUID.toUpperCase(), k_list: [1] };
      await trial.bench.ask(insert('kinds', [{ id: 4, k_text: 'x', k_list: [2, 3] }]));
      expect(await trial.change('kinds', '4', members)).toEqual({ json: { id: 4 } });
      expect(await trial.one('kinds', '4', fields(...Object.keys(members)))).toEqual({
        json: { ...members, k_timestamp: { $date: '2026-01-31T00:00:00.000Z' }, k_uuid: UUID },
      });
    });

    test.each([
      ['k_ascii', '"é"'],
      ['k_tinyint', '128'],
      ['k_smallint', '"x"'],
      ['k_int', '1.5'],
      ['k_bigint', '9223372036854775808'],
      ['k_varint', '[1]'],
      ['k_decimal', '{"$gt":""}'],
      ['k_float', '1e39'],
      ['k_double', '1e999'],
      ['k_boolean', '"maybe"'],
      ['k_uuid', '"x"'],
      ['k_timeuuid', `"${UUID}"`],
      ['k_timestamp', '"2026-02-30"'],
      ['k_date', '"2026-02-30"'],
      ['k_time', '"25:00:00"'],
      ['k_duration', '"soon"'],
      ['k_inet', '"localhost"'],
      ['k_blob', '"!"'],
      ['k_list', '{"$gt":""}'],
      ['k_map', '[1]'],
      ['k_udt', '"x"'],
    ])('another type is refused: %s %s', async (name, value) => {
      expect(await trial.bench.outcome(insert('kinds', `[{"id":9,"${name}":${value}}]`))).toEqual(refusedIn(name));
      expect(await trial.change('kinds', '1', `{"${name}":${value}}`)).toEqual(refused(name));
    });

    test.each([
      ['k_list', '["x"]'],
      ['k_list', '[null]'],
      ['k_map', '{"x":1}'],
      ['k_tuple', '[1,"x",2]'],
      ['k_vector', '[1]'],
      ['k_udt', '{"nowhere":1}'],
      ['k_nested', '{"a":[{"number":"x"}]}'],
    ])('another type within one is refused by the store: %s %s', async (name, value) => {
      expect(await trial.change('kinds', '1', `{"${name}":${value}}`)).toMatchObject({ code: 'invalid' });
    });

    test('what is no number is none', async () => {
      const rows = (await trial.bench.outcome(read('numbers', {}))) as { json: { id: number }[] };
      expect(rows.json.toSorted((a, b) => a.id - b.id)).toEqual([
        { id: 0, d: 1.5, f: 0.1 },
        ...[1, 2, 3].map((id) => ({ id, d: null, f: null })),
        { id: 4, d: -2, f: -2 },
      ]);
    });
    const NUMBERS: readonly (readonly [why: string, filter: Filter, ids: readonly number[]])[] = [
      ['greater', is('d', '>', -10), [0, 4]],
      ['less', is('d', '<', 10), [0, 4]],
      ['greater, floats', is('f', '>=', -10), [0, 4]],
      ['less, floats', is('f', '<=', 10), [0, 4]],
      ['both', all(is('d', '>', -10), is('d', '<', 1)), [4]],
      ['a float', is('f', '=', 0.1), [0]],
      ['what a float would round', is('f', '>=', 0.1000000001), []],
      ['beyond floats', is('f', '<', 1e300), [0, 4]],
      ['null', is('d', 'is null'), [1, 2, 3]],
    ];
    test.each(NUMBERS)('numbers in conditions: %s', async (_, filter, ids) => {
      const rows = (await trial.found('numbers', filter, 'id')) as { id: number }[];
      expect(rows.map(({ id }) => id).toSorted()).toEqual(ids);
      expect(await trial.bench.outcome(read('numbers', { filter, countOnly: true }))).toEqual({ json: ids.length });
    });

    test('counters are read, and not written', async () => {
      expect(await trial.one('hits', 'a')).toEqual({ json: { id: 'a', n: new JsonNumber('9007199254740993') } });
      expect(await trial.change('hits', 'a', { n: 5 })).toEqual(refused('n'));
      expect(await trial.bench.outcome(insert('hits', [{ id: 'b', n: 1 }]))).toEqual(refusedIn('n'));
      expect(await trial.bench.outcome(insert('hits', [{ id: 'b' }]))).toMatchObject({ code: 'invalid' });
    });
  });

  describe('keys', () => {
    const at = '2026-01-31T12:00:00.000Z';
    const key = { region: 'north', year: 2026, at: { $date: at }, ref: UUID };
    const path = ['north', 2026, at, UUID];
    const older = { ...key, at: { $date: '2025-01-31T12:00:00.000Z' }, ref: OTHER_UUID };
    beforeAll(async () => {
      const records = [
        { ...key, total: 1.5, owner: 'ann' },
        { ...older, total: 2 },
        { ...key, region: 'south', total: 3 },
      ];
      await trial.bench.ask(insert('orders', records));
    });

    test('one of four columns, in a path and in a record', async () => {
      const whole = { ...key, total: 1.5, owner: 'ann', note: null };
      expect(await trial.one('orders', path)).toEqual({ json: whole });
      expect(await trial.one('orders', `north,2026,2026-01-31 13:00+01:00,${UUID.toUpperCase()}`)).toEqual({
        json: whole,
      });
      const given = read('orders', { target: Target.RECORDS, ...fields('total') }, { records: [older, key] });
      expect(await trial.bench.outcome(given)).toEqual({ json: [{ total: 2 }, { total: 1.5 }] });
      expect(await trial.one('orders', ['north', 2025, at, UUID])).toEqual({ code: 'not_found' });
    });

    const FILTERS: readonly (readonly [why: string, filter: Filter, totals: readonly number[]])[] = [
      ['its partition, in the order of the table', all(is('region', '=', 'north'), is('year', '=', 2026)), [1.5, 2]],
      ['a part of its partition', is('region', '=', 'south'), [3]],
      ['a bound', all(is('region', '=', 'north'), is('year', '=', '2026'), is('at', '>', '2026-01-01')), [1.5]],
      ['a bound alone', all(is('at', '<', '2026-01-01')), [2]],
      ['a date', all(is('at', '=', '2026-01-31T13:00:00+01:00'), is('region', '=', 'north')), [1.5]],
      ['a UUID', is('ref', '=', OTHER_UUID), [2]],
      ['several UUIDs', all(is('ref', 'in', OTHER_UUID, UUID), is('region', '=', 'north')), [1.5, 2]],
      ['a UUID that is none', is('ref', '=', 'x'), []],
      ['a column of the partition', is('owner', '=', 'ann'), [1.5, 2]],
      ['none of it', is('owner', '=', 'nobody'), []],
    ];
    test.each(FILTERS)('in a condition: %s', async (_, filter, totals) => {
      expect(((await trial.found('orders', filter, 'total')) as { total: number }[]).map(({ total }) => total)).toEqual(
        totals,
      );
      expect(await trial.bench.outcome(read('orders', { filter, countOnly: true }))).toEqual({ json: totals.length });
    });

    test('a partition without records has none', async () => {
      const all = (await trial.bench.outcome(read('orders', fields('region')))) as { json: { region: string }[] };
      expect(all.json.map(({ region }) => region).toSorted()).toEqual(['north', 'north', 'south']);
      expect(await trial.bench.outcome(read('orders', { countOnly: true }))).toEqual({ json: 3 });
    });

    test('a part that is missing or null', async () => {
      const { ref, ...parts } = key;
      expect(await trial.bench.outcome(insert('orders', [{ ...parts, region: null }]))).toEqual(refusedIn('region'));
      expect(await trial.one('orders', path.slice(0, 3))).toMatchObject({ code: 'invalid' });
      const [outcome] = await trial.write('orders', {
        ...{ kind: 'merge', key: ['north', 2026, null, UUID], members: { note: 'x' }, upsert: true },
      });
      expect(outcome).toMatchObject({ error: { code: 'invalid', context: { field: 'at' } } });
      expect(ref).toBe(UUID);
    });

    test.each([
      ['year', ['north', 'x', at, UUID]],
      ['at', ['north', 2026, 'x', UUID]],
      ['at', ['north', 2026, '2026-02-30', UUID]],
      ['ref', ['north', 2026, at, 'x']],
    ])('another type is refused: %s of %j', async (field, bad) => {
      const [region, year, when, ref] = bad;
      expect(await trial.one('orders', bad)).toEqual(refused(field));
      expect(await trial.change('orders', bad, { note: 'x' })).toEqual(refused(field));
      expect(await trial.bench.outcome(insert('orders', [{ region, year, at: when, ref }]))).toEqual(refusedIn(field));
    });

    test('they never change', async () => {
      const table = await trial.tableOf('orders');
      const values: Wire[] = ['north', 2026, { $date: at }, UUID];
      const changes: Write[] = [
        { kind: 'merge', key: values, members: { year: 2027 }, upsert: false },
        { kind: 'replace', key: values, document: { ...key, ref: OTHER_UUID }, upsert: false },
        { kind: 'merge', key: values, members: { year: 2026, at, ref: UUID.toUpperCase() }, upsert: false },
      ];
      const outcomes = await trial.source.write(table, changes, false, soon());
      expect(outcomes).toMatchObject([
        { error: refusedOf('year') },
        { error: refusedOf('ref') },
        { key, created: false },
      ]);
    });
    const refusedOf = (field: string) => ({ code: 'invalid', context: { field } });

    test('columns of a partition belong to all of its records, and stay where one is replaced', async () => {
      const mine = { ...key, region: 'east' };
      const others = { ...older, region: 'east' };
      const values = (one: typeof key): unknown[] => [one.region, one.year, one.at.$date, one.ref];
      await trial.bench.ask(insert('orders', [{ ...mine, note: 'a' }, others]));
      // From nothing, to something else, and beside a column of the record.
      for (const [members, owner] of [
        [{ owner: 'ann' }, 'ann'],
        [{ owner: 'ben' }, 'ben'],
        [{ owner: 'cid', note: 'b' }, 'cid'],
      ] as const) {
        expect(await trial.change('orders', values(mine), members)).toEqual({ json: mine });
        expect(await trial.one('orders', values(others), fields('owner'))).toEqual({ json: { owner } });
      }
      expect(await trial.replace('orders', values(mine), { total: 9 })).toEqual({ json: mine });
      expect(await trial.one('orders', values(mine))).toEqual({
        json: { ...mine, total: 9, note: null, owner: 'cid' },
      });
      const elsewhere = [...values(mine).slice(0, 3), OTHER_UUID];
      expect(await trial.change('orders', elsewhere, { owner: 'dan' })).toEqual({ code: 'not_found' });
      const filter = is('region', '=', 'east');
      expect(await trial.bench.outcome(remove('orders', Target.FILTER, { filter }))).toMatchObject({ json: [{}, {}] });
    });

    test('conditions on columns of the partition make no record', async () => {
      const onlyIf = compare('owner', EQ, 'ann');
      const there: Wire[] = ['north', 2026, { $date: at }, UUID];
      const gone: Wire[] = ['north', 2026, { $date: at }, OTHER_UUID];
      const outcomes = await trial.write(
        'orders',
        { kind: 'merge', key: gone, members: { note: 'x' }, upsert: false, onlyIf },
        { kind: 'merge', key: gone, members: { owner: 'x' }, upsert: false, onlyIf },
        { kind: 'delete', key: gone, onlyIf },
        { kind: 'merge', key: there, members: { owner: 'ann' }, upsert: false, onlyIf: compare('owner', EQ, 'x') },
        { kind: 'merge', key: there, members: { owner: 'ann' }, upsert: false, onlyIf },
        { kind: 'merge', key: there, members: { note: 'y' }, upsert: false, onlyIf },
      );
      const missing = { missing: true };
      expect(outcomes).toEqual([missing, missing, missing, missing, { key, created: false }, { key, created: false }]);
      expect(await trial.one('orders', ['north', 2026, at, OTHER_UUID])).toEqual({ code: 'not_found' });
    });

    test('UUIDs are made where none is given', async () => {
      const made = (await trial.bench.outcome(insert('made', [{ n: 1 }, { n: 2, id: null }, { n: 3, id: UUID }]))) as {
        json: { id: string }[];
      };
      const ids = made.json.map(({ id }) => id);
      expect(ids[2]).toBe(UUID);
      expect(new Set(ids).size).toBe(3);
      expect(await trial.one('made', ids[0])).toEqual({ json: { id: ids[0], n: 1 } });
    });

    test('and those of time, in their order', async () => {
      const records = places(5).map((n) => ({ whose: 'x', n }));
      for (const one of records) await trial.bench.ask(insert('made_in_time', [one]));
      const rows = (await trial.found('made_in_time', is('whose', '=', 'x'))) as { id: string; n: number }[];
      expect(rows.map(({ n }) => n)).toEqual([0, 1, 2, 3, 4]);
      expect(rows.every(({ id }) => id[14] === '1')).toBe(true);
    });

    test('that look like places of a list', async () => {
      await trial.bench.ask(insert('digits', [{ 1: 7, 2: 'a', n: 1 }]));
      expect(await trial.one('digits', ['a', 7])).toEqual({ json: { 1: 7, 2: 'a', n: 1 } });
      expect(await trial.change('digits', ['a', 7], { n: 2 })).toEqual({ json: { 1: 7, 2: 'a' } });
      expect(await trial.change('digits', ['a', 7], {})).toMatchObject({ code: 'invalid' });
      const [outcome] = await trial.write('digits', { kind: 'merge', key: ['a', 7], members: {}, upsert: false });
      expect(outcome).toEqual({ key: { 1: 7, 2: 'a' }, created: false });
      expect(await trial.bench.outcome(remove('digits', Target.ONE, {}, { keys: [['a', 7]] }))).toMatchObject({
        json: {},
      });
    });

    test('one that is longer than any: nobody has it', async () => {
      const long = '☃'.repeat(30_000);
      expect(await trial.found('plain', is('id', '=', long))).toEqual([]);
      expect(await trial.found('plain', is('id', 'in', long, 'nobody'))).toEqual([]);
      expect(await trial.found('many', is('city', '=', long))).toEqual([]);
    });

    test('one that is empty: nobody has it', async () => {
      expect(await trial.found('plain', is('id', '=', ''))).toEqual([]);
      expect(await trial.found('plain', is('id', 'in', '', 'nobody'))).toEqual([]);
      expect(await trial.bench.outcome(insert('plain', [{ id: '' }]))).toMatchObject({ code: 'invalid' });
    });
  });

  describe('names', () => {
    const odd = JSON.parse(
      '{"a b":"1","q\\"uote":"2","constructor":"3","__proto__":"4","Name":"5","name":"6"}',
    ) as object;

    test('of any kind are written, read and changed', async () => {
      expect(await trial.bench.outcome(insert('Odd', `[{"Id":1,${stringifyJson(odd).slice(1)}]`))).toEqual({
        json: [{ Id: 1 }],
      });
      const { json } = (await trial.one('Odd', 1)) as { json: object };
      expect(Object.entries(json).toSorted()).toEqual([['Id', 1], ...Object.entries(odd)].toSorted());
      for (const name of Object.keys(odd)) {
        expect(await trial.found('Odd', is(name, '=', (odd as Record<string, string>)[name]), 'Id')).toEqual([
          { Id: 1 },
        ]);
        expect(await trial.found('Odd', is(name, '=', 'other'), 'Id')).toEqual([]);
        expect(await trial.change('Odd', 1, `{${JSON.stringify(name)}:"new"}`)).toEqual({ json: { Id: 1 } });
        const changed = (await trial.one('Odd', 1, fields(name))) as { json: Record<string, unknown> };
        expect(Object.entries(changed.json)).toEqual([[name, 'new']]);
      }
      expect(await trial.replace('Odd', 1, { name: 'left' })).toEqual({ json: { Id: 1 } });
      const left = (await trial.one('Odd', 1)) as { json: object };
      expect(
        Object.entries(left.json)
          .filter(([, value]) => value !== null)
          .toSorted(),
      ).toEqual([
        ['Id', 1],
        ['name', 'left'],
      ]);
    });

    test.each(['nothing', 'NAME', 'toString', '"; DROP TABLE plain; --', 'n" = 1; --', 'n.x', '$set', 'fromJson(?)'])(
      'of no column: %s',
      async (name) => {
        await trial.write('plain', { kind: 'replace', key: ['there'], document: { n: 1 }, upsert: true });
        const member = `${JSON.stringify(name)}:1`;
        expect(await trial.bench.outcome(insert('plain', `[{"id":"new",${member}}]`))).toEqual(refusedIn(name));
        expect(await trial.change('plain', 'there', `{${member}}`)).toEqual(refused(name));
        expect(await trial.replace('plain', 'there', `{${member}}`)).toEqual(refused(name));
        expect(await trial.found('plain', is(name, '=', 1))).toEqual([]);
        expect(await trial.found('plain', not(is(name, '=', 1)))).toEqual([]);
        expect(await trial.bench.outcome(read('plain', { ...fields('n'), order: [{ field: name }] }))).toMatchObject({
          json: [{ n: 1 }],
        });
        expect(await trial.one('plain', 'there', fields('n', name))).toMatchObject({ json: { n: 1 } });
        expect(await trial.one('plain', 'new')).toEqual({ code: 'not_found' });
      },
    );
  });

  test.each([
    "'; DROP TABLE plain; --",
    '"; DROP TABLE plain; --',
    "' OR '1'='1",
    '{"$gt":""}',
    'null',
    '0x00',
    'fromJson(?)',
    '\u0000',
    '%',
    '\\',
  ])('CQL in a value is a value: %j', async (value) => {
    await trial.write('plain', { kind: 'replace', key: [value], document: { t: value }, upsert: true });
    expect(await trial.one('plain', value)).toMatchObject({ json: { id: value, t: value } });
    expect(await trial.found('plain', is('id', '=', value), 't')).toEqual([{ t: value }]);
    expect(await trial.found('plain', all(is('t', '=', value), is('id', 'in', value, 'x')), 't')).toEqual([
      { t: value },
    ]);
    expect(await trial.change('plain', value, { t: `${value}!` }, { rowFilter: is('t', '=', value) })).toMatchObject({
      code: 'denied',
    });
    expect(await trial.change('plain', value, { n: 1 }, { rowFilter: is('t', '=', value) })).toEqual({
      json: { id: value },
    });
    expect(await trial.bench.outcome(remove('plain', Target.ONE, {}, { keys: [value] }))).toEqual({
      json: { id: value },
    });
  });

  test('operators are no values', async () => {
    expect(await trial.bench.outcome(insert('plain', [{ id: { $gt: '' } }]))).toMatchObject({ code: 'invalid' });
    expect(await trial.bench.outcome(insert('plain', [{ id: 'x', n: { $gt: '' } }]))).toEqual(refusedIn('n'));
    await trial.bench.ask(insert('plain', [{ id: 'operators' }]));
    expect(await trial.change('plain', 'operators', { n: { $inc: 1 } })).toEqual(refused('n'));
    expect(await trial.change('plain', 'operators', { t: { $set: 'x' } })).toEqual(refused('t'));
  });
});
