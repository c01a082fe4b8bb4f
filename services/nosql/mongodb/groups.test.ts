/** Groups by the store are those that would be made here, whatever is stored. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fields, insert, is, read } from '#common/testing/words.ts';
import { DefineMode } from '#proto/data/v1/data_pb.ts';
import { whyNot } from '../../../deploy/testing/available.ts';
import { type RunningMongo, startMongo } from '../../../deploy/testing/mongodb.ts';
import { Bench } from '../conformance/bench.ts';
import type { NoSqlEngine, NoSqlSource } from '../engine.ts';
import { engine } from './index.ts';

/** As the wire has them: a text goes as it is. */
const VALUES = [
  ...['1', '2', '2', '1.0', '2.5', '0.1', '0.2', '-7', '9007199254740993', '4611686018427387904', 'null'],
  ...['"a"', '"A"', '"é"', '"ß"', '"z"', '""', '"1"', 'true', 'false', '[1,2]', '[]', '{"x":1}'],
  ...['{"$date":"2024-01-31T10:00:00Z"}', '{"$date":"2024-01-31T10:00:00.5Z"}', '{"$oid":"65f000000000000000000001"}'],
  ...[
    '{"$numberDecimal":"1.0"}',
    '{"$numberDecimal":"0.3"}',
    '{"$numberDouble":"NaN"}',
    '{"$uuid":"00112233-4455-6677-8899-aabbccddeeff"}',
  ],
];

/** Each tells of records: what they are grouped by, and what they hold. */
const SETS: Readonly<Record<string, readonly (readonly [by: string | undefined, value: string | undefined])[]>> = {
  whole: [
    ['"x"', '1'],
    ['"x"', '2'],
    ['"y"', '3'],
    ['"y"', undefined],
    [undefined, '4'],
    ['null', '5'],
  ],
  long: [
    ['1', '9007199254740993'],
    ['1', '9007199254740993'],
    ['2', '4611686018427387904'],
    ['2', '4611686018427387904'],
  ],
  texts: [
    ['true', '"b"'],
    ['true', '"ß"'],
    ['true', '"z"'],
    ['false', '"B"'],
    ['false', 'null'],
  ],
  fractions: [
    ['1', '0.1'],
    ['1', '0.2'],
    ['2', '2.5'],
    ['2', '1'],
  ],
  'numbers and texts': [
    ['1', '1'],
    ['1', '"a"'],
    ['2', '"a"'],
    ['2', '5'],
  ],
  'numbers alike': [
    ['1', '7'],
    ['1.0', '8'],
    ['1.5', '9'],
  ],
  dates: VALUES.filter((one) => one.includes('$date')).map((value) => [value, value]),
  identifiers: [['{"$oid":"65f000000000000000000001"}', '{"$oid":"65f000000000000000000002"}']],
  everything: VALUES.flatMap(
    (by, i) =>
      [
        [by, VALUES[(i * 7) % VALUES.length]],
        [by, undefined],
      ] as const,
  ),
};
/** Those that the store answers, as every value in them is the same to both. */
const PUSHED = ['whole', 'texts', 'numbers alike', 'dates', 'identifiers'];
const { groups: _, ...withoutGroups } = engine.pushdown;
const here: NoSqlEngine = { ...engine, pushdown: withoutGroups };

describe.skipIf(whyNot('mongodb'))('groups of MongoDB', () => {
  let server: RunningMongo;
  let pushing: Bench;
  let counting: Bench;
  let answered: unknown[] = [];
  /** Others that speak the protocol of MongoDB may not: then all groups are made here. */
  let canGroup = false;

  beforeAll(async () => {
    server = await startMongo();
    const config = { dsn: server.url, database: server.newDatabase() };
    pushing = new Bench({ engine, config });
    const source: NoSqlSource = pushing.source;
    const group = source.group?.bind(source);
    source.group = async (...asked) => {
      const found = await group?.(...asked);
      answered.push(found !== undefined);
      return found;
    };
    counting = new Bench({ engine: here, config, source });
    const value = { mode: DefineMode.CREATE };
    await pushing.ask({ action: { case: 'defineTables', value }, records: [{ name: 'many' }] });
    for (const [set, records] of Object.entries(SETS)) {
      const texts = records.map(([by, of]) => {
        const members = [`"set":${JSON.stringify(set)}`, by && `"by":${by}`, of && `"of":${of}`];
        return `{${members.filter(Boolean).join(',')}}`;
      });
      await pushing.ask({ ...insert('many', []), records: `[${texts.join(',')}]` });
    }
    await pushing.ask(read('many', { group: ['set'], ...fields('set') }));
    canGroup = answered.at(-1) === true;
  }, 60_000);
  afterAll(async () => {
    await pushing?.close();
    await server?.stop();
  });

  const asked = (set: string, ...names: string[]) =>
    read('many', { group: ['by'], filter: is('set', '=', set), ...fields('by', ...names) });
  const inSomeOrder = (outcome: unknown): unknown => {
    const { json, ...rest } = outcome as { json?: object[] };
    return { ...rest, json: json?.map((row) => JSON.stringify(row)).toSorted() };
  };
  const ALL = ['COUNT(*)', 'COUNT(of)', 'SUM(of)', 'AVG(of)', 'MIN(of)', 'MAX(of)'];

  test.each(Object.keys(SETS))('%s', async (set) => {
    answered = [];
    for (const names of [ALL, ...ALL.map((one) => [one])]) {
      const [there, own] = [await pushing.outcome(asked(set, ...names)), await counting.outcome(asked(set, ...names))];
      expect(inSomeOrder(there)).toEqual(inSomeOrder(own));
    }
    expect(answered).toHaveLength(1 + ALL.length);
    if (PUSHED.includes(set)) expect(new Set(answered)).toEqual(new Set([canGroup]));
    else expect(answered).toContain(false);
  });

  test.each([
    ['the whole table is one group less', ['set'], 'pushed'],
    ['members of members', ['a.b'], 'residual'],
    ['the identifier', ['_id'], 'residual'],
  ] as const)('the plan: %s', async (_, group, place) => {
    const { json } = (await pushing.outcome(read('many', { group: [...group], explain: true }))) as { json: object };
    expect(json).toMatchObject({ group: place, scan: place === 'residual' });
  });

  test('a group that the store made costs nothing of what may be read', async () => {
    const little = new Bench({ engine, config: { max_scanned: 1 }, source: pushing.source });
    const outcome = await little.outcome(read('many', { group: ['set'], ...fields('set') }));
    const sets = Object.keys(SETS).map((set) => ({ set }));
    expect(outcome).toEqual(canGroup ? { json: expect.arrayContaining(sets) } : { code: 'invalid' });
    expect(await little.outcome(asked('fractions', 'SUM(of)'))).toEqual({ code: 'invalid' });
  });
});
