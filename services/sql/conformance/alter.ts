/** Fields that exist, made otherwise through `_schema`; where the engine cannot, it says so and nothing has happened. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Ask, Failure, Success } from '#common/testing/bench.ts';
import { allFields, insert, read } from '#common/testing/words.ts';
import { DefineMode, PartKind, Target } from '#proto/data/v1/data_pb.ts';
import type { Bench } from './bench.ts';
import { define, describeFields, drop } from './company.ts';

const nullable = { allow_null: true };
const TABLE = {
  name: 'moves',
  field: [
    { name: 'id', type: 'id' },
    { name: 'name', type: 'string', length: 10, default: 'x' },
    { name: 'code', type: 'string', length: 8, ...nullable },
    { name: 'qty', type: 'integer', default: 3, ...nullable },
    { name: 'price', type: 'decimal', precision: 8, scale: 2, ...nullable },
    { name: 'yes', type: 'boolean', default: true },
    { name: 'at', type: 'datetime', ...nullable },
    { name: 'empty', type: 'string', ...nullable },
  ],
};
const RECORD = { name: 'nine chars', code: '12', qty: 7, price: 1.5, at: '2024-02-29 23:59:58', empty: null };

const change = (name: string, definition: object, mode: DefineMode = DefineMode.MERGE): Ask => ({
  action: { case: 'defineParts', value: { table: 'moves', kind: PartKind.FIELD, name, mode } },
  records: definition,
});

interface Change {
  readonly why: string;
  readonly field: string;
  readonly to: object;
  /** What the description shows then. */
  readonly shows: object;
  /** The value of the record then, where it is another one. */
  readonly value?: unknown;
}

/** One after the other. */
const CHANGES: readonly Change[] = [
  { why: 'a longer text', field: 'name', to: { length: 40 }, shows: { length: 40, default: 'x', allow_null: false } },
  { why: 'a shorter text that still fits', field: 'name', to: { length: 12 }, shows: { length: 12 } },
  {
    why: 'text to number',
    field: 'code',
    to: { type: 'integer' },
    shows: { type: 'integer', allow_null: true },
    value: 12,
  },
  { why: 'number to text', field: 'code', to: { type: 'string', length: 20 }, shows: { length: 20 }, value: '12' },
  { why: 'a wider number', field: 'qty', to: { type: 'bigint' }, shows: { type: 'bigint', default: 3 } },
  {
    why: 'more digits',
    field: 'price',
    to: { precision: 12, scale: 3 },
    shows: { precision: 12, scale: 3 },
    value: 1.5,
  },
  { why: 'NULL no longer', field: 'code', to: { allow_null: false }, shows: { allow_null: false, required: true } },
  { why: 'NULL from now on', field: 'yes', to: { allow_null: true }, shows: { allow_null: true, default: true } },
  { why: 'another default', field: 'name', to: { default: "it's" }, shows: { default: "it's", length: 12 } },
  { why: 'no default', field: 'qty', to: { default: null }, shows: { default: null, type: 'bigint' } },
  { why: 'a default of false', field: 'yes', to: { default: 'false' }, shows: { default: false } },
  {
    why: 'a clock as default',
    field: 'at',
    to: { default: { expression: 'CURRENT_TIMESTAMP' } },
    shows: { default: { expression: expect.stringMatching(/^current_timestamp/i) } },
  },
  {
    why: 'all at once',
    field: 'qty',
    to: { type: 'string', length: 9, allow_null: false, default: 'none' },
    shows: { type: 'string', length: 9, allow_null: false, default: 'none' },
    value: '7',
  },
];

interface Refused {
  readonly why: string;
  readonly field: string;
  readonly to: object;
  readonly code?: string;
}
/** By those that can alter: the values that are there do not allow it, or nobody could. */
const REFUSED: readonly Refused[] = [
  { why: 'too short for a value', field: 'name', to: { length: 4 } },
  { why: 'no number', field: 'name', to: { type: 'integer' } },
  { why: 'NULL is there', field: 'empty', to: { allow_null: false } },
  { why: 'a type that there is not', field: 'empty', to: { type: 'gizmo' } },
  { why: 'a type that nobody has', field: 'empty', to: { type: 'object' } },
  { why: 'a default that does not fit', field: 'at', to: { default: 'yesterday evening' } },
  { why: 'a key that may be empty', field: 'id', to: { allow_null: true } },
  { why: 'a key later', field: 'name', to: { is_primary_key: true } },
];

export function tryAlter(bench: () => Bench): void {
  const described = async (field: string): Promise<Record<string, unknown>> => {
    const { json } = (await bench().outcome(describeFields('moves', field))) as Success;
    return (json as Record<string, unknown>[])[0] as Record<string, unknown>;
  };
  const record = async (): Promise<Record<string, unknown>> => {
    const { json } = (await bench().outcome(read('moves', allFields))) as Success;
    return (json as Record<string, unknown>[])[0] as Record<string, unknown>;
  };
  beforeAll(async () => {
    await bench().ask(define([TABLE]));
    await bench().ask(insert('moves', [RECORD]));
  });
  afterAll(async () => {
    await bench().ask(drop(Target.ONE, 'moves'));
  });

  test.each(CHANGES)('$why', async ({ field, to, shows, value }) => {
    const [before, was] = [await described(field), await record()];
    const outcome = await bench().outcome(change(field, to));
    if (bench().dialect.alters.column) {
      expect(outcome).toEqual({ json: [] });
      expect(await described(field)).toMatchObject(shows);
      expect(await record()).toEqual({ ...was, ...(value !== undefined && { [field]: value }) });
    } else {
      expect(outcome).toEqual({ code: 'unsupported', field });
      expect(await described(field)).toEqual(before);
    }
  });

  test.each(REFUSED)('not: $why', async ({ field, to }) => {
    const before = await described(field);
    const outcome = (await bench().outcome(change(field, to))) as Failure;
    expect(outcome.field).toBe(field);
    expect(outcome.code).toEqual(
      bench().dialect.alters.column ? 'invalid' : expect.stringMatching(/invalid|unsupported/),
    );
    expect(await described(field)).toEqual(before);
  });

  test('what a description shows can be sent back, by every verb', async () => {
    const describe: Ask = { action: { case: 'describeTables', value: { tables: ['moves'], target: Target.ONE } } };
    const before = ((await bench().outcome(describe)) as Success).json;
    for (const mode of [DefineMode.CREATE, DefineMode.REPLACE, DefineMode.MERGE] as const) {
      expect(await bench().outcome(define(before, mode, 'moves'))).toEqual({ json: { name: 'moves' } });
      expect(((await bench().outcome(describe)) as Success).json).toEqual(before);
    }
  });

  test('a new field that must have a value, while there are records', async () => {
    const added = (name: string, more: object): Ask => change(name, { type: 'integer', ...more }, DefineMode.CREATE);
    expect(await bench().outcome(added('with_default', { default: 4 }))).toEqual({ json: [] });
    expect(await record()).toMatchObject({ with_default: 4 });
    const bare = await bench().outcome(added('without', {}));
    // Some fill in a zero of their own.
    if ('json' in bare) expect(await record()).toMatchObject({ without: 0 });
    else expect(bare).toEqual({ code: 'invalid', field: 'without' });
  });
}
