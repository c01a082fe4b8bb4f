/** What every engine of this tier does the same, tried on a real database. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ServiceConfig } from '#common/engine.ts';
import type { Ask, Outcome } from '#common/testing/bench.ts';
import { apart, fields, insert, read, remove } from '#common/testing/words.ts';
import { type Filter, Target } from '#proto/data/v1/data_pb.ts';
import { quoteName } from '../compile/builder.ts';
import type { Dialect } from '../dialect.ts';
import type { SqlEngine } from '../engine.ts';
import { tryAlter } from './alter.ts';
import { Bench } from './bench.ts';
import { buildCompany, define, drop, ITEMS } from './company.ts';
import { tryManyAtOnce } from './crowd.ts';
import { FAILING_FILTERS, FILTER_CASES } from './filter-cases.ts';
import { tryFunctions } from './functions.ts';
import { tryImports } from './imports.ts';
import { tryOthers } from './others.ts';
import { FAILING_READS, READ_CASES } from './read-cases.ts';
import { tryRelatedWrites } from './related-writes.ts';
import { trySchema } from './schema-cases.ts';
import { tryStreams } from './streams.ts';
import { type TypeTable, tryTypes } from './types.ts';
import { tryValues, type ValueCase } from './values.ts';
import { BEFORE, CREATE_CASES, DELETE_CASES, UPDATE_CASES, UPSERT_CASES, type WriteCase } from './write-cases.ts';

export interface Subject {
  readonly engine: SqlEngine;
  /** Settings of a service of an empty database; asked for once the suite begins. */
  readonly config: () => Promise<ServiceConfig>;
  /** Types of its own: how a value that is written comes back. */
  readonly values: readonly ValueCase[];
  readonly types: TypeTable;
}

/** A view, names that only quotes make possible, a reference of two columns: the same SQL for every engine but for its quotes. */
function byHand(dialect: Dialect): string[] {
  const quoted = (name: string): string => quoteName(name, dialect);
  const columns = `${quoted('Mixed Case')} integer primary key, ${quoted('select')} varchar(10), ${quoted('dot.ted')} integer`;
  const references = 'foreign key (a, b) references pair (a, b), foreign key (dept_id) references dept (id)';
  return [
    'create view elder as select id, name from emp where age > 40',
    `create table ${quoted('Odd "Table"')} (${columns})`,
    `insert into ${quoted('Odd "Table"')} values (1, 'a', null), (2, 'b', 3)`,
    `create table paired (id integer primary key, a integer, b varchar(20), dept_id integer, ${references})`,
    `insert into paired values (1, 1, 'x', 2)`,
  ];
}

export function tryEngine({ engine, config, values, types }: Subject): void {
  const { dialect } = engine;
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-conformance-'));
  let settings: ServiceConfig;
  let bench: Bench;
  const open = (more: ServiceConfig = {}): Bench => new Bench({ engine, config: { ...settings, ...more }, dataDir });

  beforeAll(async () => {
    settings = await config();
    const first = open();
    await buildCompany(first);
    await first.sql(...byHand(dialect));
    await first.close();
    bench = open();
  });
  afterAll(async () => {
    await bench.close();
    rmSync(dataDir, { recursive: true });
  });

  describe('reads', () => tryReads(() => bench, dialect));
  describe('writes', () => {
    tryWrites(
      () => bench,
      [
        ['create', CREATE_CASES(dialect)],
        ['update', UPDATE_CASES],
        ['delete', DELETE_CASES],
      ],
    );
  });
  describe('writes where records may be created on the way', () => {
    let allowing: Bench;
    beforeAll(() => {
      allowing = open({ allow_upsert: true });
    });
    afterAll(() => allowing.close());
    tryWrites(() => allowing, [['upsert', UPSERT_CASES]]);
  });
  describe('values', () => tryValues(() => bench, values));
  describe('simple types', () => tryTypes(() => bench, types));
  describe('many at once', () => tryManyAtOnce(() => bench));
  describe('schema', () => trySchema(() => bench, open));
  describe('schema, changed', () => tryAlter(() => bench));
  describe('schema, changed by others', () => {
    tryOthers(() => new Bench({ engine, config: settings, dataDir, watchIntervalMs: 20 }));
  });
  describe('sizes', () => trySizes(() => bench));
  describe('streams', () => tryStreams(() => bench));
  describe('imports', () => tryImports(() => bench));
  describe('writes with related records', () => tryRelatedWrites(() => bench));
  describe('functions of fields', () => tryFunctions(() => bench));
  describe('pages where the service shows fewer', () => tryPages(open));
}

