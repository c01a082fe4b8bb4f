/** What is pushed and what is left: by cases, and for random documents and filters on a store that can do any part. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { all, any, apart, is, not, read } from '#common/testing/words.ts';
import { Comparator, type Filter } from '#proto/data/v1/data_pb.ts';
import { Bench } from '../conformance/bench.ts';
import type { Document } from '../document.ts';
import type { BoundComparison, Condition, NoSqlEngine, NoSqlSource, Pushdown, StoreTable } from '../engine.ts';
import { predicateOf } from '../residual/evaluate.ts';
import { memory } from '../testing/memory.ts';
import { split } from './split.ts';

const TABLE: StoreTable = { name: 't', key: [], indexes: [], native: undefined };
const compare = (field: string): BoundComparison => ({
  kind: 'compare',
  field,
  comparator: Comparator.EQ,
  operands: [1],
});
const [a, b, x] = [compare('a'), compare('b'), compare('x')];
const allOf = (...of: Condition[]): Condition => ({ kind: 'all', of });
const anyOf = (...of: Condition[]): Condition => ({ kind: 'any', of });
const no = (of: Condition): Condition => ({ kind: 'not', of });
const native: Condition = { kind: 'native', query: { q: 1 } };

/** Knows all fields but x. */
const pushing = (more: Partial<Pushdown> = {}): Pushdown => ({
  ...memory.pushdown,
  compares: ({ field }) => field !== 'x',
  any: true,
  not: true,
  ...more,
});

const CASES: readonly (readonly [
  why: string,
  pushdown: Pushdown,
  condition: Condition | undefined,
  pushed: Condition | undefined,
  residual: Condition | undefined,
])[] = [
  ['nothing', pushing(), undefined, undefined, undefined],
  ['what it knows', pushing(), a, a, undefined],
  ['what it does not', pushing(), x, undefined, x],
  ['parts of AND', pushing(), allOf(a, x, b), allOf(a, b), x],
  ['one part of AND', pushing(), allOf(a, x), a, x],
  ['OR of what it knows', pushing(), anyOf(a, b), anyOf(a, b), undefined],
  ['OR of which it knows a part', pushing(), anyOf(a, x), undefined, anyOf(a, x)],
  ['OR where it has none', pushing({ any: false }), anyOf(a, b), undefined, anyOf(a, b)],
  ['AND in OR', pushing(), anyOf(allOf(a, b), b), anyOf(allOf(a, b), b), undefined],
  ['AND in OR of which it knows a part', pushing(), anyOf(allOf(a, x), b), undefined, anyOf(allOf(a, x), b)],
  ['NOT', pushing(), no(a), no(a), undefined],
  ['NOT of what it does not know', pushing(), no(x), undefined, no(x)],
  ['NOT where it has none', pushing({ not: false }), allOf(no(a), b), b, no(a)],
  ['its own words', pushing({ compares: () => false }), allOf(native, a), native, a],
  ['never', pushing(), anyOf(), anyOf(), undefined],
  ['never, where it has no OR', pushing({ any: false }), anyOf(), undefined, anyOf()],
];
test.each(CASES)('%s', (_, pushdown, condition, pushed, residual) => {
  expect(split(condition, pushdown, TABLE)).toEqual({ pushed, residual });
});

/** Like the store in memory, but it decides what is pushed to it; what is not declared never comes. */
function deciding(source: NoSqlSource, pushdown: Pushdown): NoSqlSource {
  const knows = (condition: Condition): boolean => {
    switch (condition.kind) {
      case 'compare':
        return pushdown.compares(condition, TABLE);
      case 'not':
        return pushdown.not && knows(condition.of);
      case 'native':
        return false;
      default:
        return (condition.kind === 'all' || pushdown.any) && condition.of.every(knows);
    }
  };
  return {
    tables: (...given) => source.tables(...given),
    sample: (...given) => source.sample(...given),
    createTable: (...given) => source.createTable(...given),
    dropTable: (...given) => source.dropTable(...given),
    get: (...given) => source.get(...given),
    write: (...given) => source.write(...given),
    find: async function* (...[table, query, deadline]: Parameters<NoSqlSource['find']>) {
      if (query.condition && !knows(query.condition)) throw new Error('It was asked for what it does not know.');
      const meets = query.condition ? predicateOf(query.condition, pushdown.elements ?? false) : () => true;
      for await (const page of source.find(table, query, deadline)) {
        yield { documents: page.documents.filter((one) => meets(one.members())), next: page.next };
      }
    },
    close: async () => {},
  };
}

