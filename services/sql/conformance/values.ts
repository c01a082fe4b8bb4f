/** Columns of an engine's own types: what is written comes back, in the terms of JSON. */
import { expect, test } from 'vitest';
import type { Ask, Failure } from '#common/testing/bench.ts';
import { fields, insert, is, read, remove, update } from '#common/testing/words.ts';
import { Target } from '#proto/data/v1/data_pb.ts';
import type { Bench } from './bench.ts';

/**
 * `declared`: the column's type in the engine's own words. `sent` and `shown` are JSON texts, so that no digit is lost
 * on the way; undefined: not given. `shown` may be the code of a refusal.
 */
export interface ValueCase {
  readonly why: string;
  readonly declared: string;
  readonly sent: string | undefined;
  readonly shown: string | { readonly refused: string };
  /** SQL in front of the table. */
  readonly first?: string;
  /** Equal to itself in a condition; a value that is shown otherwise than it is stored may not be. */
  readonly isFound?: boolean;
}

const textOf = async (bench: Bench, ask: Ask): Promise<string> => Buffer.from((await bench.ask(ask)).json).toString();

export function tryValues(bench: () => Bench, cases: readonly ValueCase[]): void {
  let tables = 0;
  test.each(cases)('$why: $declared', async ({ declared, sent, shown, first, isFound = true }) => {
    tables += 1;
    const table = `value_${tables}`;
    await bench().sql(...(first ? [first] : []), `create table ${table} (id integer primary key, v ${declared})`);
    await bench().ask({
      action: { case: 'describeTables', value: { tables: [table], target: Target.ONE, refresh: true } },
    });
    const record = sent === undefined ? '{"id":1}' : `{"id":1,"v":${sent}}`;
    const written = insert(table, `[${record}]`, fields('v'));
    if (typeof shown !== 'string') {
      const { batch } = (await bench().outcome(written)) as Failure;
      expect(batch).toEqual([expect.objectContaining({ code: shown.refused })]);
      return;
    }
    const answer = `{"v":${shown}}`;
    expect(await textOf(bench(), written)).toBe(`[${answer}]`);
    const one = fields('v');
    expect(await textOf(bench(), read(table, { target: Target.ONE, ...one }, { keys: [1] }))).toBe(answer);
    if (sent === undefined || shown === 'null') return;
    // What was shown can be sent back, alone and among many.
    expect(await textOf(bench(), update(table, Target.ONE, `{"v":${shown}}`, one, { keys: [1] }))).toBe(answer);
    await bench().ask(remove(table, Target.FILTER, { everything: true }));
    const many = Array.from({ length: 40 }, (_, i) => `{"id":${i + 1},"v":${shown}}`).join();
    expect(await textOf(bench(), insert(table, `[${many}]`, one))).toBe(`[${Array(40).fill(answer).join()}]`);
    await bench().ask(remove(table, Target.FILTER, { everything: true }));
    const lines = Array.from({ length: 40 }, (_, i) => `{"id":${i + 1},"v":${shown}}`);
    expect(await bench().import(insert(table, undefined), [lines])).toEqual({ json: { count: 40 } });
    expect(await textOf(bench(), read(table, one))).toBe(`[${Array(40).fill(answer).join()}]`);
    if (!isFound) return;
    const value: unknown = shown.startsWith('"') ? JSON.parse(shown) : shown;
    for (const filter of [is('v', '=', value), is('v', 'in', value)]) {
      expect(await textOf(bench(), read(table, { filter, countOnly: true }))).toBe('40');
    }
  });
}