function tryReads(bench: () => Bench, dialect: Dialect): void {
  test.each(READ_CASES(dialect))('$why', async ({ ask, gives, ...meta }) => {
    const { why: _, ...told } = meta;
    expect(await bench().outcome(ask)).toEqual({ json: gives, ...told });
  });
  test.each(FAILING_READS)('$why', async ({ ask, fails }) => {
    expect(await bench().outcome(ask)).toEqual(fails);
  });
  describe.each(['in the shape', 'beside the shape'])('conditions, values %s', (where) => {
    const asked = (filter: Filter): Ask => {
      const one = where === 'in the shape' ? { filter, parameters: [] } : apart(filter);
      return read(
        'emp',
        { filter: one.filter, order: [{ field: 'id' }], ...fields('id') },
        { parameters: one.parameters },
      );
    };
    test.each(FILTER_CASES)('%s', async (_, filter, ids) => {
      expect(await bench().outcome(asked(filter))).toEqual({ json: ids.map((id) => ({ id })) });
    });
    test.each(FAILING_FILTERS)('%s', async (_, filter, field) => {
      expect(await bench().outcome(asked(filter))).toEqual({ code: 'invalid', field });
    });
  });
}

function tryWrites(bench: () => Bench, groups: readonly (readonly [string, readonly WriteCase[]])[]): void {
  beforeEach(async () => {
    await bench().ask(remove('item', Target.FILTER, { everything: true }));
    await bench().ask(insert('item', ITEMS));
  });
  const items = async (): Promise<unknown> => {
    const { json } = (await bench().outcome(read('item', { order: [{ field: 'id' }] }))) as { json: Item[] };
    return json.map(({ id, name, qty }) => [id, name, qty]);
  };
  describe.each(groups)('%s', (_, cases) => {
    test.each(cases)('$why', async ({ ask, gives, left = BEFORE }) => {
      expect(await bench().outcome(ask)).toEqual(gives);
      expect(await items()).toEqual(left);
    });
  });
}

/** Records that together are more than one answer may hold; a text of some engines holds 64 KiB. */
function trySizes(bench: () => Bench): void {
  const PAD = 'x'.repeat(60_000);
  const PADS = ['a', 'b', 'c', 'd', 'e'];
  const COPIES = 500;
  const AT_ONCE = 10;
  const TABLE = {
    name: 'heavy',
    field: [{ name: 'id', type: 'integer', is_primary_key: true }, ...PADS.map((name) => ({ name, type: 'text' }))],
  };
  const record = (id: number): object => ({ id, ...Object.fromEntries(PADS.map((name) => [name, PAD])) });

  test('an answer that is too large is refused, and others go on', async () => {
    await bench().ask(define([TABLE]));
    for (let id = 0; id < COPIES; id += AT_ONCE) {
      await bench().ask(
        insert(
          'heavy',
          Array.from({ length: AT_ONCE }, (_, i) => record(id + i)),
        ),
      );
    }
    expect(await bench().outcome(read('heavy'))).toEqual({ code: 'invalid' });
    expect(await bench().outcome(read('heavy', fields('id')))).toMatchObject({ json: { length: COPIES } });
    let bytes = 0;
    for await (const piece of bench().stream(read('heavy', { everything: true, ...fields('a') })))
      bytes += piece.length;
    expect(bytes).toBe(COPIES * (PAD.length + '{"a":""}\n'.length));
    await bench().ask(drop(Target.ONE, 'heavy'));
  });
}

interface Item {
  readonly id: number;
  readonly name: string;
  readonly qty: number | null;
}

/** Five records, three of them on a page. */
function tryPages(open: (config: ServiceConfig) => Bench): void {
  const CASES: readonly [why: string, limit: number, offset: number, outcome: Outcome][] = [
    ['the first page', 0, 0, { json: ids(1, 2, 3), count: 5, next: 3 }],
    ['the last page', 0, 3, { json: ids(4, 5), count: 5 }],
    ['a page that ends with the last record', 0, 2, { json: ids(3, 4, 5), count: 5 }],
    ['behind the end', 0, 9, { json: [], count: 5 }],
    ['a limit above the most', 9, 0, { json: ids(1, 2, 3), count: 5, next: 3 }],
    ['a limit above the most on the last page', 9, 3, { json: ids(4, 5), count: 5 }],
    ['as many as asked for', 2, 0, { json: ids(1, 2) }],
    ['as many as asked for, and no more', 3, 0, { json: ids(1, 2, 3) }],
  ];
  let bench: Bench;
  beforeAll(() => {
    bench = open({ max_records: 3 });
  });
  afterAll(() => bench.close());
  test.each(CASES)('%s', async (_, limit, offset, outcome) => {
    expect(await bench.outcome(read('emp', { limit, offset, order: [{ field: 'id' }], ...fields('id') }))).toEqual(
      outcome,
    );
  });
}

const ids = (...list: number[]) => list.map((id) => ({ id }));