const FIELDS = ['a', 'b', 'c.d'];
const value = fc.oneof(
  fc.constantFrom(null, true, false, 0, 1, 2, 10, -1, 1.5),
  fc.constantFrom('', 'a', 'A', 'ab', 'b%', '1', '2', '10', 'true', 'x_y'),
);
const held = fc.oneof({ weight: 4, arbitrary: value }, { weight: 1, arbitrary: fc.array(value, { maxLength: 3 }) });
const document = fc.record(
  { a: held, b: held, c: fc.oneof(held, fc.record({ d: held }, { requiredKeys: [] })) },
  { requiredKeys: [] },
);
const field = fc.constantFrom(...FIELDS);
const comparison: fc.Arbitrary<Filter> = fc.oneof(
  fc
    .tuple(
      field,
      fc.constantFrom('=', '!=', '>', '>=', '<', '<=', 'like', 'contains', 'starts with', 'ends with'),
      value,
    )
    .map(([name, symbol, one]) => is(name, symbol as '=', one)),
  fc.tuple(field, fc.array(value, { minLength: 1, maxLength: 3 })).map(([name, some]) => is(name, 'in', ...some)),
  fc.tuple(field, value, value).map(([name, low, high]) => is(name, 'between', low, high)),
  field.map((name) => is(name, 'is null')),
);
const { tree } = fc.letrec<{ tree: Filter }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    comparison,
    tie('tree').map(not),
    fc.array(tie('tree'), { maxLength: 3 }).map((parts) => all(...parts)),
    fc.array(tie('tree'), { maxLength: 3 }).map((parts) => any(...parts)),
  ),
}));
/** Any part of the comparisons, by field and comparator. */
const pushdown = fc
  .record({
    names: fc.subarray(FIELDS, { minLength: 1 }),
    comparators: fc.subarray(Object.values(Comparator), { minLength: 6 }),
    any: fc.boolean(),
    not: fc.boolean(),
    elements: fc.boolean(),
  })
  .map(
    ({ names, comparators, ...rest }): Pushdown => ({
      ...memory.pushdown,
      ...rest,
      compares: (one) => names.includes(one.field) && comparators.includes(one.comparator as never),
    }),
  );

let store: Bench;
const benchOf = (does: Pushdown): Bench => {
  const engine: NoSqlEngine = { ...memory, pushdown: does };
  return new Bench({ engine, config: { max_scanned: 1_000_000 }, source: deciding(store.source, does) });
};
beforeAll(() => {
  store = new Bench({ engine: memory, config: {} });
});
afterAll(() => store?.close());

test('whatever part the store decides, the answer is that of deciding all of it here', async () => {
  let pushes = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(document, { minLength: 1, maxLength: 12 }),
      tree,
      pushdown,
      async (some, filter, does) => {
        await store.source.createTable('t', [], undefined, undefined as never);
        const writes = some.map((one, id) => ({ kind: 'insert', document: { ...one, id } as Document }) as const);
        await store.source.write(TABLE_OF_ID, writes, true, undefined as never);
        const { filter: bare, parameters } = apart(filter);
        const ask = read('t', { filter: bare, limit: 1000 }, { parameters });
        const whole = benchOf({ ...memory.pushdown, elements: does.elements ?? false });
        const parted = benchOf({ ...does, compares: (...one) => does.compares(...one) && ++pushes > 0 });
        const outcome = await whole.outcome(ask);
        expect(outcome).toHaveProperty('json');
        expect(await parted.outcome(ask)).toEqual(outcome);
      },
    ),
    { numRuns: 1500 },
  );
  // Else nothing was tried.
  expect(pushes).toBeGreaterThan(200);
});

const TABLE_OF_ID: StoreTable = { ...TABLE, key: [{ name: 'id', type: 'any', generated: true }] };

/** What SQL makes of it: undefined is its NULL. */
function verdict(filter: Filter, of: Readonly<Record<string, unknown>>): boolean | undefined {
  const { node } = filter;
  switch (node.case) {
    case 'all': {
      const parts = node.value.filters.map((part) => verdict(part, of));
      return parts.includes(false) ? false : parts.includes(undefined) ? undefined : true;
    }
    case 'any': {
      const parts = node.value.filters.map((part) => verdict(part, of));
      return parts.includes(true) ? true : parts.includes(undefined) ? undefined : false;
    }
    case 'not': {
      const inner = verdict(node.value, of);
      return inner === undefined ? undefined : !inner;
    }
    case 'comparison': {
      const { comparator, operands } = node.value;
      const found = of[node.value.field] ?? null;
      if (comparator === Comparator.IS_NULL) return found === null;
      const numbers = operands.map(({ kind }) =>
        kind.case === 'value' && kind.value.kind.case === 'number' ? Number(kind.value.kind.value) : null,
      );
      if (found === null) return undefined;
      if (comparator === Comparator.IN) {
        return numbers.includes(found as number) ? true : numbers.includes(null) ? undefined : false;
      }
      const [low = null, high = null] = numbers;
      if (low === null) return undefined;
      const one = found as number;
      switch (comparator) {
        case Comparator.EQ:
          return one === low;
        case Comparator.NE:
          return one !== low;
        case Comparator.GT:
          return one > low;
        case Comparator.LE:
          return one <= low;
        case Comparator.BETWEEN:
          return high === null ? undefined : one >= low && one <= high;
      }
    }
  }
  throw new Error('No such filter is drawn.');
}

test('NULL is the one of SQL, however deep NOT, AND and OR are in each other', async () => {
  const number = fc.option(fc.integer({ min: 0, max: 3 }), { nil: null });
  const name = fc.constantFrom('a', 'b');
  const one: fc.Arbitrary<Filter> = fc.oneof(
    fc.tuple(name, fc.constantFrom('=', '!=', '>', '<='), number).map(([f, symbol, n]) => is(f, symbol as '=', n)),
    fc.tuple(name, fc.array(number, { minLength: 1, maxLength: 3 })).map(([f, some]) => is(f, 'in', ...some)),
    // SQL says false of a NULL end where the other one excludes the value; here both ends must be there.
    fc.tuple(name, fc.nat(3), fc.nat(3)).map(([f, low, high]) => is(f, 'between', low, high)),
    name.map((f) => is(f, 'is null')),
  );
  const { deep } = fc.letrec<{ deep: Filter }>((tie) => ({
    deep: fc.oneof(
      { maxDepth: 5 },
      one,
      tie('deep').map(not),
      fc.array(tie('deep'), { maxLength: 3 }).map((parts) => all(...parts)),
      fc.array(tie('deep'), { maxLength: 3 }).map((parts) => any(...parts)),
    ),
  }));
  const row = fc.record({ a: number, b: number }, { requiredKeys: [] });
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 10 }), deep, async (rows, filter) => {
      await store.source.createTable('t', [], undefined, undefined as never);
      const writes = rows.map((each, id) => ({ kind: 'insert', document: { ...each, id } as Document }) as const);
      await store.source.write(TABLE_OF_ID, writes, true, undefined as never);
      const { json } = (await benchOf(memory.pushdown).outcome(read('t', { filter, limit: 1000 }))) as {
        json: { id: number }[];
      };
      const expected = rows.flatMap((each, id) => (verdict(filter, each) === true ? [id] : []));
      expect(json.map(({ id }) => id)).toEqual(expected);
    }),
    { numRuns: 600 },
  );
});
